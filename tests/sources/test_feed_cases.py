"""Every file below feeds/<format>/ is a body of that format; the `.expected.json` beside it says what it means.

Adding a case is adding two files. The bodies are of our own making, true to the formats.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sources import FORMATS, detect
from bot.sources.payload import Payload, Spec
from bot.sources.reading.encode import as_line
from tests.sources.feedkit import outcome

FEEDS = Path(__file__).parent / "feeds"
CASES = sorted(p for p in FEEDS.glob("*/*") if not p.name.endswith(".expected.json"))
KEYS = [
    "provider",
    "format",
    "id",
    "kind",
    "title",
    "status",
    "impact",
    "began_at",
    "ended_at",
    "updated_at",
    "url",
]


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_body_means_what_is_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.stem}.expected.json").read_text(encoding="utf-8"))
    payload = Payload(body=path.read_bytes(), fetched_at=datetime(2026, 11, 1, tzinfo=UTC))
    format_ = FORMATS[path.parent.name]

    observations, error = outcome(format_.name, payload)

    detected = detect(payload)
    actual = {
        "detected": detected.name if detected else None,
        "listing": format_.listed(payload).value,
        "error": error,
        "observations": [as_line(o) for o in observations],
        "unknown_words": sorted({word for o in observations for word in o.unknown_words}),
    }
    assert expected == actual


def test_every_format_has_a_case_and_is_listed_under_its_own_name() -> None:
    assert {p.parent.name for p in CASES} == set(FORMATS)
    assert [f.name for f in FORMATS.values()] == list(FORMATS)


def test_the_keys_of_a_line_are_a_promise() -> None:
    path = FEEDS / "statuspage" / "summary.json"
    payload = Payload(body=path.read_bytes(), fetched_at=datetime(2026, 11, 1, tzinfo=UTC))

    line = as_line(FORMATS["statuspage"].parse(payload, Spec(provider="acme"))[0])

    assert list(line) == [*KEYS, "places", "updates"]
    assert list(line["places"][0]) == ["component", "region"]
    assert list(line["updates"][0]) == ["id", "status", "text", "posted_at"]


@pytest.mark.parametrize(
    ("name", "listing", "may_be_empty", "mib"),
    [
        ("statuspage", "open", True, 8),
        ("aws-currentevents", "open", True, 8),
        ("slack-current", "open", True, 2),
        ("azure-rss", "open", True, 2),
        ("gcp", "window", False, 8),
        ("aws-rss", "window", True, 2),
        ("aws-data-json", "window", False, 8),
        ("rss", "window", True, 2),
        ("statusio", "open", True, 2),
        ("instatus", "open", True, 2),
        ("betterstack", "window", True, 2),
        ("checkly", "open", True, 2),
        ("datadog-statuspage", "window", True, 2),
        ("cachet-v1", "window", True, 2),
        ("salesforce-trust", "open", True, 2),
        ("m365-graph", "window", True, 8),
        ("apple-system-status", "open", True, 2),
        ("azure-devops-health", "open", True, 2),
        ("alibaba", "window", True, 2),
        ("fedora-status", "open", True, 2),
        ("upptime", "open", True, 2),
        ("google-workspace", "window", False, 8),
    ],
)
def test_what_absence_and_emptiness_mean(name: str, listing: str, may_be_empty: bool, mib: int) -> None:
    format_ = FORMATS[name]

    assert (listing, may_be_empty, mib * 1024 * 1024) == (
        format_.listing.value,
        format_.may_be_empty,
        format_.body_max_bytes,
    )
