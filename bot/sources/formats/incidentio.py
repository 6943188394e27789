"""incident.io's own summaries: the widget's `/api/v1/summary`, and `/proxy/<host>`, which the page itself reads.

Both list what is going on or planned, so what left them is over. The widget shows an incident's last message only; the proxy,
an object under `summary`, shows all updates, their text as a tree, and components by id. The ids are those of the page's
Statuspage-like shim, which `statuspage` reads.
From documentation, not tested against a capture. https://docs.incident.io/status-pages/api, and the code of clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.shapes import body_of, object_with, own_id, worst
from bot.sources.reading.text import ident, line, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import impact_of, status_of

NAME = "incidentio-widget"
_LISTS = {
    "ongoing_incidents": Kind.INCIDENT,
    "in_progress_maintenances": Kind.MAINTENANCE,
    "scheduled_maintenances": Kind.MAINTENANCE,
}
_OURS = re.compile(r"(https?://[^/]+)/(?:api/v1/summary|proxy/[^/]+/?)")
_TREE_MAX = 2_000  # nodes read of one text
_BLOCKS = frozenset({"paragraph", "heading", "list_item", "listItem", "code_block", "codeBlock"})


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """What goes on and what is planned."""
    summary = _summary(body_of(payload))
    if not any(isinstance(summary.get(name), list) for name in _LISTS):
        raise ParseError(f"the body has none of the lists {', '.join(_LISTS)}")
    items = [(kind, item) for name, kind in _LISTS.items() for item in members(summary.get(name))]
    named, home = _named(summary), web_link(summary.get("page_url")) or web_link(summary.get("public_url"))
    return read_each(
        items, lambda pair: _observation(record(pair[1], "it"), pair[0], named, home, spec), spec, "record"
    )


def recognises(payload: Payload) -> bool:
    """True for an object, or one under `summary`, with a list of ongoing incidents."""
    return isinstance(_summary(object_with(payload, b'"ongoing_incidents"')).get("ongoing_incidents"), list)


def confirm_url(url: str) -> str | None:
    """The page's list of closed incidents: the shim's, on the same host, with the same ids."""
    found = _OURS.fullmatch(url)
    return f"{found[1]}/api/v2/incidents.json" if found else None


def _summary(body: Mapping[str, object]) -> Mapping[str, object]:
    inner = body.get("summary")
    return inner if isinstance(inner, dict) else body


def _observation(
    raw: Mapping[str, object], kind: Kind, named: Mapping[str, str], home: str | None, spec: Spec
) -> Observation:
    key = own_id(raw)
    unknown: list[str] = []
    status = status_of(raw.get("status"), kind, unknown)
    updates = timeline(_updates(raw, key, kind, unknown), newest_first=False, derived_ids=False)
    last_at = updates[-1].posted_at if updates else None
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("name")) or "Untitled",
        status=status,
        impact=_impact(raw, kind, unknown),
        is_graded=bool(raw.get("current_worst_impact") or members(raw.get("component_impacts"))),
        kind=kind,
        began_at=next((at for at in map(when, _begins(raw)) if at), None),
        ended_at=last_at if status.is_over else None,
        updated_at=when(raw.get("last_update_at")) or last_at,
        url=web_link(raw.get("url")) or (web_link(f"{home.rstrip('/')}/incidents/{key}") if home else None),
        places=places_of(spec.provider, _components(raw, named)),
        updates=updates,
        unknown_words=tuple(unknown),
    )


def _begins(raw: Mapping[str, object]) -> Iterable[object]:
    return (raw.get(field) for field in ("started_at", "starts_at", "published_at", "created_at"))


def _updates(raw: Mapping[str, object], key: str, kind: Kind, unknown: list[str]) -> list[Update]:
    """All updates where the body has them, else the one message that the widget shows."""
    posts = [post for post in members(raw.get("updates")) if isinstance(post, dict)]
    if posts:
        return [_update(post, key, kind, unknown) for post in posts]
    text, at = plain(raw.get("last_update_message")), when(raw.get("last_update_at"))
    status = status_of(raw.get("status"), kind, unknown)
    return [Update(id=f"{key}@{stamp(at)}", text=text, posted_at=at, status=status)] if text else []


def _update(raw: Mapping[str, object], key: str, kind: Kind, unknown: list[str]) -> Update:
    at = when(raw.get("published_at"))
    said = raw.get("to_status") or raw.get("status")
    return Update(
        id=ident(raw.get("id")) or f"{key}@{stamp(at, raw.get('published_at'))}",
        text=plain(raw.get("message_string")) or _told(raw.get("message")),
        posted_at=at,
        status=status_of(said, kind, unknown) if said else None,
    )


def _told(message: object) -> str:
    """A message as text. The proxy's is a tree of nodes, whose leaves hold the words."""
    if not isinstance(message, dict):
        return plain(message)
    words: list[str] = []
    left: list[object] = [message.get("text_node") or message]
    for _ in range(_TREE_MAX):
        if not left:
            break
        node = left.pop()
        if isinstance(node, str):
            words.append(node)
        elif isinstance(node, dict):
            left.append("\n" if ident(node.get("type")) in _BLOCKS else "")
            left.extend(reversed(members(node.get("content"))))
            left.append(node.get("text"))
    return plain("".join(words))


def _impact(raw: Mapping[str, object], kind: Kind, unknown: list[str]) -> Impact:
    if kind is Kind.MAINTENANCE:
        return Impact.MAINTENANCE
    said = raw.get("current_worst_impact")
    hits = [hit for hit in members(raw.get("component_impacts")) if isinstance(hit, dict)]
    if said or not hits:
        return impact_of(said, kind, unknown)
    now = [hit for hit in hits if not hit.get("end_at")] or hits
    return worst(impact_of(hit.get("status"), kind, unknown) for hit in now)


def _named(summary: Mapping[str, object]) -> dict[str, str]:
    """Components' names by their ids: the proxy's incidents only have ids."""
    structure = summary.get("structure")
    items = [
        i
        for i in members(structure.get("items") if isinstance(structure, dict) else None)
        if isinstance(i, dict)
    ]
    groups = [item["group"] for item in items if isinstance(item.get("group"), dict)]
    parts = [*members(summary.get("components")), *(item.get("component") for item in items)]
    parts += [part for group in groups for part in members(group.get("components"))]
    known = [part for part in parts if isinstance(part, dict)]
    return {
        ident(part.get("component_id") or part.get("id")): line(part.get("name"), max_chars=120)
        for part in known
    }


def _components(raw: Mapping[str, object], named: Mapping[str, str]) -> list[str]:
    found = names(raw.get("affected_components"), "name")
    for listed in ("affected_components", "component_impacts"):
        found += [named.get(part, "") for part in names(raw.get(listed), "component_id")]
    return list(dict.fromkeys(name for name in found if name))


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    confirm_url=confirm_url,
    about=About(
        vendors=("incident.io (OpenAI, Replicate, PostHog), `/api/v1/summary` and `/proxy/<host>`",),
        identity="the incident's id; an update by its id, else its time",
        resolution="it leaves the list",
        lost="history; in the widget, all messages but the last",
    ),
)
