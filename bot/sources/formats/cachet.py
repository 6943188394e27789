"""Cachet's API v1 (versions 1 and 2): incidents, the updates of one, and schedules, as a list or a single record.

A window, oldest first unless asked otherwise, 20 a page. Times have no zone and are taken as UTC. Ids count from 1 in each
table, so those of schedules get a prefix. What an incident's own status says may be older than `latest_status`.
(Facts from samples of Cachet's documentation and client tests.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, first_of, object_with, own_id
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import note

NAME = "cachet-v1"
_STATUSES = {
    "0": Status.SCHEDULED,
    "1": Status.INVESTIGATING,
    "2": Status.IDENTIFIED,
    "3": Status.MONITORING,
    "4": Status.RESOLVED,
}
_SCHEDULES = {"0": Status.SCHEDULED, "1": Status.IN_PROGRESS, "2": Status.COMPLETED}
_WEIGHTS = {"1": Impact.NONE, "2": Impact.MINOR, "3": Impact.MAJOR, "4": Impact.CRITICAL}  # of components
_OTHERS = {  # by a field that only they have, the most telling first
    "status_name": "components",
    "calc_type": "metrics",
    "metric_id": "points of a metric",
    "order": "component groups",
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """What `/api/v1/incidents`, `/incidents/<id>/updates` or `/schedules` says. Other tables are refused by name."""
    data = body_of(payload).get("data")
    items = [data] if isinstance(data, dict) else data
    if not isinstance(items, list):
        raise ParseError("the body has no data of Cachet's")
    for mark, table in _OTHERS.items():
        if mark in first_of(items):
            raise ParseError(f"these are Cachet's {table}, not its incidents; those are at /api/v1/incidents")
    return read_each(items, lambda item: _read(record(item, "it"), spec), spec, "record")


def recognises(payload: Payload) -> bool:
    """True for a record, or a list of them, as Cachet writes its incidents, updates, schedules, components or metrics."""
    data = object_with(payload, b'"data"', b'"created_at"').get("data")
    first = data if isinstance(data, dict) else first_of(data)
    is_event = "human_status" in first and ("message" in first)
    is_table = bool({"status_name", "calc_type", "metric_id"} & first.keys())
    return is_event or is_table or {"id", "name", "created_at", "updated_at", "order"} <= first.keys()


def _read(raw: Mapping[str, object], spec: Spec) -> Observation | None:
    if raw.get("deleted_at"):
        return None
    unknown: list[str] = []
    if "incident_id" in raw:  # an update without its incident: all that is known of that is its number
        status, kind = _status(raw.get("status"), _STATUSES, unknown), Kind.INCIDENT
        key = own_id(raw, "incident_id", "message")
        raw = {"created_at": None, "message": None, "name": f"Incident {key}", "updates": [raw]}
    elif "completed_at" in raw:
        status, kind = _status(raw.get("status"), _SCHEDULES, unknown), Kind.MAINTENANCE
        key = f"schedule-{own_id(raw)}"
    else:
        said = raw.get("status") if raw.get("latest_status") is None else raw.get("latest_status")
        status, key = _status(said, _STATUSES, unknown), own_id(raw)
        status = Status.RESOLVED if raw.get("is_resolved") is True else status
        kind = Kind.MAINTENANCE if status is Status.SCHEDULED else Kind.INCIDENT
    return _observation(raw, key, status, kind, unknown, spec)


def _observation(
    raw: Mapping[str, object], key: str, status: Status, kind: Kind, unknown: list[str], spec: Spec
) -> Observation:
    updates = timeline(
        [
            *(_update(u, key) for u in members(raw.get("updates")) if isinstance(u, dict)),
            *_first_words(raw, key),
        ],
        newest_first=True,
        derived_ids=False,
    )
    last_at = (updates[-1].posted_at if updates else None) or when(raw.get("updated_at"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=_impact(raw, kind),
        is_graded=ident(_weight(raw)) in _WEIGHTS,
        kind=kind,
        began_at=when(raw.get("scheduled_at")) or when(raw.get("occurred_at")) or when(raw.get("created_at")),
        ended_at=(when(raw.get("completed_at")) or last_at) if status.is_over else None,
        updated_at=when(raw.get("updated_at")) or last_at,
        url=web_link(raw.get("permalink")),
        places=places_of(spec.provider, _components(raw)),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _first_words(raw: Mapping[str, object], key: str) -> list[Update]:
    """The message of the incident itself, which opened it and has no id."""
    text, posted_at = plain(raw.get("message")), when(raw.get("created_at"))
    return [Update(id=f"{key}@{stamp(posted_at)}", text=text, posted_at=posted_at)] if text else []


def _update(raw: Mapping[str, object], key: str) -> Update:
    posted_at = when(raw.get("created_at"))
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('created_at'))}",
        text=plain(raw.get("message")),
        posted_at=posted_at,
        status=_STATUSES.get(ident(raw.get("status"))),
    )


def _status(code: object, known: Mapping[str, Status], unknown: list[str]) -> Status:
    status = known.get(ident(code))
    if status is None:
        note(unknown, "status", code)
    return status or (Status.IN_PROGRESS if known is _SCHEDULES else Status.INVESTIGATING)


def _impact(raw: Mapping[str, object], kind: Kind) -> Impact:
    """The weight of the component, where the body has it; Cachet weighs no incident."""
    return Impact.MAINTENANCE if kind is Kind.MAINTENANCE else _WEIGHTS.get(ident(_weight(raw)), Impact.MINOR)


def _weight(raw: Mapping[str, object]) -> object:
    part = raw.get("component")
    return part.get("status") if isinstance(part, dict) else raw.get("component_status")


def _components(raw: Mapping[str, object]) -> list[str]:
    return list(
        dict.fromkeys([*names([raw.get("component")], "name"), *names(raw.get("components"), "name")])
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Cachet 1 and 2, `/api/v1/incidents` and `/schedules`",),
        identity="Cachet's number; an update's number",
        resolution="`is_resolved`, status 4, or of schedules 2",
        lost="weight, unless the body has the component; the zone of times",
        tested="samples of Cachet's documentation and clients' tests",
    ),
)
