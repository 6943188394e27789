"""Drafts: the built-in wording to the letter, what holds for every incident, and a user's own templates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incident import Acknowledgement, Claim, Incident
from bot.domain.notice import Cause, Stage, Wish
from bot.domain.observation import SELF, Observation, Place, Update
from bot.domain.services import Affected
from bot.domain.words import Impact, Kind, Severity, Status
from bot.errors import ConfigError
from bot.notices import draft

DRAFTS = draft.load()
NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
OUTAGE = Incident(
    id="INC-12",
    provider="aws",
    kind=Kind.INCIDENT,
    title="DNS of DynamoDB is broken",
    status=Status.INVESTIGATING,
    impact=Impact.CRITICAL,
    severity=Severity.SEV1,
    opened_at=NOON - timedelta(hours=4),
    began_at=NOON - timedelta(hours=4, minutes=46),
    affected=(
        Affected(service="checkout", tier=1, path=("checkout", "aws")),
        Affected(service="search", tier=2, path=("search", "aws")),
    ),
    updates=(Update(id="u1", text="The root cause is a race in the DNS planner."),),
    acknowledged=Acknowledgement(by="Ann", at=NOON),
)
WISH = Wish(now=NOON, zone=UTC, labels={"checkout": "Checkout", "search": "Search"}, provider_name="AWS")
OVER = replace(OUTAGE, status=Status.RESOLVED, ended_at=NOON - timedelta(minutes=10), closed_at=NOON)
OURS = replace(OUTAGE, provider=SELF)
UNSURE = replace(OUTAGE, affected=())


@pytest.mark.parametrize(
    ("incident", "changes", "expected"),
    [
        pytest.param(
            OUTAGE,
            {},
            "We are investigating a problem with Checkout and Search. Customers may have seen errors or delays since"
            " 07:14 UTC. Next update by 12:30 UTC.",
            id="investigating",
        ),
        pytest.param(
            UNSURE,
            {},
            "We are investigating a problem with our services. Customers may have seen errors or delays since 07:14 UTC."
            " We are still determining the scope. Next update by 12:30 UTC.",
            id="investigating, nothing mapped",
        ),
        pytest.param(
            replace(OUTAGE, status=Status.IDENTIFIED),
            {},
            "Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search. A provider that we depend"
            " on reports a problem. We are following its progress and working to limit the effect on you. We know of no"
            " workaround yet.\n\nNext update by 12:30 UTC.",
            id="identified by the provider",
        ),
        pytest.param(
            OURS,
            {"stage": Stage.IDENTIFIED},
            "Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search. We have found where the"
            " problem lies and are working on it. We know of no workaround yet.\n\nNext update by 12:30 UTC.",
            id="identified by a person of ours",
        ),
        pytest.param(
            replace(OURS, status=Status.IDENTIFIED),
            {},
            "Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search. We are working to find"
            " where the problem lies. We know of no workaround yet.\n\nNext update by 12:30 UTC.",
            id="identified, and nobody confirmed it",
        ),
        pytest.param(
            OUTAGE,
            {"stage": Stage.IDENTIFIED, "cause": Cause.CONFIGURATION},
            "Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search. We have identified the cause:"
            " a configuration change. We are working to put it right. We know of no workaround yet.\n\n"
            "Next update by 12:30 UTC.",
            id="identified with a cause",
        ),
        pytest.param(
            replace(OUTAGE, kind=Kind.MAINTENANCE, status=Status.IN_PROGRESS),
            {},
            "Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search. A provider that we depend"
            " on is carrying out planned work. We are following it and working to limit the effect on you. We know of no"
            " workaround yet.\n\nNext update by 12:30 UTC.",
            id="planned work",
        ),
        pytest.param(
            replace(OUTAGE, status=Status.MONITORING),
            {},
            "A provider that we depend on reports that a fix is in place. We are checking that everything works as it"
            " should. Since 07:14 UTC, customers may have seen errors or delays in Checkout and Search.\n\n"
            "Next update by 12:30 UTC.",
            id="monitoring, as the provider says",
        ),
        pytest.param(
            OUTAGE,
            {"stage": Stage.MONITORING},
            "A fix is in place, and we are watching closely that everything works as it should. Since 07:14 UTC, customers"
            " may have seen errors or delays in Checkout and Search.\n\nNext update by 12:30 UTC.",
            id="monitoring, as a person says",
        ),
        pytest.param(
            OVER,
            {"cause": Cause.PROVIDER},
            "The problem with Checkout and Search is resolved. From 07:14 UTC until 11:50 UTC, customers may have seen"
            " errors or delays. The cause was a problem at a provider that we depend on. If anything still does not work"
            " for you, please write to our support.\n\nWe are sorry for the trouble that this has caused you.",
            id="resolved, grave",
        ),
        pytest.param(
            replace(OVER, severity=Severity.SEV3),
            {},
            "The problem with Checkout and Search is resolved. From 07:14 UTC until 11:50 UTC, customers may have seen"
            " errors or delays. If anything still does not work for you, please write to our support.",
            id="resolved, small",
        ),
    ],
)
def test_the_built_in_wording(incident: Incident, changes: dict[str, object], expected: str) -> None:
    assert expected == DRAFTS.write(incident, replace(WISH, **changes)).text  # type: ignore[arg-type]


def test_a_resolved_draft_promises_no_update() -> None:
    assert DRAFTS.write(OVER, WISH).next_update_at is None


def test_a_draft_promises_the_time_that_it_returns() -> None:
    assert NOON + timedelta(minutes=30) == DRAFTS.write(OUTAGE, WISH).next_update_at


MARK = "LEAKED"  # in every text that a feed writes
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York"]
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
# Service names without ASCII letters, so that no word of theirs is taken for one of the draft's.
names = st.text(st.characters(min_codepoint=0x80) | st.sampled_from(" \n\t\x00"), min_size=1, max_size=80)
hits = st.builds(
    Affected,
    service=names,
    tier=st.integers(1, 4),
    path=st.just((MARK,)),
    is_soft=st.booleans(),
    is_certain=st.booleans(),
)
feeds = st.text(max_size=20).map(lambda text: f"{MARK} {{{{ {text} }}}} due to a network fault")
observations = st.builds(
    Observation,
    provider=st.just("aws"),
    format=st.just("aws-rss"),
    key=feeds,
    is_native=st.booleans(),
    title=feeds,
    status=st.sampled_from(Status),
    impact=st.sampled_from(Impact),
    updates=st.just(()),
)
incidents = st.builds(
    Incident,
    id=st.just("INC-12"),
    provider=st.sampled_from(["aws", SELF]),
    kind=st.sampled_from(Kind),
    title=feeds,
    status=st.sampled_from(Status),
    impact=st.sampled_from(Impact),
    severity=st.none() | st.sampled_from(Severity),
    opened_at=moments,
    began_at=st.none() | moments,
    ended_at=st.none() | moments,
    closed_at=st.none() | moments,
    url=st.none() | feeds,
    places=st.lists(st.builds(Place, provider=st.just("aws"), component=feeds, region=feeds), max_size=3).map(
        tuple
    ),
    affected=st.lists(hits, max_size=8).map(tuple),
    updates=st.lists(st.builds(Update, id=feeds, text=feeds), max_size=3).map(tuple),
    claims=st.lists(st.builds(Claim, source=feeds, said=observations, seen_at=moments), max_size=2).map(
        tuple
    ),
)
wishes = st.builds(
    Wish,
    now=moments,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    stage=st.none() | st.sampled_from(Stage),
    cause=st.none(),
    labels=st.just({}),
    provider_name=st.just(MARK),
)
A_TIME = re.compile(r"\d{1,2}:\d{2}")
A_TIME_WITH_ZONE = re.compile(r"\d{2}:\d{2} (?:[A-Z]{2,5}|UTC[+-]\d{2,4})\b")
A_CAUSE = re.compile(r"caused by|due to|root cause|the cause|because of|third.party|fault", re.IGNORECASE)


@given(incident=incidents, wish=wishes)
def test_any_incident_gives_a_draft_that_may_be_sent(incident: Incident, wish: Wish) -> None:
    """No placeholder, a zone in every time, within the limit, no word of a feed, no cause that nobody gave."""
    made = DRAFTS.write(incident, wish)

    said = made.text
    assert not re.search(r"\{\{|\}\}|\{%|\[[A-Z]|None|Undefined", said)
    assert len(A_TIME.findall(said)) == len(A_TIME_WITH_ZONE.findall(said)) >= 1
    assert len(made.text) <= made.stage.max_chars
    assert MARK not in said
    assert not A_CAUSE.search(said)
    assert (made.next_update_at is None) == (made.stage is Stage.RESOLVED) == ("Next update by" not in said)


def test_a_name_that_looks_like_a_template_stays_a_name_and_is_pointed_out() -> None:
    incident = replace(OUTAGE, affected=(Affected(service="{{ 7*7 }}", tier=1, path=("x",)),))

    made = DRAFTS.write(incident, WISH)

    assert "a problem with {{ 7*7 }}." in made.text
    assert made.warnings[0] == '"{{" looks like a placeholder that nobody filled in.'


def test_a_users_template_replaces_one_and_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "investigating.j2").write_text(
        "Oh no, {{ services }}! We look into it.\n\n\nMore at {{ next_update }}.\n"
    )

    own = draft.load(tmp_path)

    assert (
        own.write(OUTAGE, WISH).text == "Oh no, Checkout and Search! We look into it.\n\nMore at 12:30 UTC."
    )
    assert DRAFTS.write(OVER, WISH) == own.write(OVER, WISH)


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        pytest.param("Fine\n{% if services %}", 2, "Unexpected end of template", id="not closed"),
        pytest.param(
            "Fine\n\nNext by {{ next_udpate }}",
            3,
            '"next_udpate" is not a fact of a notice',
            id="unknown name",
        ),
        pytest.param(
            "{% if cause %}\n{{ title }}{% endif %}",
            2,
            '"title" is not a fact',
            id="even where it is not reached",
        ),
        pytest.param("Fine\n{{ services.nothing }}", 2, "has no attribute 'nothing'", id="unknown part"),
        pytest.param("Fine\n{{ services | shout }}", 2, "No filter named 'shout'", id="unknown filter"),
        pytest.param("Fine\n{{ 1 / 0 }}", 2, "division by zero", id="arithmetic"),
        pytest.param("{{ ''.__class__.__mro__ }}", 1, "unsafe", id="out of the sandbox"),
        pytest.param("Fine\n{% include 'other.j2' %}", 2, "no loader", id="another file"),
        pytest.param("{{ range(3) }}", 1, '"range" is not a fact', id="functions"),
    ],
)
def test_a_mistake_in_a_template_names_file_and_line(
    tmp_path: Path, source: str, line: int, said: str
) -> None:
    path = tmp_path / "identified.j2"
    path.write_text(source)

    with pytest.raises(ConfigError) as caught:
        draft.load(tmp_path)

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{path}:{line}: ")
    assert said in caught.value.problems[0]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "identified.j2").write_text("{{ a }} {{ b }}")
    (tmp_path / "resolved.j2").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError) as caught:
        draft.load(tmp_path)

    assert len(caught.value.problems) == 3


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        draft.load(tmp_path / "typo")


def test_a_template_that_fails_on_real_facts_only_is_a_clear_error_too(tmp_path: Path) -> None:
    path = tmp_path / "investigating.j2"
    path.write_text("Fine\n{% if services == 'Checkout and Search' %}\n{{ 1 / 0 }}\n{% endif %}")

    with pytest.raises(ConfigError, match=re.escape(f"{path}:3: division by zero")):
        draft.load(tmp_path).write(OUTAGE, WISH)


def test_a_text_that_is_too_long_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "investigating.j2").write_text("very " * 100)

    assert (
        draft.load(tmp_path).write(OUTAGE, WISH).warnings[0]
        == "The text has 499 characters; people read 280 of them at this stage."
    )


def test_a_template_that_calls_itself_for_ever_is_a_mistake_of_its_author(tmp_path: Path) -> None:
    (tmp_path / "resolved.j2").write_text("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")

    with pytest.raises(ConfigError, match=r"resolved\.j2"):
        draft.load(tmp_path)
