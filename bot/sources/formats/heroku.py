"""Heroku's status API, v4: `/api/v4/current-status`, and the list of incidents `/api/v4/incidents`.

The first lists what is open, the second what has been. Ids are numbers. `state` says where an incident stands; `resolved`
may be false beside it. A maintenance stays "upcoming" long after its last update called it complete, and gives its
hours in prose alone. From documentation, not tested against a capture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import first_of, list_of, own_id, value_with, worst
from bot.sources.reading.text import decode, ident, line, load_json, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note, status_of

NAME = "heroku"
HOME = "https://status.heroku.com/"
_COLORS = {
    "green": Impact.NONE,
    "blue": Impact.MAINTENANCE,
    "yellow": Impact.MINOR,
    "orange": Impact.MAJOR,
    "red": Impact.CRITICAL,
}
_COMPLETE = re.compile(
    r"\bmaintenance\s+(?:is|has\s+been|was)\s+(?:now\s+|successfully\s+)?completed?\b(?!\s+(?:once|when|after|until)\b)",
    re.IGNORECASE,
)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """What is open and what is planned, or the incidents of the list."""
    body = load_json(payload)
    if isinstance(body, list):
        pairs = [(Kind.INCIDENT, item) for item in body]
    elif isinstance(body, dict):
        pairs = [(Kind.INCIDENT, item) for item in list_of(body, "incidents")]
        pairs += [(Kind.MAINTENANCE, item) for item in members(body.get("scheduled"))]
    else:
        raise ParseError("the body is neither the current status nor a list of incidents")
    return read_each(pairs, lambda pair: _observation(pair[0], record(pair[1], "it"), spec), spec, "record")


def recognises(payload: Payload) -> bool:
    """True for systems with colors beside incidents, or a list of incidents with Heroku's kind of updates."""
    body = value_with(payload, b'"system"', b'"incidents"')
    if isinstance(body, dict):
        return isinstance(body.get("incidents"), list) and "system" in first_of(body.get("status"))
    first = first_of(value_with(payload, b'"full_url"', b'"updates"', b'"state"'))
    return {"full_url", "updates", "state", "resolved"} <= first.keys()


def listing_of(payload: Payload) -> Listing:
    """OPEN for the current status, WINDOW for the list."""
    return Listing.WINDOW if decode(payload).lstrip()[:1] == "[" else Listing.OPEN


def confirm_url(url: str) -> str | None:
    """The list that keeps what left the current status."""
    parts = urlsplit(url)
    if not parts.path.rstrip("/").endswith("/current-status"):
        return None
    path = parts.path.rstrip("/").removesuffix("current-status") + "incidents"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _observation(kind: Kind, raw: Mapping[str, object], spec: Spec) -> Observation:
    key = own_id(raw, title="title")
    unknown: list[str] = []
    updates = timeline(
        [_update(each, key, kind) for each in members(raw.get("updates")) if isinstance(each, dict)],
        newest_first=True,
        derived_ids=not _have_ids(raw),
    )
    status = _status(raw, kind, updates, unknown)
    systems = [each for each in members(raw.get("systems")) if isinstance(each, dict)]
    impact = worst(_weights(systems, unknown))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else impact,
        kind=kind,
        began_at=when(raw.get("created_at")) if kind is Kind.INCIDENT else None,
        ended_at=updates[-1].posted_at if updates and status.is_over else None,
        updated_at=when(raw.get("updated_at"))
        or (updates[-1].posted_at if updates else when(raw.get("created_at"))),
        url=web_link(raw.get("full_url")) or HOME,
        places=places_of(spec.provider, _parts(raw, systems), names(raw.get("tags"))),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _have_ids(raw: Mapping[str, object]) -> bool:
    return bool(ident(first_of(raw.get("updates")).get("id")))


def _update(raw: Mapping[str, object], key: str, kind: Kind) -> Update:
    posted_at = when(raw.get("created_at")) or when(raw.get("updated_at"))
    unknown: list[str] = []
    status = status_of(raw.get("update_type"), kind, unknown)
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('created_at'))}",
        text=plain(raw.get("contents")),
        posted_at=posted_at,
        status=None
        if unknown or status is Status.SCHEDULED
        else status,  # "update" and "scheduled" move nothing
    )


def _status(raw: Mapping[str, object], kind: Kind, updates: tuple[Update, ...], unknown: list[str]) -> Status:
    """The state; a planned one that its last update calls complete is complete, for its state may never say so."""
    newest = updates[-1] if updates else None
    if kind is Kind.MAINTENANCE and newest and _COMPLETE.search(newest.text):
        return Status.COMPLETED
    said = raw.get("state")
    if folded(said):
        return status_of(said, kind, unknown)
    if raw.get("resolved") is True or (newest and newest.status is Status.RESOLVED):
        return Status.COMPLETED if kind is Kind.MAINTENANCE else Status.RESOLVED
    return Status.SCHEDULED if kind is Kind.MAINTENANCE else Status.INVESTIGATING


def _weights(systems: Iterable[Mapping[str, object]], unknown: list[str]) -> list[Impact]:
    """The colors of an incident's systems that are not green; an open incident is small at the least."""
    found = [Impact.MINOR]
    for system in systems:
        impact = _COLORS.get(folded(system.get("status")))
        if impact is None:
            note(unknown, "color", system.get("status"))
        found.append(impact or Impact.CRITICAL)
    return [impact for impact in found if impact is not Impact.MAINTENANCE]


def _parts(raw: Mapping[str, object], systems: Sequence[Mapping[str, object]]) -> list[str]:
    """The systems that are not well, all that it names when all are."""
    named = names([each for each in systems if folded(each.get("status")) != "green"], "name", "system")
    return named or names(systems, "name", "system") or names(raw.get("systems"))


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    confirm_url=confirm_url,
    about=About(
        vendors=("Heroku, `/api/v4/current-status` and `/api/v4/incidents`",),
        identity="Heroku's number; so have updates, else incident and time",
        resolution="it is gone from the current status; `state` is `resolved` in the list; a maintenance is complete when its"
        " last update says so",
        lost="the hours of maintenances, which stand in prose; a system's color without an incident",
    ),
)
