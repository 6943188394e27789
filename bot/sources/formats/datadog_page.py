"""Datadog's status pages, the `config` of a page: its components, and its incidents, open and closed.

Incidents are often filled in afterwards: `createdAt` is then days after `startedAt`, which is when it happened and counts here.
Components are operational again in a closed incident, so its weight is the peak of the timeline. All ids are Datadog's own.
(Facts from a body recorded in 2026; `maintenances` was null there and is read as documented.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, list_of, object_with, own_id, worst
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import impact_of, status_of

NAME = "datadog-statuspage"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents and maintenances of the page."""
    body = body_of(payload)
    home = web_link(body.get("pageUrl"))
    items = [
        *((Kind.INCIDENT, item) for item in list_of(body, "incidents")),
        *((Kind.MAINTENANCE, item) for item in members(body.get("maintenances"))),
    ]
    return read_each(
        items, lambda pair: _observation(record(pair[1], "it"), pair[0], home, spec), spec, "record"
    )


def recognises(payload: Payload) -> bool:
    """True for a page's settings together with a list of incidents; none at all is null, as it is for maintenances."""
    body = object_with(payload, b'"domainPrefix"', b'"incidents"')
    return {"domainPrefix", "incidents"} <= body.keys() and isinstance(body["incidents"], list | None)


def _observation(raw: Mapping[str, object], kind: Kind, home: str | None, spec: Spec) -> Observation:
    key = own_id(raw, title="title")
    unknown: list[str] = []
    posts = [item for item in reversed(members(raw.get("timeline"))) if isinstance(item, dict)]
    posts.sort(key=lambda post: stamp(when(post.get("startedAt"))))
    status = _status(raw, kind, unknown)
    updates = timeline(
        (_update(post, key, kind, unknown) for post in posts), newest_first=False, derived_ids=False
    )
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=status,
        impact=_impact(posts, kind, status, unknown),
        is_graded=any(members(post.get("componentsAffected")) for post in posts),
        kind=kind,
        began_at=when(raw.get("startDate")) or when(raw.get("publishedDate")),
        ended_at=(when(raw.get("resolvedDate")) or when(raw.get("completedDate")))
        if status.is_over
        else None,
        updated_at=when(raw.get("lastModifiedAt")),
        url=home,
        places=places_of(spec.provider, _components(raw, posts)),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _status(raw: Mapping[str, object], kind: Kind, unknown: list[str]) -> Status:
    status = status_of(raw.get("currentStatus") or raw.get("status"), kind, unknown)
    if raw.get("resolved") is True and not status.is_over:
        return Status.RESOLVED if kind is Kind.INCIDENT else Status.COMPLETED
    return status


def _update(raw: Mapping[str, object], key: str, kind: Kind, unknown: list[str]) -> Update:
    posted_at = when(raw.get("startedAt")) or when(raw.get("createdAt"))
    said = raw.get("status")
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('startedAt'))}",
        text=plain(raw.get("description")),
        posted_at=posted_at,
        status=status_of(said, kind, unknown) if said else None,
    )


def _impact(posts: list[dict[str, object]], kind: Kind, status: Status, unknown: list[str]) -> Impact:
    """The last post's weight while it is open, the peak when it is over."""
    if kind is Kind.MAINTENANCE:
        return Impact.MAINTENANCE
    told = posts if status.is_over else posts[-1:]
    parts = [p for post in told for p in members(post.get("componentsAffected")) if isinstance(p, dict)]
    return worst(impact_of(part.get("status"), Kind.INCIDENT, unknown) for part in parts)


def _components(raw: Mapping[str, object], posts: list[dict[str, object]]) -> list[str]:
    told = [raw, *posts]
    found = [name for each in told for name in names(each.get("componentsAffected"), "name")]
    return list(dict.fromkeys(found))


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Datadog's status pages (OpenRouter), the page's `config`",),
        identity="Datadog's ids",
        resolution="`resolved`, with a date",
        lost="when it was said: incidents may be entered months later",
        tested="a capture of 2026; maintenance from documentation",
    ),
)
