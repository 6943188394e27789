"""Which services a set of places hits, how sure that is, and why."""

from __future__ import annotations

import pytest

from bot.domain.observation import SELF, Place
from bot.domain.services import Service, affected, parse_need
from bot.domain.severity import grade
from bot.domain.words import Impact, Severity


def shop(*needs: str, tier: int = 1) -> Service:
    return Service(name="shop", tier=tier, needs=tuple(parse_need(need) for need in needs))


def aws(component: str | None = None, region: str | None = None) -> Place:
    return Place(provider="aws", component=component, region=region)


@pytest.mark.parametrize(
    ("need", "place", "expected"),
    [
        ("aws/dynamodb@us-east-1", aws("Amazon DynamoDB", "us-east-1"), True),
        ("aws/dynamodb@us-east-1", aws("Amazon DynamoDB", "US-EAST-1"), True),
        ("aws/dynamodb@us-east-1", aws("Amazon DynamoDB", "eu-west-1"), None),
        ("aws/dynamodb@us-east-1", aws("AWS Lambda", "us-east-1"), None),
        ("aws/dynamodb@us-east-1", aws("Amazon DynamoDB", "global"), True),
        ("aws/dynamodb@us-east-1", aws(None, "us-east-1"), False),  # unknown component: perhaps
        ("aws/dynamodb@us-east-1", aws("Amazon DynamoDB", None), False),  # unknown region: perhaps
        ("aws", aws("Anything", "anywhere"), True),
        ("aws/ec2@us-east-1", aws("Amazon Elastic Compute Cloud (ec2)", "us-east-1"), True),
        ("azure/key vault@westus", Place(provider="azure", component="Key Vault", region="West US"), True),
        ("azure@eastus", Place(provider="azure", component="Key Vault", region="East US 2"), None),
        ("gcp@us-east1", aws("Amazon DynamoDB", "us-east-1"), None),  # another provider altogether
    ],
)
def test_a_need_is_met_by_a_place_for_certain_perhaps_or_not(
    need: str, place: Place, expected: bool | None
) -> None:
    hits = affected([shop(need)], [place])

    assert [hit.is_certain for hit in hits] == ([] if expected is None else [expected])


def test_a_hit_spreads_through_services_and_says_by_which_path() -> None:
    services = [
        shop("service:sessions?"),
        Service(name="sessions", tier=2, needs=(parse_need("aws/dynamodb"),)),
        Service(name="bystander", needs=(parse_need("gcp"),)),
    ]

    hits = affected(services, [aws("Amazon DynamoDB", "us-east-1")])

    assert [(h.service, h.path, h.is_soft) for h in hits] == [
        ("shop", ("shop", "sessions", "aws/dynamodb"), True),
        ("sessions", ("sessions", "aws/dynamodb"), False),
    ]


def test_services_that_need_each_other_do_not_loop_for_ever() -> None:
    services = [
        Service(name="a", needs=(parse_need("service:b"), parse_need("aws"))),
        Service(name="b", needs=(parse_need("service:a"),)),
    ]

    assert {hit.service for hit in affected(services, [aws("EC2")])} == {"a", "b"}


def test_our_own_failing_check_hits_its_service_directly() -> None:
    assert [h.path for h in affected([shop()], [Place(provider=SELF, component="shop")])] == [("shop",)]


@pytest.mark.parametrize("text", ["", "aws/", "@us-east-1", "aws//x@", "service:"])
def test_what_is_not_a_need_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"aws/dynamodb@us-east-1"):
        parse_need(text)


@pytest.mark.parametrize(
    ("impact", "service", "place", "expected"),
    [
        (Impact.CRITICAL, shop("aws/ec2"), aws("EC2"), Severity.SEV1),
        (Impact.MAJOR, shop("aws/ec2"), aws("EC2"), Severity.SEV2),
        (Impact.MAJOR, shop("aws/ec2", tier=2), aws("EC2"), Severity.SEV3),
        (Impact.MAJOR, shop("aws/ec2?"), aws("EC2"), Severity.SEV3),  # soft: the service limps, but lives
        (Impact.CRITICAL, shop("aws/ec2"), aws(None), Severity.SEV2),  # uncertain
        (Impact.NONE, shop("aws/ec2"), aws("EC2"), Severity.SEV4),
        (Impact.CRITICAL, shop("gcp"), aws("EC2"), None),
    ],
)
def test_severity_weighs_the_impact_by_what_is_hit(
    impact: Impact, service: Service, place: Place, expected: Severity | None
) -> None:
    assert grade(impact, affected([service], [place])) is expected
