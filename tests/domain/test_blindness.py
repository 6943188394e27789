"""What Fogbell says about its own sight: once, to operators, with the way back, and once for all when it is our own fault."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.blindness import ALL, SOURCE, observations
from bot.domain.decide import decide
from bot.domain.incident import Incident, Ledger
from bot.domain.observation import WATCHER, Listing, Observation, Sighting
from bot.domain.routing import Group, Route
from bot.domain.rules import Rules
from bot.domain.trust import SourceReport, SourceState, Trouble
from bot.domain.words import Kind, Status
from tests.build import at

NAMES = {"aws": "AWS"}
RULES = Rules(
    routes=(Route(to=("all",)), Route(to=("ops",), kinds=(Kind.BLINDNESS,))),
    groups=(Group(name="all", channels=("slack:C1",)), Group(name="ops", channels=("slack:OPS",))),
)


def report(
    provider: str, *, failing_since: datetime | None, name: str = "", good: datetime | None = None
) -> SourceReport:
    return SourceReport(
        provider=provider,
        name=name or provider,
        state=SourceState.UNREACHABLE if failing_since else SourceState.FRESH,
        last_good_at=good or at(0),
        failing_since=failing_since,
        trouble=Trouble.UNREACHABLE if failing_since else None,
        reason="it answered 503" if failing_since else "",
    )


class Life:
    """The watcher's ledger over time."""

    def __init__(self) -> None:
        self.ledger = Ledger(provider=WATCHER)

    def see(self, minute: float, *reports: SourceReport) -> tuple[Observation, ...]:
        said = observations(reports, self.ledger.open_incidents, NAMES, at(minute))
        if said:
            seen = Sighting(
                provider=WATCHER, source=SOURCE, seen_at=at(minute), observations=said, listing=Listing.PART
            )
            decision = decide(self.ledger, seen, RULES)
            if decision:
                decision = decision.numbered(len(self.ledger.incidents) + 1)
                held = {**self.ledger.incidents, **{i.id: i for i in decision.incidents}}
                known = {**self.ledger.known, **decision.known}
                self.ledger = Ledger(
                    provider=WATCHER, revision=self.ledger.revision + 1, incidents=held, known=known,
                    sources={SOURCE: at(0)},
                )  # fmt: skip
        return said

    @property
    def incidents(self) -> list[Incident]:
        return list(self.ledger.incidents.values())


def test_a_provider_is_lost_after_three_failed_looks_and_said_so_once_to_operators() -> None:
    life = Life()
    for minute in (1, 2):
        assert life.see(minute, report("aws", failing_since=at(1))) == ()
    for minute in (3, 4, 5, 60):
        life.see(minute, report("aws", failing_since=at(1)))
    (incident,) = life.incidents

    assert (incident.title, incident.kind, incident.revision) == (
        f"Blind on AWS since {at(0):%H:%M} UTC",
        Kind.BLINDNESS,
        1,
    )
    assert incident.channels == ("slack:OPS",)
    assert "it answered 503" in incident.updates[0].text


def test_the_way_back_is_told_in_the_same_thread() -> None:
    life = Life()
    life.see(3, report("aws", failing_since=at(1)))
    life.see(40, report("aws", failing_since=None))
    life.see(41, report("aws", failing_since=None))
    (incident,) = life.incidents

    assert incident.status is Status.RESOLVED
    assert [u.text for u in incident.updates][1].startswith("AWS can be seen again, after 40 min.")


def test_a_provider_that_one_of_its_sources_still_sees_is_not_lost() -> None:
    life = Life()
    reports = (report("aws", failing_since=at(1)), report("aws", failing_since=None, name="aws-rss"))

    assert life.see(30, *reports) == ()


def test_lost_again_soon_after_is_the_same_thread_and_much_later_another() -> None:
    life = Life()
    life.see(3, report("aws", failing_since=at(1)))
    life.see(10, report("aws", failing_since=None))
    life.see(20, report("aws", failing_since=at(18), good=at(17)))
    soon = [(i.id, i.is_open) for i in life.incidents]
    life.see(30, report("aws", failing_since=None))
    life.see(300, report("aws", failing_since=at(298), good=at(297)))

    assert soon == [("INC-1", True)]
    assert [(i.id, i.is_open) for i in life.incidents] == [("INC-1", False), ("INC-2", True)]


def test_when_most_are_lost_at_once_the_fault_is_ours_and_one_word_is_enough() -> None:
    life = Life()
    names = ("aws", "gcp", "azure", "slack", "github", "stripe")
    life.see(5, *(report(name, failing_since=at(1)) for name in names))
    (incident,) = life.incidents
    life.see(9, *(report(name, failing_since=None) for name in names))

    assert incident.title.startswith("Blind on 6 of 6 providers since")
    assert "way out" in incident.updates[0].text
    assert [i.is_open for i in life.incidents] == [False]
    assert ALL == "*"


def test_blindness_on_what_nobody_watches_any_more_is_over() -> None:
    """The source was taken out of the configuration: nothing would ever bring it back."""
    life = Life()
    life.see(3, report("aws", failing_since=at(1)))
    life.see(10, report("gcp", failing_since=None))
    (incident,) = life.incidents

    assert (incident.status, incident.updates[-1].text) == (Status.RESOLVED, "AWS is not watched any more.")


def test_a_look_that_nobody_took_is_no_news_about_the_provider() -> None:
    stale = SourceReport(
        provider="aws", name="aws", state=SourceState.STALE, last_good_at=at(0), every=timedelta(seconds=60)
    )

    assert Life().see(600, stale) == ()
