"""What reading a feed costs: our parse (to observations, texts cleaned) against the bare parser of the body's language.

The bodies are recorded ones where this machine has them, the largest of each format, else the demo's pages at the end of
their day. XML is set against feedparser, everything else against `json.loads`, which only makes dicts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import feedparser

from benchmarks.measure import Row, compare
from bot.demo.aws import aws_currentevents, aws_rss
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from bot.errors import ParseError
from bot.sources import FORMATS
from bot.sources.payload import Format, Payload, Spec
from bot.sources.text import decode
from tests.corpus import recorded

RECORDED = {
    "statuspage": "statuspage-summary",
    "aws-currentevents": "aws-currentevents",
    "aws-data-json": "aws-data-json",
    "gcp": "gcp-incidents-json",
    "slack-current": "slack-current-v2",
    "aws-rss": "aws-rss",
    "azure-rss": "azure-rss",
    "rss": "statuspage-history-atom",
}
NOW = datetime(2025, 10, 20, 23, 0, tzinfo=UTC)


def run() -> Iterator[Row]:
    """A row for each format that has a body to read."""
    for name, body in sorted(_bodies().items()):
        row = _row(FORMATS[name], body)
        if row:
            yield row


def _row(form: Format, body: bytes) -> Row | None:
    """None where our parser or the baseline refuses the body: then there is nothing to compare."""
    payload, spec = Payload(body=body, fetched_at=NOW), Spec(provider="acme")
    against, baseline = _baseline(payload)
    try:
        form.parse(payload, spec)
        baseline()
    except (ParseError, ValueError):
        return None
    name = f"parse {form.name}, {max(1, len(body) // 1024)} KiB"
    return compare(name, lambda: form.parse(payload, spec), against, baseline)


def _baseline(payload: Payload) -> tuple[str, Callable[[], object]]:
    if decode(payload).lstrip().startswith("<"):
        return "feedparser.parse", lambda: feedparser.parse(payload.body)
    return "json.loads", lambda: json.loads(decode(payload))


def _bodies() -> dict[str, bytes]:
    """The largest body known of each format."""
    day = load_day()
    bodies = {
        "aws-currentevents": aws_currentevents(day, NOW),
        "aws-rss": aws_rss(day, NOW),
        "statuspage": statuspage_summary(day, "jira", NOW),
    }
    for name, folder in RECORDED.items():
        files = recorded(f"all/{folder}")
        if files:
            bodies[name] = max(files, key=lambda file: file.stat().st_size).read_bytes()
    return bodies
