"""Traps of Apple's board of dated events and of Alibaba's list: three kinds of times, shared events, titles that end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Observation
from bot.domain.words import Status
from bot.sources import FORMATS
from tests.sources.feedkit import body_of, parse

# --- Apple


def apple(**event: object) -> Observation:
    """The observation of a board with one event."""
    said = {"eventStatus": "ongoing", "statusType": "Issue", "message": "m", **event}
    return parse("apple-system-status", {"services": [{"serviceName": "Notes", "events": [said]}]})[0]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (1793088000000, datetime(2026, 10, 27, 8, tzinfo=UTC)),
        (646419600, datetime(2021, 6, 26, 17, tzinfo=UTC)),  # since 2001
        (None, None),
    ],
)
def test_apples_times_are_milliseconds_or_seconds_since_2001(
    start: object, expected: datetime | None
) -> None:
    assert apple(epochStartDate=start).began_at == expected


@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        ("08/21/2026 10:30 PDT", datetime(2026, 8, 21, 17, 30, tzinfo=UTC)),
        ("08/21/2026 10:30 UTC", datetime(2026, 8, 21, 10, 30, tzinfo=UTC)),
        ("soon", None),
        ("99/99/2026 10:30 PDT", None),
    ],
)
def test_apples_dates_are_american_with_a_zones_name(posted: str, expected: datetime | None) -> None:
    assert apple(messageId="1", datePosted=posted).updates[0].posted_at == expected


def test_apples_event_of_several_services_is_one() -> None:
    event = {"messageId": "5", "eventStatus": "ongoing", "statusType": "Outage", "message": "m"}
    services = [{"serviceName": name, "events": [event]} for name in ("Notes", "Mail")]

    found = parse("apple-system-status", {"services": services})

    assert [(o.key, [p.component for p in o.places]) for o in found] == [("5", ["Notes", "Mail"])]


def test_jsonp_is_unwrapped() -> None:
    text = 'jsonCallback({"services": [{"serviceName": "Notes", "events": []}]});'

    assert FORMATS["apple-system-status"].recognises(body_of(text))


# --- Alibaba


@pytest.mark.parametrize(
    ("title", "end", "status"),
    [
        ("[Incident (Recovered)] T", None, Status.RESOLVED),
        (" [Incident Recovered] T", None, Status.RESOLVED),
        ("[Incident] T", None, Status.INVESTIGATING),
        ("T", 1793000000000, Status.RESOLVED),
        ("T, not yet recovered", None, Status.INVESTIGATING),
    ],
)
def test_alibabas_end_stands_in_a_field_or_in_the_title(title: str, end: object, status: Status) -> None:
    found = parse(
        "alibaba", {"data": [{"id": 1, "title": title, "startTime": 1792000000000, "endTime": end}]}
    )[0]

    assert (found.status, found.title.startswith("T")) == (status, True)
