"""Traps of Status.io, Instatus, Better Stack, Datadog and Checkly: order, codes, back-dated posts, and empty lists."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from tests.sources.feedkit import body_of, parse

AT = "2026-10-20T08:00:00Z"
LATER = "2026-10-20T09:00:00Z"


def statusio(*messages: dict[str, object], **result: object) -> Observation:
    """The observation of a Status.io page with one incident."""
    one = {"_id": "a1", "name": "T", "messages": list(messages)}
    body = {"result": {"status_overall": {"status_code": 100}, "incidents": [one], **result}}
    return parse("statusio", body)[0]


def betterstack(report: dict[str, object], *updates: dict[str, object]) -> Observation:
    """The observation of a Better Stack page with one report."""
    attributes = {"title": "T", "report_type": "manual", "starts_at": AT, "ends_at": None, **report}
    posts = [
        {"id": f"u{n}", "type": "status_update", "attributes": {"message": f"m{n}", **said}}
        for n, said in enumerate(updates)
    ]
    linked = {"status_updates": {"data": [{"id": p["id"], "type": "status_update"} for p in posts]}}
    one = {"id": "r1", "type": "status_report", "attributes": attributes, "relationships": linked}
    page = {"type": "status_page", "attributes": {"aggregate_state": "downtime"}}
    return parse("betterstack", {"data": page, "included": [one, *posts]})[0]


# --- Status.io


def test_statusios_newest_message_weighs_whatever_the_page_and_the_order_say() -> None:
    """The overall code was 100 while components said 500."""
    old = {"state": 100, "status": 500, "datetime": AT, "details": "old"}
    new = {"state": 300, "status": 300, "datetime": LATER, "details": "new"}

    for messages in ((old, new), (new, old)):
        found = statusio(*messages)
        assert (found.status, found.impact) == (Status.MONITORING, Impact.MINOR)
        assert [u.text for u in found.updates] == ["old", "new"]


def test_statusios_repeated_message_is_known_by_its_time() -> None:
    said = {"state": 100, "status": 300, "details": "We still look."}

    found = statusio({**said, "datetime": AT}, {**said, "datetime": LATER})

    assert [u.id for u in found.updates] == ["a1@2026-10-20T08:00:00Z", "a1@2026-10-20T09:00:00Z"]


def test_statusios_unknown_codes_are_the_worst() -> None:
    found = statusio({"state": 150, "status": 700, "datetime": AT})

    assert (found.status, found.impact) == (Status.INVESTIGATING, Impact.CRITICAL)
    assert found.unknown_words == ("state: 150", "status: 700")


# --- Instatus


def test_instatus_without_a_list_is_healthy_and_with_another_platforms_words_not_instatus() -> None:
    page = {"url": "https://x.example", "status": "UP"}

    assert detect(body_of({"page": page})).name == "instatus"
    assert parse("instatus", {"page": page}) == ()
    assert detect(body_of({"page": {**page, "status": "All Systems Operational"}})) is None


def test_instatus_components_are_refused_by_name() -> None:
    body = {"components": [{"id": "c", "name": "API", "status": "MAJOROUTAGE", "group": None}]}

    assert detect(body_of(body)).name == "instatus"
    with pytest.raises(ParseError, match=r"components; summary\.json has them"):
        parse("instatus", body)


# --- Better Stack


def test_betterstacks_updates_are_sorted_by_time_not_by_id_or_place() -> None:
    found = betterstack({"aggregate_state": "downtime"}, {"published_at": LATER}, {"published_at": AT})

    assert [u.id for u in found.updates] == ["u1", "u0"]


def test_betterstacks_end_is_its_state_and_its_weight_then_the_peak() -> None:
    down = {"published_at": AT, "affected_resources": [{"status": "downtime"}]}
    well = {"published_at": LATER, "affected_resources": [{"status": "resolved"}]}

    found = betterstack({"aggregate_state": "resolved"}, down, well)

    assert (found.status, found.impact) == (Status.RESOLVED, Impact.CRITICAL)
    assert found.ended_at == datetime(2026, 10, 20, 9, tzinfo=UTC)
    assert [u.status for u in found.updates] == [None, Status.RESOLVED]


@pytest.mark.parametrize(
    ("starts_at", "state", "status"),
    [
        ("2026-11-02T00:00:00Z", "maintenance", Status.SCHEDULED),
        ("2026-10-31T00:00:00Z", "maintenance", Status.IN_PROGRESS),
        ("2026-10-31T00:00:00Z", "resolved", Status.COMPLETED),
    ],
)
def test_betterstacks_maintenance_begins_by_the_clock(starts_at: str, state: str, status: Status) -> None:
    said = {"report_type": "maintenance", "starts_at": starts_at, "aggregate_state": state}

    assert betterstack(said).status is status


def test_a_page_that_only_a_monitor_turned_has_no_incident() -> None:
    page = {"type": "status_page", "attributes": {"aggregate_state": "downtime"}}

    assert parse("betterstack", {"data": page, "included": []}) == ()


# --- Datadog, Checkly


def test_datadogs_backfilled_posts_are_dated_when_it_happened() -> None:
    well, bad = [{"name": "A", "status": "operational"}], [{"name": "A", "status": "degraded"}]
    posts = [
        {"id": "t2", "createdAt": LATER, "startedAt": "2026-07-01T09:00:00Z", "componentsAffected": well},
        {"id": "t1", "createdAt": LATER, "startedAt": "2026-07-01T07:00:00Z", "componentsAffected": bad},
    ]
    one = {"id": "i", "title": "Backfill", "currentStatus": "resolved", "resolved": True, "timeline": posts}

    found = parse("datadog-statuspage", {"domainPrefix": "x", "incidents": [one], "maintenances": None})[0]

    assert [(u.id, u.posted_at and u.posted_at.month) for u in found.updates] == [("t1", 7), ("t2", 7)]
    assert (found.status, found.impact) == (Status.RESOLVED, Impact.MINOR)


def test_checkly_lists_open_ones_only_and_an_empty_list_is_nobodys() -> None:
    assert detect(body_of({"incidents": []})) is None
    assert parse("checkly", {"incidents": []}) == ()
    assert FORMATS["checkly"].listing is Listing.OPEN
