"""What speaks for hurry: which providers have something going on, or are suspected. `pool` asks, `ingest` and `sweep` tell.

Kept in memory: it only decides how soon we look, and a worker that starts learns it again from the ledgers within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.domain.incident import Incident, Opening
from bot.domain.observation import SELF
from bot.domain.pace import Signals, is_lively
from bot.domain.services import Service, providers_of
from bot.domain.words import Kind
from bot.ports import Clock


class Tempo:
    """Signals by provider. `sisters` maps a provider to those that run on the same cloud, or are that cloud.

    `hurry` is called with providers that should be looked at now; `pool` sets it.
    """

    def __init__(
        self, clock: Clock, services: Iterable[Service] = (), sisters: Mapping[str, frozenset[str]] | None = None
    ) -> None:  # fmt: skip
        self._clock = clock
        self._services = {service.name: service for service in services}
        self._sisters = sisters or {}
        self._open: dict[str, dict[str, Incident]] = {}
        self._live_at: dict[str, datetime] = {}
        self._suspected_at: dict[str, datetime] = {}
        self.hurry: Callable[[Iterable[str]], None] = lambda providers: None

    def take_up(self, services: Iterable[Service], sisters: Mapping[str, frozenset[str]]) -> None:
        """Go by these services and clouds from now on."""
        self._services = {service.name: service for service in services}
        self._sisters = sisters

    def saw(self, incidents: Iterable[Incident]) -> None:
        """These incidents were written, or are in a ledger that was read."""
        for incident in incidents:
            held = self._open.setdefault(incident.provider, {})
            is_new = incident.id not in held
            if incident.is_open:
                held[incident.id] = incident
            elif held.pop(incident.id, None):
                self._live_at[incident.provider] = self._clock.now()
            if is_new and incident.is_open:
                self._born(incident)

    def saw_all(self, provider: str, incidents: Iterable[Incident]) -> None:
        """These are all that the provider has open: whatever else we took for open, another worker has closed."""
        incidents = tuple(incidents)
        held = self._open.get(provider, {})
        for name in held.keys() - {incident.id for incident in incidents}:
            del held[name]
        self.saw(incidents)

    def open_of(self, provider: str) -> tuple[Incident, ...]:
        """What the provider has open, as far as this worker has heard."""
        return tuple(self._open.get(provider, {}).values())

    def _born(self, incident: Incident) -> None:
        now = self._clock.now()
        if incident.provider == SELF:
            self._suspect(incident, now)
        elif incident.opening is Opening.FRESH and incident.kind is Kind.INCIDENT:
            sisters = self._sisters.get(incident.provider, frozenset())
            self._live_at.update(dict.fromkeys(sisters, now))
            self.hurry((incident.provider, *sisters))

    def _suspect(self, incident: Incident, now: datetime) -> None:
        """A check of ours turned bad: whoever the service leans on may know more in a moment."""
        names = [place.component for place in incident.places if place.component in self._services]
        everyone = self._services.values()
        suspects = {p for name in names for p in providers_of(self._services[name or ""], everyone)}
        self._suspected_at.update(dict.fromkeys(suspects, now))
        self.hurry(suspects)

    def signals(
        self, provider: str, now: datetime, *, changed_at: datetime | None = None, pushed_at: datetime | None = None
    ) -> Signals:  # fmt: skip
        """What speaks for hurry at this provider now, or against it at one of its sources."""
        held = self._open.get(provider)
        if held and any(is_lively(incident, now) for incident in held.values()):
            self._live_at[provider] = now
        return Signals(
            live_at=self._live_at.get(provider),
            suspected_at=self._suspected_at.get(provider),
            changed_at=changed_at,
            pushed_at=pushed_at,
        )
