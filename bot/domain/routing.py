"""Which channels an incident is spoken of in: routes match, groups hold channels."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.incident import Incident
from bot.domain.words import Impact, Kind, Severity, Status


class Mode(StrEnum):
    """How a group uses its channels."""

    ALL = "all"  # every one of them
    FIRST_UP = "first_up"  # the first whose chat is usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels that belong together, as "chat:id", in order of preference."""

    name: str
    channels: tuple[str, ...]
    mode: Mode = Mode.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A matcher and the groups it leads to; an empty condition matches everything.

    `worst` is the least severity that matches ("SEV3+": 3 or worse); incidents without severity do not match it.
    Without `kinds`, maintenance matches only from in_progress on, or where it touches our services, and blindness never does:
    it is for operators.
    """

    to: tuple[str, ...]
    worst: Severity | None = None
    impact: Impact | None = None
    providers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()


def channels_for(
    incident: Incident,
    routes: Iterable[Route],
    groups: Iterable[Group],
    usable: Collection[str] | None = None,
) -> tuple[str, ...]:
    """The channels ("chat:id") that hear of this incident now, without repeats.

    `usable` names the chats that can be used, None for all: a `first_up` group falls to its first channel in a usable chat.
    """
    by_name = {group.name: group for group in groups}
    names = [name for route in routes if matches(route, incident) for name in route.to]
    found = [c for name in dict.fromkeys(names) if name in by_name for c in _open(by_name[name], usable)]
    return tuple(dict.fromkeys(found))


def matches(route: Route, incident: Incident) -> bool:
    """True when the route speaks of this incident."""
    return (
        _kind(route, incident)
        and (route.worst is None or (incident.severity is not None and incident.severity <= route.worst))
        and (route.impact is None or incident.impact.rank >= route.impact.rank)
        and (not route.providers or incident.provider in route.providers)
        and (not route.services or any(a.service in route.services for a in incident.affected))
        and (not route.regions or any(p.region in route.regions for p in incident.places))
    )


def _kind(route: Route, incident: Incident) -> bool:
    if route.kinds:
        return incident.kind in route.kinds
    if incident.kind is not Kind.MAINTENANCE:
        return incident.kind is Kind.INCIDENT
    return incident.status in {Status.IN_PROGRESS, Status.VERIFYING} or bool(incident.affected)


def _open(group: Group, usable: Collection[str] | None) -> tuple[str, ...]:
    reachable = tuple(c for c in group.channels if usable is None or c.partition(":")[0] in usable)
    return reachable[:1] if group.mode is Mode.FIRST_UP else reachable
