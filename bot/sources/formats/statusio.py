"""Status.io's public API, `api.status.io/1.0/status/<page>`: what is open, and planned maintenance.

An incident leaves the list when it is over. Ids are the provider's own; a message has none and is known by incident and time.
The codes of components are ignored, as they contradict each other and the overall one. The newest message weighs.
(Healthy bodies and a maintenance were recorded in 2023; the codes of incidents are from documentation.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, list_of, object_with, own_id
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import note

NAME = "statusio"
_STATES = {
    "100": Status.INVESTIGATING,
    "200": Status.IDENTIFIED,
    "300": Status.MONITORING,
    "400": Status.RESOLVED,
}
_IMPACTS = {
    "100": Impact.NONE,
    "200": Impact.MAINTENANCE,
    "300": Impact.MINOR,
    "400": Impact.MAJOR,
    "500": Impact.CRITICAL,
    "600": Impact.CRITICAL,  # a security event
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The open incidents, and the maintenances that run or are planned."""
    result = record(body_of(payload).get("result"), "the result")
    planned = result.get("maintenance")
    planned = planned if isinstance(planned, dict) else {}
    items: list[tuple[Status | None, object]] = [
        *((None, item) for item in list_of(result, "incidents")),
        *((Status.IN_PROGRESS, item) for item in members(planned.get("active"))),
        *((Status.SCHEDULED, item) for item in members(planned.get("upcoming"))),
    ]
    return read_each(items, lambda pair: _observation(record(pair[1], "it"), pair[0], spec), spec, "record")


def recognises(payload: Payload) -> bool:
    """True for a result with an overall status."""
    result = object_with(payload, b'"result"', b'"status_overall"').get("result")
    return isinstance(result, dict) and isinstance(result.get("status_overall"), dict)


def _observation(raw: Mapping[str, object], planned: Status | None, spec: Spec) -> Observation:
    """`planned` is what the list of a maintenance says of it; None for an incident, whose messages say it."""
    key = own_id(raw, "_id")
    unknown: list[str] = []
    said = [message for message in members(raw.get("messages")) if isinstance(message, dict)]
    last = max(said, key=lambda m: stamp(when(m.get("datetime"))), default={})
    status = planned or _state(last.get("state"), unknown)
    kind = Kind.MAINTENANCE if planned else Kind.INCIDENT
    messages = [_update(message, key, kind) for message in said]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if planned else _impact(last.get("status"), unknown),
        kind=kind,
        began_at=when(raw.get("datetime_planned_start")) or when(raw.get("datetime_open")),
        ended_at=when(last.get("datetime")) if status.is_over else None,
        updated_at=when(last.get("datetime")),
        places=places_of(
            spec.provider,
            names(raw.get("components_affected"), "name"),
            names(raw.get("containers_affected"), "name"),  # their word for a location
        ),
        updates=timeline(messages, newest_first=True, derived_ids=True),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, kind: Kind) -> Update:
    posted_at = when(raw.get("datetime"))
    return Update(
        id=f"{key}@{stamp(posted_at, raw.get('datetime'))}",
        text=plain(raw.get("details")),
        posted_at=posted_at,
        status=_STATES.get(ident(raw.get("state"))) if kind is Kind.INCIDENT else None,
    )


def _state(code: object, unknown: list[str]) -> Status:
    status = _STATES.get(ident(code))
    if status is None:
        note(unknown, "state", code)
    return status or Status.INVESTIGATING


def _impact(code: object, unknown: list[str]) -> Impact:
    impact = _IMPACTS.get(ident(code))
    if impact is None:
        note(unknown, "status", code)
    return impact or Impact.CRITICAL


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Status.io pages (GitLab, Docker, ClickUp), `api.status.io/1.0/status/<page>`",),
        identity="Status.io's `_id`; a message: incident and time",
        resolution="it is gone",
        lost="what has been",
        tested="captures, healthy and with a planned maintenance; codes of incidents from documentation",
    ),
)
