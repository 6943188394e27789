"""cState's JSON, as its static pages serve it: `/index.json`, `/issues/index.json` and a single issue's `index.json`.

The index lists what is unresolved, by system, so an issue comes once for each system that it hits; the list of issues keeps
resolved ones too. Neither has texts; a single issue has. An issue is known by its file. One that is not resolved and names its
end already, or begins in the future, is planned. Pinned notices are no incidents and are left out.
From documentation, not tested against a capture: the templates of cState 5 and 6; but what is planned, real files told.
https://github.com/cstate/cstate (read November 2026)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record
from bot.sources.reading.shapes import body_of, object_with, today
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import when
from bot.sources.reading.vocabulary import folded, note

NAME = "cstate"
_IMPACTS = {"notice": Impact.MINOR, "disrupted": Impact.MAJOR, "down": Impact.CRITICAL}
_GO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) ([+-]\d{4})(?: [A-Z+-]\S{0,5})?", re.ASCII
)
_INDEX = re.compile(r"(https?://[^/]+(?:/.*)?)(?<!/issues)/index\.json")
Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What an issue says, in JSON or in a front matter; `text` is empty where only a list of issues was read."""

    key: str
    is_native: bool
    fields: Fields
    began_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime | None = None
    url: str | None = None
    text: str = ""


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The issues of an index, of a list, or the one of a page."""
    body = body_of(payload)
    if body.get("is") == "issue":
        found: list[object] = [body]
    elif isinstance(body.get("pages"), list):
        found = members(body["pages"])
    elif isinstance(body.get("systems"), list):
        systems = [system for system in members(body["systems"]) if isinstance(system, dict)]
        found = [issue for system in systems for issue in members(system.get("unresolvedIssues"))]
    else:
        raise ParseError("the body has neither systems nor pages, and is no issue")
    return read_each(found, lambda item: _read(record(item, "it"), payload, spec), spec, "issue")


def listing_of(payload: Payload) -> Listing:
    """OPEN for the index, WINDOW for a list of issues or a single one."""
    return Listing.OPEN if "systems" in object_with(payload, b'"systems"') else Listing.WINDOW


def recognises(payload: Payload) -> bool:
    """True for an index with cState's version, a list of issues, or an issue."""
    body = object_with(payload, b'"is"')
    if "cStateVersion" in body:
        return True
    pages = [page for page in members(body.get("pages")) if isinstance(page, dict)]
    return body.get("is") == "issue" or (body.get("is") == "issues" and "pages" in body and bool(pages))


def confirm_url(url: str) -> str | None:
    """The list of all issues, for an index of open ones."""
    found = _INDEX.fullmatch(url)
    return f"{found[1]}/issues/index.json" if found else None


def _read(raw: Fields, payload: Payload, spec: Spec) -> Observation | None:
    if raw.get("is", "issue") != "issue":
        return None
    url = web_link(raw.get("permalink"))
    file = ident(raw.get("filename")).removesuffix(".md")
    key = file or (url or "").rstrip("/").rpartition("/")[2]
    if not key:
        raise ParseError(f'"{line(raw.get("title"), max_chars=60)}" has neither a filename nor a permalink')
    issue = Issue(
        key=key,
        is_native=True,
        fields=raw,
        began_at=moment_of(raw.get("createdAt")),
        ended_at=moment_of(raw.get("resolvedAt")),
        updated_at=moment_of(raw.get("lastMod")),
        url=url,
        text=plain(raw.get("body")),
    )
    return observed(issue, NAME, payload, spec)


def observed(issue: Issue, format_: str, payload: Payload, spec: Spec) -> Observation:
    """What an issue means. Its dates may lie ahead; then it spoke today, for all that we know."""
    unknown: list[str] = []
    status, kind = _status(issue, payload.fetched_at)
    ended_at = issue.ended_at if status.is_over else None
    dates = [at for at in (issue.updated_at, ended_at, issue.began_at) if at]
    spoke_at = max(dates, default=None)
    is_ahead = spoke_at is not None and spoke_at > payload.fetched_at
    return Observation(
        provider=spec.provider,
        format=format_,
        key=issue.key,
        is_native=issue.is_native,
        title=line(issue.fields.get("title")) or "Untitled",
        status=status,
        impact=_impact(issue.fields, status, kind, unknown),
        is_graded=bool(folded(issue.fields.get("severity")) or issue.fields.get("informational") is True),
        kind=kind,
        began_at=issue.began_at,
        ended_at=ended_at,
        updated_at=today(payload) if is_ahead else spoke_at,
        url=issue.url,
        places=places_of(spec.provider, names(issue.fields.get("affected"))),
        updates=_updates(issue, status, payload),
        chain=None if issue.is_native else "file",
        unknown_words=tuple(unknown),
    )


def moment_of(value: object) -> datetime | None:
    """The moment of an ISO date, or of one as Go prints it: "2024-12-27 09:43:40.482 +0000 UTC"."""
    found = _GO_TIME.fullmatch(value[:64]) if isinstance(value, str) else None
    return when(found[1] + found[2]) if found else when(value)


def _status(issue: Issue, now: datetime) -> tuple[Status, Kind]:
    """Resolved is what says so; its date may be there long before. An end that is named before it came was planned."""
    is_notice = folded(issue.fields.get("severity")) == "notice"
    if issue.fields.get("resolved") is True:
        is_planned = is_notice and issue.ended_at is not None
        return (Status.COMPLETED, Kind.MAINTENANCE) if is_planned else (Status.RESOLVED, Kind.INCIDENT)
    if issue.began_at is not None and issue.began_at > now:
        return Status.SCHEDULED, Kind.MAINTENANCE
    if issue.began_at and issue.ended_at and issue.ended_at > issue.began_at:
        return Status.IN_PROGRESS, Kind.MAINTENANCE
    return Status.INVESTIGATING, Kind.INCIDENT


def _impact(fields: Fields, status: Status, kind: Kind, unknown: list[str]) -> Impact:
    """As severe as the page says. What is planned weighs so from its start on: a named end may also be somebody's guess."""
    word = folded(fields.get("severity"))
    if kind is Kind.MAINTENANCE and (status is Status.SCHEDULED or word == "notice"):
        return Impact.MAINTENANCE
    if fields.get("informational") is True:
        return Impact.NONE
    if word and word not in _IMPACTS:
        note(unknown, "severity", fields.get("severity"))
    return _IMPACTS.get(word, Impact.CRITICAL if word else Impact.MINOR)


def _updates(issue: Issue, status: Status, payload: Payload) -> tuple[Update, ...]:
    """One text, rewritten in place; the wording at the end is an update of its own, so that last words are told."""
    if not issue.text:
        return ()
    name, at = (f"{issue.key}~end", issue.ended_at) if status.is_over else (issue.key, issue.began_at)
    posted_at = at if at is None or at <= payload.fetched_at else None
    return (Update(id=name, text=issue.text, posted_at=posted_at, status=status if status.is_over else None),)


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    confirm_url=confirm_url,
    about=About(
        vendors=("cState (Jenkins, Civo), `/index.json` and `/issues/index.json`",),
        identity="the name of the issue's file",
        resolution="`resolved`; in the index, it leaves the list",
        lost="texts, except in a single issue's body",
    ),
)
