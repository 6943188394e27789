"""Why an incident is told where it is told, in plain words: `fogbell routes` and the command `routes` show it.

It asks the rules themselves (`routing`, `channels`) and words what they answer; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType

from bot.domain.channels import next_digest, quiet_until
from bot.domain.incident import Incident
from bot.domain.routing import (
    Condition,
    Group,
    Mode,
    Refusal,
    Route,
    asking,
    heard,
    least_words,
    mentions_for,
    refusal,
)
from bot.domain.rules import Rules
from bot.domain.words import Kind, Severity


class About(StrEnum):
    """What a line explains."""

    ROUTE = "route"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence of the answer. `is_yes`: the route matches, or the channel hears it at once."""

    about: About
    words: str
    is_yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the limit of the hour leaves to a channel: `left` messages now, and one more at `more_at`."""

    left: int
    more_at: datetime


_UNKNOWN: Mapping[str, Room] = MappingProxyType({})


def explain(
    incident: Incident,
    rules: Rules,
    now: datetime,
    *,
    silenced_until: datetime | None = None,
    rooms: Mapping[str, Room] = _UNKNOWN,
) -> tuple[Line, ...]:
    """A line for each route, then one for each channel of the groups: what happens there, when, and why.

    `rooms` tells of the channels that have a limit an hour how much of it is left, where that is known.
    """
    after = heard(incident, rules)
    known = dict.fromkeys((*(c for group in rules.groups for c in group.channels), *after.channels))
    channels = (_channel(c, incident, after, rules, now, silenced_until, rooms.get(c)) for c in known)
    return (*_routes(incident, rules), *channels)


def condition_words(asked: Condition) -> str:
    """A condition as a person reads it: "major or worse, service checkout"; "everything" where it asks for nothing."""
    lists = (
        ("kind", asked.kinds),
        ("provider", asked.providers),
        ("component", asked.components),
        ("region", asked.regions),
        ("service", asked.services),
        ("tier", asked.tiers),
    )
    words = [f"{name} {' or '.join(map(str, values))}" for name, values in lists if values]
    if asked.impact is not None:
        words.insert(0, least_words(asked.impact))
    if asked.worst is not None:
        words.insert(
            0, asked.worst.words if asked.worst is Severity.SEV1 else f"{asked.worst.words} or worse"
        )
    return ", ".join(words) or "everything"


def _routes(incident: Incident, rules: Rules) -> Iterator[Line]:
    ended_by = 0
    for n, route in enumerate(_shown(incident, rules), start=1):
        name = _route_name(n, route)
        if ended_by:
            yield Line(
                about=About.ROUTE,
                words=f"{name}: not looked at, route {ended_by} ends the list",
                is_yes=False,
            )
            continue
        against = refusal(route, incident, rules)
        if against is None:
            ended_by = n if route.is_last else 0
        yield Line(about=About.ROUTE, words=f"{name}: {_verdict(route, against)}", is_yes=against is None)


def _shown(incident: Incident, rules: Rules) -> tuple[Route, ...]:
    """The routes without the one for operators, which is about what Fogbell cannot see."""
    is_about_sight = incident.kind is Kind.BLINDNESS
    return tuple(r for r in rules.routes if is_about_sight or r.kinds != (Kind.BLINDNESS,))


def _route_name(n: int, route: Route) -> str:
    what = "major or worse, named and yours" if route.is_usual else condition_words(route)
    unless = f", unless {condition_words(route.unless)}" if route.unless else ""
    first = "no route is configured" if route.is_usual else f"route {n}"
    return f"{first} ({what}{unless}) to {', '.join(route.to)}"


def _verdict(route: Route, against: Refusal | None) -> str:
    if against is not None:
        return f"no, {against.words}"
    return "yes, in the digest" if route.is_digest else "yes, at once"


def _channel(
    channel: str,
    incident: Incident,
    after: Incident,
    rules: Rules,
    now: datetime,
    silenced_until: datetime | None,
    room: Room | None,
) -> Line:
    manners = rules.manners_of(channel)
    if channel not in after.channels:
        return _said(channel, f"nothing, {_why_nothing(channel, incident, after, rules)}")
    if silenced_until is not None and silenced_until > now:
        return _said(channel, f"silenced until {_clock(silenced_until, now, manners.zone)}")
    if channel in after.digests:
        due = _clock(next_digest(manners, now), now, manners.zone)
        return _said(channel, f"in the digest at {due}: {_why_waits(channel, incident, rules)}")
    if until := quiet_until(manners, incident.severity, now):
        words = f"held until {_clock(until, now, manners.zone)} by its quiet hours"
        if manners.speaks_from is not None:
            words += f"; {manners.speaks_from.words} would be told now"
        return _said(channel, words)
    most = manners.posts_per_hour
    if most is not None and room is not None and not room.left and incident.severity is not Severity.SEV1:
        more_at = _clock(room.more_at, now, manners.zone)
        return _said(
            channel, f"held until {more_at} by its limit of {_messages(most)}; SEV1 would be told now"
        )
    words = "at once" + (", because it heard of it before" if _is_old(channel, incident, rules) else "")
    if called := mentions_for(incident, channel, rules):
        words += f", calling {', '.join(called)}"
    if most is not None:
        left = f", {room.left} of them left" if room else ""
        words += f"; at most {_messages(most)}{left}"
    return _said(channel, words, is_yes=True)


def _messages(most: int) -> str:
    return f"{most} message{'s' * (most != 1)} an hour"


def _said(channel: str, words: str, *, is_yes: bool = False) -> Line:
    return Line(about=About.CHANNEL, words=f"{channel}: {words}", is_yes=is_yes)


def _is_old(channel: str, incident: Incident, rules: Rules) -> bool:
    """True for a channel that the routes would not choose today: it goes on because it began."""
    anew = heard(replace(incident, channels=(), digests=()), rules)
    return channel not in anew.channels or channel in anew.digests


def _why_waits(channel: str, incident: Incident, rules: Rules) -> str:
    groups = {group.name for group in rules.groups if channel in group.channels}
    asked = asking(incident, rules)
    if any(route.is_digest and groups & set(route.to) for route in asked):
        return "a route asks for the digest"
    return "it waited before the routes changed" if asked else _why_not(incident, rules)


def _why_not(incident: Incident, rules: Rules) -> str:
    """Why no route speaks of it; in one sentence where all have the same reason."""
    found = [refusal(route, incident, rules) for route in _shown(incident, rules)]
    reasons = {against.about: against.words for against in found if against}
    if set(reasons) == {"impact"}:
        return f"{incident.impact}, and no route asks for {incident.impact}"
    if len(set(reasons.values())) == 1:
        return f"{next(iter(reasons.values()))}, and no route asks for it"
    return "no route asks for it"


def _why_nothing(channel: str, incident: Incident, after: Incident, rules: Rules) -> str:
    groups = [group for group in rules.groups if channel in group.channels]
    asked = {name for route in asking(incident, rules) for name in route.to}
    heard_by = [group for group in groups if not asked or group.name in asked]
    if other := next(_speakers(heard_by, after), None):
        return other
    if any(group.name in asked for group in groups):
        return f"{channel.partition(':')[0]} cannot be used now"
    if asked:
        return "no route that matches leads here"
    if not rules.manners_of(channel).digest_at:
        return f"{_why_not(incident, rules)}, and the channel has no digests"
    return _why_not(incident, rules)


def _speakers(groups: Iterable[Group], after: Incident) -> Iterator[str]:
    for group in groups:
        if group.mode is Mode.FIRST_UP:
            yield from (f"{c} speaks for {group.name}" for c in group.channels if c in after.channels)


def _clock(at: datetime, now: datetime, zone: tzinfo) -> str:
    """ "09:00 CET", with the date where it is not today's."""
    local = at.astimezone(zone)
    day = "" if local.date() == now.astimezone(zone).date() else f"{local:%Y-%m-%d} "
    return f"{day}{local:%H:%M} {local.tzname() or ''}".rstrip()
