"""What a notice to customers may say: the facts a template gets, and what a person must check before it is sent.

Nothing that a feed wrote is among the facts: no title, no text, no component. Wording lives in `bot/notices/templates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from bot.domain.incident import Closure, Incident
from bot.domain.observation import SELF
from bot.domain.services import Service
from bot.domain.words import Kind, Severity, Status

# What public guides settle on, by severity; whatever weighs less than SEV3 is updated as SEV3 is.
CADENCE = {
    Severity.SEV1: timedelta(minutes=30),
    Severity.SEV2: timedelta(minutes=60),
    Severity.SEV3: timedelta(minutes=120),
}
LABEL_MAX_CHARS = 40
NAMES_MAX_CHARS = 60  # of all service names together, so that a first notice fits its limit
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Stage(StrEnum):
    """Where a notice says that we stand."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"

    @property
    def max_chars(self) -> int:
        """How long such a notice may be: people read it on a phone."""
        return {Stage.INVESTIGATING: 280, Stage.RESOLVED: 1_200}.get(self, 600)


class Cause(StrEnum):
    """What kind of thing went wrong. Only a person says it; it is never taken from a feed."""

    CONFIGURATION = "configuration"
    SOFTWARE = "software"
    CAPACITY = "capacity"
    NETWORK = "network"
    HARDWARE = "hardware"
    POWER = "power"
    DNS = "dns"
    PROVIDER = "provider"

    @property
    def words(self) -> str:
        """The cause as customers read it."""
        return _CAUSES[self]


_CAUSES = {
    Cause.CONFIGURATION: "a configuration change",
    Cause.SOFTWARE: "a software fault",
    Cause.CAPACITY: "a shortage of capacity",
    Cause.NETWORK: "a network fault",
    Cause.HARDWARE: "a hardware fault",
    Cause.POWER: "a loss of power or cooling",
    Cause.DNS: "a fault in name resolution",
    Cause.PROVIDER: "a problem at a provider that we depend on",
}
_STAGES = {
    Status.SUSPECTED: Stage.INVESTIGATING,
    Status.INVESTIGATING: Stage.INVESTIGATING,
    Status.IDENTIFIED: Stage.IDENTIFIED,
    Status.IN_PROGRESS: Stage.IDENTIFIED,
    Status.MONITORING: Stage.MONITORING,
    Status.VERIFYING: Stage.MONITORING,
    Status.RESOLVED: Stage.RESOLVED,
    Status.POSTMORTEM: Stage.RESOLVED,
    Status.COMPLETED: Stage.RESOLVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a template knows; each field is a name in it. Strings are ready to read, and empty where nothing is known.

    `provider` is "A provider that we depend on", or its name where the configuration allows it; it is empty where the
    provider does not itself say what the stage says. `is_confirmed`: a person of ours asked for this very stage.
    """

    services: str
    since: str
    ended: str
    next_update: str
    cause: str
    provider: str
    is_scope_known: bool
    is_confirmed: bool
    is_planned: bool
    apologise: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text to copy and edit, and what to check before it is sent."""

    text: str
    stage: Stage
    next_update_at: datetime | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person who asks decides: the stage (None: the incident's own), the cause, the zone of the customers.

    `labels` are what customers call our services; `provider_name` is None where a provider is not to be named.
    """

    now: datetime
    zone: tzinfo
    stage: Stage | None = None
    cause: Cause | None = None
    labels: Mapping[str, str]
    provider_name: str | None = None


def stage_of(status: Status) -> Stage | None:
    """The stage that fits a status; None for work that is only announced or was called off."""
    return _STAGES.get(status)


def labels(services: Iterable[Service]) -> dict[str, str]:
    """What customers call each service, by its name."""
    return {service.name: service.label for service in services}


def next_update_at(incident: Incident, now: datetime) -> datetime:
    """When customers hear of it next at the latest: the severity's cadence from now, rounded up to five minutes."""
    due = now + CADENCE.get(incident.severity or Severity.SEV3, CADENCE[Severity.SEV3])
    beyond = timedelta(minutes=due.minute % 5, seconds=due.second, microseconds=due.microsecond)
    return due + timedelta(minutes=5) - beyond if beyond else due


def span(incident: Incident, now: datetime) -> tuple[datetime, datetime]:
    """When it began and ended, as far as anybody knows: never in the future, and never the wrong way round."""
    began = min(incident.began_at or incident.opened_at, now)
    ended = min(incident.ended_at or incident.closed_at or now, now)
    return began, max(began, ended)


def facts(incident: Incident, stage: Stage, wish: Wish) -> Facts:
    """What a template may say of the incident at this stage."""
    began, ended = span(incident, wish.now)
    is_last = stage is Stage.RESOLVED
    after = None if is_last else next_update_at(incident, wish.now)
    times = [began, after or ended]
    hits = incident.affected
    return Facts(
        services=_names([wish.labels.get(a.service, a.service) for a in hits]),
        since=_spoken(began, wish, times),
        ended=_spoken(ended, wish, times) if is_last else "",
        next_update=_spoken(after, wish, times) if after else "",
        cause=wish.cause.words if wish.cause else "",
        provider=_provider(wish) if _provider_says(incident, stage) else "",
        is_scope_known=bool(hits) and all(a.is_certain for a in hits),
        is_confirmed=wish.stage is not None,
        is_planned=incident.kind is Kind.MAINTENANCE,
        apologise=is_last and incident.severity in {Severity.SEV1, Severity.SEV2},
    )


def warnings(incident: Incident, stage: Stage, wish: Wish) -> tuple[str, ...]:
    """What a person must look at before the draft goes out, the gravest first."""
    found = [
        *_about_scope(incident),
        *_about_stage(incident, stage),
        *_about_times(incident, stage, wish.now),
    ]
    if not incident.acknowledged and stage is not Stage.RESOLVED:
        found.append(f'Nobody has acknowledged {incident.id}: is "we are working on it" true?')
    if stage is Stage.IDENTIFIED:
        found.append("If customers can work around it, say how.")
    return tuple(found)


def _about_scope(incident: Incident) -> list[str]:
    if not incident.affected:
        return [f"No service of yours is mapped to {incident.id}: say who is affected."]
    unsure = [a.service for a in incident.affected if not a.is_certain]
    if unsure:
        return [
            f"The provider does not say what exactly is hit: check {', '.join(unsure[:5])} before you name it."
        ]
    return []


def _about_stage(incident: Incident, stage: Stage) -> list[str]:
    found = []
    own = stage_of(incident.status)
    if stage is Stage.RESOLVED and incident.is_open:
        found.append(f"{incident.id} is still open ({incident.status.words}): make sure that it is over.")
    elif own is not stage:
        found.append(
            f"{incident.id} is {incident.status.words}, the draft says {stage}: make sure which is true."
        )
    if incident.status is Status.SUSPECTED:
        found.append("Only your own checks say so: confirm that customers notice it.")
    if incident.kind is Kind.MAINTENANCE:
        found.append("This is planned work: these drafts are written for incidents, so read every sentence.")
    if stage is Stage.RESOLVED and incident.closure in {Closure.LAPSED, Closure.UNLISTED, Closure.UNWATCHED}:
        found.append("Nobody said that it is over; its source only fell silent here.")
    return found


def _about_times(incident: Incident, stage: Stage, now: datetime) -> list[str]:
    found = []
    if incident.began_at is None:
        found.append("The start is when it was first seen here: put the real one if you know it.")
    elif incident.began_at > now:
        found.append("The provider's start lies in the future, so the draft says now: put the real one.")
    if stage is Stage.RESOLVED and incident.provider != SELF:
        found.append("Start and end are the provider's: put your own if customers were hit at other times.")
    return found


def _provider_says(incident: Incident, stage: Stage) -> bool:
    """True when the provider itself reported this stage; our suspicion about it is not its word."""
    is_theirs = incident.provider != SELF and incident.status is not Status.SUSPECTED
    return is_theirs and (stage is Stage.IDENTIFIED or stage_of(incident.status) is stage)


def _provider(wish: Wish) -> str:
    name = _label(wish.provider_name or "")
    return f"{name}, a provider that we depend on," if name else "A provider that we depend on"


def _names(found: list[str]) -> str:
    """ "Checkout, Search and 3 more", within NAMES_MAX_CHARS whatever there is to name."""
    names = list(dict.fromkeys(_label(name) for name in found))
    for count in range(len(names), 0, -1):
        left = len(names) - count
        parts = [*names[:count], f"{left} more"] if left else names
        joined = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
        if len(joined) <= NAMES_MAX_CHARS:
            return joined
    return ""


def _label(name: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return line if len(line) <= LABEL_MAX_CHARS else line[: LABEL_MAX_CHARS - 1].rstrip() + "…"


def _spoken(at: datetime, wish: Wish, others: Iterable[datetime]) -> str:
    """ "07:14 UTC", with the date where the notice's times and the present are not all of one day."""
    local = at.astimezone(wish.zone)
    today = wish.now.astimezone(wish.zone).date()
    words = f"{local:%H:%M} {_zone_name(local)}"
    if all(other.astimezone(wish.zone).date() == today for other in others):
        return words
    words += f" on {local.day} {_MONTHS[local.month - 1]}"
    return words if local.year == today.year else f"{words} {local.year}"


def _zone_name(local: datetime) -> str:
    """ "CEST", or "UTC-03" where the zone has no letters of its own."""
    name = local.tzname() or f"{local:%z}"
    return f"UTC{name}" if name[:1] in "+-" else name
