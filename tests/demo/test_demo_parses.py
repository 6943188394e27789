"""What Fogbell's own parsers make of the demo's pages, over the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.aws import aws_currentevents, aws_rss
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Kind, Status
from bot.sources import FORMATS, detect
from bot.sources.payload import Payload, Spec

DAY = load_day()
SLUGS = [vendor.slug for vendor in DAY.vendors]
FORMAT_OF = {"aws": "aws-currentevents", "aws-rss": "aws-rss", **dict.fromkeys(SLUGS, "statuspage")}
PAGES = sorted(FORMAT_OF)
moments = st.integers(0, 25 * 3600).map(
    lambda seconds: datetime(2025, 10, 20, 6, tzinfo=UTC) + timedelta(seconds=seconds)
)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-10-20T{clock}+00:00")


def payload(page: str, moment: datetime) -> Payload:
    match page:
        case "aws":
            body = aws_currentevents(DAY, moment)
        case "aws-rss":
            body = aws_rss(DAY, moment)
        case slug:
            body = statuspage_summary(DAY, slug, moment)
    return Payload(body=body, fetched_at=moment)


def observations(page: str, moment: datetime) -> tuple[Observation, ...]:
    return FORMATS[FORMAT_OF[page]].parse(payload(page, moment), Spec(provider=page))


def incident(page: str, moment: datetime) -> Observation:
    (found,) = (said for said in observations(page, moment) if said.kind is Kind.INCIDENT)
    return found


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("clock", ["06:45", "09:00", "23:00"])
def test_each_page_is_recognised_at_any_time_of_day(page: str, clock: str) -> None:
    found = detect(payload(page, at(clock)))

    assert found is not None
    assert FORMAT_OF[page] == found.name


@pytest.mark.parametrize("page", ["aws", "aws-rss"])
def test_aws_tells_26_updates_at_their_true_times(page: str) -> None:
    said = incident(page, at("22:53"))

    assert [post.at for post in DAY.aws.posts] == [update.posted_at for update in said.updates]
    assert [post.text for post in DAY.aws.posts] == [update.text for update in said.updates]
    assert said.status is Status.RESOLVED
    assert incident(page, at("22:52")).status is Status.INVESTIGATING


def test_aws_ends_at_the_time_that_it_states() -> None:
    assert incident("aws", at("22:53")).ended_at == at("22:01")


def test_aws_places_start_with_a_region_and_name_dynamodb_98_minutes_in() -> None:
    """Before that, our services that need DynamoDB are perhaps affected; from then on, for certain."""
    first, named = incident("aws", at("07:11")), incident("aws", at("08:26"))

    assert {"us-east-1"} == {place.region for place in first.places}
    assert not any("DynamoDB" in (place.component or "") for place in first.places)
    assert any("DynamoDB" in (place.component or "") for place in named.places)


@given(st.sampled_from(PAGES), st.tuples(moments, moments).map(sorted))
def test_update_ids_seen_earlier_stay_a_prefix(page: str, pair: list[datetime]) -> None:
    before, after = (
        {said.key: [update.id for update in said.updates] for said in observations(page, moment)}
        for moment in pair
    )
    for key in before.keys() & after.keys():
        assert after[key][: len(before[key])] == before[key]


@given(st.sampled_from(PAGES), moments)
def test_no_word_of_the_pages_is_unknown(page: str, moment: datetime) -> None:
    assert all(said.unknown_words == () for said in observations(page, moment))


@pytest.mark.parametrize("slug", SLUGS)
def test_a_vendor_ends_by_leaving_a_list_of_open_ones(slug: str) -> None:
    story = DAY.vendor(slug).incident
    last = incident(slug, story.gone_at - timedelta(seconds=1))

    assert (last.impact, last.status) == (Impact.NONE, Status.MONITORING)
    assert len(story.updates) == len(last.updates)
    assert story.id not in {said.key for said in observations(slug, story.gone_at)}
    assert FORMATS["statuspage"].listed(payload(slug, story.gone_at)) is Listing.OPEN


@pytest.mark.parametrize("slug", SLUGS)
def test_an_edited_update_keeps_its_id_and_changes_its_text(slug: str) -> None:
    position, update = next((n, u) for n, u in enumerate(DAY.vendor(slug).incident.updates) if u.edit)
    assert update.edit
    before = incident(slug, update.edit.at - timedelta(seconds=1)).updates
    after = incident(slug, update.edit.at).updates

    assert [u.id for u in before] == [u.id for u in after]
    assert (update.body, update.edit.body) == (before[position].text, after[position].text)
