"""Statuspage's v2 JSON: `summary.json`, `incidents.json`, `scheduled-maintenances.json`, and the pages that imitate them.

`summary.json` lists what is open, so what left it is over; `incidents.json` also lists closed ones, so absence there means
nothing. The page's own indicator is ignored: it is not the incident's impact. Ids are the provider's own and stable.
(Facts from recorded bodies of 2017 to 2026.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.text import ident, line, load_json, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import MAINTENANCE_STATUSES, impact_of, status_of

NAME = "statuspage"
_NO_COMPONENTS = "No components were affected by this update."  # stands for none in webhooks
_OPEN_ONLY = re.compile(r"(.*/api/v2/)(?:summary|incidents/unresolved)\.json")


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents and maintenances of a page's JSON body."""
    body = record(load_json(payload), "the body")
    lists = [(Kind.INCIDENT, body.get("incidents")), (Kind.MAINTENANCE, body.get("scheduled_maintenances"))]
    if not _has_lists(body):
        keys = ", ".join(sorted(line(key, max_chars=40) for key in body)[:8]) or "none"
        raise ParseError(
            f"the body has no incidents list (its keys: {keys}); summary.json and incidents.json have one"
        )
    page = body.get("page")
    home = web_link(page.get("url")) if isinstance(page, dict) else None
    items = [(kind, item) for kind, found in lists for item in members(found)]
    parts = _qualified(body.get("components"))
    return read_each(items, lambda pair: event(*pair, home, spec, parts), spec, "record")


def listing_of(payload: Payload) -> Listing:
    """OPEN for a summary and for `.../unresolved.json`, WINDOW for a list that holds closed ones too."""
    try:
        body = record(load_json(payload), "the body")
    except ParseError:
        return Listing.WINDOW
    is_open = (
        "components" in body or "status" in body or payload.url.split("?")[0].endswith("/unresolved.json")
    )
    return Listing.OPEN if is_open else Listing.WINDOW


def confirm_url(url: str) -> str | None:
    """The list that keeps what left a list of open incidents: `.../api/v2/incidents.json`."""
    found = _OPEN_ONLY.fullmatch(url)
    return f"{found[1]}incidents.json" if found else None


def recognises(payload: Payload) -> bool:
    """True for an object with a page and a list of incidents, or with incidents in Statuspage's words."""
    try:
        body = load_json(payload)
    except ParseError:
        return False
    if not isinstance(body, dict):
        return False
    found = [*members(body.get("incidents")), *members(body.get("scheduled_maintenances"))]
    if any(isinstance(item, dict) and "incident_updates" in item for item in found):
        return True
    return _has_lists(body) and isinstance(body.get("page"), dict)


def _has_lists(body: Mapping[str, object]) -> bool:
    """True where a list of events is; null is an empty one, as Go writes it."""
    fields = ("incidents", "scheduled_maintenances")
    return any(isinstance(body[field], list | None) for field in fields if field in body)


def event(
    listed_as: Kind, item: object, home: str | None, spec: Spec, parts: Mapping[str, str] | None = None
) -> Observation:
    """One incident or maintenance. `home` is the page's address and `parts` names its components by id, where known.

    Raises ParseError for what has no id.
    """
    raw = record(item, "it")
    key = ident(raw.get("id"))
    if not key:
        raise ParseError(f'"{line(raw.get("name"), max_chars=60)}" has no id')
    unknown: list[str] = []
    status = status_of(raw.get("status"), listed_as, unknown)
    kind = Kind.MAINTENANCE if status in MAINTENANCE_STATUSES or raw.get("scheduled_for") else listed_as
    updates = [
        _update(update, key, kind, unknown)
        for update in members(raw.get("incident_updates"))
        if isinstance(update, dict)
    ]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=impact_of(raw.get("impact"), kind, unknown),
        is_graded=bool(raw.get("impact")),
        kind=kind,
        began_at=_began_at(raw, kind),
        ended_at=(when(raw.get("resolved_at")) or _closed_at(updates)) if status.is_over else None,
        updated_at=when(raw.get("updated_at")),
        url=web_link(raw.get("shortlink"))
        or (web_link(f"{home.rstrip('/')}/incidents/{key}") if home else None),
        places=places_of(spec.provider, _components(raw, parts or {})),
        updates=timeline(updates, newest_first=True, derived_ids=False),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], key: str, kind: Kind, unknown: list[str]) -> Update:
    posted_at = when(raw.get("display_at")) or when(raw.get("created_at"))
    said = raw.get("status")
    status: Status | None = status_of(said, kind, unknown) if said else None
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(posted_at, raw.get('created_at'))}",
        text=plain(raw.get("body")),
        posted_at=posted_at,
        status=status,
    )


def _began_at(raw: Mapping[str, object], kind: Kind) -> datetime | None:
    planned = when(raw.get("scheduled_for")) if kind is Kind.MAINTENANCE else None
    return planned or when(raw.get("started_at")) or when(raw.get("created_at"))


def _closed_at(updates: Sequence[Update]) -> datetime | None:
    """The time of the last word that it is over, which a post-mortem is not."""
    ends = [
        u.posted_at for u in updates if u.status and u.status.is_over and u.status is not Status.POSTMORTEM
    ]
    return max((at for at in ends if at), default=None)


def _components(raw: Mapping[str, object], parts: Mapping[str, str]) -> list[str]:
    """Those of the incident, and those that its updates mention: an incident may list none, or only the last ones.

    The same component is "SGP1" in one place and "Spaces - SGP1" in the other: the longer name tells more.
    """
    listed = [(part, "id") for part in members(raw.get("components"))]
    for update in members(raw.get("incident_updates")):
        if isinstance(update, dict):
            listed += [(part, "code") for part in members(update.get("affected_components"))]
    found: dict[str, str] = {}
    for part, field in listed:
        key = ident(part.get(field)) if isinstance(part, dict) else ""
        for name in names([part], "name"):
            if name != _NO_COMPONENTS:
                key = key or name
                found[key] = max(found.get(key, ""), parts.get(key, ""), name, key=len)
    return list(dict.fromkeys(found.values()))


def _qualified(components: object) -> dict[str, str]:
    """The names of a page's components by id, with that of the group in front, as Statuspage itself writes them in updates."""
    known = {ident(part.get("id")): part for part in members(components) if isinstance(part, dict)}
    found = {}
    for key, part in known.items():
        group = known.get(ident(part.get("group_id")))
        if group:
            found[key] = f"{line(group.get('name'), max_chars=120)} - {line(part.get('name'), max_chars=120)}"
    return found


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    body_max_bytes=8 * 1024 * 1024,
    listing_of=listing_of,
    confirm_url=confirm_url,
    about=About(
        vendors=(
            "Statuspage (GitHub, Cloudflare, Atlassian), `/api/v2/summary.json`",
            "incident.io's shim (OpenAI)",
        ),
        identity="the incident's id; so are the ids of updates",
        resolution="its status; in `summary.json`, it is gone",
        lost="in incident.io's shim perhaps texts, which a later poll fills in",
        tested="captures of 2017 to 2026, six pages over days",
    ),
)
