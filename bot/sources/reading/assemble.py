"""How what was read becomes observations: lists of records, timelines in order, places, and a user's filters.

One bad record spares the others: they travel in `ParseError.partial`. Every bound on numbers is here. Called by the parsers of
this folder; nothing here knows a provider.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from bot.domain.observation import UPDATES_MAX, Observation, Place, Update
from bot.errors import ParseError
from bot.sources.payload import Spec
from bot.sources.reading.text import line

ENTRIES_MAX = 2_000  # records read of one body; the longest real list seen holds 483
PAIRS_MAX = 60  # components x regions written out; wider events are told as the two lists side by side
PLACES_MAX = 300  # beyond that, "the provider" says as much; GCP has some 150 products and 60 locations
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_T = TypeVar("_T")


def record(value: object, what: str) -> Mapping[str, object]:
    """`value`, which must be a JSON object. Raises ParseError saying what came instead."""
    if isinstance(value, dict):
        return value
    raise ParseError(f"{what} is {_kind(value)}, not an object")


def members(value: object) -> list[object]:
    """The members of a JSON list; nothing for whatever is no list, because feeds write null for an empty one."""
    return value if isinstance(value, list) else []


def names(value: object, *fields: str) -> list[str]:
    """The names in a JSON list of strings, or of objects that hold them under one of `fields` (the first that is there)."""
    found = []
    for member in members(value):
        if isinstance(member, dict):
            member = next((member[f] for f in fields if member.get(f)), None)
        found.append(line(member, max_chars=120))
    return list(dict.fromkeys(name for name in found if name))


def read_each(
    items: Iterable[_T], read: Callable[[_T], Observation | None], spec: Spec, what: str
) -> tuple[Observation, ...]:
    """The observations of a list, in its order. Raises ParseError, with all good ones, when any item makes no sense.

    `read` gives None for an item that is no event.
    """
    good: list[Observation] = []
    bad: list[str] = []
    for index, item in enumerate(items):
        if index >= ENTRIES_MAX:
            break
        try:
            observation = read(item)
        except ParseError as exc:
            bad.append(f"{what} {index}: {exc}")
        else:
            good.extend([observation] if observation else [])
    found = wanted(distinct(good), spec)
    if bad:
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        raise ParseError("; ".join(bad[:3]) + more, partial=found)
    return found


def distinct(observations: Sequence[Observation]) -> list[Observation]:
    """Each key once: of two with one key the one that spoke last, with the updates of both."""
    by_key: dict[str, Observation] = {}
    for new in observations:
        old = by_key.get(new.key)
        by_key[new.key] = _joined(old, new) if old else new
    return list(by_key.values())


def wanted(observations: Iterable[Observation], spec: Spec) -> tuple[Observation, ...]:
    """Those that touch what the user watches. Unknown places stay in: unknown does not mean unaffected."""
    if not spec.regions and not spec.components:
        return tuple(observations)
    regions = {_folded(region) for region in spec.regions}
    parts = [_folded(component, " ") for component in spec.components]
    return tuple(
        o for o in observations if not o.places or any(_touches(p, regions, parts) for p in o.places)
    )


def timeline(updates: Iterable[Update], *, newest_first: bool, derived_ids: bool) -> tuple[Update, ...]:
    """Updates oldest first, each id once, at most UPDATES_MAX of them (the newest).

    `newest_first` is how the feed usually lists them; it decides among equal times only. Where ids are derived from times,
    two texts of one moment are two updates, and the second gets "#2"; where the provider gives ids, one id is one update,
    and its later, longer text stays.
    """
    ordered = list(updates)
    if newest_first:
        ordered.reverse()
    ordered = _by_time(ordered)
    once = _numbered(ordered) if derived_ids else _settled(ordered)
    return tuple(once[-UPDATES_MAX:])


def places_of(provider: str, components: Sequence[str], regions: Sequence[str] = ()) -> tuple[Place, ...]:
    """The places that components and regions span; one place without either when the provider names nothing.

    Up to PAIRS_MAX pairs are written out. A wider event gives every component with its region unknown, beside every region
    with its component unknown: more than is hit, never less.
    """
    if components and regions and len(components) * len(regions) <= PAIRS_MAX:
        return tuple(Place(provider=provider, component=c, region=r) for c in components for r in regions)
    if not 0 < len(components) + len(regions) <= PLACES_MAX:
        return (Place(provider=provider),)
    return (
        *(Place(provider=provider, component=c) for c in components),
        *(Place(provider=provider, region=r) for r in regions),
    )


def _joined(old: Observation, new: Observation) -> Observation:
    first, last = sorted((old, new), key=lambda o: o.spoke_at or _BEFORE_ALL)
    updates = timeline((*first.updates, *last.updates), newest_first=False, derived_ids=False)
    return replace(last, updates=updates)


def _by_time(updates: list[Update]) -> list[Update]:
    """Sorted by time; one without a time stays behind the one it follows."""
    keyed, last = [], _BEFORE_ALL
    for update in updates:
        last = update.posted_at or last
        keyed.append((last, update))
    return [update for _, update in sorted(keyed, key=lambda pair: pair[0])]


def _numbered(updates: list[Update]) -> list[Update]:
    texts: dict[str, set[str]] = {}
    found = []
    for update in updates:
        seen = texts.setdefault(update.id, set())
        if update.text in seen:
            continue
        seen.add(update.text)
        found.append(replace(update, id=f"{update.id}#{len(seen)}") if len(seen) > 1 else update)
    return found


def _settled(updates: list[Update]) -> list[Update]:
    by_id: dict[str, Update] = {}
    for update in updates:
        old = by_id.pop(update.id, None)
        same_time = old is not None and old.posted_at == update.posted_at
        by_id[update.id] = old if old and same_time and len(old.text) > len(update.text) else update
    return list(by_id.values())


def _touches(place: Place, regions: set[str], parts: list[str]) -> bool:
    at = place.region is None or place.region == "global" or not regions or _folded(place.region) in regions
    if not at or place.component is None or not parts:
        return at
    said = f" {_folded(place.component, ' ')} "
    return any(f" {part} " in said for part in parts)


def _folded(name: str, between: str = "") -> str:
    """Without case and punctuation, so that "West US" and "westus" are one region."""
    return between.join(re.findall(r"\w+", name.casefold()))


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "a yes or no", int: "a number", float: "a number"}
    return "null" if value is None else kinds.get(type(value), "something else")
