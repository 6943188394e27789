"""What people are told about routes: the same that the rules do, in words, with the first reason against."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.channels import Manners, Span
from bot.domain.explain import About, Room, condition_words, explain
from bot.domain.incident import Incident
from bot.domain.observation import Place
from bot.domain.routing import Condition, Group, Mode, Route, heard
from bot.domain.rules import Rules
from bot.domain.services import Affected, Service
from bot.domain.words import Impact, Kind, Severity, Status

NOW = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
INCIDENT = Incident(
    id="INC-1",
    provider="aws",
    kind=Kind.INCIDENT,
    title="Errors",
    status=Status.INVESTIGATING,
    impact=Impact.MINOR,
    severity=Severity.SEV3,
    opened_at=NOW,
    places=(Place(provider="aws", component="DynamoDB", region="us-east-1"),),
    affected=(Affected(service="checkout", tier=1, path=("checkout", "aws")),),
)
NIGHTS = Manners(zone=BERLIN, quiet=(Span(start=time(22), end=time(7)),))


def told(incident: Incident = INCIDENT, **changes: Any) -> dict[str, str]:
    """What is said of each channel."""
    return dict(words.split(": ", 1) for words in lines(About.CHANNEL, incident, **changes))


def lines(about: About, incident: Incident = INCIDENT, **changes: Any) -> list[str]:
    until, rooms = changes.pop("silenced_until", None), changes.pop("rooms", {})
    defaults: dict[str, Any] = {"groups": (Group(name="ops", channels=("slack:C1",)),), "digest_to": ("ops",)}
    rules = Rules(**{**defaults, **changes})
    said = explain(incident, rules, NOW, silenced_until=until, rooms=rooms)
    return [line.words for line in said if line.about is about]


MAJOR = Route(to=("ops",), impact=Impact.MAJOR)
ALL = Route(to=("ops",))


def test_minor_waits_for_the_digest_in_plain_words() -> None:
    assert lines(About.ROUTE, routes=(MAJOR,)) == [
        "route 1 (major or worse) to ops: no, the impact is minor, not major or worse"
    ]
    assert told(routes=(MAJOR,)) == {
        "slack:C1": "in the digest at 2026-11-24 09:00 UTC: minor, and no route asks for minor"
    }


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (ALL, "route 1 (everything) to ops: yes, at once"),
        (replace(ALL, is_digest=True), "route 1 (everything) to ops: yes, in the digest"),
        (
            replace(ALL, worst=Severity.SEV2, providers=("aws", "gcp")),
            "route 1 (SEV2 or worse, provider aws or gcp) to ops: no, it is SEV3, not SEV2 or worse",
        ),
        (
            replace(ALL, providers=("gcp",), services=("search",)),
            "route 1 (provider gcp, service search) to ops: no, the provider is aws, not gcp",
        ),
        (
            replace(ALL, services=("search", "login")),
            "route 1 (service search or login) to ops: no, it does not hit search or login",
        ),
        (replace(ALL, tiers=(2,)), "route 1 (tier 2) to ops: no, it hits no service of tier 2"),
        (
            replace(ALL, regions=("eu-*",)),
            "route 1 (region eu-*) to ops: no, no region that it names is eu-*",
        ),
        (
            replace(ALL, components=("EC2", "S3", "SQS", "SNS", "EBS")),
            "route 1 (component EC2 or S3 or SQS or SNS or EBS) to ops: no, no component that it names is"
            " EC2, S3, SQS, SNS or 1 more",
        ),
        (
            replace(ALL, kinds=(Kind.MAINTENANCE,)),
            "route 1 (kind maintenance) to ops: no, it is of kind incident, not maintenance",
        ),
        (
            replace(ALL, unless=Condition(providers=("aws",))),
            "route 1 (everything, unless provider aws) to ops: no, its exception (unless) fits",
        ),
    ],
)
def test_a_route_names_the_first_reason_against_it(route: Route, said: str) -> None:
    assert lines(About.ROUTE, routes=(route, Route(to=("ops",), kinds=(Kind.BLINDNESS,)))) == [said]


def test_what_has_no_severity_is_told_why() -> None:
    harmless = replace(INCIDENT, severity=None, affected=())

    (said,) = lines(About.ROUTE, harmless, routes=(replace(ALL, worst=Severity.SEV1),))

    assert said.endswith("no, it has no severity, because it hits none of your services; SEV1 is asked for")


def test_maintenance_that_is_only_announced_is_told_why_it_is_not() -> None:
    planned = replace(INCIDENT, kind=Kind.MAINTENANCE, status=Status.SCHEDULED, affected=())

    assert told(planned, routes=(ALL,)) == {
        "slack:C1": "nothing, maintenance that is not being done, and touches none of your services, and no route asks"
        " for it"
    }


def test_routes_behind_one_that_ends_the_list_are_not_looked_at() -> None:
    said = lines(About.ROUTE, routes=(MAJOR, replace(ALL, is_last=True), ALL))

    assert said[2] == "route 3 (everything) to ops: not looked at, route 2 ends the list"


def test_the_usual_rule_says_what_it_asks_for() -> None:
    usual = Route(to=("ops",), is_usual=True)
    elsewhere = replace(INCIDENT, impact=Impact.CRITICAL, severity=None, affected=())
    services = (Service(name="checkout"),)

    assert lines(About.ROUTE, elsewhere, routes=(usual,), services=services) == [
        "no route is configured (major or worse, named and yours) to ops: no, it hits none of your services"
    ]
    assert told(elsewhere, routes=(usual,), services=services) == {
        "slack:C1": "in the digest at 2026-11-24 09:00 UTC: it hits none of your services, and no route asks for it"
    }


@pytest.mark.parametrize(
    ("manners", "severity", "said"),
    [
        (Manners(), Severity.SEV3, "at once"),
        (NIGHTS, Severity.SEV3, "held until 2026-11-24 07:00 CET by its quiet hours; SEV1 would be told now"),
        (NIGHTS, Severity.SEV1, "at once"),
        (
            replace(NIGHTS, speaks_from=None),
            Severity.SEV1,
            "held until 2026-11-24 07:00 CET by its quiet hours",
        ),
        (Manners(posts_per_hour=20), Severity.SEV3, "at once; at most 20 messages an hour"),
        (Manners(posts_per_hour=1), Severity.SEV3, "at once; at most 1 message an hour"),
    ],
)
def test_what_is_told_at_once_may_be_held(manners: Manners, severity: Severity, said: str) -> None:
    incident = replace(INCIDENT, severity=severity)

    assert told(incident, routes=(ALL,), manners={"slack:C1": manners}) == {"slack:C1": said}


def test_whom_it_calls_is_said() -> None:
    calling = replace(ALL, mentions=((Severity.SEV3, ("slack:S1", "discord:role:2")),))

    assert told(routes=(calling,)) == {"slack:C1": "at once, calling S1"}


def test_a_silence_is_said_before_all_else() -> None:
    until = NOW + timedelta(minutes=45)

    assert told(routes=(ALL,), silenced_until=until) == {"slack:C1": "silenced until 23:15 UTC"}


def test_a_channel_that_began_with_it_goes_on() -> None:
    before = replace(INCIDENT, channels=("slack:C1",))

    assert told(before, routes=(MAJOR,)) == {"slack:C1": "at once, because it heard of it before"}


def test_a_digest_that_a_route_asks_for_says_so() -> None:
    assert told(routes=(replace(ALL, is_digest=True),)) == {
        "slack:C1": "in the digest at 2026-11-24 09:00 UTC: a route asks for the digest"
    }


def test_channels_that_hear_nothing_say_why() -> None:
    groups = (
        Group(name="ops", channels=("slack:C1", "discord:2"), mode=Mode.FIRST_UP),
        Group(name="log", channels=("slack:L",)),
        Group(name="far", channels=("teams:T",)),
    )
    found = told(
        groups=groups,
        routes=(ALL, Route(to=("far",))),
        usable_chats=frozenset({"slack", "discord"}),
    )

    assert found == {
        "slack:C1": "at once",
        "discord:2": "nothing, slack:C1 speaks for ops",
        "slack:L": "nothing, no route that matches leads here",
        "teams:T": "nothing, teams cannot be used now",
    }


def test_nobody_speaks_for_a_group_that_no_route_leads_to() -> None:
    """A channel of two groups hears it for the other one: its first group is not asked at all."""
    groups = (
        Group(name="ops", channels=("slack:C1", "console:main"), mode=Mode.FIRST_UP),
        Group(name="log", channels=("console:main",)),
    )

    assert told(groups=groups, routes=(Route(to=("log",)),)) == {
        "slack:C1": "nothing, no route that matches leads here",
        "console:main": "at once",
    }


def test_a_channel_without_digests_says_so() -> None:
    manners = {"slack:C1": Manners(digest_at=())}

    assert told(routes=(MAJOR,), manners=manners) == {
        "slack:C1": "nothing, minor, and no route asks for minor, and the channel has no digests"
    }


def test_what_is_said_is_what_is_done() -> None:
    """The words come from the same rules: whatever is told at once or in a digest is in the incident's lists."""
    rules = Rules(
        groups=(Group(name="ops", channels=("slack:C1", "discord:2")),),
        routes=(Route(to=("ops",), impact=Impact.MAJOR),),
        digest_to=("ops",),
    )
    for impact in Impact:
        incident = replace(INCIDENT, impact=impact)
        after = heard(incident, rules)
        for line in explain(incident, rules, NOW):
            if line.about is About.CHANNEL:
                channel = line.words.partition(": ")[0]
                assert line.is_yes is (channel not in after.digests)


def test_a_condition_that_asks_for_nothing_is_everything() -> None:
    assert condition_words(Condition()) == "everything"
    assert condition_words(Condition(worst=Severity.SEV1, impact=Impact.CRITICAL)) == "SEV1, critical"


@pytest.mark.parametrize(
    ("severity", "left", "said"),
    [
        (Severity.SEV3, 2, "at once; at most 5 messages an hour, 2 of them left"),
        (
            Severity.SEV3,
            0,
            "held until 23:42 CET by its limit of 5 messages an hour; SEV1 would be told now",
        ),
        (Severity.SEV1, 0, "at once; at most 5 messages an hour, 0 of them left"),
    ],
)
def test_what_is_left_of_the_limit_of_the_hour_is_said(severity: Severity, left: int, said: str) -> None:
    rooms = {"slack:C1": Room(left=left, more_at=NOW + timedelta(minutes=12))}
    manners = {"slack:C1": Manners(zone=BERLIN, posts_per_hour=5)}

    assert told(replace(INCIDENT, severity=severity), routes=(ALL,), manners=manners, rooms=rooms) == {
        "slack:C1": said
    }
