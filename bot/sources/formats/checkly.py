"""Checkly's status pages: the unresolved incidents of a page, with their updates.

An incident leaves the list when it is over. All ids are Checkly's own. Names of fields come in two spellings in one body.
(Facts from a body recorded in 2026.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Kind
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, first_of, list_of, object_with, own_id
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import impact_of, status_of

NAME = "checkly"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents that are not resolved yet."""
    items = list_of(body_of(payload), "incidents")
    return read_each(items, lambda item: _observation(record(item, "it"), spec), spec, "incident")


def recognises(payload: Payload) -> bool:
    """True for a list of incidents with Checkly's updates; an empty list is nobody's."""
    first = first_of(object_with(payload, b'"incidents"', b'"incidentUpdates"').get("incidents"))
    return "incidentUpdates" in first


def _observation(raw: Mapping[str, object], spec: Spec) -> Observation:
    key = own_id(raw)
    unknown: list[str] = []
    status = status_of(raw.get("lastUpdateStatus"), Kind.INCIDENT, unknown)
    updated_at = when(raw.get("updated_at"))
    updates = [
        _update(item, key, unknown) for item in members(raw.get("incidentUpdates")) if isinstance(item, dict)
    ]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=impact_of(raw.get("severity"), Kind.INCIDENT, unknown),
        is_graded=bool(raw.get("severity")),
        began_at=when(raw.get("created_at")),
        ended_at=updated_at if status.is_over else None,
        updated_at=updated_at,
        places=places_of(spec.provider, names(raw.get("services"), "name")),
        updates=timeline(updates, newest_first=True, derived_ids=False),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, unknown: list[str]) -> Update:
    posted_at = when(raw.get("publicIncidentUpdateDate")) or when(raw.get("created_at"))
    said = raw.get("status")
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('created_at'))}",
        text=plain(raw.get("description")),
        posted_at=posted_at,
        status=status_of(said, Kind.INCIDENT, unknown) if said else None,
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Checkly's status pages (Mistral)",),
        identity="Checkly's ids",
        resolution="it is gone",
        lost="what has been: it lists unresolved ones only",
        tested="a capture of 2026",
    ),
)
