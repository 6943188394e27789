"""Silences: what a duration is, and what a silence holds and what it must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incident import Incident
from bot.domain.observation import Place
from bot.domain.services import Affected
from bot.domain.silences import LONGEST, parse_duration, silence, silenced_until
from bot.domain.words import Impact, Kind, Status
from bot.errors import UsageError

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
DYNAMO = Place(provider="aws", component="Amazon DynamoDB", region="us-east-1")
LAMBDA = Place(provider="aws", component="AWS Lambda", region="us-east-1")


def incident(*services: str, places: tuple[Place, ...] = ()) -> Incident:
    return Incident(
        id="INC-12",
        provider="aws",
        kind=Kind.INCIDENT,
        title="t",
        status=Status.INVESTIGATING,
        impact=Impact.MAJOR,
        opened_at=NOON,
        places=places,
        affected=tuple(Affected(service=name, tier=1, path=(name,)) for name in services),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", timedelta(hours=2)),
        ("45m", timedelta(minutes=45)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("90 s", timedelta(seconds=90)),
        (" 1 H 30 Min ", timedelta(hours=1, minutes=30)),
        ("2 hours, 5 minutes", timedelta(hours=2, minutes=5)),
        ("1w", timedelta(days=7)),
        ("30d", LONGEST),
    ],
)
def test_a_duration_is_understood_as_people_write_it(text: str, expected: timedelta) -> None:
    assert expected == parse_duration(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2", 'has no unit: write "45m"'),
        ("", "is not a time span"),
        ("1.5h", "is not a time span"),
        ("-1h", "is not a time span"),
        ("h", "is not a time span"),
        ("2 fortnights", "is not a time span"),
        ("0m", "does nothing"),
        ("31d", "at most 30 days"),
        ("999999w", "at most 30 days"),
        ("9" * 100_000 + "h", "is not a time span"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_way_to_write_it(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_duration(text)

    assert len(str(caught.value)) < 200


@given(st.text(max_size=60))
def test_any_text_is_a_sane_duration_or_refused_in_words(text: str) -> None:
    try:
        found = parse_duration(text)
    except UsageError:
        return
    assert timedelta(0) < found <= LONGEST


@pytest.mark.parametrize(
    ("silences", "subject", "hours"),
    [
        pytest.param({"INC-12": 2}, incident(), 2, id="its id holds it"),
        pytest.param({"inc-12": 2}, incident(), 2, id="in any spelling"),
        pytest.param({"INC-13": 2}, incident(), None, id="another's id does not"),
        pytest.param({"aws": 2}, incident("checkout"), 2, id="its provider holds it"),
        pytest.param({"aws": 2, "INC-12": 5}, incident(), 5, id="the longest of several counts"),
        pytest.param({"checkout": 2}, incident("checkout"), 2, id="its only service holds it"),
        pytest.param(
            {"checkout": 2},
            incident("checkout", "search"),
            None,
            id="one of two services does not: the other is hit",
        ),
        pytest.param(
            {"checkout": 2, "search": 3}, incident("checkout", "search"), 2, id="both do, while both last"
        ),
        pytest.param({"checkout": 2}, incident(), None, id="a service does not hold what hits none"),
        pytest.param({"aws/dynamodb": 2}, incident(places=(DYNAMO,)), 2, id="its only component holds it"),
        pytest.param({"aws/dynamodb@us-east-1": 2}, incident(places=(DYNAMO,)), 2, id="also with the region"),
        pytest.param(
            {"aws/dynamodb@eu-west-1": 2}, incident(places=(DYNAMO,)), None, id="not with another region"
        ),
        pytest.param(
            {"aws@us-east-1": 2}, incident(places=(DYNAMO, LAMBDA)), 2, id="a region holds all in it"
        ),
        pytest.param(
            {"aws/dynamodb": 2}, incident(places=(DYNAMO, LAMBDA)), None, id="one of two components does not"
        ),
        pytest.param(
            {"aws/dynamodb": 2, "aws/lambda": 1}, incident(places=(DYNAMO, LAMBDA)), 1, id="both do"
        ),
        pytest.param(
            {"aws/dynamodb": 2},
            incident(places=(Place(provider="aws"),)),
            None,
            id="an unknown component is not it",
        ),
        pytest.param(
            {"gcp/dynamodb": 2}, incident(places=(DYNAMO,)), None, id="another provider's is not it"
        ),
        pytest.param({"aws": -1}, incident(), None, id="what has ended holds nothing"),
        pytest.param(
            {"a/@@": 2}, incident(places=(DYNAMO,)), None, id="a target that makes no sense holds nothing"
        ),
    ],
)
def test_a_silence_holds_what_it_names_and_nothing_more(
    silences: dict[str, int], subject: Incident, hours: int | None
) -> None:
    made = [silence(t, lasts=timedelta(hours=h), by="Ann", why="", now=NOON) for t, h in silences.items()]

    expected = None if hours is None else NOON + timedelta(hours=hours)
    assert expected == silenced_until(subject, made, NOON)


def test_a_silence_has_ended_at_the_moment_it_names() -> None:
    made = silence("aws", lasts=timedelta(hours=1), by="Ann", why="", now=NOON)

    assert silenced_until(incident(), [made], NOON + timedelta(hours=1)) is None


def test_there_is_one_silence_for_each_target() -> None:
    ids = {silence(t, lasts=timedelta(hours=1), by="Ann", why="", now=NOON).id for t in ("AWS", "aws")}

    assert {"aws"} == ids
