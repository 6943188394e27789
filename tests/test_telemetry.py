"""Logs hold tracebacks where something broke, and no secret with them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.telemetry import Event, log, set_up_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def breaks() -> None:
    token = "xoxb-" + "hunter2"
    raise RuntimeError(f"no good: {len(token)}")


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_traceback_is_logged_without_the_local_variables(
    style: str, is_ours: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tokens are local variables of what calls the chats; libraries log through the same handler."""
    set_up_logging(style)

    try:
        breaks()
    except RuntimeError as error:
        if is_ours:
            log().error(Event.LOOP_CRASHED, exc_info=error)
        else:
            logging.getLogger("aiohttp.server").exception("it broke")

    logged = capsys.readouterr().err
    assert "RuntimeError: no good: 12" in logged
    assert "in breaks" in logged
    assert "hunter2" not in logged.replace('"hunter2"', "")  # the source line itself is no secret
