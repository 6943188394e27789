"""Apple's system status, for everybody and for developers: a board of services, each with its recent events. JSON or JSONP.

Whatever goes on is listed, and closed events stay for a while, so an open one that left is over. `messageId` names an event;
its one message is replaced in place. Where it is null, service and start make the key. The services' own links are ignored.
(Tested against hand-edited copies of 2020 and 2021, whose times count from 2001.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record
from bot.sources.reading.shapes import board_of, body_of, first_of, object_with
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import offset_of, stamp, when
from bot.sources.reading.vocabulary import folded, note, status_of

NAME = "apple-system-status"
HOME = "https://www.apple.com/support/systemstatus/"
_FOR_DEVELOPERS = "https://developer.apple.com/system-status/"
_IMPACTS = {"outage": Impact.CRITICAL, "issue": Impact.MINOR, "maintenance": Impact.MAINTENANCE}
_APPLE_EPOCH = 978_307_200  # 2001-01-01, from which Apple's own programs count seconds
Event = tuple[object, tuple[str, ...]]  # with the names of the services that list it


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The events of all services; one that several services list is one observation."""
    events: dict[str, Event] = {}
    for name, event in _listed(board_of(body_of(payload), "services")):
        key = _key(event, name)
        events[key] = (event, (*events.get(key, (event, ()))[1], name))
    home = _FOR_DEVELOPERS if "/developer/" in payload.url else HOME
    return read_each(events.items(), lambda pair: _observation(*pair, home, spec), spec, "event")


def recognises(payload: Payload) -> bool:
    """True for a list of services with events."""
    first = first_of(object_with(payload, b'"services"', b'"serviceName"').get("services"))
    return "serviceName" in first and "events" in first


def _listed(services: list[object]) -> Iterator[tuple[str, object]]:
    """Each event with the name of its service; what is no service counts as an event that cannot be read."""
    for service in services:
        if isinstance(service, dict):
            name = line(service.get("serviceName"), max_chars=120)
            yield from ((name, event) for event in members(service.get("events")))
        else:
            yield "", service


def _key(event: object, service: str) -> str:
    """Apple's id; without one the service and the start."""
    raw = event if isinstance(event, dict) else {}
    return ident(raw.get("messageId")) or f"{service}@{stamp(_moment(raw, 'epochStartDate', 'startDate'))}"


def _observation(key: str, event: Event, home: str, spec: Spec) -> Observation:
    raw, services = record(event[0], "it"), event[1]
    unknown: list[str] = []
    kind = Kind.MAINTENANCE if folded(raw.get("statusType")) == "maintenance" else Kind.INCIDENT
    status = status_of(raw.get("eventStatus"), kind, unknown)
    if kind is Kind.INCIDENT and status is Status.COMPLETED:
        status = Status.RESOLVED
    named = [name for name in dict.fromkeys(services) if name]
    update = _update(raw, key)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=bool(ident(raw.get("messageId"))),
        title=line(f"{', '.join(named[:3]) or 'Apple'}: {line(raw.get('statusType')) or 'issue'}"),
        status=status,
        impact=_impact(raw.get("statusType"), unknown),
        is_graded=bool(raw.get("statusType")),
        kind=kind,
        began_at=_moment(raw, "epochStartDate", "startDate"),
        ended_at=_moment(raw, "epochEndDate", "endDate") if status.is_over else None,
        updated_at=update.posted_at,
        url=home,
        places=places_of(spec.provider, named),
        updates=(update,) if update.text else (),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str) -> Update:
    """The one message; a new date makes it a new one, anything else is an edit."""
    posted_at = _moment(raw, "datePosted", "epochStartDate")
    return Update(id=f"{key}@{stamp(posted_at)}", text=plain(raw.get("message")), posted_at=posted_at)


def _impact(word: object, unknown: list[str]) -> Impact:
    impact = _IMPACTS.get(folded(word))
    if impact is None and word:
        note(unknown, "statusType", word)
        return Impact.CRITICAL
    return impact or Impact.MINOR


def _moment(raw: Mapping[str, object], *fields: str) -> datetime | None:
    return next((at for field in fields if (at := _when(raw.get(field)))), None)


def _when(value: object) -> datetime | None:
    """Milliseconds, "08/21/2026 10:30 PDT", or seconds since 2001."""
    at = when(value)
    if at is None and isinstance(value, int) and 0 < value < _APPLE_EPOCH:
        return when(value + _APPLE_EPOCH)
    if at is None and isinstance(value, str) and len(value) <= 40:
        clock, _, zone = value.strip().rpartition(" ")
        try:
            local = datetime.strptime(f"{clock} +0000", "%m/%d/%Y %H:%M %z")
            return when((local - (offset_of(zone) or timedelta())).isoformat())
        except (ValueError, OverflowError):
            return None
    return at


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Apple's system status, for everybody and for developers, JSON or JSONP",),
        identity="`messageId`; where it is null, service and start",
        resolution="`eventStatus`, or it is gone",
        lost="earlier texts: the one message is replaced",
        tested="hand-edited copies of 2020 and 2021",
    ),
)
