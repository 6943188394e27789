"""The paces that the worker keeps, against what the chats say that they bear."""

from __future__ import annotations

import pytest

from bot.wiring.app import PACES


@pytest.mark.parametrize("verb", ["post", "edit"])
def test_replicas_together_never_send_discord_more_than_five_in_five_seconds(verb: str) -> None:
    pace = PACES["discord", verb]

    assert pace.burst + pace.per_second * 5 <= 5


def test_replicas_together_never_edit_more_than_fifty_messages_of_a_slack_workspace_in_a_minute() -> None:
    pace = PACES["slack", "edit"]

    assert pace.is_shared
    assert pace.burst + pace.per_second * 60 <= 50


def test_an_update_that_twenty_slack_channels_heard_of_is_edited_there_at_once() -> None:
    """The pace is for storms: it must not be felt while little goes on."""
    assert PACES["slack", "edit"].burst >= 20
