"""The paces that the worker keeps, against what the chats say that they bear."""

from __future__ import annotations

import pytest

from bot.wiring.app import PACES


@pytest.mark.parametrize("verb", ["post", "edit"])
def test_replicas_together_never_send_discord_more_than_five_in_five_seconds(verb: str) -> None:
    pace = PACES["discord", verb]

    assert pace.burst + pace.per_second * 5 <= 5
