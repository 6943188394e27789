"""Upptime's `history/summary.json`: a board of monitored sites, with the minutes that each was down on each day.

It knows no incidents (those are issues on GitHub): a site that is not up is one, its key the site and our own day. It is over
when the site is up again. There are no texts and no times but days. (Facts from a body recorded in 2023.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import places_of, read_each, record
from bot.sources.reading.shapes import first_of, on_the_day, own_id, today, value_with
from bot.sources.reading.text import line, load_json, web_link
from bot.sources.reading.vocabulary import folded, note

NAME = "upptime"
_IMPACTS = {"degraded": Impact.MINOR, "down": Impact.CRITICAL}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The sites that are not up."""
    body = load_json(payload)
    if not isinstance(body, list) or not body:
        raise ParseError("the body is not a list of sites")
    return read_each(body, lambda item: _observation(record(item, "it"), payload, spec), spec, "site")


def recognises(payload: Payload) -> bool:
    """True for a list of sites with their uptimes."""
    first = first_of(value_with(payload, b'"slug"', b'"uptimeDay"'))
    return {"slug", "status", "uptimeDay"} <= first.keys()


def _observation(raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation | None:
    slug = own_id(raw, "slug")[:120]
    said = folded(raw.get("status"))
    if said == "up":
        return None
    unknown: list[str] = []
    if said not in _IMPACTS:
        note(unknown, "status", raw.get("status"))
    name = line(raw.get("name"), max_chars=120) or slug
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=on_the_day(slug, payload),
        is_native=False,
        title=f"{name} is {'degraded' if said == 'degraded' else 'down'}",
        status=Status.INVESTIGATING,
        impact=_IMPACTS.get(said, Impact.CRITICAL),
        updated_at=today(payload),
        url=web_link(raw.get("url")),
        places=places_of(spec.provider, [name]),
        chain=slug,
        unknown_words=tuple(unknown),
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Upptime's `history/summary.json`",),
        identity="none: a site that is not up, known by our day and its chain",
        resolution="the site is up again",
        lost="texts: its incidents are GitHub issues",
        tested="a capture",
    ),
)
