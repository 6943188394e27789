"""IBM Cloud's notifications feed: incidents and maintenances among announcements, releases and bulletins, which are left out.

Each description ends in labelled lines: "ID:", "Type:", "Regions:", "Resources:", "Outage Start:", "Outage End:". The ID names
an event, and several items may tell of one. An incident is over when it has an end that has passed, or its title says so.
https://cloud.ibm.com/status/api/notifications/feed.rss. From documentation, not tested against a capture.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each
from bot.sources.reading.text import HTML_MAX_CHARS, decode, fingerprint, ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note, stated_status, without_label

NAME = "ibm"
HOME = "https://cloud.ibm.com/status"
_ANCHORS = ("id", "type", "region", "regions", "resource", "resources")  # where the labelled part begins
_LABEL = re.compile(
    r"(?:^|(?<=\s))(ID|Type|Category|Regions?|Locations?|Resources?|Components?|Severity|Status|Update Time"
    r"|(?:Outage|Maintenance) (?:Start|End))\s*:[ \t]*",
    re.MULTILINE,
)
_PREFIX = re.compile(
    r"^\s*(?:\[\s*)?(resolved|recovered|restored|completed?|cancell?ed|update|monitoring|identified|investigating|scheduled"
    r"|in progress)(?:\s*\])?\s*[:\-\u2013]\s*",
    re.IGNORECASE,
)
_OVER = ("resolved", "recovered", "restored", "completed", "complete")
_KINDS = {"incident": Kind.INCIDENT, "outage": Kind.INCIDENT, "maintenance": Kind.MAINTENANCE}
_IMPACTS = {
    **dict.fromkeys(("1", "sev1", "severity_1", "critical"), Impact.CRITICAL),
    **dict.fromkeys(("2", "sev2", "severity_2", "major"), Impact.MAJOR),
    **dict.fromkeys(("3", "4", "sev3", "sev4", "severity_3", "severity_4", "minor"), Impact.MINOR),
}
_THERE = re.compile(r"^https?://cloud\.ibm\.com/status", re.IGNORECASE)
_OURS = re.compile(
    r"(?:(?!<item\b|<entry\b).)*?(?:https?://cloud\.ibm\.com/status"
    r"|<title>\s*(?:<!\[CDATA\[)?\s*IBM Cloud\b[^<]{0,60}(?:status|notif))",
    re.IGNORECASE | re.DOTALL,
)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents and maintenances of the feed. Raises ParseError when no item at all says of what type it is."""
    found = feed.read(payload)
    told = [(entry, *_labelled(entry.html)) for entry in found.entries]
    if told and not any(labels for _, _, labels in told):
        raise ParseError("no item says of what type it is, so none can be told from news")
    observations = read_each(told, lambda each: _observation(*each, payload.fetched_at, spec), spec, "item")
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for a feed whose maker is IBM Cloud's status page, or that was fetched there."""
    is_there = _THERE.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _OURS.match(decode(payload)[:4000]) is not None)


def _observation(
    entry: feed.Entry, text: str, told: dict[str, str], now: datetime, spec: Spec
) -> Observation | None:
    unknown: list[str] = []
    kind = _KINDS.get(folded(told.get("type", "").split(",")[0]))
    if kind is None:
        return None
    key = line(told.get("id"), max_chars=80) or entry.id or ident(entry.link) or fingerprint(entry.title)
    starts_at, ends_at = _when(told, "start"), _when(told, "end")
    status = _status(entry.title, kind, starts_at, ends_at, now)
    at = when(told.get("update time")) or entry.updated_at or entry.published_at
    update = Update(
        id=f"{key}@{stamp(at, entry.published_text)}",
        text=text or entry.title,
        posted_at=at,
        status=status if status.is_over else None,
    )
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=without_label(_PREFIX.sub("", entry.title)).strip() or "Untitled",
        status=status,
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else _impact(told, unknown),
        kind=kind,
        began_at=starts_at or entry.published_at,
        ended_at=ends_at if status.is_over else None,
        updated_at=at,
        url=entry.link or HOME,
        places=places_of(
            spec.provider, _split(told, "resource", "component"), _split(told, "region", "location")
        ),
        updates=(update,),
        may_lapse=kind is Kind.INCIDENT and ends_at is None,
        unknown_words=tuple(unknown),
    )


def _labelled(html: str) -> tuple[str, dict[str, str]]:
    """The prose, and the values of the labelled part behind it, by label in small letters."""
    text = plain(html, max_chars=HTML_MAX_CHARS)
    last = {head[1].casefold(): head for head in _LABEL.finditer(text)}
    if "type" not in last:
        return plain(text), {}
    begins = min(last[name].start() for name in _ANCHORS if name in last)
    run = sorted((head for head in last.values() if head.start() >= begins), key=lambda head: head.start())
    ends = [head.start() for head in run[1:]] + [len(text)]
    values = {head[1].casefold(): line(text[head.end() : end]) for head, end in zip(run, ends, strict=True)}
    return plain(text[:begins]), values


def _when(told: dict[str, str], end: str) -> datetime | None:
    return when(told.get(f"outage {end}")) or when(told.get(f"maintenance {end}"))


def _split(told: dict[str, str], *labels: str) -> list[str]:
    """The names under a label, in the singular or the plural, between commas."""
    said = next((told[key] for label in labels for key in (f"{label}s", label) if told.get(key)), "")
    return list(dict.fromkeys(name[:120] for name in (part.strip() for part in said.split(",")) if name))


def _status(
    title: str, kind: Kind, starts_at: datetime | None, ends_at: datetime | None, now: datetime
) -> Status:
    """By the title's first word, then by the hours; announced ends of maintenances lie in the future."""
    said = _PREFIX.match(title)
    word = folded(said[1]) if said else ""
    has_ended = ends_at is not None and ends_at <= now
    is_over = word in _OVER or has_ended or stated_status(title, "") is Status.RESOLVED
    if word.startswith("cancel"):
        return Status.CANCELLED
    if kind is Kind.INCIDENT:
        return Status.RESOLVED if is_over else Status.INVESTIGATING
    if is_over:
        return Status.COMPLETED
    return Status.SCHEDULED if starts_at and starts_at > now else Status.IN_PROGRESS


def _impact(told: dict[str, str], unknown: list[str]) -> Impact:
    said = told.get("severity")
    if not said:
        return Impact.MAJOR
    impact = _IMPACTS.get(folded(said))
    if impact is None:
        note(unknown, "severity", said)
    return impact or Impact.CRITICAL


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("IBM Cloud, `cloud.ibm.com/status/api/notifications/feed.rss`",),
        identity="the ID in the description, else the guid; an update: event and time",
        resolution="`Outage End` has passed, or the title begins with RESOLVED or COMPLETED; else a day of silence",
        lost="weights of most events; announcements, releases and security bulletins are left out",
    ),
)
