"""RSS, RDF and Atom to entries: the standard library's strict expat first, feedparser for whatever is not well formed.

The strict way is some fifty times cheaper. Entity declarations are refused before any parser sees them. Called by `rss`,
`azure` and `aws.rss`, which make observations of the entries.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bot.errors import ParseError
from bot.sources.payload import Payload
from bot.sources.reading import items
from bot.sources.reading.assemble import ENTRIES_MAX
from bot.sources.reading.items import DEPTH_MAX, Field, Fields, Item
from bot.sources.reading.memo import Memo
from bot.sources.reading.text import decode, ident, line, refuse_strangers, size, web_link
from bot.sources.reading.times import when

TAGS_MAX = 30_000  # in a document that is not well formed; the richest real feed seen has 5,000
ENTITIES_MAX = 300_000
MENDED_MAX_CHARS = 1024 * 1024
_ROOT_END = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_ENTRY_END = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!DOCTYPE", re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY", re.IGNORECASE)
_DOCUMENT = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<[?!][^>]*>\s*){0,10}<(?:[\w.-]+:)?(rss|feed|rdf)\b", re.IGNORECASE
)
_NESTING = re.compile(r"<(/?)(?!(?:br|hr|img|p|li|input|meta|link)\b)[a-z][^<>]*?(/?)>", re.IGNORECASE)
_TRACE = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel|item|entry)\b", re.IGNORECASE)
_HOMES = (
    "",
    "http://www.w3.org/2005/Atom",
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
)
_CONTENT_HOMES = (*_HOMES, "http://purl.org/rss/1.0/modules/content/")
_CONTENTS = ("content", "encoded", "description", "summary")
MEMO: Memo[Entry] = Memo()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as written: `html` is its longest text, still markup; times are read, `published_text` is the feed's own."""

    id: str
    link: str | None
    title: str
    html: str
    published_at: datetime | None
    updated_at: datetime | None
    published_text: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The entries of a document in its order. `is_cut` when the document ends before it is closed."""

    entries: tuple[Entry, ...]
    is_cut: bool = False


def read(payload: Payload) -> Feed:
    """The feed in a body. Raises ParseError when it is none, or when it declares entities."""
    text = decode(payload)
    refuse_strangers(text, payload, due="a feed")
    if text.lstrip()[:1] in ("{", "["):
        raise ParseError(f"JSON of {size(payload)} where a feed was due")
    if _DOCTYPE.search(text) and _ENTITY.search(text):
        raise ParseError("the document declares entities, which no status feed needs and attacks do")
    # A blank line before the declaration is common, and fatal to a strict parser.
    entries = items.read(text.lstrip(), _strict_entry, MEMO, _size)
    return Feed(entries=tuple(entries)) if entries is not None else _lenient(payload, text)


def is_feed(payload: Payload) -> bool:
    """True when the root of the document is one of RSS, RDF or Atom."""
    return _DOCUMENT.match(decode(payload)[:4000]) is not None


def _strict_entry(item: Item) -> Entry:
    fields = item.fields
    about = next((value for key, value in item.attributes.items() if key.endswith("}about")), "")
    published = _first(fields, "pubdate", "published", "date", "issued", "created")
    return Entry(
        id=ident(_first(fields, "guid", "id") or about),
        link=_link(fields.get("link", [])),
        title=line(_first(fields, "title")),
        html=_content(fields),
        published_at=when(published),
        updated_at=when(_first(fields, "updated", "modified")),
        published_text=published,
        categories=_labels(f.attributes.get("term") or f.text for f in fields.get("category", [])),
    )


def _size(entry: Entry) -> int:
    """About how many bytes an entry takes."""
    texts = (entry.id, entry.link, entry.title, entry.html, entry.published_text, *entry.categories)
    return 400 + sum(map(sys.getsizeof, texts))


def _first(fields: Fields, *named: str) -> str:
    """The text of the first field of these names; the feed's own vocabulary goes before media: and itunes: ones."""
    for name in named:
        found = fields.get(name)
        if found:
            return next((field for field in found if field.home in _HOMES), found[0]).text.strip()
    return ""


def _content(fields: Fields) -> str:
    for name in _CONTENTS:
        texts = [field.text for field in fields.get(name, ()) if field.home in _CONTENT_HOMES]
        if any(text.strip() for text in texts):
            return max(texts, key=len)
    return ""


def _link(fields: list[Field]) -> str | None:
    for field in fields:
        if field.attributes.get("rel", "alternate") == "alternate":
            link = web_link(field.attributes.get("href") or field.text.strip())
            if link:
                return link
    return None


def _labels(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(label for label in (line(word, max_chars=120) for word in islice(words, 200)) if label)
    )


def _lenient(payload: Payload, text: str) -> Feed:
    """What feedparser makes of it. Raises ParseError when that is nothing."""
    if not _TRACE.search(text):  # feedparser takes 2 s to find nothing in 2 MB of noise
        raise ParseError(f"the body of {size(payload)} is no feed: it has no feed, channel, item or entry")
    _refuse_crowds(text, payload)
    _refuse_depth(text)
    parsed = _by_feedparser(payload)
    entries = tuple(_lenient_entry(entry) for entry in _dicts(parsed, "entries")[:ENTRIES_MAX])
    is_bozo, version = dict.get(parsed, "bozo"), dict.get(parsed, "version")
    if (is_bozo and not entries) or not (is_bozo or version):
        raise ParseError(
            f"the document of {size(payload)} is no readable RSS, RDF or Atom feed: {_why(parsed)}"
        )
    is_cut = not _ROOT_END.search(text[-2000:])
    # A cut goes through the last entry, whose half texts and missing dates would look like edits.
    return Feed(entries=entries[: len(_ENTRY_END.findall(text))] if is_cut else entries, is_cut=is_cut)


def _by_feedparser(payload: Payload) -> dict[str, object]:
    import feedparser  # late, because it takes 70 ms to import and most feeds are well formed

    headers = {"content-type": payload.headers.get("content-type", "application/xml")}
    try:
        # A stream, never bytes or text: those may be taken for a file name or an address, and opened.
        body = io.BytesIO(payload.body)
        parsed: dict[str, object] = feedparser.parse(
            body, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as exc:
        raise ParseError(
            f"the document of {size(payload)} cannot be read as a feed: {str(exc)[:200]}"
        ) from exc
    return parsed


def _lenient_entry(entry: dict[str, object]) -> Entry:
    """`dict.get`, because the library's own lookup answers `updated` with `published`."""
    published = str(dict.get(entry, "published") or dict.get(entry, "created") or "")
    updated = dict.get(entry, "updated")
    if not published and updated:  # RDF's only date is dc:date, which the library files under "updated"
        published = str(updated)
    return Entry(
        id=ident(dict.get(entry, "id")),
        link=web_link(dict.get(entry, "link")),
        title=line(dict.get(entry, "title")),
        html=_lenient_content(entry),
        published_at=when(published),
        updated_at=when(updated),
        published_text=published,
        categories=_labels(str(dict.get(tag, "term") or "") for tag in _dicts(entry, "tags")),
    )


def _lenient_content(entry: dict[str, object]) -> str:
    texts = [str(dict.get(content, "value") or "") for content in _dicts(entry, "content")]
    return max(
        (text for text in (*texts, str(dict.get(entry, "summary") or "")) if text.strip()),
        key=len,
        default="",
    )


def _dicts(entry: dict[str, object], name: str) -> list[dict[str, object]]:
    found = dict.get(entry, name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _refuse_crowds(text: str, payload: Payload) -> None:
    """feedparser takes up to 20 microseconds for a tag, and one for an entity or two characters of an attribute."""
    if len(text) > MENDED_MAX_CHARS or text.count("<") > TAGS_MAX or text.count("&") > ENTITIES_MAX:
        raise ParseError(
            f"the document of {size(payload)} is not well formed, and too large or rich in tags to mend"
        )


def _refuse_depth(text: str) -> None:
    depth = 0
    for tag in _NESTING.finditer(text):
        depth += -1 if tag[1] else 0 if tag[2] else 1
        if depth > 20 * DEPTH_MAX:
            raise ParseError("the document nests absurdly deep")


def _why(parsed: dict[str, object]) -> str:
    reason = dict.get(parsed, "bozo_exception")
    return line(str(reason), max_chars=200) if reason else "its root is not known"
