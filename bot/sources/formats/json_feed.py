"""JSON Feed 1.0 and 1.1 (jsonfeed.org): the entries of a feed as JSON, told by the rules of `rss`.

From documentation, not tested against a capture. https://www.jsonfeed.org/version/1.1/ (read November 2026)
"""

from __future__ import annotations

import html
from collections.abc import Mapping

from bot.domain.observation import Listing, Observation
from bot.sources.formats import rss
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import ENTRIES_MAX, members, names
from bot.sources.reading.feed import Entry
from bot.sources.reading.shapes import body_of, list_of, object_with
from bot.sources.reading.text import ident, line, web_link
from bot.sources.reading.times import when

NAME = "json-feed"
_VERSIONS = ("https://jsonfeed.org/version/1", "http://jsonfeed.org/version/1")


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The items of a feed; one that says nothing at all is left out."""
    items = list_of(body_of(payload), "items")[:ENTRIES_MAX]
    entries = [_entry(item) for item in items if isinstance(item, dict)]
    return rss.told(entries, NAME, payload, spec)


def recognises(payload: Payload) -> bool:
    """True for an object that names a version of JSON Feed."""
    return ident(object_with(payload, b"jsonfeed.org").get("version")).startswith(_VERSIONS)


def _entry(raw: Mapping[str, object]) -> Entry:
    published = raw.get("date_published")
    return Entry(
        id=ident(raw.get("id")),
        link=web_link(raw.get("url")) or web_link(raw.get("external_url")),
        title=line(raw.get("title")),
        html=_html(raw),
        published_at=when(published),
        updated_at=when(raw.get("date_modified")),
        published_text=ident(published),
        categories=tuple(names(members(raw.get("tags")))),
    )


def _html(raw: Mapping[str, object]) -> str:
    """The content as HTML: as such, else the text, where a "<" is no markup, else the summary."""
    for name in ("content_html", "content_text", "summary"):
        said = raw.get(name)
        if isinstance(said, str) and said.strip():
            return said if name == "content_html" else html.escape(said, quote=False)
    return ""


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("any page with a JSON Feed",),
        identity="the id at the end of an incident's link, else the item's id",
        resolution='a label such as "[Resolved]"; else long silence',
        lost="weight and components; updates, unless written as Statuspage does",
    ),
)
