"""Silences: until when, on what, by whom and why. Asked by the outbox before each step; made by the `silence` command.

A silence never hides more than it names: where an incident also hits something that nobody silenced, it speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.incident import Incident
from bot.domain.observation import Place
from bot.domain.services import Service, affected, parse_need
from bot.errors import UsageError

LONGEST = timedelta(days=30)
_EXAMPLES = 'write "45m", "2h" or "1d12h"'
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = r"([0-9]{1,6})\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
_DURATION_MAX_CHARS = 40
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`target` is an incident's id, a provider, a service, or a place as in "aws/dynamodb@us-east-1".

    There is one silence for each target: `id` is made from it, so a new one replaces the old.
    """

    id: str
    target: str
    until: datetime
    by: str
    why: str
    created_at: datetime


def silence(target: str, *, lasts: timedelta, by: str, why: str, now: datetime) -> Silence:
    """The silence of `target` from now on; one that lasts zero ends the silence there is."""
    return Silence(id=target.casefold(), target=target, until=now + lasts, by=by, why=why, created_at=now)


def parse_duration(text: str) -> timedelta:
    """The time that "2h", "45m", "1d12h" or "90 s" means. Raises UsageError with examples, also above 30 days."""
    plain = text.strip().casefold()
    if plain.isdigit():
        raise UsageError(f'"{plain[:20]}" has no unit: {_EXAMPLES}')
    if len(plain) > _DURATION_MAX_CHARS or not re.fullmatch(rf"(?:{_PART}[\s,]*)+", plain):
        raise UsageError(f'"{plain[:20]}" is not a time span: {_EXAMPLES}')
    total = timedelta(seconds=sum(int(count) * _SECONDS[unit[0]] for count, unit in re.findall(_PART, plain)))
    if not total:
        raise UsageError(f"A time span of nothing does nothing: {_EXAMPLES}")
    if total > LONGEST:
        raise UsageError(f"{plain} is too long: at most {LONGEST.days} days, so that no silence is forgotten")
    return total


def silenced_until(incident: Incident, silences: Iterable[Silence], now: datetime) -> datetime | None:
    """When the incident may speak again, or None when it may now.

    A silence on its id or its provider holds it; silences on services or places hold it when together they cover all
    that it hits.
    """
    active = [s for s in silences if s.until > now]
    whole = {incident.id.casefold(), incident.provider.casefold()}
    ends = [s.until for s in active if s.target.casefold() in whole]
    services = [a.service for a in incident.affected]
    ends += _covered(services, active, lambda target, service: target.casefold() == service.casefold())
    ends += _covered(incident.places, active, _names_place)
    return max(ends, default=None)


def _covered(items: Iterable[T], active: list[Silence], names: Callable[[str, T], bool]) -> list[datetime]:
    """When the first of the items is free again, as a list of one; empty when one of them is free now."""
    ends = [max((s.until for s in active if names(s.target, item)), default=None) for item in items]
    held = [end for end in ends if end is not None]
    return [min(held)] if held and len(held) == len(ends) else []


def _names_place(target: str, place: Place) -> bool:
    """True when the target certainly names the place; what the provider left open is not silenced."""
    if "/" not in target and "@" not in target:
        return False
    try:
        need = parse_need(target)
    except ValueError:
        return False
    hits = affected([Service(name="silenced", needs=(need,))], [place])
    return any(hit.is_certain for hit in hits)
