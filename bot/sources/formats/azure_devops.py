"""Azure DevOps' health, `status.dev.azure.com/_apis/status/health`: a board of services by geography, and nothing else.

It knows no incidents: while anything is not healthy there is one, with every such place, whose key is our own day. When all is
healthy again it is over. There are no times, and no text but one sentence for the page.
(Only a healthy sample of the vendor's was at hand; the other words are from documentation.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Place
from bot.domain.words import Impact, Status
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import PLACES_MAX, members, read_each
from bot.sources.reading.shapes import (
    board_of,
    body_of,
    first_of,
    object_with,
    observation_of,
    on_the_day,
    today,
    worst,
)
from bot.sources.reading.text import ident, line
from bot.sources.reading.vocabulary import folded, note

NAME = "azure-devops-health"
HOME = "https://status.dev.azure.com/"
_IMPACTS = {
    "healthy": Impact.NONE,
    "advisory": Impact.MINOR,
    "degraded": Impact.MAJOR,
    "unhealthy": Impact.CRITICAL,
}
Sick = tuple[Place, Impact]


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """One observation while anything is not healthy, none otherwise."""
    body = body_of(payload)
    unknown: list[str] = []
    services = board_of(body, "services")
    sick = [s for item in services if isinstance(item, dict) for s in _sick(item, spec, unknown)]
    overall = body.get("status")
    overall = overall if isinstance(overall, dict) else {}
    weight = _impact(overall.get("health"), unknown) if overall else Impact.NONE
    found: list[object] = [item for item in services if not isinstance(item, dict)]
    if sick or weight is not Impact.NONE:
        heaviest = worst([weight, *(impact for _, impact in sick)])
        found.append(_observation(sick, overall, heaviest, payload, spec, unknown))
    return read_each(found, observation_of, spec, "service")


def recognises(payload: Payload) -> bool:
    """True for a list of services by geography."""
    first = first_of(object_with(payload, b'"geographies"').get("services"))
    return isinstance(first.get("geographies"), list)


def _observation(
    sick: list[Sick],
    overall: Mapping[str, object],
    impact: Impact,
    payload: Payload,
    spec: Spec,
    unknown: list[str],
) -> Observation:
    places = tuple(dict.fromkeys(place for place, _ in sick))
    named = list(dict.fromkeys(place.component for place in places if place.component))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=on_the_day("health", payload),
        is_native=False,
        title=line(overall.get("message")) or f"Not healthy: {', '.join(named[:5]) or 'Azure DevOps'}",
        status=Status.INVESTIGATING,
        impact=impact,
        updated_at=today(payload),
        url=HOME,
        places=places if 0 < len(places) <= PLACES_MAX else (Place(provider=spec.provider),),
        chain="health",
        unknown_words=tuple(unknown),
    )


def _sick(service: Mapping[str, object], spec: Spec, unknown: list[str]) -> list[Sick]:
    component = line(service.get("id"), max_chars=120) or None
    found: list[Sick] = []
    for item in members(service.get("geographies")):
        where = item if isinstance(item, dict) else {}
        impact = _impact(where.get("health"), unknown)
        if impact is not Impact.NONE:
            region = line(where.get("name") or where.get("id"), max_chars=120) or None
            found.append((Place(provider=spec.provider, component=component, region=region), impact))
    return found


def _impact(word: object, unknown: list[str]) -> Impact:
    said = folded(word) or ident(word)
    impact = _IMPACTS.get(said)
    if impact is None:
        note(unknown, "health", word)
    return impact or (Impact.MINOR if said == "unknown" else Impact.CRITICAL)


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Azure DevOps, `status.dev.azure.com/_apis/status/health`",),
        identity="none: a board, one incident with all that is not healthy, known by our day and its chain",
        resolution="all is healthy",
        lost="texts and times",
        tested="a healthy vendor's sample; other words from documentation",
    ),
)
