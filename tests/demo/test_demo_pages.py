"""The demo's pages have the real pages' shapes, and change over the day as real ones do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.aws import aws_currentevents, aws_rss
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from tests.corpus import CORPUS, needs_corpus

DAY = load_day()
SLUGS = [vendor.slug for vendor in DAY.vendors]
OVER = DAY.quiet_at + timedelta(hours=1)
moments = st.integers(0, 25 * 3600).map(
    lambda seconds: datetime(2025, 10, 20, 6, tzinfo=UTC) + timedelta(seconds=seconds)
)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-10-20T{clock}+00:00")


def events(moment: datetime) -> list[Any]:
    body = aws_currentevents(DAY, moment)
    assert body.startswith(b"\xfe\xff")
    found = json.loads(body.decode("utf-16"))
    assert isinstance(found, list)
    return found


def summary(slug: str, moment: datetime) -> Any:
    return json.loads(statuspage_summary(DAY, slug, moment))


def test_aws_lists_nothing_before_its_first_post() -> None:
    """The outage is 23 minutes old by then."""
    assert events(at("07:10:59")) == []
    assert ElementTree.fromstring(aws_rss(DAY, at("07:10:59"))).findall(".//item") == []


def test_aws_keeps_arn_and_date_and_appends_to_the_log() -> None:
    first, later = events(at("07:11"))[0], events(at("16:00"))[0]

    assert (first["arn"], first["date"]) == (later["arn"], later["date"]) == (DAY.aws.arn, "1760944260")
    assert later["event_log"][:1] == first["event_log"]
    assert len(later["event_log"]) == 17
    assert "end_time" not in later


def test_aws_ends_with_a_resolved_prefix_and_an_end_before_the_last_post() -> None:
    (event,) = events(at("22:53"))

    assert len(event["event_log"]) == 26
    assert event["status"] == "0"
    assert event["summary"] == "[RESOLVED] Increased Error Rates and Latencies"
    assert str(int(at("22:01").timestamp())) == event["end_time"]
    assert {"0"} == {service["current"] for service in event["impacted_services"].values()}
    assert {1, 2, 3} == {entry["status"] for entry in event["event_log"]}


def test_dynamodb_falls_recovers_and_falls_again() -> None:
    levels = {
        clock: events(at(clock))[0]["impacted_services"].get("dynamodb-us-east-1", {}).get("current")
        for clock in ("08:25", "08:26", "10:35", "15:04", "17:03")
    }

    assert levels == {"08:25": None, "08:26": "3", "10:35": "0", "15:04": "3", "17:03": "0"}


@given(st.tuples(moments, moments).map(sorted))
def test_aws_only_ever_appends(pair: list[datetime]) -> None:
    """Posts seen earlier stay a prefix, services seen earlier stay listed, in both of AWS's pages."""
    early, late = (aws_currentevents(DAY, moment).decode("utf-16") for moment in pair)
    before, after = json.loads(early), json.loads(late)
    for event in before:
        assert after[0]["event_log"][: len(event["event_log"])] == event["event_log"]
        assert set(event["impacted_services"]) <= set(after[0]["impacted_services"])
    guids = [
        [g.text for g in ElementTree.fromstring(aws_rss(DAY, moment)).iter("guid")][::-1] for moment in pair
    ]
    assert guids[1][: len(guids[0])] == guids[0]


@given(moments)
def test_nothing_that_was_posted_later_shows(moment: datetime) -> None:
    texts = [post.text for post in DAY.aws.posts if post.at <= moment]

    shown = [entry["message"] for event in events(moment) for entry in event["event_log"]]
    items = [
        item.findtext("description") for item in ElementTree.fromstring(aws_rss(DAY, moment)).iter("item")
    ]

    assert texts == shown
    assert texts[::-1] == items


def test_rss_says_resolved_in_the_title_alone_and_its_dates_are_pacific() -> None:
    items = list(ElementTree.fromstring(aws_rss(DAY, OVER)).iter("item"))

    assert len({item.findtext("guid") for item in items}) == 26
    assert items[0].findtext("pubDate") == "Mon, 20 Oct 2025 15:53:00 PDT"
    assert items[-1].findtext("pubDate") == "Mon, 20 Oct 2025 00:11:00 PDT"
    assert ["[RESOLVED]" in (item.findtext("title") or "") for item in items] == [True] + [False] * 25
    assert (
        items[-1].findtext("guid") == "https://status.aws.amazon.com/#multipleservices-us-east-1_1760944260"
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_a_summary_lists_open_incidents_only_and_never_resolved(slug: str) -> None:
    vendor = DAY.vendor(slug)
    gone_at = vendor.incident.gone_at

    assert summary(slug, vendor.first_post_at - timedelta(seconds=1))["incidents"] == []
    assert [vendor.incident.id] == [
        i["id"] for i in summary(slug, gone_at - timedelta(seconds=1))["incidents"]
    ]
    assert summary(slug, gone_at)["incidents"] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_impact_falls_to_none_while_the_incident_is_still_listed(slug: str) -> None:
    turn = DAY.vendor(slug).incident.turns[-1]
    before = summary(slug, turn.at - timedelta(seconds=1))
    after = summary(slug, turn.at)

    assert [page["incidents"][0]["impact"] for page in (before, after)] == ["major", "none"]
    assert before["status"]["indicator"] == "none", "the page's indicator follows the components"
    assert before["incidents"][0]["updated_at"] < after["incidents"][0]["updated_at"]


@pytest.mark.parametrize("slug", SLUGS)
def test_an_edit_happens_in_place(slug: str) -> None:
    """Same id, same count; new body and updated_at; display_at loses its milliseconds."""
    update = next(u for u in DAY.vendor(slug).incident.updates if u.edit)
    assert update.edit
    pages = [summary(slug, update.edit.at - timedelta(seconds=1)), summary(slug, update.edit.at)]
    before, after = (page["incidents"][0]["incident_updates"] for page in pages)

    assert [u["id"] for u in before] == [u["id"] for u in after]
    assert [update.body, update.edit.body] == [before[0]["body"], after[0]["body"]]
    assert before[0]["created_at"] == after[0]["created_at"]
    assert before[0]["updated_at"] < after[0]["updated_at"]
    assert after[0]["display_at"].endswith(".000Z")


@given(st.sampled_from(SLUGS), st.tuples(moments, moments).map(sorted))
def test_update_ids_never_change_while_listed(slug: str, pair: list[datetime]) -> None:
    """Newest first: what was listed earlier is the tail of what is listed later."""
    before, after = (
        [u["id"] for i in summary(slug, moment)["incidents"] for u in i["incident_updates"]]
        for moment in pair
    )
    if before and after:
        assert before == after[-len(before) :]


def test_github_speaks_51_minutes_late_and_only_codespaces_is_hit() -> None:
    page = summary("github", at("08:56:12"))

    assert summary("github", at("08:30"))["status"]["description"] == "All Systems Operational"
    assert page["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert [c["name"] for c in page["components"] if c["status"] != "operational"] == ["Codespaces"]
    assert page["incidents"][0]["created_at"] == "2025-10-20T08:56:11.412Z"


def test_a_maintenance_is_listed_quietly_all_day() -> None:
    for moment in (DAY.starts_at, at("14:33"), OVER):
        page = summary("harbor-chat", moment)
        assert [m["status"] for m in page["scheduled_maintenances"]] == ["scheduled"]
    assert summary("harbor-chat", DAY.starts_at)["status"]["indicator"] == "none"


def keys_of(value: object) -> dict[str, Any]:
    """The nested names of a JSON value; of a list, those of its first item."""
    if isinstance(value, dict):
        return {name: keys_of(inner) for name, inner in value.items()}
    return keys_of(value[0]) if isinstance(value, list) and value else {}


@needs_corpus
def test_currentevents_has_the_names_and_kinds_of_a_recorded_body() -> None:
    folder = CORPUS / "all" / "aws-currentevents"
    recorded = json.loads((folder / "aws-currentevents-1.json").read_bytes().decode("utf-16"))[0]
    ours = events(at("16:00"))[0]

    assert list(recorded) == list(ours)
    assert [type(v) for v in recorded.values()] == [type(v) for v in ours.values()]
    for part in ("event_log", "impacted_service_status_changes"):
        assert {k: type(v) for k, v in recorded[part][0].items()} == {
            k: type(v) for k, v in ours[part][0].items()
        }
    for services in (recorded["impacted_services"], ours["impacted_services"]):
        assert list(next(iter(services.values()))) == ["service_name", "current", "max"]


@needs_corpus
def test_a_summary_has_the_names_of_a_recorded_body() -> None:
    series = CORPUS / "series" / "atlassian-jira-2025-10-20-aws-fallout"
    recorded = keys_of(json.loads(next(iter(sorted(series.glob("004-*.json")))).read_bytes()))
    planned = json.loads((CORPUS / "all" / "statuspage-summary" / "github-summary-2.json").read_bytes())
    ours = summary("harbor-chat", at("09:00"))

    assert recorded == keys_of(summary("jira", at("11:00")))
    assert keys_of(planned["scheduled_maintenances"]) == keys_of(ours["scheduled_maintenances"])
