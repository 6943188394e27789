"""Slack's own status, API v2.0.0: `current` (an object with the active incidents) and `history` (a bare list).

An incident leaves `active_incidents` when it is over. A note has no id: it is known by its incident and its time. Type and
title change in place; the tail of an incident may go on under a new id.
https://slack-status.com/api/v2.0.0/current (facts from recorded bodies of 2020 to 2026)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.text import decode, ident, line, load_json, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note, status_of

NAME = "slack-current"
HOME = "https://slack-status.com/"
_CURRENT = "/current"
_IMPACTS = {
    "notice": Impact.MINOR,
    "incident": Impact.MAJOR,
    "outage": Impact.CRITICAL,
    "maintenance": Impact.MAINTENANCE,
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of either body."""
    body = load_json(payload)
    if isinstance(body, dict):
        body = body.get("active_incidents")
        if not isinstance(body, list):
            raise ParseError("the body has no list of active_incidents")
    if not isinstance(body, list):
        raise ParseError("the body is neither Slack's current status nor its history")
    return read_each(body, lambda item: _observation(record(item, "it"), spec), spec, "incident")


def listing_of(payload: Payload) -> Listing:
    """OPEN for `current`, WINDOW for `history`."""
    return Listing.WINDOW if decode(payload).lstrip()[:1] == "[" else Listing.OPEN


def confirm_url(url: str) -> str | None:
    """The history beside `current`, which keeps what left it."""
    return f"{url[: -len(_CURRENT)]}/history" if url.endswith(_CURRENT) else None


def recognises(payload: Payload) -> bool:
    """True for an object with active incidents, or a list of incidents with notes."""
    try:
        body = load_json(payload)
    except ParseError:
        return False
    if isinstance(body, dict):
        return isinstance(body.get("active_incidents"), list)
    return any(isinstance(item, dict) and {"notes", "date_created"} <= item.keys() for item in members(body))


def _observation(raw: Mapping[str, object], spec: Spec) -> Observation:
    key = ident(raw.get("id"))
    if not key:
        raise ParseError(f'"{line(raw.get("title"), max_chars=60)}" has no id')
    unknown: list[str] = []
    kind = Kind.MAINTENANCE if folded(raw.get("type")) == "maintenance" else Kind.INCIDENT
    impact = _IMPACTS.get(folded(raw.get("type")))
    if impact is None:
        note(unknown, "type", raw.get("type"))
    status = status_of(raw.get("status"), kind, unknown)
    updated_at = when(raw.get("date_updated"))
    notes = [_update(item, key) for item in members(raw.get("notes")) if isinstance(item, dict)]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=status,
        impact=impact or Impact.CRITICAL,
        kind=kind,
        began_at=when(raw.get("date_created")),
        ended_at=updated_at if status.is_over else None,
        updated_at=updated_at,
        url=web_link(raw.get("url")) or HOME,
        places=places_of(spec.provider, names(raw.get("services"), "name")),
        updates=timeline(notes, newest_first=True, derived_ids=True),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str) -> Update:
    posted_at = when(raw.get("date_created"))
    return Update(
        id=f"{key}@{stamp(posted_at, raw.get('date_created'))}",
        text=plain(raw.get("body")),
        posted_at=posted_at,
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    confirm_url=confirm_url,
    about=About(
        vendors=("Slack, `/api/v2.0.0/current` and `/history`",),
        identity="Slack's number; a note: incident and time",
        resolution="it is gone; its status in the history",
        lost="which incident goes on under a new number",
        tested="captures of 2020 to 2026, two days in full",
    ),
)
