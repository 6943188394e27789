"""What the page shows around the chat: sources, services and checks as they are now. The page's `State`."""

from __future__ import annotations

from datetime import datetime

from bot.domain.checks import Check, CheckState
from bot.domain.incident import Incident
from bot.domain.services import Service
from bot.domain.trust import SourceReport
from bot.domain.words import Severity
from bot.ports import Clock, Incidents, Sources
from bot.store.desk import Shelf
from bot.web.pages import CheckLine, ConsoleState, Health, ServiceLine, SourceLine


class Overview:
    """Reads the ports at each question; `speed` is set for a clock that runs faster than life."""

    def __init__(
        self,
        incidents: Incidents,
        sources: Sources,
        states: Shelf[CheckState],
        clock: Clock,
        *,
        services: tuple[Service, ...],
        checks: tuple[Check, ...],
        speed: float | None = None,
        note: str = "",
    ) -> None:
        self._incidents = incidents
        self._sources = sources
        self._states = states
        self._clock = clock
        self._services = services
        self._checks = checks
        self._speed = speed
        self._note = note

    def take_up(self, services: tuple[Service, ...], checks: tuple[Check, ...]) -> None:
        """Show these from now on."""
        self._services, self._checks = services, checks

    async def snapshot(self) -> ConsoleState:
        """The state as it is now."""
        now = self._clock.now()
        ledgers = [await self._incidents.read(name) for name in await self._incidents.providers()]
        incidents = [incident for ledger in ledgers for incident in ledger.open_incidents]
        incidents.sort(key=lambda incident: incident.severity or Severity.SEV4 + 1)  # the worst is the why
        states = await self._states.all()
        return ConsoleState(
            now=now,
            is_virtual=self._speed is not None,
            speed=self._speed or 1.0,
            sources=tuple(_source(report, now) for report in await self._sources.lines()),
            services=tuple(self._service(service, incidents, states) for service in self._services),
            open_incidents=len(incidents),
            note=self._note,
        )

    def _service(
        self, service: Service, incidents: list[Incident], states: dict[str, CheckState]
    ) -> ServiceLine:
        hits = [(i, a) for i in incidents for a in i.affected if a.service == service.name]
        checks = tuple(_check(c, states.get(c.name)) for c in self._checks if c.service == service.name)
        certain = [(i, a) for i, a in hits if a.is_certain and not a.is_soft]
        worst = (certain or hits)[:1]
        if certain or any(check.health is Health.BAD for check in checks):
            health = Health.BAD
        elif hits:
            health = Health.PERHAPS
        elif checks and all(check.health is Health.GOOD for check in checks):
            health = Health.GOOD
        else:
            health = Health.UNKNOWN  # nothing of ours looks at it, and silence of providers proves nothing
        words = "".join(f"{' → '.join(why.path[1:]) or 'own check'} ({i.id})" for i, why in worst)
        return ServiceLine(name=service.name, tier=service.tier, health=health, why=words, checks=checks)


def _source(report: SourceReport, now: datetime) -> SourceLine:
    age = now - report.last_good_at if report.last_good_at else None
    doubts = "; ".join(f"{doubt}: {words}" for doubt, words in report.doubts)
    detail = report.reason if report.is_blind else doubts
    return SourceLine(name=report.name, state=report.state, age=age, detail=detail)


def _check(check: Check, state: CheckState | None) -> CheckLine:
    if state is None:
        return CheckLine(name=check.name, health=Health.UNKNOWN)
    if state.is_failing:
        return CheckLine(name=check.name, health=Health.BAD, detail=state.detail)
    return CheckLine(name=check.name, health=Health.GOOD)
