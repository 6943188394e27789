"""Cachet 3's API, a JSON:API document: `/api/incidents`, `/api/schedules`, and the updates of one incident.

A window, newest first, 15 a page; ask for `?include=updates,components`, for texts after the first and for places stand among
the included. Times have no zone and are taken as UTC; ids are those of Cachet 1 and 2, so a page that was moved keeps its own.
From documentation, not tested against a capture: the server's source, https://github.com/cachethq/core (read November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, first_of, object_with, worst
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import note

NAME = "cachet-v3"
_STATUSES = {
    "0": Status.INVESTIGATING,  # "reported"
    "1": Status.INVESTIGATING,
    "2": Status.IDENTIFIED,
    "3": Status.MONITORING,
    "4": Status.RESOLVED,
}
_SCHEDULES = {"0": Status.SCHEDULED, "1": Status.IN_PROGRESS, "2": Status.COMPLETED}
_WEIGHTS = {  # of components
    "1": Impact.NONE,
    "2": Impact.MINOR,
    "3": Impact.MAJOR,
    "4": Impact.CRITICAL,
    "6": Impact.MAINTENANCE,
}
_EVENTS = frozenset({"incidents", "schedules", "updates"})
Included = Mapping[tuple[str, str], Mapping[str, object]]  # by type and id


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents or schedules of a list, or of one update its incident. Other tables are refused by name."""
    body = body_of(payload)
    data = body.get("data")
    items = [data] if isinstance(data, dict) else data
    if not isinstance(items, list):
        raise ParseError("the body has no data of Cachet's")
    table = ident(first_of(items).get("type"))
    if items and table not in _EVENTS:
        raise ParseError(
            f'these are Cachet\'s "{table[:40]}", not its incidents; those are at /api/incidents'
        )
    found = [item for item in members(body.get("included")) if isinstance(item, dict)]
    included = {(ident(item.get("type")), ident(item.get("id"))): item for item in found}
    return read_each(items, lambda item: _read(record(item, "it"), included, spec), spec, "record")


def recognises(payload: Payload) -> bool:
    """True for JSON:API records whose times have a spelling for people beside the exact one, as Cachet's do."""
    body = object_with(payload, b'"attributes"', b'"human"')
    data = body.get("data")
    first = data if isinstance(data, dict) else first_of(data)
    created = _attributes(first).get("created")
    return "type" in first and isinstance(created, dict) and created.keys() >= {"human", "string"}


def _read(raw: Mapping[str, object], included: Included, spec: Spec) -> Observation:
    said, table = _attributes(raw), ident(raw.get("type"))
    number = ident(raw.get("id")) or ident(said.get("id"))
    posts = [_attributes(post) | {"id": ident(post.get("id"))} for post in _linked(raw, "updates", included)]
    if table == "updates":  # an update without its incident: all that is known of that is its number
        posts, number = [{**said, "id": number}], ident(said.get("updateable_id"))
        table = "schedules" if "schedule" in ident(said.get("updateable_type")).casefold() else "incidents"
        said = {"name": f"Incident {number}", "status": said.get("status")}
    if not number:
        raise ParseError(f'"{line(said.get("name"), max_chars=60)}" has no id')
    kind = Kind.MAINTENANCE if table == "schedules" else Kind.INCIDENT
    key = f"schedule-{number}" if kind is Kind.MAINTENANCE else number
    said_in_all = [*_first_words(said, key), *(_update(post, key) for post in posts)]
    updates = timeline(said_in_all, newest_first=True, derived_ids=False)
    return _observation(said, key, kind, updates, _linked(raw, "components", included), spec)


def _observation(
    said: Mapping[str, object],
    key: str,
    kind: Kind,
    updates: Sequence[Update],
    parts: Sequence[Mapping[str, object]],
    spec: Spec,
) -> Observation:
    unknown: list[str] = []
    status = _status(said, kind, unknown)
    last_at = (updates[-1].posted_at if updates else None) or _at(said, "updated")
    begins = (_at(said, name) for name in ("scheduled", "occurred", "created"))
    names = (line(_attributes(part).get("name"), max_chars=120) for part in parts)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(said.get("name")) or "Untitled",
        status=status,
        impact=_impact(parts, kind),
        is_graded=bool(parts),
        kind=kind,
        began_at=next((at for at in begins if at), None),
        ended_at=(_at(said, "completed") or last_at) if status.is_over else None,
        updated_at=_at(said, "updated") or last_at,
        places=places_of(spec.provider, [name for name in dict.fromkeys(names) if name]),
        updates=tuple(updates),
        unknown_words=tuple(unknown),
    )


def _first_words(said: Mapping[str, object], key: str) -> list[Update]:
    """The message of the incident itself, which opened it and has no id."""
    text, at = plain(said.get("message")), _at(said, "created")
    return [Update(id=f"{key}@{stamp(at)}", text=text, posted_at=at)] if text else []


def _update(said: Mapping[str, object], key: str) -> Update:
    at = _at(said, "created")
    return Update(
        id=ident(said.get("id")) or f"{key}@{stamp(at)}",
        text=plain(said.get("message")),
        posted_at=at,
        status=_STATUSES.get(_code(said)) if "status" in said and not key.startswith("schedule-") else None,
    )


def _status(said: Mapping[str, object], kind: Kind, unknown: list[str]) -> Status:
    known = _SCHEDULES if kind is Kind.MAINTENANCE else _STATUSES
    status = known.get(_code(said))
    if status is None:
        note(unknown, "status", _code(said))
    return status or (Status.IN_PROGRESS if kind is Kind.MAINTENANCE else Status.INVESTIGATING)


def _impact(parts: Sequence[Mapping[str, object]], kind: Kind) -> Impact:
    """The worst that the incident does to a component, where the body has them; Cachet weighs no incident."""
    if kind is Kind.MAINTENANCE:
        return Impact.MAINTENANCE
    return worst(_weight(_attributes(part)) for part in parts)


def _weight(part: Mapping[str, object]) -> Impact:
    pivot = part.get("pivot")
    inside = pivot.get("component_status") if isinstance(pivot, dict) else None
    return _WEIGHTS.get(_code({"status": inside or part.get("status")}), Impact.MINOR)


def _linked(raw: Mapping[str, object], name: str, included: Included) -> list[Mapping[str, object]]:
    """The records of a relationship: in it by type and id, in full among the included."""
    links = raw.get("relationships")
    link = links.get(name) if isinstance(links, dict) else None
    wanted = members(link.get("data")) if isinstance(link, dict) else []
    keys = [(ident(each.get("type")), ident(each.get("id"))) for each in wanted if isinstance(each, dict)]
    return [included[key] for key in keys if key in included]


def _attributes(raw: Mapping[str, object]) -> dict[str, object]:
    inner = raw.get("attributes")
    return inner if isinstance(inner, dict) else {}


def _code(said: Mapping[str, object]) -> str:
    """The number of a status, which comes with its name: {"human": "Fixed", "value": 4}."""
    status = said.get("status")
    return ident(status.get("value") if isinstance(status, dict) else status)


def _at(said: Mapping[str, object], name: str) -> datetime | None:
    spelt = said.get(name)
    return when(spelt.get("string")) if isinstance(spelt, dict) else None


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Cachet 3, `/api/incidents?include=updates,components` and `/api/schedules`",),
        identity="the incident's id, the update's id",
        resolution="status 4, of schedules 2",
        lost="updates and components, unless the address asks to include them",
    ),
)
