"""Which channels hear of an incident: what a route matches, and what a group makes of its channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from bot.domain.incident import Incident
from bot.domain.observation import Place
from bot.domain.routing import Group, Mode, Route, channels_for, matches
from bot.domain.services import Affected
from bot.domain.words import Impact, Kind, Severity, Status
from tests.build import START

INCIDENT = Incident(
    id="INC-1",
    provider="aws",
    kind=Kind.INCIDENT,
    title="Errors",
    status=Status.INVESTIGATING,
    impact=Impact.MAJOR,
    severity=Severity.SEV2,
    opened_at=START,
    places=(Place(provider="aws", component="DynamoDB", region="us-east-1"),),
    affected=(Affected(service="checkout", tier=1, path=("checkout", "aws/dynamodb")),),
)
MAINTENANCE = replace(INCIDENT, kind=Kind.MAINTENANCE, status=Status.SCHEDULED, affected=())
OPS = Group(name="ops", channels=("slack:C1", "discord:2", "console:main"))


@pytest.mark.parametrize(
    ("route", "is_match", "why"),
    [
        (Route(to=("ops",)), True, "an empty matcher matches everything"),
        (Route(to=("ops",), worst=Severity.SEV2), True, "SEV2+ holds SEV2"),
        (Route(to=("ops",), worst=Severity.SEV3), True, "SEV3+ holds what is worse"),
        (Route(to=("ops",), worst=Severity.SEV1), False, "SEV1 is worse than SEV2"),
        (Route(to=("ops",), impact=Impact.MINOR), True, "an impact is the least that matches"),
        (Route(to=("ops",), impact=Impact.CRITICAL), False, "major is less than critical"),
        (Route(to=("ops",), providers=("gcp", "aws")), True, "one of the providers is enough"),
        (Route(to=("ops",), providers=("gcp",)), False, "another provider's incidents do not match"),
        (Route(to=("ops",), services=("search", "checkout")), True, "one of the services hit is enough"),
        (Route(to=("ops",), services=("search",)), False, "a service that is not hit does not match"),
        (Route(to=("ops",), regions=("us-east-1",)), True, "one of the places is in the region"),
        (Route(to=("ops",), regions=("eu-west-1",)), False, "none of the places is in the region"),
        (Route(to=("ops",), providers=("aws",), services=("search",)), False, "all conditions must hold"),
        (Route(to=("ops",), kinds=(Kind.MAINTENANCE,)), False, "only the kinds that are named"),
    ],
)
def test_a_route_speaks_of_what_meets_all_of_its_conditions(route: Route, is_match: bool, why: str) -> None:
    assert matches(route, INCIDENT) is is_match, why


def test_what_hits_no_service_of_ours_has_no_severity_and_meets_none() -> None:
    harmless = replace(INCIDENT, severity=None, affected=())

    assert not matches(Route(to=("ops",), worst=Severity.SEV4), harmless)
    assert matches(Route(to=("ops",)), harmless)


@pytest.mark.parametrize(
    ("status", "is_match"),
    [
        (Status.SCHEDULED, False),
        (Status.IN_PROGRESS, True),
        (Status.VERIFYING, True),
        (Status.COMPLETED, False),
        (Status.CANCELLED, False),
    ],
)
def test_by_default_maintenance_is_spoken_of_while_it_is_being_done(status: Status, is_match: bool) -> None:
    assert matches(Route(to=("ops",)), replace(MAINTENANCE, status=status)) is is_match


def test_by_default_maintenance_that_touches_our_services_is_spoken_of_from_its_announcement_on() -> None:
    assert matches(Route(to=("ops",)), replace(MAINTENANCE, affected=INCIDENT.affected))


def test_a_route_that_names_kinds_hears_of_maintenance_from_its_announcement_on() -> None:
    assert matches(Route(to=("ops",), kinds=(Kind.MAINTENANCE,)), MAINTENANCE)
    assert not matches(Route(to=("ops",), kinds=(Kind.INCIDENT,)), MAINTENANCE)


def test_a_channel_that_several_routes_and_groups_lead_to_is_named_once() -> None:
    more = Group(name="more", channels=("console:main", "terminal:main"))
    routes = (Route(to=("ops",)), Route(to=("more", "ops")))

    found = channels_for(INCIDENT, routes, (OPS, more))

    assert found == ("slack:C1", "discord:2", "console:main", "terminal:main")


def test_a_route_that_does_not_match_leads_nowhere() -> None:
    assert channels_for(INCIDENT, (Route(to=("ops",), providers=("gcp",)),), (OPS,)) == ()


@pytest.mark.parametrize(
    ("mode", "usable", "expected"),
    [
        (Mode.ALL, None, ("slack:C1", "discord:2", "console:main")),
        (Mode.ALL, {"slack", "console"}, ("slack:C1", "console:main")),
        (Mode.FIRST_UP, None, ("slack:C1",)),
        (Mode.FIRST_UP, {"discord", "console"}, ("discord:2",)),
        (Mode.FIRST_UP, set(), ()),
    ],
)
def test_a_group_speaks_in_all_channels_or_in_the_first_whose_chat_is_usable(
    mode: Mode, usable: Collection[str] | None, expected: tuple[str, ...]
) -> None:
    groups = (replace(OPS, mode=mode),)

    assert channels_for(INCIDENT, (Route(to=("ops",)),), groups, usable) == expected
