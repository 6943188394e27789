"""Fedora's status as files: `statuses.json` (or JSONP), a board of services, and `changes.json`, the log of that board.

The board knows no incidents: a service that is not good is one, its key the service and our own day, its message replaced in
place. It is over when the service is good again. The log dates every change, so there service and start make the key.
(Facts from bodies of 2012 to 2021, one of them invalid JSON.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record, timeline
from bot.sources.reading.shapes import first_of, observation_of, on_the_day, today, value_with
from bot.sources.reading.text import decode, fingerprint, ident, line, load_json, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note

NAME = "fedora-status"
HOME = "https://status.fedoraproject.org/"
_FIELDS = {"message", "name", "status", "url"}
_IMPACTS = {
    "good": Impact.NONE,
    "minor": Impact.MINOR,
    "major": Impact.CRITICAL,
    "scheduled": Impact.MAINTENANCE,
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The services that are not good, or the outages of the log."""
    body = load_json(payload)
    if isinstance(body, list) and body:
        bad = [item for item in body if not isinstance(item, dict)]
        return read_each([*bad, *_outages(body, spec)], observation_of, spec, "change")
    services = _services(body)
    if not services:
        raise ParseError("the body has no services and is no log of changes")
    pairs = services.items()
    return read_each(
        pairs, lambda pair: _shown(pair[0], record(pair[1], "it"), payload, spec), spec, "service"
    )


def listing_of(payload: Payload) -> Listing:
    """OPEN for the board, WINDOW for the log."""
    return Listing.WINDOW if decode(payload).lstrip()[:1] == "[" else Listing.OPEN


def recognises(payload: Payload) -> bool:
    """True for a board with a global status, one of services alone as in 2012, or a log of changes."""
    if "changetype" in first_of(value_with(payload, b'"changetype"', b'"changedate"')):
        return True
    body = value_with(payload, b'"message"', b'"status"')
    return bool(_services(body))


def _services(body: object) -> Mapping[str, object]:
    """The board: under `services`, or the whole body where that is services alone. Nothing for any other object."""
    if not isinstance(body, dict):
        return {}
    found = body.get("services") if "global_status" in body else body.get("services", body)
    if not isinstance(found, dict):
        return {}
    is_whole = "global_status" in body or _is_service(next(iter(found.values()), None))
    return found if is_whole else {}


def _is_service(value: object) -> bool:
    return isinstance(value, dict) and {"message", "status"} <= value.keys() <= _FIELDS and len(value) > 2


def _shown(service: str, raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation | None:
    """A service that is not good. Its message has no time: a new wording is a new update."""
    if "status" not in raw:
        raise ParseError(f'"{line(service, max_chars=60)}" has no status')
    if folded(raw.get("status")) == "good":
        return None
    service = ident(service)[:120]
    key = on_the_day(service, payload)
    update = Update(id=f"{key}~{fingerprint(plain(raw.get('message')))}", text=plain(raw.get("message")))
    name = line(raw.get("name"), max_chars=120) or service
    return replace(
        _observation(service, name, key, update, raw.get("status"), spec), updated_at=today(payload)
    )


def _observation(service: str, name: str, key: str, update: Update, word: object, spec: Spec) -> Observation:
    unknown: list[str] = []
    impact = _IMPACTS.get(folded(word))
    if impact is None:
        note(unknown, "status", word)
    kind = Kind.MAINTENANCE if impact is Impact.MAINTENANCE else Kind.INCIDENT
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=False,
        title=line(f"{name}: {line(update.text)}" if update.text else name) or "Untitled",
        status=Status.IN_PROGRESS if kind is Kind.MAINTENANCE else Status.INVESTIGATING,
        impact=impact or Impact.CRITICAL,
        kind=kind,
        began_at=update.posted_at,
        updated_at=update.posted_at,
        url=HOME,
        places=places_of(spec.provider, [name] if name else []),
        updates=(update,) if update.text else (),
        chain=service or "board",
        unknown_words=tuple(unknown),
    )


def _outages(log: list[object], spec: Spec) -> list[Observation]:
    """Each service's way from not good to good, read from the oldest change on."""
    found: dict[str, Observation] = {}
    going: dict[str, str] = {}
    for raw in (item for item in reversed(log) if isinstance(item, dict)):
        said = [raw.get("service"), *members(raw.get("services"))]
        for service in (line(name, max_chars=120) for name in said if isinstance(name, str)):
            at = when(raw.get("changedate"))
            update = Update(id=f"{service}@{stamp(at)}", text=plain(raw.get("message")), posted_at=at)
            if key := going.get(service):
                found[key] = _continued(found[key], update, raw.get("status"), spec)
                if found[key].is_over:
                    del going[service]
            elif folded(raw.get("status")) != "good":
                going[service] = update.id
                found[update.id] = _observation(service, service, update.id, update, raw.get("status"), spec)
    return [replace(outage, chain=None) for outage in reversed(found.values())]  # a start never moves here


def _continued(before: Observation, update: Update, word: object, spec: Spec) -> Observation:
    updates = timeline((*before.updates, update), newest_first=False, derived_ids=False)
    if folded(word) == "good":
        over = Status.COMPLETED if before.kind is Kind.MAINTENANCE else Status.RESOLVED
        return replace(
            before, status=over, ended_at=update.posted_at, updated_at=update.posted_at, updates=updates
        )
    now = _observation(before.chain or "", before.chain or "", before.key, update, word, spec)
    return replace(now, title=before.title, began_at=before.began_at, updates=updates)


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    about=About(
        vendors=("Fedora's `statuses.json`, its JSONP and its log `changes.json`, until 2021; recordings",),
        identity="none: a service that is not good, known by our day and its chain; in the log service and start",
        resolution="the service is good again",
        lost="times and earlier texts on the board; texts in the log",
        tested="captures of 2012 to 2021",
    ),
)
