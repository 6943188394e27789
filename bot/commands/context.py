"""What a command is given beside its words: who asks, where, when, and the ports it may use. Made by `dispatch`, once a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from bot.commands.spec import Actor, Command, Front
from bot.domain.explain import Room
from bot.domain.incident import Incident
from bot.domain.present import provider_name
from bot.domain.rules import Rules
from bot.domain.words import Severity
from bot.errors import NotPossible
from bot.notices.draft import Drafts
from bot.pipeline.backlog import Backlog
from bot.ports import Incidents, Monitors, Silences, Sources
from bot.sources.finding.detecting import Found

Detect = Callable[[str], Awaitable[Found]]
"""Finds the feed of a page that a person names. Raises SourceError."""


class Acknowledge(Protocol):
    """Puts a person's name on an incident."""

    async def __call__(self, incident_id: str, actor: Actor) -> Incident:
        """The incident as it stands afterwards; whoever came first stays."""
        ...


Usable = Callable[[], Awaitable[Collection[str]]]  # the names of the chats that can be relied on

RoomOf = Callable[[str, int], Awaitable[Room]]  # of a channel with so many messages an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of one command. `channel` is "chat:id"; all times shown are in `zone`, which is always named."""

    actor: Actor
    front: Front
    channel: str
    now: datetime
    zone: tzinfo
    incidents: Incidents
    acknowledge: Acknowledge
    silences: Silences
    sources: Sources
    rules: Rules
    names: Mapping[str, str]
    drafts: Drafts
    commands: tuple[Command, ...]
    monitors: Monitors | None = None
    detect: Detect | None = None
    backlog: Backlog | None = None
    usable: Usable | None = None
    room_of: RoomOf | None = None

    def provider(self, slug: str) -> str:
        """What people call one provider."""
        return provider_name(slug, self.names)

    @property
    def watched(self) -> Monitors:
        """The sources that people added. Raises NotPossible where none can be."""
        if self.monitors is None:
            raise NotPossible("Pages cannot be added here; add a [[source]] to the configuration.")
        return self.monitors

    @property
    def outbox(self) -> Backlog:
        """What waits to be said. Raises NotPossible where that cannot be looked at."""
        if self.backlog is None:
            raise NotPossible("The outbox cannot be looked at here.")
        return self.backlog

    async def look(self, url: str) -> Found:
        """The feed of a page. Raises SourceError, or NotPossible where no page can be looked at."""
        if self.detect is None:
            raise NotPossible("Pages cannot be looked at here; name a provider of the catalogue.")
        return await self.detect(url)

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Everything that goes on or is announced, in all ledgers, worst first."""
        ledgers = [await self.incidents.read(provider) for provider in await self.incidents.providers()]
        return tuple(sorted((i for ledger in ledgers for i in ledger.open_incidents), key=_weight))


def _weight(incident: Incident) -> tuple[int, int, datetime]:
    return (incident.severity or Severity.SEV4 + 1, -incident.impact.rank, incident.opened_at)
