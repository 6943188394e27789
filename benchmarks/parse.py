"""What reading a feed costs: our parse (to observations, texts cleaned) against the bare parser of the body's language.

Made-up feeds of known sizes first, read for the first time, as at a start, and again, as the day goes on. Then the largest
recorded body of each format, where this machine has them. XML is set against feedparser with its defaults,
everything else against `json.loads`, which only makes dicts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

import feedparser

from benchmarks import feeds
from benchmarks.measure import Row, compare
from bot.sources import FORMATS
from bot.sources.payload import Format, Payload, Spec
from bot.sources.reading.feed import read
from bot.sources.reading.memo import forget
from bot.sources.reading.text import decode
from tests.corpus import recorded

# Of feedparser's time. A first reading makes every object anew, which is more work than finding the ends of the items.
ENTRIES_AT_MOST, FIRST_AT_MOST, ONE_CHANGED_AT_MOST, AGAIN_AT_MOST = 1 / 20, 1 / 3, 1 / 10, 1 / 20
MADE_UP = {
    "Statuspage RSS, 25 items": ("rss", feeds.statuspage_rss(25)),
    "Statuspage Atom, 25 entries": ("rss", feeds.statuspage_atom(25)),
    "AWS RSS, 25 items": ("aws-rss", feeds.aws_rss(25)),
    "Azure RSS, 25 items": ("azure-rss", feeds.azure_rss(25)),
    "Statuspage RSS, 100 items": ("rss", feeds.statuspage_rss(100)),
    "AWS RSS, 100 items": ("aws-rss", feeds.aws_rss(100)),
}
RECORDED = {
    "statuspage-summary": "statuspage",
    "statuspage-incidents": "statuspage",
    "aws-currentevents": "aws-currentevents",
    "aws-data-json": "aws-data-json",
    "gcp-incidents-json": "gcp",
    "slack-current-v2": "slack-current",
    "aws-rss": "aws-rss",
    "azure-rss": "azure-rss",
    "statuspage-history-atom": "rss",
    "statuspage-history-rss": "rss",
}
NOW = datetime(2026, 10, 20, 23, 0, tzinfo=UTC)
SPEC = Spec(provider="acme")


def run() -> Iterator[Row]:
    """Four rows for each made-up feed, one for each format with a recorded body."""
    for name, (format_, body) in MADE_UP.items():
        form = FORMATS[format_]
        # Feeds of one short text an item are mostly made of items, which cost us the same whatever they hold.
        at_most = ENTRIES_AT_MOST if format_ == "rss" else None
        yield _entries(f"{name}, {len(body) // 1024} KiB, entries", body, at_most)
        yield _first("  observations, first", form, body, FIRST_AT_MOST)
        yield _again("  again, nothing changed but the head", form, body, feeds.IN_HEAD, AGAIN_AT_MOST)
        yield _again("  again, one item changed", form, body, feeds.IN_ITEM, ONE_CHANGED_AT_MOST)
    for folder, format_ in RECORDED.items():
        files = recorded(f"all/{folder}")
        if files:
            body = max(files, key=lambda file: file.stat().st_size).read_bytes()
            yield _first(f"{folder}, {max(1, len(body) // 1024)} KiB, first", FORMATS[format_], body)


def _entries(name: str, body: bytes, at_most: float | None) -> Row:
    """What feedparser gives too: the entries with their times, without a memory of earlier readings."""

    def ours() -> None:
        forget()
        read(Payload(body=body, fetched_at=NOW))

    return compare(name, ours, *_baseline(body), at_most=at_most)


def _first(name: str, form: Format, body: bytes, at_most: float | None = None) -> Row:
    """A reading without any memory of earlier ones."""

    def ours() -> None:
        forget()
        form.parse(Payload(body=body, fetched_at=NOW), SPEC)

    return compare(name, ours, *_baseline(body), at_most=at_most)


def _again(name: str, form: Format, body: bytes, changing: bytes, at_most: float) -> Row:
    """One reading after the other, each of a body with another number in place of `changing`."""
    numbers = count(100_000)

    def ours() -> None:
        changed = body.replace(changing, b"%d" % next(numbers))
        form.parse(Payload(body=changed, fetched_at=NOW), SPEC)

    return compare(name, ours, *_baseline(body), at_most=at_most)


def _baseline(body: bytes) -> tuple[str, Callable[[], object]]:
    payload = Payload(body=body, fetched_at=NOW)
    if decode(payload).lstrip().startswith("<"):
        return "feedparser.parse", lambda: feedparser.parse(body)
    return "json.loads", lambda: json.loads(decode(payload))
