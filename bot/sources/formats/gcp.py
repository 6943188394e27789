"""Google's `incidents.json`, as Google Cloud and Google Workspace serve it, and its form before April 2021 (hyphened keys).

A window of about a year. `status_impact` is the peak and stays after the end; only `end` says that an incident is over. An
update has no id: it is known by its incident and its `when`, which stays while the text is edited.
https://status.cloud.google.com/incidents.json (facts from recorded bodies of 2020 to 2026)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urljoin

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, places_of, read_each, record, timeline
from bot.sources.reading.text import ident, line, load_json, plain, web_link
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, impact_of, note

NAME = "gcp"
HOME = "https://status.cloud.google.com/"
_IMPACTS = {
    "available": Impact.NONE,
    "service_information": Impact.MINOR,
    "service_disruption": Impact.MAJOR,
    "service_outage": Impact.CRITICAL,
}
_SEVERITIES = {"low": Impact.MINOR, "medium": Impact.MINOR, "high": Impact.MAJOR}
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>~&<])")  # the texts are Markdown, escaped by machine
_IN_BRACKETS = re.compile(r"\(([a-z0-9-]+)\)\s*$")
_PLAIN_URI = re.compile(r"incidents/[A-Za-z0-9_-]{1,100}")
_BROAD = "multiple products"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of a list, open and closed."""
    body = load_json(payload)
    if not isinstance(body, list):
        raise ParseError("the body is not a list of incidents")
    home = payload.url or HOME
    return read_each(body, lambda item: _observation(record(item, "it"), home, spec), spec, "incident")


def recognises(payload: Payload) -> bool:
    """True for a list with a member that describes itself as Google's incidents do."""
    try:
        body = load_json(payload)
    except ParseError:
        return False
    return any(isinstance(item, dict) and {"external_desc", "begin"} <= item.keys() for item in members(body))


def _observation(raw: Mapping[str, object], home: str, spec: Spec) -> Observation:
    key = _key(raw)
    unknown: list[str] = []
    ended_at = when(raw.get("end"))
    is_over = bool(raw.get("end"))
    said = members(raw.get("updates")) or [raw.get("most_recent_update") or raw.get("most-recent-update")]
    updates = [_update(update, key, is_over) for update in said if isinstance(update, dict)]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("external_desc")) or "Untitled",
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=_impact(raw, unknown),
        began_at=when(raw.get("begin")) or when(raw.get("created")),
        ended_at=ended_at,
        updated_at=when(raw.get("modified")),
        url=_url(home, ident(raw.get("uri"))),
        places=places_of(spec.provider, _products(raw), _locations(raw)),
        updates=timeline(updates, newest_first=True, derived_ids=True),
        unknown_words=tuple(unknown),
    )


def _key(raw: Mapping[str, object]) -> str:
    """The id; in old bodies, where `number` is used again for each service, both together."""
    own = ident(raw.get("id"))
    if own:
        return own
    service, number = ident(raw.get("service_key")), ident(raw.get("number"))
    if not service or not number:
        raise ParseError(
            f'"{line(raw.get("external_desc"), max_chars=60)}" has neither an id nor service_key and number'
        )
    return f"{service}/{number}"


def _update(raw: Mapping[str, object], key: str, is_over: bool) -> Update:
    said_at = raw.get("when") or raw.get("created")
    posted_at = when(said_at)
    text = raw.get("text")
    if isinstance(text, str) and "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    is_end = is_over and folded(raw.get("status")) == "available"
    return Update(
        id=f"{key}@{stamp(posted_at, said_at)}",
        text=plain(text),
        posted_at=posted_at,
        status=Status.RESOLVED if is_end else None,
    )


def _url(home: str, uri: str) -> str:
    if _PLAIN_URI.fullmatch(uri):  # as nearly all are
        folder = _joined(home, ".")
        return folder + uri if folder else HOME
    return (_joined(home, uri) if uri else None) or HOME


@lru_cache(maxsize=64)  # joining costs as much as the rest of an incident's head
def _joined(home: str, uri: str) -> str | None:
    try:
        return web_link(urljoin(home, uri))
    except ValueError:  # its answer to "//["
        return None


def _impact(raw: Mapping[str, object], unknown: list[str]) -> Impact:
    said = raw.get("status_impact")
    if not said:  # old bodies grade by severity alone
        severity = raw.get("severity")
        return _SEVERITIES.get(folded(severity)) or impact_of(severity, Kind.INCIDENT, unknown)
    impact = _IMPACTS.get(folded(said))
    if impact is None:
        note(unknown, "status_impact", said)
    return impact or Impact.CRITICAL


def _products(raw: Mapping[str, object]) -> list[str]:
    named = names(raw.get("affected_products"), "title")
    service = line(raw.get("service_name"), max_chars=120)
    return named or ([service] if service and service.casefold() != _BROAD else [])


def _locations(raw: Mapping[str, object]) -> list[str]:
    """Region ids, those of today and those that have recovered; bodies of 2021 name them only in their updates."""
    found = [
        *_regions(raw.get("currently_affected_locations")),
        *_regions(raw.get("previously_affected_locations")),
    ]
    if not found:
        for update in members(raw.get("updates")):
            found = _regions(update.get("affected_locations")) if isinstance(update, dict) else []
            if found:
                break
    return list(dict.fromkeys(found))


def _regions(value: object) -> list[str]:
    found = []
    for name in names(value, "id", "title"):
        in_brackets = _IN_BRACKETS.search(name)  # "Iowa (us-central1)"
        found.append(
            in_brackets[1] if in_brackets else name.casefold() if name.casefold() == "global" else name
        )
    return found


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    may_be_empty=False,
    body_max_bytes=8 * 1024 * 1024,
    about=About(
        vendors=("Google Cloud, `incidents.json`, also in its form before April 2021",),
        identity="Google's `id`; before 2021, service and number. An update: incident and `when`",
        resolution="`end` is set",
        lost="weight of the moment: it gives the peak",
        tested="captures of 2020 to 2026",
    ),
)
