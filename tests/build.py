"""Short builders of domain values: a test names only what matters to it. Times are minutes after START."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.decide import Decision, decide
from bot.domain.incident import Claim, Incident, Ledger
from bot.domain.observation import Listing, Observation, Sighting, Update
from bot.domain.routing import Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.words import Impact, Kind, Status

START = datetime(2025, 10, 20, 7, 0, tzinfo=UTC)
CHANNEL = "console:ops"
RULES = Rules(routes=(EVERYTHING,), groups=(Group(name="everywhere", channels=(CHANNEL,)),))


def at(minutes: float) -> datetime:
    """The time that many minutes after START."""
    return START + timedelta(minutes=minutes)


def update(name: str, minutes: float, text: str = "", status: Status | None = None) -> Update:
    """An update; its text is its own name unless given, spelled without digits: those alone say nothing new."""
    spelled = name.translate(str.maketrans("0123456789", "abcdefghij"))
    return Update(id=name, text=text or f"text of {spelled}", posted_at=at(minutes), status=status)


def said(key: str = "e1", **changes: Any) -> Observation:
    """An open, native observation of provider "acme" that began at START."""
    values: dict[str, Any] = {
        "provider": "acme",
        "format": "statuspage",
        "key": key,
        "is_native": True,
        "title": f"Title of {key}",
        "status": Status.INVESTIGATING,
        "impact": Impact.MAJOR,
        "began_at": START,
    }
    return Observation(**{**values, **changes})


def incident(name: str = "INC-1", **changes: Any) -> Incident:
    """An open, major incident of "acme" with one update, as an observation of it leaves it."""
    values: dict[str, Any] = {
        "id": name,
        "provider": "acme",
        "kind": Kind.INCIDENT,
        "title": "Trouble with widgets",
        "status": Status.INVESTIGATING,
        "impact": Impact.MAJOR,
        "opened_at": START,
        "updates": (update("u1", 0),),
        "claims": (Claim(source="acme", said=said(), seen_at=START),),
        "revision": 1,
    }
    return Incident(**{**values, **changes})


def sighting(
    minutes: float, *said_: Observation, source: str = "acme", listing: Listing = Listing.OPEN
) -> Sighting:
    """A good look at a source."""
    return Sighting(provider="acme", source=source, seen_at=at(minutes), observations=said_, listing=listing)


class World:
    """A ledger that sightings are worked into; numbers incidents as the store does."""

    def __init__(self, rules: Rules = RULES, provider: str = "acme") -> None:
        self.rules = rules
        self.ledger = Ledger(provider=provider)
        self.last: Decision | None = None
        self._born = 0

    def see(self, seen: Sighting) -> Decision | None:
        """Decide and write."""
        decision = decide(self.ledger, seen, self.rules)
        if decision is not None:
            decision = decision.numbered(self._born + 1)
            self._born += sum(i.revision == 1 for i in decision.incidents)
            self.write(decision)
        self.last = decision
        return decision

    def write(self, decision: Decision) -> None:
        """What the store's commit does."""
        gone, gone_keys = set(decision.forgotten), set(decision.forgotten_keys)
        incidents = {**self.ledger.incidents, **{i.id: i for i in decision.incidents}}
        known = {**self.ledger.known, **decision.known}
        self.ledger = Ledger(
            provider=self.ledger.provider,
            revision=self.ledger.revision + 1,
            sources={**self.ledger.sources, **decision.sources},
            incidents={k: v for k, v in incidents.items() if k not in gone},
            known={k: v for k, v in known.items() if k not in gone_keys},
        )

    @property
    def incidents(self) -> list[Incident]:
        """All incidents, in the order of their numbers."""
        return list(self.ledger.incidents.values())

    @property
    def only(self) -> Incident:
        """The one incident there is."""
        (incident,) = self.incidents
        return incident


def seen_before() -> World:
    """A world whose source "acme" was seen once, with nothing in it."""
    world = World()
    world.see(sighting(-10))
    return world
