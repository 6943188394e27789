"""What the log says of chats whose commands do not come in."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.tasks import end
from bot.wiring.chats import _heard


async def listened(*, is_cut: bool) -> None:
    """A connection that is cut, or that we close ourselves."""
    note = _heard("slack")
    try:
        await asyncio.sleep(0 if is_cut else 60)
    finally:
        note(False)


@pytest.mark.parametrize(("is_cut", "events"), [(True, ["chat.deaf"]), (False, [])])
async def test_a_stop_in_order_is_no_warning_that_commands_do_not_come_in(
    is_cut: bool, events: list[str]
) -> None:
    with capture_logs() as logs:
        listening = asyncio.create_task(listened(is_cut=is_cut))
        await asyncio.sleep(0.01)
        await end([listening])

    assert [line["event"] for line in logs] == events
