"""DatoCMS' incident files: one JSON file for each incident, with its name, its impact and its updates.

A file goes on after its end: `resolved` may come twice, be followed by `identified`, or be said again with the post-mortem days
later. Titles and texts are edited in place, and the last update's date with them. The file has no id: it is known by its name
in the address, else by the time of its first update, which stays.
(Facts from files of 2021 to 2025.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, timeline
from bot.sources.reading.shapes import body_of, file_name, first_of, object_with
from bot.sources.reading.text import fingerprint, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import impact_of, status_of

NAME = "datocms-incident"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incident of a file."""
    body = body_of(payload)
    if not isinstance(body.get("updates"), list):
        raise ParseError("the file has no list of updates")
    return read_each([body], lambda raw: _observation(raw, file_name(payload), spec), spec, "file")


def recognises(payload: Payload) -> bool:
    """True for an object without an id, but with a name, an impact and updates with dates and contents."""
    body = object_with(payload, b'"updates"', b'"impact"')
    is_file = {"name", "impact", "updates"} <= body.keys() and "id" not in body
    return is_file and {"date", "status", "content"} <= first_of(body.get("updates")).keys()


def _observation(raw: Mapping[str, object], name: str, spec: Spec) -> Observation:
    unknown: list[str] = []
    posts = [post for post in members(raw.get("updates")) if isinstance(post, dict)]
    first = min((at for at in (when(post.get("date")) for post in posts) if at), default=None)
    key = name or (f"file@{stamp(first)}" if first else fingerprint(line(raw.get("name"))))
    updates = timeline((_update(post, key, unknown) for post in posts), newest_first=False, derived_ids=True)
    status = next((u.status for u in reversed(updates) if u.status), Status.INVESTIGATING)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=bool(name),
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=impact_of(raw.get("impact"), Kind.INCIDENT, unknown),
        is_graded=bool(raw.get("impact")),
        began_at=first,
        ended_at=_ended_at(updates) if status.is_over else None,
        updated_at=updates[-1].posted_at if updates else None,
        places=places_of(spec.provider, ()),
        updates=updates,
        chain=None if name else "file",
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, unknown: list[str]) -> Update:
    at = when(raw.get("date"))
    said = raw.get("status")
    return Update(
        id=f"{key}@{stamp(at, raw.get('date'))}",
        text=plain(raw.get("content")),
        posted_at=at,
        status=status_of(said, Kind.INCIDENT, unknown) if said else None,
    )


def _ended_at(updates: Sequence[Update]) -> datetime | None:
    """When it was over for good: the first of the updates at the end that all say so."""
    ended_at = None
    for update in reversed(updates):
        if update.status and not update.status.is_over:
            break
        ended_at = update.posted_at or ended_at
    return ended_at


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    may_be_empty=False,
    about=About(
        vendors=("DatoCMS",),
        identity="the file's name; an update by its date",
        resolution="the status of the last update",
        lost="which component; other incidents: one file holds one",
        tested="files of 2021 to 2025, one of them over its whole life",
    ),
)
