"""Flashcat's status pages (DeepSeek): the page, and the changes that are active on it.

A change is an incident or a maintenance; it leaves the list when it is over. Names are bilingual, times are seconds of the
epoch, ids are Flashcat's own. (The page from a body recorded in 2026; of changes, which that body has none of, from clients'
code.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, object_with, own_id, worst
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, impact_of, status_of

NAME = "flashcat"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The active changes of the page."""
    data = _data(body_of(payload))
    changes = data.get("active_changes")
    if not isinstance(changes, list):
        raise ParseError("the body has no list of active_changes")
    page = record(data.get("page"), "the page")
    home = web_link(f"https://{ident(page.get('custom_domain'))}/") if page.get("custom_domain") else None
    named = {
        ident(part.get("component_id")): line(part.get("name"), max_chars=120)
        for part in members(page.get("components"))
        if isinstance(part, dict)
    }
    return read_each(
        changes, lambda item: _observation(record(item, "it"), named, home, spec), spec, "change"
    )


def recognises(payload: Payload) -> bool:
    """True for a page with a list of active changes."""
    data = _data(object_with(payload, b'"active_changes"', b'"page"'))
    return isinstance(data.get("active_changes"), list) and isinstance(data.get("page"), dict)


def _data(body: Mapping[str, object]) -> Mapping[str, object]:
    inner = body.get("data")
    return inner if isinstance(inner, dict) else body


def _observation(
    raw: Mapping[str, object], named: Mapping[str, str], home: str | None, spec: Spec
) -> Observation:
    key = own_id(raw, "change_id", "title")
    unknown: list[str] = []
    kind = Kind.MAINTENANCE if folded(raw.get("type")) == "maintenance" else Kind.INCIDENT
    status = status_of(raw.get("status"), kind, unknown)
    posts = [post for post in members(raw.get("updates")) if isinstance(post, dict)]
    updates = timeline((_update(post, key, kind) for post in posts), newest_first=True, derived_ids=True)
    last_at = updates[-1].posted_at if updates else None
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or "Untitled",
        status=status,
        impact=_impact(raw, kind, unknown),
        is_graded=bool(members(raw.get("affected_components"))),
        kind=kind,
        began_at=when(raw.get("start_at_seconds")) or (updates[0].posted_at if updates else None),
        ended_at=last_at if status.is_over else None,
        updated_at=last_at,
        url=web_link(f"{home}incidents/{key}") if home else None,
        places=places_of(spec.provider, _components(raw, posts, named)),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, kind: Kind) -> Update:
    at = when(raw.get("at_seconds"))
    unknown: list[str] = []
    status = status_of(raw.get("status"), kind, unknown)
    return Update(
        id=f"{key}@{stamp(at, raw.get('at_seconds'))}",
        text=plain(raw.get("description")),
        posted_at=at,
        status=None if unknown else status,
    )


def _impact(raw: Mapping[str, object], kind: Kind, unknown: list[str]) -> Impact:
    if kind is Kind.MAINTENANCE:
        return Impact.MAINTENANCE
    hits = [hit for hit in members(raw.get("affected_components")) if isinstance(hit, dict)]
    return worst(impact_of(hit.get("status"), kind, unknown) for hit in hits)


def _components(
    raw: Mapping[str, object], posts: Sequence[Mapping[str, object]], named: Mapping[str, str]
) -> list[str]:
    """What the change lists now, by name; what its updates changed only has ids."""
    found = names(raw.get("affected_components"), "name")
    listed = [raw.get("affected_components"), *(post.get("component_changes") for post in posts)]
    found += [named.get(part, "") for some in listed for part in names(some, "component_id")]
    return list(dict.fromkeys(name for name in found if name))


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Flashcat (DeepSeek)",),
        identity="change_id; an update by its time",
        resolution="it leaves active_changes",
        lost="history",
        tested="a capture of 2026 without changes; changes from clients' code",
    ),
)
