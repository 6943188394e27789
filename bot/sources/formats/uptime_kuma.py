"""Uptime Kuma's public page: `/api/status-page/<slug>`, its `/incident-history`, and `/api/status-page/heartbeat/<slug>`.

The page lists pinned notes of people (`incidents`, one `incident` before version 2) and what is under maintenance now; both
leave it when they are over. The history keeps notes that are over. The heartbeats show how monitors do, by number: one that is
down is an event from the first beat of that kind on; a page that shows days sums beats up over hours, and is refused. Times are
UTC without a zone, except those of a single maintenance, whose offset stands beside. Ids count from 1 in each table, and a
maintenance comes back under its own.
From documentation, not tested against a capture: the server's source, versions 1 and 2.
https://github.com/louislam/uptime-kuma (read November 2026)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record
from bot.sources.reading.shapes import body_of, first_of, object_with, own_id
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded

NAME = "uptime-kuma"
_STYLES = {"danger": Impact.CRITICAL, "warning": Impact.MAJOR}  # the colour of a note; others only inform
_DOWN = 0  # of a beat's statuses: 1 is up, 2 is pending, 3 is under maintenance
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_PAGE = re.compile(r"https?://[^/]+(?:/.*)?/api/status-page/(?!heartbeat/)[^/?#]+")
_MARKS = (b'"maintenanceList"', b'"heartbeatList"', b'"hasMore"')
_HISTORY = "/incident-history"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The notes and maintenances of a page, the notes of a history, or the monitors that are down."""
    body = body_of(payload)
    beats = body.get("heartbeatList")
    if isinstance(beats, dict):
        return read_each(beats.items(), lambda pair: _monitor(*pair, spec), spec, "monitor")
    if not {"incident", "incidents", "maintenanceList"} & body.keys():
        raise ParseError("the body has neither incidents nor a maintenanceList nor a heartbeatList")
    notes = [*members(body.get("incidents")), *([body["incident"]] if body.get("incident") else [])]
    items = [
        *((_note, note) for note in notes),
        *((_maintenance, it) for it in members(body.get("maintenanceList"))),
    ]
    return read_each(items, lambda pair: pair[0](record(pair[1], "it"), spec), spec, "record")


def listing_of(payload: Payload) -> Listing:
    """WINDOW for a history, OPEN for the page and the heartbeats."""
    return Listing.WINDOW if "hasMore" in object_with(payload, b'"hasMore"') else Listing.OPEN


def recognises(payload: Payload) -> bool:
    """True for a page with a maintenanceList, a history of notes, or a list of heartbeats."""
    body = object_with(payload) if any(mark in payload.body for mark in _MARKS) else {}
    if isinstance(body.get("heartbeatList"), dict) and "uptimeList" in body:
        return True
    if isinstance(body.get("maintenanceList"), list) and isinstance(body.get("config"), dict):
        return True
    return "hasMore" in body and {"pin", "style", "content"} <= first_of(body.get("incidents")).keys()


def confirm_url(url: str) -> str | None:
    """The history of a page's notes, which version 2 has."""
    return f"{url}{_HISTORY}" if _PAGE.fullmatch(url) else None


def _note(raw: Mapping[str, object], spec: Spec) -> Observation | None:
    """A note is one text, edited in place."""
    key = own_id(raw, title="title")
    began_at = when(raw.get("createdDate"))
    updated_at = when(raw.get("lastUpdatedDate")) or began_at
    is_over = raw.get("active") is False
    text = plain(raw.get("content"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=_STYLES.get(folded(raw.get("style")), Impact.MINOR),
        is_graded=folded(raw.get("style")) in _STYLES,
        began_at=began_at,
        ended_at=updated_at if is_over else None,
        updated_at=updated_at,
        places=places_of(spec.provider, ()),
        updates=(Update(id=f"{key}@{stamp(began_at)}", text=text, posted_at=began_at),) if text else (),
    )


def _maintenance(raw: Mapping[str, object], spec: Spec) -> Observation | None:
    """A recurring one has one id for ever, so each of its windows is an event of its own."""
    if folded(raw.get("status")) in {"inactive", "ended"}:
        return None
    began_at = _window_start(raw)
    is_recurring = folded(raw.get("strategy")) not in {"single", "manual", ""}
    key = f"maintenance-{own_id(raw, title='title')}" + (f"@{stamp(began_at)}" if is_recurring else "")
    text = plain(raw.get("description"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=Status.SCHEDULED if folded(raw.get("status")) == "scheduled" else Status.IN_PROGRESS,
        impact=Impact.MAINTENANCE,
        kind=Kind.MAINTENANCE,
        began_at=began_at,
        places=places_of(spec.provider, ()),
        updates=(Update(id=key, text=text),) if text else (),
    )


def _window_start(raw: Mapping[str, object]) -> datetime | None:
    said = first_of(raw.get("timeslotList")).get("startDate")
    written = said.strip() if isinstance(said, str) else ""
    return when(written if _ZONED.search(written) else f"{written}{ident(raw.get('timezoneOffset'))}")


def _monitor(number: str, beats: object, spec: Spec) -> Observation | None:
    """A monitor that is down now. What it is called only the page says."""
    seen = [beat for beat in members(beats) if isinstance(beat, dict)]  # a 0 stands for a time without beats
    if seen and "T" in ident(seen[-1].get("time")):  # only sums are dated so
        raise ParseError(
            f"monitor {ident(number)[:60]} is summed up over days, which does not tell how it does now"
        )
    down = _since(seen)
    if not down:
        return None
    began_at = when(down[0].get("time"))
    name = f"Monitor {ident(number)[:60]}"
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=f"{name}@{stamp(began_at)}",
        is_native=False,
        title=f"{name} is down",
        status=Status.INVESTIGATING,
        impact=Impact.CRITICAL,
        began_at=began_at,
        updated_at=began_at,
        places=places_of(spec.provider, [name]),
        chain=name,  # the oldest beats slide out of the list, and the key with them
    )


def _since(beats: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    """The beats at the end of the list that all say "down"; the list is oldest first."""
    start = len(beats)
    while start and beats[start - 1].get("status") == _DOWN:
        start -= 1
    return beats[start:]


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    confirm_url=confirm_url,
    about=About(
        vendors=("Uptime Kuma, `/api/status-page/<slug>`",),
        identity="the note's id; a maintenance by id and window; a monitor by its number and first bad beat",
        resolution="it leaves the list; `active` in the history",
        lost="updates: a note is one text, edited in place; which monitors it is about",
    ),
)
