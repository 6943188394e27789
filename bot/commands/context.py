"""What a command is given beside its words: who asks, where, when, and the ports it may use. Made by `dispatch`, once a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from bot.commands.spec import Actor, Command, Front
from bot.domain.incident import Incident
from bot.domain.present import provider_name
from bot.domain.rules import Rules
from bot.domain.words import Severity
from bot.notices.draft import Drafts
from bot.ports import Incidents, Silences, Sources


class Acknowledge(Protocol):
    """Puts a person's name on an incident."""

    async def __call__(self, incident_id: str, actor: Actor) -> Incident:
        """The incident as it stands afterwards; whoever came first stays."""
        ...


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
    drafts: Drafts
    commands: tuple[Command, ...]

    @property
    def names(self) -> Mapping[str, str]:
        """What people call each provider, by its slug."""
        return dict(self.rules.names)

    def provider(self, slug: str) -> str:
        """What people call one provider."""
        return provider_name(slug, self.names)

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Everything that goes on or is announced, in all ledgers, worst first."""
        ledgers = [await self.incidents.read(provider) for provider in await self.incidents.providers()]
        return tuple(sorted((i for ledger in ledgers for i in ledger.open_incidents), key=_weight))


def _weight(incident: Incident) -> tuple[int, int, datetime]:
    return (incident.severity or Severity.SEV4 + 1, -incident.impact.rank, incident.opened_at)
