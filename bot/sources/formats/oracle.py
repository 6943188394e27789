"""Oracle Cloud Infrastructure: the feed of incidents (`incident-summary.rss`) and the board of regions (`components.json`).

Both know an incident by its OCID. The feed has one item for each, titled "service | region | reference", its updates within as
Statuspage writes them, newest first. The board has weights and every place, but no texts and only what is open.
`status.json` names no incident and is refused. https://docs.oracle.com/en-us/iaas/Content/General/Concepts/status-service.htm.
From documentation, not tested against a capture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.observation import Listing, Observation, Place, Update
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import blocks, feed
from bot.sources.reading.assemble import PLACES_MAX, members, places_of, read_each, timeline
from bot.sources.reading.shapes import body_of, first_of, list_of, object_with, worst
from bot.sources.reading.text import decode, ident, line, plain, web_link
from bot.sources.reading.times import stamp
from bot.sources.reading.vocabulary import folded, note, stated_status

NAME = "oracle-oci"
HOME = "https://ocistatus.oraclecloud.com/"
_IMPACTS = {
    "normalperformance": Impact.NONE,
    "informational": Impact.MINOR,
    "servicedisruption": Impact.MAJOR,
    "servicedown": Impact.CRITICAL,
}
_OURS = re.compile(
    r"(?:(?!<item\b).)*?<link>\s*https?://(?:gov\.)?ocistatus\.[\w.]{2,60}"
    r"|.*?<guid[^<>]{0,100}>\s*(?:<!\[CDATA\[)?\s*ocid1\.oraclecloudincident\.",
    re.IGNORECASE | re.DOTALL,
)
_THERE = re.compile(r"^https?://(?:gov\.)?ocistatus\.[\w.]{2,60}(?::\d+)?/", re.IGNORECASE)
_VARIABLE = re.compile(r"</?var\b[^<>]*>", re.IGNORECASE)
_BROAD = ("multiple services", "multiple regions", "all services", "all regions")
_TOWN = re.compile(r"\(([^()]+)\)\s*$")  # "US East (Ashburn)"
_REGIONS = {
    **{town: f"us-{town}-1" for town in ("ashburn", "phoenix", "chicago")},
    **{town: f"ca-{town}-1" for town in ("montreal", "toronto")},
    **{town: f"sa-{town}-1" for town in ("vinhedo", "santiago", "valparaiso", "bogota")},
    **{town: f"mx-{town}-1" for town in ("queretaro", "monterrey")},
    **{town: f"eu-{town}-1" for town in ("frankfurt", "zurich", "amsterdam", "paris", "marseille")},
    **{town: f"eu-{town}-1" for town in ("milan", "madrid", "stockholm")},
    **{town: f"me-{town}-1" for town in ("jeddah", "riyadh", "dubai")},
    **{town: f"ap-{town}-1" for town in ("mumbai", "hyderabad", "tokyo", "osaka", "seoul", "chuncheon")},
    **{town: f"ap-{town}-1" for town in ("sydney", "melbourne", "batam")},
    **{"san jose": "us-sanjose-1", "sao paulo": "sa-saopaulo-1", "abu dhabi": "me-abudhabi-1"},
    **{"london": "uk-london-1", "newport": "uk-cardiff-1", "jerusalem": "il-jerusalem-1"},
    "johannesburg": "af-johannesburg-1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """An incident of the board: where it stands, and its weight there."""

    key: str
    impacts: list[Impact] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of the feed, open and closed, or those that the board lists."""
    if decode(payload).lstrip()[:1] == "{":
        return _board(body_of(payload), spec)
    found = feed.read(payload)
    observations = read_each(found.entries, lambda entry: _item(entry, spec), spec, "item")
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def listing_of(payload: Payload) -> Listing:
    """OPEN for the board, WINDOW for the feed."""
    return Listing.OPEN if decode(payload).lstrip()[:1] == "{" else Listing.WINDOW


def recognises(payload: Payload) -> bool:
    """True for the board, and for a feed that Oracle's status page made or served."""
    if "serviceHealthReports" in first_of(object_with(payload, b"HealthReports").get("regionHealthReports")):
        return True
    is_there = _THERE.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _OURS.match(decode(payload)[:4000]) is not None)


def _item(entry: feed.Entry, spec: Spec) -> Observation:
    key = entry.id or ident((entry.link or "").rpartition("/")[2])
    if not key:
        raise ParseError(f'"{entry.title[:60]}" has no id')
    updates = _updates(entry, key)
    status = next((u.status for u in reversed(updates) if u.status), Status.INVESTIGATING)
    service, region = _split(entry.title)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(" in ".join(part for part in _title_parts(entry.title) if part)) or "Untitled",
        status=status,
        impact=Impact.MAJOR,  # the feed grades nothing; the board does
        is_graded=False,
        began_at=updates[0].posted_at,
        ended_at=updates[-1].posted_at if status.is_over else None,
        updated_at=entry.published_at or updates[-1].posted_at,
        url=entry.link or HOME,
        places=places_of(spec.provider, [service] if service else [], [region] if region else []),
        updates=updates,
    )


def _updates(entry: feed.Entry, key: str) -> tuple[Update, ...]:
    """The updates within an item, oldest first; the whole text is one where they cannot be told apart."""
    # The date's parts stand side by side in tags: "Oct<var>04</var><var>09:12</var> UTC".
    told = blocks.read(replace(entry, html=_VARIABLE.sub(" ", entry.html))).updates
    if not told:
        text, at = plain(entry.html), entry.published_at
        return (Update(id=f"{key}@{stamp(at)}", text=text, posted_at=at, status=stated_status("", text)),)
    found = [
        Update(id=f"{key}@{stamp(b.posted_at)}", text=b.text, posted_at=b.posted_at, status=b.status)
        for b in told
    ]
    return timeline(found, newest_first=True, derived_ids=True)


def _title_parts(title: str) -> tuple[str, str]:
    """Service and region as the title writes them: "Networking | US East (Ashburn) | ab12cd"."""
    parts = [part.strip() for part in title.split(" | ")]
    return parts[0], parts[1] if len(parts) > 1 else ""


def _split(title: str) -> tuple[str, str]:
    """Service and region's id; nothing for what the title leaves broad."""
    service, region = (
        "" if part.casefold() in _BROAD else part[:120] for part in map(line, _title_parts(title))
    )
    town = _TOWN.search(region)
    return service, _REGIONS.get(town[1].casefold() if town else "", region)


def _board(body: Mapping[str, object], spec: Spec) -> tuple[Observation, ...]:
    """Each incident once, with all places that list it."""
    found: dict[str, _Listed] = {}
    bad: list[object] = []
    unknown: list[str] = []
    for region in list_of(body, "regionHealthReports"):
        if not isinstance(region, dict):
            bad.append(region)
            continue
        name = ident(region.get("regionCanonicalName")) or line(region.get("regionName"), max_chars=60)
        for service in members(region.get("serviceHealthReports")):
            _gather(found, service, name, unknown)
    return read_each([*bad, *found.values()], lambda item: _listed(item, unknown, spec), spec, "region")


def _gather(found: dict[str, _Listed], service: object, region: str, unknown: list[str]) -> None:
    if not isinstance(service, dict):
        return
    name = line(service.get("serviceName"), max_chars=120)
    incidents = [each for each in members(service.get("incidents")) if isinstance(each, dict)]
    for raw in incidents:
        key = ident(raw.get("incidentId"))
        if not key:
            continue
        listed = found.setdefault(key, _Listed(key=key))
        listed.impacts.append(_impact(raw.get("severity") or service.get("serviceStatus"), unknown))
        listed.places.append((name, region))


def _listed(listed: object, unknown: list[str], spec: Spec) -> Observation:
    """An incident of the board. Raises ParseError for what is no region."""
    if not isinstance(listed, _Listed):
        raise ParseError("it is not an object")
    places = dict.fromkeys(
        Place(provider=spec.provider, component=service or None, region=region or None)
        for service, region in listed.places
    )
    services = list(dict.fromkeys(service for service, _ in listed.places if service))
    regions = list(dict.fromkeys(region for _, region in listed.places if region))
    shown = f"{services[0]} and {len(services) - 1} more" if len(services) > 2 else " and ".join(services)
    where = regions[0] if len(regions) == 1 else f"{len(regions)} regions" if regions else ""
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=listed.key,
        is_native=True,
        title=line(" in ".join(part for part in (shown or "Incident", where) if part)),
        status=Status.INVESTIGATING,
        impact=worst(listed.impacts),
        url=web_link(f"{HOME}#/incidents/{listed.key}") or HOME,
        places=tuple(places) if len(places) <= PLACES_MAX else (Place(provider=spec.provider),),
        unknown_words=tuple(unknown),
    )


def _impact(word: object, unknown: list[str]) -> Impact:
    impact = _IMPACTS.get(folded(word).replace("_", ""))
    if impact is None:
        note(unknown, "severity", word)
    return impact or Impact.CRITICAL


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    body_max_bytes=8 * 1024 * 1024,
    listing_of=listing_of,
    about=About(
        vendors=(
            "Oracle Cloud, `ocistatus.oraclecloud.com/api/v2/incident-summary.rss` and `components.json`",
        ),
        identity="the OCID, the same in both; an update: incident and time",
        resolution="feed: the newest update's label is Resolved; board: it is gone",
        lost="feed: weights, places beyond the title's; board: all texts and times",
    ),
)
