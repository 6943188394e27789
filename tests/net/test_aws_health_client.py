"""The AWS Health API's client on answers of the documented shapes; boto3 itself is not needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from bot import net
from bot.errors import FetchError
from bot.sources import FORMATS
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.formats.aws.health_api_client import HealthApi, active_region, connect
from bot.sources.payload import SourceSpec, Spec

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SPEC = SourceSpec(name="aws-account", provider="aws", url="aws-health:", format="aws-health-api")


def arn(number: int) -> str:
    return (
        f"arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_{number:03}"
    )


def event(number: int, status: str = "open") -> dict[str, Any]:
    return {
        "arn": arn(number),
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "eventScopeCode": "PUBLIC",
        "region": "us-east-1",
        "startTime": NOON - timedelta(hours=1),
        "lastUpdatedTime": NOON - timedelta(minutes=5),
        "statusCode": status,
    }


class FakeHealth:
    """Answers as boto3's client "health" does, ten ARNs at a time and two events to a page."""

    def __init__(self, *events: Mapping[str, Any]) -> None:
        self.events = events
        self.calls: list[str] = []
        self.filters: list[Mapping[str, Any]] = []

    def describe_events(self, **asked: Any) -> dict[str, Any]:
        self.calls.append("events")
        self.filters.append(asked["filter"])
        found = [e for e in self.events if e["statusCode"] in asked["filter"]["eventStatusCodes"]]
        first = int(asked.get("nextToken", "0"))
        page: dict[str, Any] = {"events": found[first : first + 2]}
        return page | ({"nextToken": str(first + 2)} if first + 2 < len(found) else {})

    def describe_event_details(self, *, eventArns: list[str]) -> dict[str, Any]:
        assert 1 <= len(eventArns) <= 10
        self.calls.append("details")
        told = [
            {
                "event": next(e for e in self.events if e["arn"] == one),
                "eventDescription": {"latestDescription": f"We are looking at {one[-3:]}."},
                "eventMetadata": {},
            }
            for one in eventArns
        ]
        return {"successfulSet": told, "failedSet": []}

    def describe_affected_entities(self, **asked: Any) -> dict[str, Any]:
        assert 1 <= len(asked["filter"]["eventArns"]) <= 10
        self.calls.append("entities")
        entities = [
            {"entityArn": f"{one}/i", "eventArn": one, "entityValue": "i-0abc", "statusCode": "IMPAIRED"}
            for one in asked["filter"]["eventArns"]
        ]
        return {"entities": entities}


async def body(api: HealthApi, spec: SourceSpec = SPEC) -> dict[str, Any]:
    told = json.loads(await api.body(spec, NOON))
    assert isinstance(told, dict)
    return told


async def test_events_details_and_what_they_hit_become_one_body() -> None:
    health = FakeHealth(event(1), event(2, "closed"), event(3, "upcoming"))

    told = await body(HealthApi(lambda region: health, lambda: "us-east-1"))

    assert [e["arn"] for e in told["events"]] == [arn(1), arn(3), arn(2)]
    assert told["events"][0]["startTime"] == "2026-11-01T11:00:00+00:00"
    assert told["details"][arn(2)] == "We are looking at 002."
    assert told["entities"] == {arn(1): ["i-0abc"], arn(3): ["i-0abc"]}
    assert health.filters[-1]["lastUpdatedTimes"] == [{"from": NOON - timedelta(days=14)}]


async def test_long_lists_are_asked_for_in_pages_and_in_tens() -> None:
    health = FakeHealth(*(event(n) for n in range(25)))

    told = await body(HealthApi(lambda region: health, lambda: "us-east-1"))

    assert len(told["events"]) == len(told["details"]) == len(told["entities"]) == 25
    assert (health.calls.count("details"), health.calls.count("entities")) == (3, 3)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("aws-health:", "us-west-2"),
        ("https://global.health.amazonaws.com", "us-west-2"),
        ("https://health.us-east-2.amazonaws.com/api/v2/summary.json", "us-east-2"),
    ],
)
async def test_the_endpoint_is_that_of_the_url_or_the_one_that_dns_calls_active(
    url: str, expected: str
) -> None:
    regions: list[str] = []

    def open_client(region: str) -> FakeHealth:
        regions.append(region)
        return FakeHealth()

    api = HealthApi(open_client, lambda: "us-west-2")
    spec = SourceSpec(name="aws", provider="aws", url=url, format="aws-health-api")
    for _ in range(2):
        await body(api, spec)

    assert regions == [expected]


async def test_a_fetcher_asks_the_api_and_knows_a_body_again() -> None:
    health = FakeHealth(event(1))
    api = HealthApi(lambda region: health, lambda: "us-east-1")
    async with net.open_session() as session:
        fetcher = Fetcher(session, aws=api.body)
        found = await fetcher.fetch(SPEC, Marks(), NOON)
        assert found is not None

        assert await fetcher.fetch(SPEC, found.marks, NOON) is None


async def test_the_format_reads_what_the_client_writes() -> None:
    health = FakeHealth(event(1), event(2, "closed"))
    async with net.open_session() as session:
        fetcher = Fetcher(session, aws=HealthApi(lambda region: health, lambda: "us-east-1").body)
        found = await fetcher.fetch(SPEC, Marks(), NOON)
    assert found is not None

    told = FORMATS["aws-health-api"].parse(found.payload, Spec(provider="aws"))

    assert {o.is_over for o in told} == {True, False}
    assert any("looking at 001" in update.text for o in told for update in o.updates)


async def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(FetchError, match=r"install fogbell\[aws\]"):
        await HealthApi(connect, lambda: "us-east-1").body(SPEC, NOON)


class ClientError(Exception):
    """As botocore's: the code is in `response`."""

    def __init__(self, code: str) -> None:
        self.response = {"Error": {"Code": code, "Message": "AKIAHUNTER2"}}
        super().__init__("AKIAHUNTER2")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientError("SubscriptionRequiredException"), "needs AWS Business or Enterprise support"),
        (ClientError("ThrottlingException"), "did not answer: ThrottlingException"),
        (KeyError("events"), "did not answer: KeyError"),
    ],
)
async def test_a_refusal_is_told_by_its_code_without_its_text(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    library = ModuleType("botocore.exceptions")
    library.BotoCoreError = library.ClientError = ClientError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "botocore.exceptions", library)

    def refuse(region: str) -> object:
        raise error

    with pytest.raises(FetchError, match=words) as caught:
        await HealthApi(refuse, lambda: "us-east-1").body(SPEC, NOON)

    assert "HUNTER2" not in str(caught.value)


async def test_a_body_beyond_the_cap_is_refused() -> None:
    spec = SourceSpec(
        name="aws", provider="aws", url="aws-health:", format="aws-health-api", body_max_bytes=100
    )
    with pytest.raises(FetchError, match="sent more than"):
        await HealthApi(lambda region: FakeHealth(event(1)), lambda: "us-east-1").body(spec, NOON)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("health.us-east-1.amazonaws.com", ["global.health.amazonaws.com"], ["1.2.3.4"]), "us-east-1"),
        (
            (
                "elb-7.us-east-2.aws.example",
                ["global.health.amazonaws.com", "health.us-east-2.amazonaws.com"],
                [],
            ),
            "us-east-2",
        ),
        (("something.else", [], []), "us-east-1"),
    ],
)
def test_the_active_region_is_in_the_names_behind_the_global_one(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[str, list[str], list[str]], expected: str
) -> None:
    monkeypatch.setattr("socket.gethostbyname_ex", lambda name: answer)

    assert expected == active_region()
