"""What a decision costs with 50 open incidents at one provider, against reading the body that brought the news."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks.measure import Row, compare
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from bot.domain.decide import decide
from bot.domain.incident import Ledger
from bot.domain.observation import Listing, Observation, Place, Sighting, Update
from bot.domain.routing import Group, Route
from bot.domain.rules import Rules
from bot.domain.services import Service, parse_need
from bot.domain.words import Impact, Status

OPEN_INCIDENTS = 50
UPDATES_EACH = 10
NOON = datetime(2025, 10, 20, 12, tzinfo=UTC)
RULES = Rules(
    services=tuple(
        Service(name=f"service-{n}", needs=(parse_need(f"acme/part {n}@region-{n % 5}"),)) for n in range(20)
    ),
    routes=(Route(to=("ops",)),),
    groups=(Group(name="ops", channels=("slack:C1", "discord:2")),),
)


def run() -> Iterator[Row]:
    """Two rows: nothing new, and one update among the fifty."""
    quiet, news = sighting_at(minute=0), sighting_at(minute=1)
    ledger = ledger_of(quiet)
    if decide(ledger, replace(quiet, seen_at=NOON + timedelta(minutes=1)), RULES) is not None:
        raise AssertionError("the same news twice must change nothing")
    decided = decide(ledger, news, RULES)
    if decided is None or len(decided.incidents) != 1:
        raise AssertionError("one new update must change one incident")
    body = _body()
    read = f"json.loads of the body, {len(body) // 1024} KiB"
    yield compare(
        f"decide, {OPEN_INCIDENTS} open, no news",
        lambda: decide(ledger, quiet, RULES),
        read,
        lambda: json.loads(body),
    )
    yield compare(
        f"decide, {OPEN_INCIDENTS} open, one update",
        lambda: decide(ledger, news, RULES),
        read,
        lambda: json.loads(body),
    )


def ledger_of(first: Sighting) -> Ledger:
    """The ledger after a first look."""
    made = decide(Ledger(provider="acme"), first, RULES)
    if made is None:
        raise AssertionError("a first look at fifty open incidents must change an empty ledger")
    made = made.numbered(1)
    incidents = {incident.id: incident for incident in made.incidents}
    return Ledger(provider="acme", revision=1, incidents=incidents, known=made.known, sources=made.sources)


def sighting_at(minute: int) -> Sighting:
    """Fifty open incidents; at a later minute the first of them has one more update."""
    said = [_observation(n, UPDATES_EACH) for n in range(OPEN_INCIDENTS)]
    if minute:
        said[0] = _observation(0, UPDATES_EACH + 1)
    seen_at = NOON + timedelta(minutes=minute)
    return Sighting(
        provider="acme", source="acme", seen_at=seen_at, observations=tuple(said), listing=Listing.OPEN
    )


def _observation(n: int, updates: int) -> Observation:
    began_at = NOON - timedelta(hours=6, minutes=n)
    texts = tuple(
        Update(
            id=f"u{n}-{k}",
            text=f"Part {n} answers slowly; step {k} of the repair is under way. " * 3,
            posted_at=began_at + timedelta(minutes=30 * k),
            status=Status.IDENTIFIED,
        )
        for k in range(updates)
    )
    return Observation(
        provider="acme",
        format="statuspage",
        key=f"incident-{n}",
        is_native=True,
        title=f"Trouble with part {n}",
        status=Status.IDENTIFIED,
        impact=Impact.MAJOR,
        began_at=began_at,
        updated_at=texts[-1].posted_at,
        places=(Place(provider="acme", component=f"part {n}", region=f"region-{n % 5}"),),
        updates=texts,
    )


def _body() -> bytes:
    """A summary.json with as many incidents and updates."""
    day = load_day()
    page = json.loads(statuspage_summary(day, "jira", day.quiet_at - timedelta(hours=1)))
    incident = page["incidents"][0]
    incident["incident_updates"] = (incident["incident_updates"] * UPDATES_EACH)[:UPDATES_EACH]
    page["incidents"] = [incident | {"id": f"incident-{n}"} for n in range(OPEN_INCIDENTS)]
    return json.dumps(page).encode()
