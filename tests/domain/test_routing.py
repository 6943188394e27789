"""Which channels hear of an incident: what a route matches, and what a group makes of its channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channels import Manners
from bot.domain.incident import Claim, Incident
from bot.domain.observation import SELF, Place
from bot.domain.routing import Condition, Group, Mode, Route, asking, heard, matches, mentions_for, refusal
from bot.domain.rules import Rules
from bot.domain.services import Affected, Service, parse_need
from bot.domain.words import Impact, Kind, Severity, Status
from tests.build import START, said

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
        (Route(to=("ops",), components=("dynamodb",)), True, "letters' case does not matter"),
        (Route(to=("ops",), components=("dynamo*",)), True, "a star stands for any letters"),
        (Route(to=("ops",), components=("dynamo",)), False, "a part of a name is not the name"),
        (Route(to=("ops",), components=("d.namodb",)), False, "only a star is more than itself"),
        (Route(to=("ops",), regions=("us-*",)), True, "regions may have stars too"),
        (Route(to=("ops",), regions=("US East 1",)), True, "a region may be spelled in another way"),
        (Route(to=("ops",), regions=("eu-*", "*-2")), False, "none of the patterns fits"),
        (Route(to=("ops",), tiers=(1,)), True, "a service of that tier is hit"),
        (Route(to=("ops",), tiers=(2, 3)), False, "no service of these tiers is hit"),
        (
            Route(to=("ops",), unless=Condition(regions=("us-*",))),
            False,
            "what the exception fits is left out",
        ),
        (Route(to=("ops",), unless=Condition(regions=("eu-*",))), True, "the exception fits something else"),
        (
            Route(to=("ops",), unless=Condition(providers=("aws",), impact=Impact.CRITICAL)),
            True,
            "of an exception all conditions must hold, too",
        ),
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


def rules_of(*routes: Route, **changes: Any) -> Rules:
    """Rules with these routes, the group "ops", and digests for all."""
    return replace(Rules(routes=routes, groups=(OPS,), digest_to=("ops",)), **changes)


def live(incident: Incident) -> tuple[str, ...]:
    """The channels that hear it at once."""
    return tuple(c for c in incident.channels if c not in incident.digests)


def test_a_channel_that_several_routes_and_groups_lead_to_is_named_once() -> None:
    more = Group(name="more", channels=("console:main", "terminal:main"))
    rules = rules_of(Route(to=("ops",)), Route(to=("more", "ops")), groups=(OPS, more))

    found = heard(INCIDENT, rules)

    assert (("slack:C1", "discord:2", "console:main", "terminal:main"), ()) == (found.channels, found.digests)


def test_a_route_that_does_not_match_leads_nowhere() -> None:
    rules = rules_of(Route(to=("ops",), providers=("gcp",)), digest_to=())

    assert heard(INCIDENT, rules).channels == ()


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
    rules = rules_of(Route(to=("ops",)), groups=(replace(OPS, mode=mode),), usable_chats=usable)

    assert heard(INCIDENT, rules).channels == expected


def test_all_routes_that_match_apply_until_one_that_ends_the_list() -> None:
    first, last, never = Route(to=("a",)), Route(to=("b",), is_last=True), Route(to=("c",))
    passed_by = Route(to=("d",), providers=("gcp",), is_last=True)

    found = asking(INCIDENT, rules_of(first, passed_by, last, never))

    assert found == (first, last)


class TestDigests:
    """What no route asks for waits for the next digest; the console, which calls nobody, has none."""

    GCP_ONLY = Route(to=("ops",), providers=("gcp",))

    def test_what_no_route_asks_for_waits_for_the_digest_of_every_channel(self) -> None:
        found = heard(INCIDENT, rules_of(self.GCP_ONLY))

        assert (found.channels, found.digests) == (("slack:C1", "discord:2"),) * 2

    def test_what_a_route_asks_for_elsewhere_waits_in_no_other_digest(self) -> None:
        found = heard(
            INCIDENT, rules_of(Route(to=("log",)), groups=(OPS, Group(name="log", channels=("slack:L",))))
        )

        assert (found.channels, found.digests) == (("slack:L",), ())

    def test_a_route_may_ask_for_the_digest_alone(self) -> None:
        found = heard(INCIDENT, rules_of(Route(to=("ops",), is_digest=True)))

        assert found.digests == ("slack:C1", "discord:2")
        assert live(found) == ("console:main",)

    def test_whoever_hears_it_at_once_hears_it_in_no_digest(self) -> None:
        found = heard(INCIDENT, rules_of(Route(to=("ops",), is_digest=True), Route(to=("ops",))))

        assert found.digests == ()

    def test_what_was_told_at_once_never_goes_back_to_the_digest(self) -> None:
        worse = heard(INCIDENT, rules_of(Route(to=("ops",), impact=Impact.MAJOR)))

        better = heard(replace(worse, impact=Impact.MINOR), rules_of(Route(to=("ops",), impact=Impact.MAJOR)))

        assert (better.channels, better.digests) == (("slack:C1", "discord:2", "console:main"), ())

    def test_what_waited_for_the_digest_is_told_at_once_when_it_grows_worse(self) -> None:
        rules = rules_of(Route(to=("ops",), impact=Impact.CRITICAL))
        waiting = heard(INCIDENT, rules)

        found = heard(replace(waiting, impact=Impact.CRITICAL), rules)

        assert waiting.digests == ("slack:C1", "discord:2")
        assert found.digests == ()

    def test_a_first_up_group_waits_in_its_first_channel_whatever_is_usable(self) -> None:
        """A digest is not urgent: it can wait until the chat is back, and is not told twice."""
        rules = rules_of(
            self.GCP_ONLY, groups=(replace(OPS, mode=Mode.FIRST_UP),), usable_chats=frozenset({"discord"})
        )

        assert heard(INCIDENT, rules).digests == ("slack:C1",)

    def test_a_first_up_group_that_heard_it_elsewhere_hears_no_digest(self) -> None:
        there = replace(INCIDENT, channels=("discord:2",))
        rules = rules_of(self.GCP_ONLY, groups=(replace(OPS, mode=Mode.FIRST_UP),))

        assert heard(there, rules).channels == ("discord:2",)

    def test_a_channel_without_digests_hears_nothing_of_what_could_wait(self) -> None:
        rules = rules_of(self.GCP_ONLY, manners={"slack:C1": Manners(digest_at=())})

        assert heard(INCIDENT, rules).channels == ("discord:2",)

    def test_a_list_without_groups_means_that_nothing_waits(self) -> None:
        assert heard(INCIDENT, rules_of(self.GCP_ONLY, digest_to=())).channels == ()

    @pytest.mark.parametrize(
        ("incident", "waits"),
        [
            (MAINTENANCE, False),
            (replace(MAINTENANCE, affected=INCIDENT.affected), True),
            (replace(MAINTENANCE, status=Status.IN_PROGRESS), True),
            (replace(INCIDENT, kind=Kind.BLINDNESS), False),
        ],
    )
    def test_maintenance_waits_once_it_has_begun_or_touches_us_and_blindness_never_does(
        self, incident: Incident, waits: bool
    ) -> None:
        assert bool(heard(incident, rules_of(self.GCP_ONLY)).digests) is waits


class TestWithoutRoutes:
    """The usual rule: at once only what is major or worse, named, and ours."""

    CHECKOUT = Service(name="checkout", tier=1, needs=(parse_need("aws/dynamodb@us-east-1"),))
    RULES = rules_of(
        Route(to=("ops",), is_usual=True),
        always=("console:main",),
        services=(CHECKOUT,),
        watched=frozenset({"aws"}),
    )

    @pytest.mark.parametrize(
        ("changes", "about", "why"),
        [
            ({}, None, "major and ours"),
            ({"impact": Impact.CRITICAL}, None, "worse than major"),
            ({"impact": Impact.MINOR}, "impact", "minor"),
            ({"impact": Impact.NONE}, "impact", "of no impact"),
            ({"affected": ()}, "service", "it hits nothing of ours"),
            ({"affected": (), "places": ()}, None, "it does not say what it hits, and we need that provider"),
            ({"affected": (), "provider": SELF}, None, "our own checks always speak"),
            ({"affected": (), "provider": "acme"}, None, "a person asked to watch what is not configured"),
            (
                {"kind": Kind.MAINTENANCE, "impact": Impact.MAINTENANCE, "status": Status.IN_PROGRESS},
                "impact",
                "planned work can wait: a big provider does it in ten places a day",
            ),
            (
                {"kind": Kind.MAINTENANCE, "impact": Impact.MAJOR, "status": Status.IN_PROGRESS},
                None,
                "planned work that is heavy",
            ),
        ],
    )
    def test_it_speaks_at_once_of_what_is_heavy_and_ours(
        self, changes: dict[str, Any], about: str | None, why: str
    ) -> None:
        incident = replace(INCIDENT, **changes)

        found = refusal(self.RULES.routes[0], incident, self.RULES)

        assert (found.about if found else None) == about, why

    def test_without_services_everything_counts_as_ours(self) -> None:
        found = heard(replace(INCIDENT, affected=()), replace(self.RULES, services=()))

        assert found.digests == ()

    @pytest.mark.parametrize(
        ("named", "places", "is_named"),
        [
            ("aws@us-east-1", INCIDENT.places, True),
            ("aws@eu-west-1", INCIDENT.places, False),
            ("aws/s3", INCIDENT.places, False),
            ("gcp@europe-west1", INCIDENT.places, True),
            ("aws@eu-west-1", (Place(provider="aws", component="S3"),), True),
            ("aws@eu-west-1", (Place(provider="aws", component="S3", region="global"),), True),
        ],
    )
    def test_where_sources_name_regions_or_components_others_wait(
        self, named: str, places: tuple[Place, ...], is_named: bool
    ) -> None:
        rules = replace(self.RULES, services=(), named=(parse_need(named),))

        found = heard(replace(INCIDENT, affected=(), places=places), rules)

        assert (found.digests == ()) is is_named

    def test_the_console_hears_everything_at_once(self) -> None:
        found = heard(replace(INCIDENT, impact=Impact.MINOR), self.RULES)

        assert live(found) == ("console:main",)
        assert found.digests == ("slack:C1", "discord:2")

    def test_what_its_source_does_not_grade_counts_as_major(self) -> None:
        guessed = said(impact=Impact.MINOR, is_graded=False)
        claim = Claim(source="rss", said=guessed, seen_at=START)
        stated = replace(claim, source="page", said=replace(guessed, is_graded=True))
        minor = replace(INCIDENT, impact=Impact.MINOR)

        assert heard(replace(minor, claims=(claim,)), self.RULES).digests == ()
        assert heard(replace(minor, claims=(claim, stated)), self.RULES).digests != ()


class TestMentions:
    """Roles come from the configuration alone, for the severity that the incident has now."""

    CALLS = ((Severity.SEV1, ("slack:S1",)), (Severity.SEV2, ("slack:S2", "discord:role:4", "slack-acme:S3")))

    @pytest.mark.parametrize(
        ("channel", "expected"),
        [
            ("slack:C1", ("S2",)),
            ("discord:2", ("role:4",)),
            ("console:main", ()),
            ("slack:OTHER", ()),
            ("slack-acme:C9", ("S3",)),
        ],
    )
    def test_a_channel_calls_whom_its_own_chat_knows(self, channel: str, expected: tuple[str, ...]) -> None:
        group = replace(OPS, channels=(*OPS.channels, "slack-acme:C9"))
        rules = rules_of(Route(to=("ops",), mentions=self.CALLS), groups=(group,))

        assert mentions_for(INCIDENT, channel, rules) == expected

    def test_nobody_is_called_for_what_has_no_severity_or_waits_for_a_digest(self) -> None:
        rules = rules_of(Route(to=("ops",), mentions=self.CALLS))
        calm = rules_of(Route(to=("ops",), mentions=self.CALLS, is_digest=True))

        assert mentions_for(replace(INCIDENT, severity=None), "slack:C1", rules) == ()
        assert mentions_for(INCIDENT, "slack:C1", calm) == ()

    def test_several_routes_call_each_once(self) -> None:
        rules = rules_of(*[Route(to=("ops",), mentions=self.CALLS)] * 2)

        assert mentions_for(INCIDENT, "slack:C1", rules) == ("S2",)


impacts, severities = st.sampled_from(Impact), st.none() | st.sampled_from(Severity)
routes = st.builds(
    Route,
    to=st.lists(st.sampled_from(["ops", "log", "gone"]), min_size=1, max_size=2).map(tuple),
    impact=st.none() | impacts,
    worst=severities,
    unless=st.none() | st.builds(Condition, impact=impacts),
    is_digest=st.booleans(),
    is_last=st.booleans(),
    is_usual=st.booleans(),
)
rule_sets = st.builds(
    lambda found, modes, usable, digest_to: Rules(
        routes=tuple(found),
        groups=(
            Group(name="ops", channels=("slack:C1", "discord:2", "console:main"), mode=modes[0]),
            Group(name="log", channels=("slack:C1", "slack:L"), mode=modes[1]),
        ),
        usable_chats=usable,
        digest_to=digest_to,
    ),
    st.lists(routes, max_size=3),
    st.tuples(st.sampled_from(Mode), st.sampled_from(Mode)),
    st.none() | st.frozensets(st.sampled_from(["slack", "discord", "console"])),
    st.sampled_from([(), ("ops",), ("ops", "log")]),
)


@given(life=st.lists(st.tuples(impacts, severities, rule_sets), min_size=1, max_size=6))
def test_over_a_life_channels_are_only_added_and_only_grow_louder(
    life: list[tuple[Impact, Severity | None, Rules]],
) -> None:
    """Whatever the provider says and however the routes are changed meanwhile."""
    incident = INCIDENT
    for impact, severity, rules in life:
        before, incident = incident, heard(replace(incident, impact=impact, severity=severity), rules)

        assert incident.channels[: len(before.channels)] == before.channels
        assert set(live(before)) <= set(live(incident))
        assert set(incident.digests) <= set(incident.channels)
        assert not any(channel.startswith("console:") for channel in incident.digests)
        assert heard(incident, rules) == incident
