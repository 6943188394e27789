"""Whether a feed says how bad it is: what the reader only guesses must not pass for the provider's word."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.sources import FORMATS
from bot.sources.payload import Payload, Spec

RSS = """<rss version="2.0"><channel><title>Acme</title><link>https://status.acme.example</link>
<item><guid>1</guid><title>Errors</title><link>https://status.acme.example/incidents/1</link>
<pubDate>Mon, 20 Oct 2025 07:00:00 GMT</pubDate><description>We are looking.</description></item></channel></rss>"""
INCIDENT = {"id": "i1", "name": "Errors", "status": "investigating", "created_at": "2025-10-20T07:00:00Z"}


def summary(**impact: object) -> str:
    """A page by Statuspage with one incident."""
    return json.dumps({"page": {}, "components": [], "incidents": [INCIDENT | impact]})


def notes(style: str) -> str:
    """A note on a page of Uptime Kuma."""
    note = {"id": 1, "title": "Errors", "content": "…", "style": style, "pin": True, "active": True}
    return json.dumps({"incidents": [note], "hasMore": False})


@pytest.mark.parametrize(
    ("name", "body", "is_graded"),
    [
        ("rss", RSS, False),
        ("statuspage", summary(impact="minor"), True),
        ("statuspage", summary(impact="none"), True),
        ("statuspage", summary(impact=None), False),
        ("statuspage", summary(), False),
        ("uptime-kuma", notes("warning"), True),
        ("uptime-kuma", notes("own"), False),
    ],
)
def test_only_a_stated_weight_counts_as_graded(name: str, body: str, is_graded: bool) -> None:
    at = datetime(2025, 10, 20, 8, tzinfo=UTC)

    (said,) = FORMATS[name].parse(
        Payload(body=body.encode(), fetched_at=at, url="https://acme.example/x"), Spec(provider="acme")
    )

    assert said.is_graded is is_graded
