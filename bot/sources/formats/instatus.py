"""Instatus' `summary.json` (v2, v3): the page, and what is open on it. Without texts, as a rule: title, status and weight.

An incident leaves the list when it is over, and the list itself is missing on a healthy page. Ids are Instatus' own; bodies of
2022 write them at the end of the link only, and their times as a browser's. Maintenance, and texts in `updates`, are from
documentation. The page's history as Atom is read by `rss`, with the same ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, first_of, object_with, own_id
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note, status_of

NAME = "instatus"
_IMPACTS = {
    "operational": Impact.NONE,
    "undermaintenance": Impact.MAINTENANCE,
    "degradedperformance": Impact.MINOR,
    "minoroutage": Impact.MINOR,
    "partialoutage": Impact.MAJOR,
    "majoroutage": Impact.CRITICAL,
}
_PLANNED = {"notstartedyet": Status.SCHEDULED, "inprogress": Status.IN_PROGRESS}
_PAGE = re.compile(r"UP|HASISSUES|(ALL|SOME|ONE)?(UNDERMAINTENANCE|DEGRADEDPERFORMANCE|\w+OUTAGE)", re.ASCII)
_SUMMARY = re.compile(r"(https?://[^/]+)/(?:v\d/)?summary\.json")
_BROWSER_TIME = re.compile(r"\w{3} (\w{3} \d{1,2} \d{4} [\d:]{8}) GMT([+-]\d{4})", re.ASCII)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents and maintenances that the page shows."""
    body = body_of(payload)
    if not isinstance(body.get("page"), dict):
        hint = " but components; summary.json has them" if "components" in body else ""
        raise ParseError(f"the body has no page and no incidents{hint}")
    items = [
        *((Kind.INCIDENT, item) for item in members(body.get("activeIncidents"))),
        *((Kind.MAINTENANCE, item) for item in members(body.get("activeMaintenances"))),
    ]
    return read_each(items, lambda pair: _observation(record(pair[1], "it"), pair[0], spec), spec, "record")


def recognises(payload: Payload) -> bool:
    """True for a page whose status is one of Instatus' run-together words, and for its list of components."""
    body = object_with(payload, b'"status"')
    page, part = body.get("page"), first_of(body.get("components"))
    if isinstance(page, dict) and "incidents" not in body:
        return bool(_PAGE.fullmatch(ident(page.get("status"))))
    return (
        "page" not in body and ident(part.get("status")).isupper() and _weight(part.get("status")) is not None
    )


def confirm_url(url: str) -> str | None:
    """The page's history as Atom, which keeps what left the summary; `rss` reads it."""
    found = _SUMMARY.fullmatch(url)
    return f"{found[1]}/history.atom" if found else None


def _observation(raw: Mapping[str, object], kind: Kind, spec: Spec) -> Observation:
    url = web_link(raw.get("url"))
    key = ident(raw.get("id")) or ident((url or "").rstrip("/").rpartition("/")[2]) or own_id(raw)
    unknown: list[str] = []
    status = _status(raw.get("status"), kind, unknown)
    updated_at = _time(raw.get("updatedAt"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else _impact(raw.get("impact"), unknown),
        is_graded=bool(raw.get("impact")),
        kind=kind,
        began_at=_time(raw.get("started")) or _time(raw.get("start")),
        ended_at=updated_at if status.is_over else None,
        updated_at=updated_at,
        url=url,
        places=places_of(spec.provider, names(raw.get("components"), "name")),
        updates=timeline(
            (_update(post, key, kind) for post in members(raw.get("updates")) if isinstance(post, dict)),
            newest_first=True,
            derived_ids=False,
        ),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, kind: Kind) -> Update:
    at = _time(raw.get("started")) or _time(raw.get("createdAt"))
    said = raw.get("status")
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(at)}",
        text=plain(raw.get("messageHtml")) or plain(raw.get("message")),
        posted_at=at,
        status=_status(said, kind, []) if said else None,
    )


def _status(word: object, kind: Kind, unknown: list[str]) -> Status:
    planned = _PLANNED.get(folded(word).replace("_", "")) if kind is Kind.MAINTENANCE else None
    return planned or status_of(word, kind, unknown)


def _weight(word: object) -> Impact | None:
    return _IMPACTS.get(folded(word).replace("_", ""))


def _impact(word: object, unknown: list[str]) -> Impact:
    impact = _weight(word)
    if impact is None and word:
        note(unknown, "impact", word)
        return Impact.CRITICAL
    return impact or Impact.MINOR


def _time(value: object) -> datetime | None:
    """ISO today; "Sat Jun 11 2022 18:55:50 GMT+0000 (Coordinated Universal Time)" in bodies of 2022."""
    found = _BROWSER_TIME.match(value[:64]) if isinstance(value, str) else None
    if not found:
        return when(value)
    try:
        return when(datetime.strptime(f"{found[1]} {found[2]}", "%b %d %Y %H:%M:%S %z").isoformat())
    except (ValueError, OverflowError):
        return None


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    confirm_url=confirm_url,
    about=About(
        vendors=("Instatus (Bitmovin, Railway), `/summary.json` and `/v3/summary.json`",),
        identity="Instatus' id",
        resolution="it is gone",
        lost="texts, as a rule, and components; the page's `history.atom` has both",
        tested="a capture of 2026; maintenance and texts from documentation",
    ),
)
