"""Better Stack's `index.json`, a JSON:API document: the page, and among the included its reports, updates and resources.

A window: reports stay after their end, which only `aggregate_state` tells (`ends_at` stays null). Updates come out of order and
back-dated; ids are the provider's own. The page's own state is ignored: a monitor may turn it without any report.
(Facts from a body recorded in 2026.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, timeline
from bot.sources.reading.shapes import body_of, list_of, object_with, own_id, worst
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note

NAME = "betterstack"
_IMPACTS = {
    "operational": Impact.NONE,
    "resolved": Impact.NONE,
    "maintenance": Impact.MAINTENANCE,
    "degraded": Impact.MINOR,
    "downtime": Impact.CRITICAL,
}
Included = Mapping[tuple[str, str], Mapping[str, object]]  # by type and id


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The reports of the page, open and closed."""
    body = body_of(payload)
    page = _attributes(body.get("data"))
    if "aggregate_state" not in page:
        raise ParseError("the body has no status page as its data")
    found = [item for item in list_of(body, "included") if isinstance(item, dict)]
    included = {(ident(item.get("type")), ident(item.get("id"))): item for item in found}
    reports = [item for item in found if item.get("type") == "status_report"]
    home = web_link(f"https://{ident(page.get('custom_domain'))}/") if page.get("custom_domain") else None
    return read_each(
        reports, lambda item: _observation(item, included, home, payload.fetched_at, spec), spec, "report"
    )


def recognises(payload: Payload) -> bool:
    """True for a JSON:API document about a status page."""
    data = object_with(payload, b'"status_page"', b'"aggregate_state"').get("data")
    return isinstance(data, dict) and data.get("type") == "status_page"


def _observation(
    raw: Mapping[str, object], included: Included, home: str | None, now: datetime, spec: Spec
) -> Observation:
    key, said = own_id(raw), _attributes(raw)
    unknown: list[str] = []
    kind = Kind.MAINTENANCE if said.get("report_type") == "maintenance" else Kind.INCIDENT
    status = _status(said, kind, now, unknown)
    posts = _posts(raw, included)
    updates = timeline((_update(post, key, kind) for post in posts), newest_first=False, derived_ids=False)
    last_at = updates[-1].posted_at if updates else None
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(said.get("title")) or "Untitled",
        status=status,
        impact=_impact(said, posts, kind, status, unknown),
        kind=kind,
        began_at=when(said.get("starts_at")),
        ended_at=(when(said.get("ends_at")) or last_at) if status.is_over else None,
        updated_at=last_at,
        url=home,
        places=places_of(spec.provider, _resources((said, *map(_attributes, posts)), included)),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _status(said: Mapping[str, object], kind: Kind, now: datetime, unknown: list[str]) -> Status:
    """A report says only whether it is over; of a maintenance the clock tells whether it has begun."""
    state = folded(said.get("aggregate_state"))
    if state not in _IMPACTS:
        note(unknown, "aggregate_state", said.get("aggregate_state"))
    if kind is Kind.MAINTENANCE:
        starts_at = when(said.get("starts_at"))
        is_ahead = starts_at is not None and starts_at > now
        return (
            Status.COMPLETED if state == "resolved" else Status.SCHEDULED if is_ahead else Status.IN_PROGRESS
        )
    if state == "resolved":
        return Status.RESOLVED
    return Status.MONITORING if state == "operational" else Status.INVESTIGATING


def _impact(
    said: Mapping[str, object],
    posts: Iterable[Mapping[str, object]],
    kind: Kind,
    status: Status,
    unknown: list[str],
) -> Impact:
    """The present while it is open; the peak when it is over, because `resolved` weighs nothing."""
    if kind is Kind.MAINTENANCE:
        return Impact.MAINTENANCE
    if not status.is_over:
        return _IMPACTS.get(folded(said.get("aggregate_state")), Impact.CRITICAL)
    words = [word for post in posts for word in _states(_attributes(post))]
    weights = []
    for word in words:
        weight = _IMPACTS.get(folded(word))
        if weight is None:
            note(unknown, "status", word)
        weights.append(weight or Impact.CRITICAL)
    return worst(weights)


def _update(raw: Mapping[str, object], key: str, kind: Kind) -> Update:
    said = _attributes(raw)
    posted_at = when(said.get("published_at"))
    states = {folded(state) for state in _states(said)}
    over = Status.COMPLETED if kind is Kind.MAINTENANCE else Status.RESOLVED
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, said.get('published_at'))}",
        text=plain(said.get("message")),
        posted_at=posted_at,
        status=over if states == {"resolved"} else None,
    )


def _posts(raw: Mapping[str, object], included: Included) -> list[Mapping[str, object]]:
    linked = raw.get("relationships")
    linked = linked.get("status_updates") if isinstance(linked, dict) else None
    wanted = members(linked.get("data")) if isinstance(linked, dict) else []
    ids = [ident(each.get("id")) for each in wanted if isinstance(each, dict)]
    return [included["status_update", each] for each in ids if ("status_update", each) in included]


def _resources(told: Iterable[Mapping[str, object]], included: Included) -> list[str]:
    """The public names of what a report and its updates call affected."""
    ids = [
        ident(each.get("status_page_resource_id"))
        for said in told
        for each in members(said.get("affected_resources"))
        if isinstance(each, dict)
    ]
    parts = (included.get(("status_page_resource", each)) for each in dict.fromkeys(ids))
    found = (line(_attributes(part).get("public_name"), max_chars=120) for part in parts if part)
    return list(dict.fromkeys(name for name in found if name))


def _states(said: Mapping[str, object]) -> list[object]:
    return [e.get("status") for e in members(said.get("affected_resources")) if isinstance(e, dict)]


def _attributes(raw: object) -> Mapping[str, object]:
    inner = raw.get("attributes") if isinstance(raw, dict) else None
    return inner if isinstance(inner, dict) else {}


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Better Stack pages (Hugging Face), `/index.json`",),
        identity="the report's id; so are the ids of updates",
        resolution="`aggregate_state` is `resolved`; `ends_at` stays null",
        lost="a monitor that is down without a report",
        tested="a capture of 2026",
    ),
)
