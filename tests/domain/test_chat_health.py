"""A chat is left after two minutes of failing and trusted again after five of health; a flapping one drags nobody about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.failover import ChatHealth, after_call, judged, stands_in_for
from bot.domain.routing import Group, Mode
from tests.build import at

OPS = Group(name="ops", mode=Mode.FIRST_UP, channels=("slack:C1", "discord:1"))


def lived(*calls: tuple[float, bool]) -> ChatHealth:
    """The health after calls at these minutes."""
    health = ChatHealth()
    for minutes, ok in calls:
        health = after_call(health, ok=ok, now=at(minutes))
    return health


@pytest.mark.parametrize(
    ("calls", "is_away", "why"),
    [
        ([(0, True)], False, "it works"),
        ([(0, False)], False, "one failure is nothing"),
        ([(0, False), (1.9, False)], False, "not yet two minutes"),
        ([(0, False), (2, False)], True, "two minutes without a success"),
        ([(0, False), (1, True), (2.5, False)], False, "a success in between starts the count again"),
        ([(0, False), (2, False), (3, True)], True, "one success does not bring it back"),
        ([(0, False), (2, False), (3, True), (7.9, True)], True, "not yet five minutes"),
        ([(0, False), (2, False), (3, True), (8, True)], False, "five minutes of health"),
        ([(0, False), (2, False), (3, True), (7, False), (8, True)], True, "it failed in between"),
    ],
)
def test_when_a_chat_is_away(calls: list[tuple[float, bool]], is_away: bool, why: str) -> None:
    assert lived(*calls).is_away is is_away, why


@pytest.mark.parametrize(
    ("calls", "is_away", "why"),
    [
        (
            [(0, False, True), (1, True, False), (2, False, True)],
            True,
            "edits that work do not help new messages",
        ),
        ([(0, False, True), (1, True, True), (2, False, True)], False, "a message arrived"),
        (
            [(0, False, False), (1, True, False), (2, False, False)],
            False,
            "only edits failed, and one worked",
        ),
        ([(0, False, True), (2, False, True), (3, True, False), (8, True, False)], True, "still no message"),
    ],
)
def test_what_failed_to_post_must_post_again(
    calls: list[tuple[float, bool, bool]], is_away: bool, why: str
) -> None:
    health = ChatHealth()
    for minutes, ok, is_post in calls:
        health = after_call(health, ok=ok, now=at(minutes), is_post=is_post)

    assert health.is_away is is_away, why


def test_time_alone_leaves_and_returns() -> None:
    failing = lived((0, False))
    away = judged(failing, at(2))
    healthy = after_call(away, ok=True, now=at(10))

    assert (away.is_away, away.away_since) == (True, at(0))
    assert judged(healthy, at(15)) == ChatHealth()
    assert judged(healthy, at(15) - timedelta(seconds=1)).is_away


def test_the_next_channel_of_the_group_stands_in() -> None:
    health = {"slack": lived((0, False), (2, False))}

    assert stands_in_for("discord:1", [OPS], health) == ("slack", at(0))
    assert stands_in_for("slack:C1", [OPS], health) is None
    assert stands_in_for("discord:1", [OPS], {}) is None
    assert stands_in_for("discord:1", [Group(name="all", channels=OPS.channels)], health) is None
