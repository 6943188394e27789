"""The store's ports in memory, for tests that are not about the store. Small on purpose: no leases, no ages, one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.commands.spec import Actor
from bot.domain.decide import Decision
from bot.domain.incident import Acknowledgement, Incident, Ledger
from bot.domain.silences import Silence
from bot.domain.trust import SourceReport
from bot.errors import Conflict
from bot.ports import Monitor


@dataclass
class FakeClock:
    """A clock that a test moves. `sleep` moves it too."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class FakeIncidents:
    """Ledgers in a dict. `put` is how a test places an incident."""

    ledgers: dict[str, Ledger] = field(default_factory=dict)
    numbers: int = 0

    def put(self, *incidents: Incident) -> None:
        for incident in incidents:
            ledger = self.ledgers.get(incident.provider, Ledger(provider=incident.provider))
            held = {**ledger.incidents, incident.id: incident}
            self.ledgers[incident.provider] = replace(ledger, incidents=held, revision=ledger.revision + 1)

    async def read(self, provider: str, revision: int = 0) -> Ledger:
        return self.ledgers.get(provider, Ledger(provider=provider))

    def remembered(self, provider: str) -> Ledger | None:
        return self.ledgers.get(provider)

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        held = await self.read(ledger.provider)
        if held.revision != ledger.revision:
            raise Conflict(f"{ledger.provider} is at {held.revision}, not at {ledger.revision}")
        written = decision.numbered(self.numbers + 1)
        self.numbers += decision.births
        kept = {k: v for k, v in held.incidents.items() if k not in decision.forgotten}
        known = {k: v for k, v in held.known.items() if k not in decision.forgotten_keys}
        self.ledgers[ledger.provider] = replace(
            held,
            revision=held.revision + 1,
            sources={**held.sources, **written.sources},
            incidents=kept | {i.id: i for i in written.incidents},
            known={**known, **written.known},
        )
        return written.incidents

    async def find(self, incident: str) -> Incident | None:
        found = (ledger.incidents.get(incident) for ledger in self.ledgers.values())
        return next((i for i in found if i is not None), None)

    async def providers(self) -> tuple[str, ...]:
        return tuple(self.ledgers)


@dataclass
class FakeAcknowledge:
    """Puts the name on the incident, as the pipeline does."""

    incidents: FakeIncidents
    clock: FakeClock
    calls: list[str] = field(default_factory=list)

    async def __call__(self, incident_id: str, actor: Actor) -> Incident:
        self.calls.append(incident_id)
        found = await self.incidents.find(incident_id)
        assert found is not None
        if found.acknowledged is None:
            found = replace(found, acknowledged=Acknowledgement(by=actor.name, at=self.clock.now()))
            self.incidents.put(found)
        return found


@dataclass
class FakeSilences:
    """Silences by id."""

    held: dict[str, Silence] = field(default_factory=dict)

    async def add(self, silence: Silence) -> None:
        self.held[silence.id] = silence

    async def active(self, now: datetime) -> tuple[Silence, ...]:
        return tuple(sorted((s for s in self.held.values() if s.until > now), key=lambda s: s.until))


@dataclass
class FakeSources:
    """The reports that a test wants seen, and which source reads which address."""

    reports: tuple[SourceReport, ...] = ()
    readers: dict[str, str] = field(default_factory=dict)

    async def lines(self) -> tuple[SourceReport, ...]:
        return self.reports

    def reader_of(self, url: str) -> str | None:
        return self.readers.get(url)


@dataclass
class FakeMonitors:
    """Monitors by name."""

    held: dict[str, Monitor] = field(default_factory=dict)

    async def add(self, monitor: Monitor) -> None:
        self.held[monitor.name] = monitor

    async def remove(self, name: str) -> bool:
        return self.held.pop(name, None) is not None

    async def all(self) -> tuple[Monitor, ...]:
        return tuple(self.held[name] for name in sorted(self.held))


@dataclass
class FakeOnce:
    """Keys asked about so far."""

    keys: set[str] = field(default_factory=set)

    async def first(self, key: str, ttl: timedelta) -> bool:
        is_first = key not in self.keys
        self.keys.add(key)
        return is_first


@dataclass
class FakeAudit:
    """Lines, oldest first."""

    lines: list[Mapping[str, str]] = field(default_factory=list)

    async def append(self, *lines: Mapping[str, str]) -> None:
        self.lines += [dict(line) for line in lines]

    async def tail(self, limit: int) -> tuple[Mapping[str, str], ...]:
        return tuple(reversed(self.lines[-limit:]))
