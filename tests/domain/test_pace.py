"""How soon a source is looked at again: a row for each rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.incident import Incident
from bot.domain.pace import Paces, Signals, interval, is_lively
from bot.domain.words import Impact, Kind, Status
from tests.build import at

PACES = Paces(idle=timedelta(seconds=60), live=timedelta(seconds=10), boost=timedelta(seconds=5))
NOW = at(0)


@pytest.mark.parametrize(
    ("signals", "seconds"),
    [
        (Signals(), 60),
        (Signals(live_at=at(0)), 10),
        (Signals(live_at=at(-9)), 10),  # corrections come soon after the end
        (Signals(live_at=at(-11)), 60),
        (Signals(suspected_at=at(-14)), 5),
        (Signals(suspected_at=at(-16)), 60),
        (Signals(suspected_at=at(0), live_at=at(0)), 5),
        (Signals(pushed_at=at(-60 * 24 * 30)), 300),  # a push bounds nothing, a look now and then does
        (Signals(pushed_at=at(0), live_at=at(0)), 10),
        (Signals(changed_at=at(-60 * 24 * 6)), 60),
        (Signals(changed_at=at(-60 * 24 * 8)), 120),  # always quiet
        (Signals(changed_at=at(-60 * 24 * 8), live_at=at(0)), 10),
    ],
)
def test_the_pace_follows_what_goes_on(signals: Signals, seconds: int) -> None:
    assert interval(PACES, signals, NOW) == timedelta(seconds=seconds)


def test_no_hurry_makes_a_source_slower_than_it_was_configured() -> None:
    quick = Paces(idle=timedelta(seconds=2), live=timedelta(seconds=10), boost=timedelta(seconds=5))

    assert interval(quick, Signals(live_at=NOW), NOW) == timedelta(seconds=2)
    assert interval(quick, Signals(suspected_at=NOW), NOW) == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("status", "kind", "silent_h", "expected"),
    [
        (Status.INVESTIGATING, Kind.INCIDENT, 1, True),
        (Status.INVESTIGATING, Kind.INCIDENT, 25, False),  # a zombie needs no hurry
        (Status.SCHEDULED, Kind.MAINTENANCE, 1, False),
        (Status.IN_PROGRESS, Kind.MAINTENANCE, 1, True),
        (Status.RESOLVED, Kind.INCIDENT, 1, False),
        (Status.INVESTIGATING, Kind.BLINDNESS, 1, False),
    ],
)
def test_only_what_may_change_at_any_minute_makes_us_hurry(
    status: Status, kind: Kind, silent_h: int, expected: bool
) -> None:
    incident = Incident(
        id="INC-1", provider="aws", kind=kind, title="Errors", status=status, impact=Impact.MAJOR,
        opened_at=at(-60 * 48), updated_at=at(-60 * silent_h),
    )  # fmt: skip

    assert is_lively(incident, NOW) is expected
