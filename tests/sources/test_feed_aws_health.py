"""AWS Health by EventBridge and by its API, and the feeds of single services, row by row."""

from __future__ import annotations

import json

import pytest

from bot.domain.observation import Listing
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from tests.sources.feedkit import body_of, parse, rss

ARN = "arn:aws:health:eu-west-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_1"
PAST = "Sat, 31 Oct 2026 10:00:00 GMT"
FUTURE = "Tue, 10 Nov 2026 10:00:00 GMT"


def name_of(body: object, url: str = "") -> str | None:
    """The format that a body is taken for."""
    found = detect(body_of(body, url=url))
    return found.name if found else None


@pytest.mark.parametrize(
    ("body", "url", "expected"),
    [
        ("<rss><channel><title>EC2 Status</title></channel></rss>", "/rss/ec2-us-east-1.rss", "aws-rss"),
        ("<rss><channel><title>EC2 Status</title></channel></rss>", "/rss/all.rss", "aws-rss"),
        ("<rss><channel><title>EC2 Status</title></channel></rss>", "/elsewhere", "rss"),
        ("[]", "/rss/all.rss", None),
    ],
)
def test_an_empty_feed_of_one_service_is_known_by_its_address(
    body: str, url: str, expected: str | None
) -> None:
    assert expected == name_of(body, f"https://status.aws.amazon.com{url}")


def test_prose_that_links_to_aws_makes_no_feed_of_theirs() -> None:
    """On a bad day the feeds of half the world do."""
    body = rss(
        "<item><title>x</title><description><link>https://status.aws.amazon.com/</link></description></item>"
    )

    assert name_of(body) == "rss"


@pytest.mark.parametrize(
    ("address", "chain", "region"),
    [("ec2-us-east-1", "ec2-us-east-1", "us-east-1"), ("iam", "iam", None)],
)
def test_items_without_a_service_in_their_guid_belong_to_the_service_of_the_address(
    address: str, chain: str, region: str | None
) -> None:
    item = (
        "<item><title>Service disruption: Errors</title><guid>{}</guid><description>w</description>"
        "<pubDate>Sat, 31 Oct 2026 {}:00:00 PDT</pubDate></item>"
    )
    body = body_of(
        rss(item.format("b", 11), item.format("a", 10)),
        url=f"https://status.aws.amazon.com/rss/{address}.rss",
    )

    (found,) = parse("aws-rss", body)

    assert (chain, region, 2) == (found.chain, found.places[0].region, len(found.updates))


def detail(**more: object) -> dict[str, object]:
    """What AWS Health says of an event."""
    return {
        "eventArn": ARN,
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "startTime": "Sat, 31 Oct 2026 09:00:00 GMT",
        "lastUpdatedTime": "Sat, 31 Oct 2026 09:30:00 GMT",
        "eventDescription": [{"language": "en_US", "latestDescription": "words"}],
        **more,
    }


def event(inner: object = None, **more: object) -> dict[str, object]:
    """An event of EventBridge."""
    return {
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "time": "2026-10-31T09:31:00Z",
        "detail": inner or detail(),
        **more,
    }


def put() -> dict[str, object]:
    return {"Source": "my.test", "DetailType": "AWS Health Event", "Detail": json.dumps(detail())}


def sns(message: object, **more: object) -> dict[str, object]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": json.dumps(message), **more}


@pytest.mark.parametrize(
    "body",
    [
        event(),
        [event()],
        event(json.dumps(detail())),
        put(),
        [put()],
        {"Entries": [put()]},
        sns(event()),
        sns([event()]),
        {"Records": [{"Sns": sns(event())}]},
        event({**{k: v for k, v in detail().items() if k != "eventArn"}, "arn": ARN}),
    ],
    ids=["bare", "list", "inner text", "put", "puts", "entries", "sns", "sns list", "records", "arn"],
)
def test_an_event_is_found_in_every_wrapping(body: object) -> None:
    (found,) = parse("aws-eventbridge", body)

    assert name_of(body) == "aws-eventbridge"
    assert (found.key, found.is_native, found.updates[0].text) == (ARN, True, "words")
    assert FORMATS["aws-eventbridge"].listed(body_of(body)) is Listing.PART


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://x"}, "asking about a subscription"),
        (sns({"AlarmName": "aws.health is high", "NewStateValue": "ALARM"}), "no AWS Health event"),
        (
            {"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "detail": {}},
            "no AWS Health event",
        ),
        ({"Message": "{"}, "no AWS Health event"),
        (event("not json"), "not an object"),
        (event(detail(eventArn="")), "has no arn"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(body: object, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        parse("aws-eventbridge", body)


@pytest.mark.parametrize(
    ("category", "more", "expected"),
    [
        ("issue", {"statusCode": "open"}, (Status.INVESTIGATING, Impact.MAJOR)),
        ("issue", {"statusCode": "closed"}, (Status.RESOLVED, Impact.MAJOR)),
        ("issue", {}, (Status.INVESTIGATING, Impact.MAJOR)),
        ("issue", {"endTime": PAST}, (Status.RESOLVED, Impact.MAJOR)),
        ("issue", {"statusCode": "open", "endTime": PAST}, (Status.RESOLVED, Impact.MAJOR)),
        ("investigation", {"statusCode": "open"}, (Status.INVESTIGATING, Impact.MINOR)),
        ("accountNotification", {"statusCode": "open"}, (Status.INVESTIGATING, Impact.NONE)),
        ("scheduledChange", {"statusCode": "upcoming"}, (Status.SCHEDULED, Impact.MAINTENANCE)),
        (
            "scheduledChange",
            {"statusCode": "open", "endTime": FUTURE},
            (Status.IN_PROGRESS, Impact.MAINTENANCE),
        ),
        ("scheduledChange", {"statusCode": "closed"}, (Status.COMPLETED, Impact.MAINTENANCE)),
        ("scheduledChange", {"startTime": FUTURE}, (Status.SCHEDULED, Impact.MAINTENANCE)),
        ("scheduledChange", {"endTime": FUTURE}, (Status.IN_PROGRESS, Impact.MAINTENANCE)),
        ("scheduledChange", {"endTime": PAST}, (Status.COMPLETED, Impact.MAINTENANCE)),
        ("category", {"statusCode": "fizzled"}, (Status.INVESTIGATING, Impact.CRITICAL)),
    ],
)
def test_what_an_event_is_and_where_it_stands(
    category: str, more: dict[str, object], expected: tuple[Status, Impact]
) -> None:
    (found,) = parse("aws-eventbridge", event(detail(eventTypeCategory=category, **more)))

    assert expected == (found.status, found.impact)
    assert (found.kind is Kind.MAINTENANCE) == (category == "scheduledChange")
    assert bool(found.unknown_words) == (category == "category")


def test_the_copy_from_the_backup_region_is_the_same_update() -> None:
    """AWS sends a public event to two regions at once."""
    first, second = (
        parse("aws-eventbridge", event(region=region))[0] for region in ("eu-west-1", "us-west-2")
    )

    assert first == second


def test_pages_of_resources_do_not_edit_each_other() -> None:
    """Each page names other resources under one text; listing them would edit the text to and fro."""
    pages = [
        event(detail(page=str(n), totalPages="2", affectedEntities=[{"entityValue": f"i-{n}"}]))
        for n in (1, 2)
    ]

    assert len({parse("aws-eventbridge", page)[0] for page in pages}) == 1
    alone = parse(
        "aws-eventbridge", event(detail(totalPages="1", affectedEntities=[{"entityValue": "i-1"}]))
    )[0]
    assert alone.updates[0].text == "words\n\nAffected: i-1"


def test_many_resources_are_counted() -> None:
    many = [{"entityValue": f"i-{n:02}"} for n in range(15)]

    (found,) = parse("aws-eventbridge", event(detail(affectedEntities=many)))

    assert found.updates[0].text.endswith("i-08, i-09 and 5 more")


def test_health_and_the_public_list_name_one_event_alike() -> None:
    composed = {
        "events": [{"arn": ARN, "service": "EC2", "region": "eu-west-1", "eventTypeCategory": "issue"}],
        "details": {ARN: "words"},
        "entities": {},
    }
    public = [{"arn": ARN, "event_log": [], "status": "2", "service": "ec2-eu-west-1", "summary": "x"}]

    found = [
        parse("aws-health-api", composed)[0],
        parse("aws-eventbridge", event())[0],
        parse("aws-currentevents", public)[0],
    ]

    assert {(o.key, o.is_native, o.places[0].region) for o in found} == {(ARN, True, "eu-west-1")}
    assert name_of(composed) == "aws-health-api"
