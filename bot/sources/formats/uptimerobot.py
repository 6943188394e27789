"""UptimeRobot's public status pages: `/api/getMonitorList/<key>` and `/api/getEventFeed/<key>`.

The list is a board of monitors, under `data` or, longer ago, `psp.monitors`: one that is down or seems so is an event, known by
its number and our own day, over when it is up again. The feed is a window of announcements by people, of a week or so. Clients
disagree on what the number in `status` means there, so only an end date ends one, and silence does.
From documentation, not tested against a capture: the code of clients of https://stats.uptimerobot.com (read November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record
from bot.sources.reading.shapes import body_of, first_of, object_with, on_the_day, own_id, today
from bot.sources.reading.text import fingerprint, ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note

NAME = "uptimerobot"
_MARKS = (b'"monitorId"', b'"results"')
_WELL = {"success", "black", "paused", "info"}  # up, not yet watched, paused, under maintenance
_IMPACTS = {"danger": Impact.CRITICAL, "warning": Impact.MINOR}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The monitors that are not up, or the announcements."""
    body = body_of(payload)
    if isinstance(body.get("results"), list):
        items = members(body["results"])
        return read_each(items, lambda item: _announced(record(item, "it"), payload, spec), spec, "event")
    monitors = _monitors(body)
    if not isinstance(monitors, list):
        raise ParseError("the body has neither a list of monitors nor results")
    return read_each(monitors, lambda item: _monitor(record(item, "it"), payload, spec), spec, "monitor")


def listing_of(payload: Payload) -> Listing:
    """OPEN for the monitors, WINDOW for the announcements."""
    return Listing.WINDOW if "results" in object_with(payload, b'"results"') else Listing.OPEN


def recognises(payload: Payload) -> bool:
    """True for a list of monitors with their classes, or for announcements beside their count."""
    body = object_with(payload, b'"status"') if any(mark in payload.body for mark in _MARKS) else {}
    if {"monitorId", "statusClass"} <= first_of(_monitors(body)).keys():
        return True
    is_feed = isinstance(body.get("results"), list) and isinstance(body.get("meta"), dict)
    first = first_of(body.get("results"))
    return is_feed and isinstance(body.get("status"), bool) and (not first or "timeGMT" in first)


def _monitors(body: Mapping[str, object]) -> object:
    old = body.get("psp")
    return old.get("monitors") if isinstance(old, dict) else body.get("data")


def _monitor(raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation | None:
    word = folded(raw.get("statusClass"))
    if word in _WELL:
        return None
    unknown: list[str] = []
    if word not in _IMPACTS:
        note(unknown, "statusClass", raw.get("statusClass"))
    number = own_id(raw, "monitorId")
    name = line(raw.get("name"), max_chars=120) or f"Monitor {number[:60]}"
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=on_the_day(number, payload),
        is_native=False,
        title=f"{name} {'seems down' if word == 'warning' else 'is down'}",
        status=Status.INVESTIGATING,
        impact=_IMPACTS.get(word, Impact.CRITICAL),
        updated_at=today(payload),
        places=places_of(spec.provider, [name]),
        chain=number,
        unknown_words=tuple(unknown),
    )


def _announced(raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation:
    """An announcement. Its text is one update, edited in place; a planned one may be dated ahead."""
    began_at = when(raw.get("timestamp")) or when(raw.get("ts"))
    ends_at = when(raw.get("endDateGMT")) or when(raw.get("endDate"))
    key, is_native = _key(raw, began_at)
    status, kind = _status(raw, began_at, ends_at, payload.fetched_at)
    is_ahead = began_at is not None and began_at > payload.fetched_at
    text = plain(raw.get("content")) or plain(raw.get("description"))
    said = Update(id=f"{key}@text", text=text, posted_at=None if is_ahead else began_at)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=is_native,
        title=line(raw.get("title")) or line(text, max_chars=120) or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else Impact.MINOR,
        is_graded=False,
        kind=kind,
        began_at=began_at,
        ended_at=ends_at if status.is_over else None,
        updated_at=today(payload) if is_ahead else (ends_at if status.is_over else began_at),
        places=places_of(spec.provider, ()),
        updates=(said,) if text else (),
        may_lapse=True,
    )


def _key(raw: Mapping[str, object], began_at: datetime | None) -> tuple[str, bool]:
    """Older bodies have no ids: then title and time must do."""
    given = ident(raw.get("id"))
    if given:
        return given, True
    return fingerprint(line(raw.get("title")), stamp(began_at, raw.get("date"))), False


def _status(
    raw: Mapping[str, object], began_at: datetime | None, ends_at: datetime | None, now: datetime
) -> tuple[Status, Kind]:
    is_planned = "maintenance" in {folded(raw.get("type")), folded(raw.get("eventType"))}
    kind = Kind.MAINTENANCE if is_planned else Kind.INCIDENT
    if ends_at is not None and ends_at <= now:
        return (Status.COMPLETED if is_planned else Status.RESOLVED), kind
    if is_planned:
        return (Status.SCHEDULED if began_at and began_at > now else Status.IN_PROGRESS), kind
    return Status.INVESTIGATING, kind


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    about=About(
        vendors=("UptimeRobot (Bluesky), `/api/getMonitorList/<key>` and `/api/getEventFeed/<key>`",),
        identity="the announcement's id; a monitor by its number and our day",
        resolution="a monitor is up again; an announcement by its end date, or after long silence",
        lost="when a monitor failed; monitors on further pages of the list",
    ),
)
