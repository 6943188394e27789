"""Saying that a chat refuses us: operators hear once, with the remedy, and again when nothing is refused there any more.

What Fogbell says about itself is an Observation like any other, in a ledger of its own. Called by `pipeline.upkeep` with the
conversations that are parked now; nothing is remembered but the open incidents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.observation import WATCHER, Observation, Place, Update
from bot.domain.routing import BUILT_IN, Group, Route, open_channels
from bot.domain.rules import Rules
from bot.domain.standing import Entry, State
from bot.domain.words import Impact, Kind, Status

SOURCE = "refusals"  # who says so
MANY = 3  # so many channels of one chat that refuse for one reason are one trouble: the chat's
CHANNELS_SHOWN = 10
ELSEWHERE = "where operators can be reached"


def observations(
    entries: Iterable[Entry], held: Iterable[Incident], now: datetime
) -> tuple[Observation, ...]:
    """What to say now: of the channels that refuse, and of those of `held` that do not any more.

    `entries` are the lines of the outbox, all of them. `held` are the open incidents of the WATCHER's ledger; those of others
    are left alone.
    """
    told = {about(incident): incident for incident in held if about(incident)}
    reasons = _reasons(entries)
    troubles = _troubles(reasons, told)
    said = [_refused(place, why, told.get(place), now) for place, why in sorted(troubles.items())]
    back = [
        _over(incident, now, is_elsewhere=any(_covers(place, c) for c in reasons))
        for place, incident in told.items()
        if place not in troubles
    ]
    return (*said, *back)


def _reasons(entries: Iterable[Entry]) -> dict[str, str]:
    """Why each channel refuses, in the chat's words."""
    parked = [entry for entry in entries if entry.state is State.PARKED]
    return {entry.channel: entry.why for entry in sorted(parked, key=lambda e: e.urgency, reverse=True)}


def _troubles(reasons: Mapping[str, str], told: Collection[str]) -> dict[str, Mapping[str, str]]:
    """The channels that refuse, with their reasons, under the name of what is said: a channel, or "slack:*"."""
    found: dict[str, dict[str, str]] = {}
    for channel, why in reasons.items():
        chat = f"{channel.partition(':')[0]}:*"
        alike = [c for c, other in reasons.items() if other == why and _covers(chat, c)]
        is_all = len(alike) >= MANY or chat in told  # it stays one trouble until the last channel works
        found.setdefault(chat if is_all else channel, {})[channel] = why
    return dict(found)


def _covers(place: str, channel: str) -> bool:
    return place == channel or (place.endswith(":*") and channel.startswith(place[:-1]))


def about(incident: Incident) -> str:
    """What an incident of the WATCHER's ledger says refuses us: a channel, "slack:*", or "" when it is about something else."""
    chain = next((c.said.chain for c in incident.claims if c.source == SOURCE), None) or ""
    return chain.partition(":")[2]


def _refused(place: str, reasons: Mapping[str, str], held: Incident | None, now: datetime) -> Observation:
    text = "\n".join(_words(reasons))
    name = place.removesuffix(":*")
    said = next((c.said for c in held.claims if c.source == SOURCE), None) if held else None
    if held is not None and said is not None:
        known = {u.text for u in held.updates}
        fresh = () if text in known else (_update(said.key, text, now),)
        if not fresh:
            return replace(said, updates=held.updates)
        return replace(said, updated_at=now, updates=(*held.updates, *fresh))
    key = f"refused:{place}@{now.isoformat()}"
    return Observation(
        provider=WATCHER,
        format="refusals",
        key=key,
        is_native=False,
        title=f"{name} refuses our messages",
        status=Status.INVESTIGATING,
        impact=Impact.MINOR,
        kind=Kind.BLINDNESS,
        began_at=now,
        updated_at=now,
        places=(Place(provider=WATCHER, component=name),),
        updates=(_update(key, text, now),),
        chain=f"refused:{place}",
    )


def _words(reasons: Mapping[str, str]) -> Iterable[str]:
    """Each reason once, with its channels; what is kept for them is said to be safe."""
    by_reason: dict[str, list[str]] = {}
    for channel, why in sorted(reasons.items()):
        by_reason.setdefault(why, []).append(channel)
    for why, channels in by_reason.items():
        more = f" and {len(channels) - CHANNELS_SHOWN} more" if len(channels) > CHANNELS_SHOWN else ""
        yield f"{', '.join(channels[:CHANNELS_SHOWN])}{more}: {why}"
    yield 'Nothing is lost: it is tried again by itself. To try at once: "outbox retry all".'


def _update(key: str, text: str, now: datetime) -> Update:
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Update(id=f"{key}#{name}", text=text, posted_at=now)


def _over(incident: Incident, now: datetime, *, is_elsewhere: bool) -> Observation:
    said = next(c.said for c in incident.claims if c.source == SOURCE)
    name = about(incident).removesuffix(":*")
    minutes = int((now - (said.began_at or now)).total_seconds() // 60)
    text = f"Nothing is refused by {name} any more, after {minutes} min."
    if is_elsewhere:
        text = f"It is the same for other channels of {name.partition(':')[0]}: told together from now on."
    end = Update(id=f"{said.key}#over@{now.isoformat()}", text=text, posted_at=now, status=Status.RESOLVED)
    return replace(
        said, status=Status.RESOLVED, ended_at=now, updated_at=now, updates=(*incident.updates, end)
    )


def refusing(entries: Iterable[Entry], held: Iterable[Incident], rules: Rules) -> frozenset[str]:
    """The channels of the rules that refuse us, also those of a chat where it was said of all."""
    reasons = _reasons(entries)
    places = _troubles(reasons, {about(incident) for incident in held})
    known = {c for group in rules.groups for c in group.channels}
    return frozenset(c for c in known | reasons.keys() if any(_covers(place, c) for place in places))


def heard_elsewhere(rules: Rules, broken: Collection[str], usable: Collection[str] | None) -> Rules:
    """The rules, with operators told where they can hear it: a channel that refuses us is no place to say that it does.

    Where every channel of theirs refuses, the page and one channel that works stand in. `usable` names the chats that can be
    relied on, None for all.
    """
    asked = {name for route in rules.routes if Kind.BLINDNESS in route.kinds for name in route.to}
    theirs = {c for group in rules.groups if group.name in asked for c in open_channels(group, usable)}
    if not theirs <= set(broken):
        return rules
    chats = {_chat(channel) for channel in broken}
    works = [c for g in rules.groups for c in g.channels if c not in broken]
    others = [c for c in works if _chat(c) not in BUILT_IN and (usable is None or _chat(c) in usable)]
    others.sort(key=lambda c: _chat(c) in chats)  # what ails one channel may ail its neighbours
    pages = [c for c in works if _chat(c) in BUILT_IN]
    spare = Group(name=ELSEWHERE, channels=tuple(dict.fromkeys([*others[:1], *pages])))
    route = Route(to=(ELSEWHERE,), kinds=(Kind.BLINDNESS,))
    return replace(rules, groups=(*rules.groups, spare), routes=(route, *rules.routes))


def _chat(channel: str) -> str:
    return channel.partition(":")[0]
