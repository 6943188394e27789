"""How far a source can be believed: by the age of its last good look, by what was wrong since, by what its siblings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incident import Claim, Incident
from bot.domain.trust import Doubt, SourceReport, SourceState, Trouble, doubts_about, state_now
from bot.domain.words import Impact, Kind, Status
from tests.build import at, said

EVERY = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("good_minutes_ago", "trouble", "expected"),
    [
        (None, None, SourceState.UNSEEN),
        (None, Trouble.UNREACHABLE, SourceState.UNSEEN),
        (1, None, SourceState.FRESH),
        (1, Trouble.UNREACHABLE, SourceState.FRESH),  # one failed look proves nothing
        (2, Trouble.UNREACHABLE, SourceState.LATE),
        (4, None, SourceState.STALE),
        (4, Trouble.UNREACHABLE, SourceState.UNREACHABLE),
        (4, Trouble.UNREADABLE, SourceState.CHANGED),
        (4, Trouble.EMPTIED, SourceState.CHANGED),
    ],
)
def test_a_report_grows_old_by_itself_and_says_what_was_wrong(
    good_minutes_ago: float | None, trouble: Trouble | None, expected: SourceState
) -> None:
    last = None if good_minutes_ago is None else at(-good_minutes_ago)
    report = SourceReport(
        provider="aws", name="aws", state=SourceState.FRESH, last_good_at=last, trouble=trouble
    )

    state = state_now(report, EVERY, at(0))
    assert (state, state.is_blind) == (expected, expected not in {SourceState.FRESH, SourceState.LATE})


def incident(*claims: Claim, opened_minutes_ago: float = 60) -> Incident:
    return Incident(
        id="INC-1", provider="aws", kind=Kind.INCIDENT, title="Errors", status=Status.INVESTIGATING,
        impact=Impact.MAJOR, opened_at=at(-opened_minutes_ago), claims=claims,
    )  # fmt: skip


def claim(source: str, status: Status, minutes_ago: float) -> Claim:
    spoke = at(-minutes_ago)
    return Claim(
        source=source,
        said=said("e1", status=status, updates=(), began_at=spoke, updated_at=spoke),
        seen_at=spoke,
    )


def test_two_sources_that_say_otherwise_for_long_disagree() -> None:
    both = incident(claim("json", Status.RESOLVED, 20), claim("rss", Status.INVESTIGATING, 40))
    soon = incident(claim("json", Status.RESOLVED, 5), claim("rss", Status.INVESTIGATING, 40))

    assert doubts_about("json", [both], at(0)) == ((Doubt.DISAGREES, "it says INC-1 is over, rss says open"),)
    assert doubts_about("rss", [both], at(0)) == ((Doubt.DISAGREES, "it says INC-1 is open, json says over"),)
    assert doubts_about("rss", [soon], at(0)) == ()
    assert doubts_about("other", [both], at(0)) == ()


def test_an_incident_that_is_open_for_weeks_without_a_word_is_a_zombie() -> None:
    day = 24 * 60
    old = incident(claim("json", Status.INVESTIGATING, 22 * day))
    spoken_of = incident(claim("json", Status.INVESTIGATING, 5 * day))
    planned = claim("json", Status.SCHEDULED, 22 * day)
    planned = replace(planned, said=replace(planned.said, began_at=at(5 * day)))
    ((doubt, words),) = doubts_about("json", [old], at(0))

    assert (doubt, words.startswith("INC-1 is open there")) == (Doubt.ZOMBIE, True)
    assert doubts_about("json", [spoken_of, incident(planned)], at(0)) == ()
