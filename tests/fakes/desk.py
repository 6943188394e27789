"""A desk: a Dispatcher with all commands over stores in memory, and a small world to ask about."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.commands import COMMANDS
from bot.commands.dispatch import Dispatcher
from bot.commands.spec import Actor, Front, Reply
from bot.domain.incident import Incident
from bot.domain.observation import Place, Update
from bot.domain.rules import Rules
from bot.domain.services import Affected, Service, parse_need
from bot.domain.trust import SourceReport, SourceState
from bot.domain.words import Impact, Kind, Role, Severity, Status
from bot.notices import draft
from bot.sources.finding.detecting import Found, detect_page
from tests.fakes.pages import Web
from tests.fakes.store_fakes import (
    FakeAcknowledge,
    FakeAudit,
    FakeClock,
    FakeIncidents,
    FakeMonitors,
    FakeOnce,
    FakeSilences,
    FakeSources,
)

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
ANN = Actor(id="slack:U1", name="Ann")
RULES = Rules(
    services=(
        Service(name="checkout", tier=1, title="Checkout", needs=(parse_need("aws/dynamodb@us-east-1"),)),
        Service(name="search", needs=(parse_need("gcp"), parse_need("service:checkout?"))),
    ),
    names=(("aws", "AWS"), ("gcp", "Google Cloud")),
)
DRAFTS = draft.load()


def outage(id_: str = "INC-12", **changes: object) -> Incident:
    """The incident that most tests ask about: DynamoDB in us-east-1 hits the checkout."""
    facts: dict[str, object] = {
        "id": id_,
        "provider": "aws",
        "kind": Kind.INCIDENT,
        "title": "Increased error rates",
        "status": Status.INVESTIGATING,
        "impact": Impact.MAJOR,
        "severity": Severity.SEV2,
        "opened_at": NOON - timedelta(hours=4),
        "began_at": NOON - timedelta(hours=4, minutes=46),
        "url": "https://status.example/1",
        "places": (Place(provider="aws", component="dynamodb", region="us-east-1"),),
        "affected": (Affected(service="checkout", tier=1, path=("checkout", "aws/dynamodb@us-east-1")),),
        "updates": (Update(id="u1", text="We are looking into it.", posted_at=NOON - timedelta(hours=4)),),
    }
    return Incident(**{**facts, **changes})  # type: ignore[arg-type]


def report(provider: str, state: SourceState = SourceState.FRESH, **changes: object) -> SourceReport:
    """A source of the provider's own name, seen a minute ago."""
    facts: dict[str, object] = {"name": provider, "last_good_at": NOON - timedelta(minutes=1)}
    return SourceReport(provider=provider, state=state, **{**facts, **changes})  # type: ignore[arg-type]


@dataclass
class Desk:
    """What a test says, sees and looks into."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    silences: FakeSilences = field(default_factory=FakeSilences)
    sources: FakeSources = field(default_factory=lambda: FakeSources((report("aws"), report("gcp"))))
    once: FakeOnce = field(default_factory=FakeOnce)
    audit: FakeAudit = field(default_factory=FakeAudit)
    monitors: FakeMonitors = field(default_factory=FakeMonitors)
    web: Web = field(default_factory=Web)

    def __post_init__(self) -> None:
        self.acknowledge = FakeAcknowledge(self.incidents, self.clock)
        self.dispatcher = Dispatcher(
            commands=COMMANDS,
            incidents=self.incidents,
            acknowledge=self.acknowledge,
            silences=self.silences,
            sources=self.sources,
            once=self.once,
            audit=self.audit,
            clock=self.clock,
            rules=RULES,
            names=dict(RULES.names),
            drafts=DRAFTS,
            zone=UTC,
            monitors=self.monitors,
            detect=self._detect,
        )

    async def _detect(self, url: str) -> Found:
        return await detect_page(url, self.web, self.clock.now(), sleep=_at_once)

    async def say(self, text: str, *, role: Role = Role.RESPONDER, once: str | None = None) -> Reply:
        """The answer to a line that Ann types in Slack."""
        actor = Actor(id=ANN.id, name=ANN.name, role=role)
        return await self.dispatcher.run_text(
            text, actor=actor, front=Front.SLACK, channel="slack:C1", once=once
        )

    async def click(
        self, name: str, *, front: Front = Front.DISCORD, once: str | None = None, **words: str
    ) -> Reply:
        """The answer to a command whose words are already told apart."""
        return await self.dispatcher.run(name, words, actor=ANN, front=front, channel="discord:1", once=once)


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def words(reply: Reply) -> str:
    """All that a person reads of an answer."""
    card = reply.card
    fields = [f"{f.name}: {f.value}" for f in card.fields]
    sections = [f"{s.heading}\n{s.text}" for s in card.sections]
    return "\n".join([card.title, *fields, *sections, card.footer])
