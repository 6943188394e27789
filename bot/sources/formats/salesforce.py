"""Salesforce Trust, API v1: the status of an instance, or lists of incidents and maintenances.

An instance's body lists what is open; a list of incidents holds closed ones too. Ids are numbers of Salesforce's own. An
incident may end without `endTime`: then an impact's `endTimeCreatedAt` is set. Texts hold backslash and n for a line's end.
(Facts from a body recorded in 2023.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import first_of, own_id, value_with, worst
from bot.sources.reading.text import decode, ident, line, load_json, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, impact_of, note

NAME = "salesforce-trust"
HOME = "https://status.salesforce.com/"
_PLANNED = {
    "scheduled": Status.SCHEDULED,
    "started": Status.IN_PROGRESS,
    "inprogress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
}
_TOLD = ("updated", "update", "confirmed")  # events of a maintenance that do not move it
_OVER = ("resolved", "completed", "closed")
_HEAVIER = {Impact.MINOR: Impact.MAJOR, Impact.MAJOR: Impact.CRITICAL}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents and maintenances of an instance, or of a list."""
    body = load_json(payload)
    if isinstance(body, list):
        items = body
    elif isinstance(body, dict) and isinstance(body.get("Incidents"), list):
        items = [*body["Incidents"], *members(body.get("Maintenances"))]
    else:
        raise ParseError("the body has neither Incidents nor is it a list of them")
    own = ident(body.get("key")) if isinstance(body, dict) else ""
    return read_each(items, lambda item: _observation(record(item, "it"), own, payload, spec), spec, "record")


def listing_of(payload: Payload) -> Listing:
    """OPEN for an instance and for `.../active`, WINDOW for other lists."""
    is_active = payload.url.split("?")[0].rstrip("/").endswith("/active")
    return Listing.WINDOW if decode(payload).lstrip()[:1] == "[" and not is_active else Listing.OPEN


def recognises(payload: Payload) -> bool:
    """True for an instance with its incidents, or a list of such incidents or maintenances."""
    body = value_with(payload, b'"Incidents"', b'"Maintenances"')
    if isinstance(body, dict):
        return isinstance(body.get("Incidents"), list)
    first = first_of(value_with(payload, b'Impacts"', b'Events"'))
    return {"IncidentImpacts", "IncidentEvents"} <= first.keys() or "MaintenanceEvents" in first


def _observation(raw: Mapping[str, object], own: str, payload: Payload, spec: Spec) -> Observation:
    key = own_id(raw)
    unknown: list[str] = []
    kind = Kind.MAINTENANCE if "plannedStartTime" in raw else Kind.INCIDENT
    impacts = _records(raw, "IncidentImpacts" if kind is Kind.INCIDENT else "MaintenanceImpacts")
    events = _records(raw, "IncidentEvents" if kind is Kind.INCIDENT else "MaintenanceEvents")
    updates = timeline(
        [*(_update(event, key) for event in events), *_announcement(raw, key)],
        newest_first=True,
        derived_ids=False,
    )
    status = _incident(events, impacts) if kind is Kind.INCIDENT else _planned(raw, events, payload, unknown)
    services = names(raw.get("serviceKeys"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name"))
        or line(f"{' and '.join(services[:3]) or own or 'Salesforce'}: incident {key}"),
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else worst(_weights(impacts, unknown)),
        is_graded=bool(impacts),
        kind=kind,
        began_at=when(raw.get("plannedStartTime")) or _start(impacts) or when(raw.get("createdAt")),
        ended_at=_end(impacts) if status.is_over else None,
        updated_at=when(raw.get("updatedAt")),
        url=web_link(f"{HOME}{'maintenances' if kind is Kind.MAINTENANCE else 'incidents'}/{key}") or HOME,
        places=places_of(spec.provider, services, names(raw.get("instanceKeys")) or ([own] if own else [])),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _records(raw: Mapping[str, object], field: str) -> list[Mapping[str, object]]:
    """Oldest first, whatever the feed's order."""
    found = [each for each in reversed(members(raw.get(field))) if isinstance(each, dict)]
    return sorted(found, key=lambda each: stamp(when(each.get("createdAt"))))


def _update(raw: Mapping[str, object], key: str) -> Update:
    posted_at = when(raw.get("createdAt"))
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('createdAt'))}",
        text=_plain(raw.get("message")),
        posted_at=posted_at,
    )


def _announcement(raw: Mapping[str, object], key: str) -> list[Update]:
    """What a maintenance says of itself: the events after it are one line each."""
    text, posted_at = _plain(raw.get("additionalInformation")), when(raw.get("createdAt"))
    return [Update(id=f"{key}@{stamp(posted_at)}", text=text, posted_at=posted_at)] if text else []


def _plain(text: object) -> str:
    return plain(text.replace("\\n", "\n") if isinstance(text, str) else text)


def _incident(events: list[Mapping[str, object]], impacts: list[Mapping[str, object]]) -> Status:
    is_ended = bool(impacts) and all(i.get("endTime") or i.get("endTimeCreatedAt") for i in impacts)
    is_said = bool(events) and folded(events[-1].get("type")) in _OVER
    return Status.RESOLVED if is_ended or is_said else Status.INVESTIGATING


def _planned(
    raw: Mapping[str, object], events: list[Mapping[str, object]], payload: Payload, unknown: list[str]
) -> Status:
    """By the last event that moves it; without any, by the clock."""
    for event in reversed(events):
        said = folded(event.get("type"))
        if said in _TOLD:
            continue
        status = _PLANNED.get(said.replace("_", ""))
        if status is None:
            note(unknown, "type", event.get("type"))
        return status or Status.IN_PROGRESS
    starts_at = when(raw.get("plannedStartTime"))
    return Status.SCHEDULED if starts_at and starts_at > payload.fetched_at else Status.IN_PROGRESS


def _weights(impacts: Iterable[Mapping[str, object]], unknown: list[str]) -> list[Impact]:
    """Severity, and one more for a disruption, which is more than a degradation."""
    found = []
    for impact in impacts:
        weight = impact_of(impact.get("severity"), Kind.INCIDENT, unknown)
        is_down = folded(impact.get("type")).replace("_", "") == "servicedisruption"
        found.append(_HEAVIER.get(weight, weight) if is_down else weight)
    return found


def _start(impacts: Iterable[Mapping[str, object]]) -> datetime | None:
    return min((at for i in impacts if (at := when(i.get("startTime")))), default=None)


def _end(impacts: Iterable[Mapping[str, object]]) -> datetime | None:
    times = ((when(i.get("endTime")) or when(i.get("endTimeCreatedAt"))) for i in impacts)
    return max((at for at in times if at), default=None)


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    about=About(
        vendors=(
            "Salesforce Trust, API v1: `/instances/<key>/status`, `/incidents`, `/incidents/active`, `/maintenances`",
            "Heroku on it",
        ),
        identity="Salesforce's number; so have events",
        resolution="every impact has an `endTime`, or `endTimeCreatedAt` alone; later it is gone from an instance",
        lost="a title, for many incidents",
        tested="a capture of 2023",
    ),
)
