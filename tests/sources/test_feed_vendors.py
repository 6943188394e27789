"""Traps of Cachet, Salesforce Trust, Microsoft Graph and Google Workspace: numbers that repeat, and ends that are not said."""

from __future__ import annotations

import pytest

from bot.domain.observation import Listing
from bot.domain.words import Kind, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from tests.sources.feedkit import body_of, parse

AT = "2026-10-20T08:00:00Z"
LATER = "2026-10-20T09:00:00Z"


def trust(**more: object) -> dict[str, object]:
    """An incident of Salesforce Trust."""
    return {"id": 1, "createdAt": AT, "serviceKeys": [], "IncidentImpacts": [], "IncidentEvents": [], **more}


def issue(**more: object) -> dict[str, object]:
    """An issue of Microsoft Graph."""
    base = {"id": "EX1", "title": "T", "impactDescription": "T", "classification": "incident", "posts": []}
    return {"status": "serviceDegradation", "service": "Exchange Online", **base, **more}


# --- Cachet


def test_cachets_incident_and_schedule_of_one_number_are_two_events() -> None:
    incident = {"id": 1, "status": 1, "message": "m", "human_status": "Investigating"}
    schedule = {
        "id": 1,
        "status": 1,
        "message": "m",
        "scheduled_at": "2026-10-20 08:00:00",
        "completed_at": None,
    }

    found = parse("cachet-v1", {"data": [incident, schedule]})

    assert [(o.key, o.kind) for o in found] == [("1", Kind.INCIDENT), ("schedule-1", Kind.MAINTENANCE)]


def test_cachets_latest_status_wins_and_deleted_ones_are_gone() -> None:
    said = {"id": 1, "status": 1, "latest_status": 3, "message": "m"}

    found = parse("cachet-v1", {"data": [said, {**said, "id": 2, "deleted_at": "2026-10-20 08:00:00"}]})

    assert [(o.key, o.status) for o in found] == [("1", Status.MONITORING)]


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"id": 1, "name": "API", "status": 1, "status_name": "Operational"}, "components"),
        ({"id": 1, "name": "Web", "created_at": "x", "updated_at": "x", "order": 1}, "component groups"),
        ({"id": 1, "name": "Cups", "calc_type": 1, "order": 1}, "metrics"),
        ({"id": 1, "metric_id": 1, "value": 2}, "points of a metric"),
    ],
)
def test_cachets_other_tables_are_refused_by_name(record: dict[str, object], named: str) -> None:
    """Read as incidents they would look like health, or like trouble."""
    for data in (record, [record]):
        with pytest.raises(ParseError, match=f"these are Cachet's {named}, not its incidents"):
            parse("cachet-v1", {"data": data})


# --- Salesforce


@pytest.mark.parametrize(
    ("impact", "status"),
    [
        ({"endTime": None, "endTimeCreatedAt": None}, Status.INVESTIGATING),
        ({"endTime": None, "endTimeCreatedAt": LATER}, Status.RESOLVED),
        ({"endTime": LATER}, Status.RESOLVED),
    ],
)
def test_salesforce_ends_by_its_impacts_and_not_by_prose(impact: dict[str, object], status: Status) -> None:
    event = {"id": 2, "type": "update", "message": "It was resolved as of 04:06 UTC.", "createdAt": LATER}

    found = parse("salesforce-trust", [trust(IncidentImpacts=[impact], IncidentEvents=[event])])[0]

    assert found.status is status


def test_salesforces_lists_are_windows_but_for_the_active_ones() -> None:
    format_ = FORMATS["salesforce-trust"]
    urls = ("https://x.example/v1/incidents", "https://x.example/v1/incidents/active?limit=9")

    assert [format_.listed(body_of([trust()], url=url)) for url in urls] == [Listing.WINDOW, Listing.OPEN]
    assert format_.listed(body_of({"Incidents": []})) is Listing.OPEN


# --- Microsoft 365


def test_microsofts_repeated_sentence_is_as_many_posts() -> None:
    posts = [{"createdDateTime": at, "description": {"content": "A report is there."}} for at in (AT, LATER)]

    assert len(parse("m365-graph", issue(posts=posts))[0].updates) == 2


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"status": "ServiceRestored"}, Status.RESOLVED),
        ({"status": "serviceDegradation", "isResolved": True}, Status.RESOLVED),
        ({"status": "serviceRestored", "isResolved": False}, Status.MONITORING),
        ({"status": "falsePositive"}, Status.CANCELLED),
        ({"status": "serviceVanished"}, Status.INVESTIGATING),
    ],
)
def test_microsofts_statuses_in_any_spelling(said: dict[str, object], status: Status) -> None:
    assert parse("m365-graph", {"value": [issue(**said)]})[0].status is status


def test_microsofts_list_closes_by_absence_only_when_it_asks_for_open_ones() -> None:
    listed = FORMATS["m365-graph"].listed
    url = "https://graph.example/v1.0/admin/serviceAnnouncement/issues?$filter=isResolved%20eq%20false"
    more = {"value": [issue()], "@odata.nextLink": "https://graph.example/next"}

    assert listed(body_of({"value": []})) is Listing.WINDOW
    assert listed(body_of({"value": []}, url=url)) is Listing.OPEN
    assert listed(body_of(more, url=url)) is Listing.WINDOW


# --- Google Workspace


@pytest.mark.parametrize(
    ("product", "url", "name"),
    [
        ("Gmail", "", "google-workspace"),
        ("Cloud Run", "", "gcp"),
        ("Cloud Run", "https://www.google.com/appsstatus/dashboard/incidents.json", "google-workspace"),
    ],
)
def test_workspace_is_told_from_cloud_by_products_or_address(product: str, url: str, name: str) -> None:
    body = [{"id": "A", "begin": AT, "external_desc": "T", "affected_products": [{"title": product}]}]

    assert detect(body_of(body, url=url)).name == name
