"""Every field of every JSON case of a hosted platform, made into every kind of value; and lists that are far too long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sources import FORMATS, detect
from bot.sources.reading.assemble import ENTRIES_MAX
from tests.fuzz.fitness import answer
from tests.sources.feedkit import body_of

HOSTED = (
    *(
        "statuspage",
        "statuspage-webhook",
        "incidentio-widget",
        "instatus",
        "cachet-v1",
        "cachet-v3",
        "cstate",
    ),
    *("uptime-kuma", "uptimerobot", "datocms-incident", "flashcat", "json-feed", "slack-current"),
)
FEEDS = Path(__file__).parent / "feeds"
CASES = [p for name in HOSTED for p in sorted((FEEDS / name).glob("*.json")) if ".expected" not in p.name]
ODD: tuple[object, ...] = (
    None,
    True,
    -1,
    1e308,
    "",
    "x",
    "2026-13-01T99:00:00Z",
    [],
    [None, 7, []],
    {},
    {"id": {}},
    "\ud800<b>" * 9,
)
MANY = 6_000
LISTS: dict[str, tuple[str, dict[str, object]]] = {  # the list of a body, and a member of it
    "statuspage": ("incidents", {"id": "i", "incident_updates": []}),
    "incidentio-widget": ("ongoing_incidents", {"id": "i", "status": "resolved"}),
    "cachet-v3": ("data", {"id": "i", "type": "incidents", "attributes": {}}),
    "cstate": ("pages", {"is": "issue", "filename": "i"}),
    "uptime-kuma": ("incidents", {"id": "i"}),
    "uptimerobot": ("data", {"monitorId": "i", "statusClass": "danger"}),
    "flashcat": ("active_changes", {"change_id": "i"}),
    "json-feed": ("items", {"id": "i"}),
}
ID_FIELDS = ("id", "filename", "monitorId", "change_id")


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each member of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        yield (*path, name)
        yield from places(member, (*path, name))


def spoiled(raw: bytes, path: tuple[str | int, ...], odd: object) -> object:
    """The JSON with one member replaced."""
    whole = json.loads(raw)
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = odd
    return whole


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_any_kind_of_value_anywhere_is_read_or_refused(path: Path) -> None:
    raw = path.read_bytes()

    for way in places(json.loads(raw)):
        for odd in ODD:
            payload = body_of(spoiled(raw, way, odd))
            answer(path.parent.name, payload)
            detect(payload)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_without_end_is_read_to_a_bound_and_soon(name: str) -> None:
    field, member = LISTS[name]
    members = [{k: f"i{n}" if k in ID_FIELDS else v for k, v in member.items()} for n in range(MANY)]
    body: dict[str, object] = {"page": {}, field: members}
    began = time.monotonic()

    found = answer(name, body_of(body))

    assert len(found) == ENTRIES_MAX
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("name", "listing", "may_be_empty"),
    [
        ("statuspage-webhook", "part", True),
        ("incidentio-widget", "open", True),
        ("flashcat", "open", True),
        ("datocms-incident", "window", False),
        ("cstate", "open", True),
        ("cstate-markdown", "window", False),
        ("uptime-kuma", "open", True),
        ("uptimerobot", "open", True),
        ("cachet-v3", "window", True),
        ("json-feed", "window", True),
    ],
)
def test_what_absence_and_emptiness_mean_to_a_hosted_platform(
    name: str, listing: str, may_be_empty: bool
) -> None:
    format_ = FORMATS[name]

    assert (format_.listing.value, format_.may_be_empty) == (listing, may_be_empty)


@pytest.mark.parametrize("name", HOSTED)
def test_a_case_is_no_other_formats(name: str) -> None:
    """Each body is recognised by its own format alone, so that the order of the list decides nothing between these.

    Fedora's board of 2012 was any object of objects with a name, a status and a link; it comes last.
    """
    for path in (p for p in CASES if p.parent.name == name):
        knowing = [f.name for f in FORMATS.values() if f.recognises(body_of(path.read_bytes()))]
        assert [known for known in knowing if known != "fedora-status"] in ([name], []), path.name
        assert knowing[:1] in ([name], []), path.name
