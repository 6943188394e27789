"""What a notice may say: stages, times with zones, names, and what a person must check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from bot.domain.incident import Acknowledgement, Closure, Incident
from bot.domain.notice import (
    NAMES_MAX_CHARS,
    Cause,
    Stage,
    Wish,
    facts,
    labels,
    next_update_at,
    span,
    stage_of,
    warnings,
)
from bot.domain.observation import SELF
from bot.domain.services import Affected, Service
from bot.domain.words import Impact, Kind, Severity, Status

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    id="INC-12",
    provider="aws",
    kind=Kind.INCIDENT,
    title="DNS of DynamoDB is broken",
    status=Status.INVESTIGATING,
    impact=Impact.MAJOR,
    severity=Severity.SEV1,
    opened_at=NOON - timedelta(minutes=30),
    began_at=NOON - timedelta(minutes=46),
    affected=(Affected(service="checkout", tier=1, path=("checkout", "aws")),),
    acknowledged=Acknowledgement(by="Ann", at=NOON),
)
WISH = Wish(now=NOON, zone=UTC, labels={"checkout": "Checkout"})


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (Status.SUSPECTED, Stage.INVESTIGATING),
        (Status.INVESTIGATING, Stage.INVESTIGATING),
        (Status.IDENTIFIED, Stage.IDENTIFIED),
        (Status.MONITORING, Stage.MONITORING),
        (Status.RESOLVED, Stage.RESOLVED),
        (Status.POSTMORTEM, Stage.RESOLVED),
        (Status.SCHEDULED, None),
        (Status.IN_PROGRESS, Stage.IDENTIFIED),
        (Status.VERIFYING, Stage.MONITORING),
        (Status.COMPLETED, Stage.RESOLVED),
        (Status.CANCELLED, None),
    ],
)
def test_every_status_has_its_stage_or_nothing_to_say(status: Status, stage: Stage | None) -> None:
    assert stage is stage_of(status)


def test_every_status_is_in_the_table_above() -> None:
    assert len(Status) == 11


@pytest.mark.parametrize(
    ("severity", "now", "expected"),
    [
        (Severity.SEV1, "12:00", "12:30"),
        (Severity.SEV1, "12:01", "12:35"),
        (Severity.SEV2, "12:04", "13:05"),
        (Severity.SEV3, "12:05", "14:05"),
        (Severity.SEV4, "12:00", "14:00"),
        (None, "12:00", "14:00"),
        (Severity.SEV1, "23:45", "00:15"),
    ],
)
def test_the_next_update_keeps_the_cadence_on_a_round_time(
    severity: Severity | None, now: str, expected: str
) -> None:
    at = datetime.fromisoformat(f"2025-10-20T{now}:00+00:00")

    assert expected == f"{next_update_at(replace(INCIDENT, severity=severity), at):%H:%M}"


def test_a_second_past_is_rounded_up_too() -> None:
    assert NOON + timedelta(minutes=35) == next_update_at(INCIDENT, NOON + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (UTC, "11:14 UTC"),
        (ZoneInfo("Europe/Berlin"), "13:14 CEST"),
        (ZoneInfo("America/Los_Angeles"), "04:14 PDT"),
        (ZoneInfo("America/Sao_Paulo"), "08:14 UTC-03"),
        (ZoneInfo("Asia/Kathmandu"), "16:59 UTC+0545"),
        (timezone(timedelta(hours=2)), "13:14 UTC+02:00"),
    ],
)
def test_a_time_names_its_zone(zone: timezone, expected: str) -> None:
    assert expected == facts(INCIDENT, Stage.INVESTIGATING, replace(WISH, zone=zone)).since


def test_times_of_one_day_need_no_date() -> None:
    found = facts(INCIDENT, Stage.INVESTIGATING, WISH)

    assert (found.since, found.next_update) == ("11:14 UTC", "12:30 UTC")


def test_times_around_midnight_all_have_their_date() -> None:
    found = facts(
        INCIDENT, Stage.INVESTIGATING, replace(WISH, now=datetime(2025, 10, 20, 23, 40, tzinfo=UTC))
    )

    assert (found.since, found.next_update) == ("11:14 UTC on 20 October", "00:10 UTC on 21 October")


def test_a_time_of_another_year_has_its_year() -> None:
    began_at = datetime(2024, 12, 31, 23, 0, tzinfo=UTC)

    assert (
        facts(replace(INCIDENT, began_at=began_at), Stage.RESOLVED, WISH).since
        == "23:00 UTC on 31 December 2024"
    )


@pytest.mark.parametrize(
    ("began", "ended", "closed", "expected"),
    [
        pytest.param(-60, -10, -5, (-60, -10), id="the provider's own times"),
        pytest.param(None, None, None, (-30, 0), id="unknown: from when it was seen until now"),
        pytest.param(-60, None, -5, (-60, -5), id="no end: when it was learnt"),
        pytest.param(30, None, None, (0, 0), id="a start in the future is now"),
        pytest.param(-60, 30, None, (-60, 0), id="an end in the future is now"),
        pytest.param(-10, -60, None, (-10, -10), id="an end before the start is the start"),
    ],
)
def test_a_span_is_never_in_the_future_nor_the_wrong_way_round(
    began: int | None, ended: int | None, closed: int | None, expected: tuple[int, int]
) -> None:
    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOON + timedelta(minutes=minutes)

    incident = replace(INCIDENT, began_at=at(began), ended_at=at(ended), closed_at=at(closed))

    assert (at(expected[0]), at(expected[1])) == span(incident, NOON)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["checkout"], "Checkout"),
        (["checkout", "search"], "Checkout and search"),
        (["checkout", "search", "mail"], "Checkout, search and mail"),
        (
            ["checkout", *(f"service number {n}" for n in range(20))],
            "Checkout, service number 0, service number 1 and 18 more",
        ),
        (["a\x00b\nc"], "a b c"),
        (["x" * 300], "x" * 39 + "…"),
    ],
)
def test_services_are_named_as_customers_know_them_in_little_room(names: list[str], expected: str) -> None:
    hits = tuple(Affected(service=name, tier=1, path=(name,)) for name in names)

    found = facts(replace(INCIDENT, affected=hits), Stage.INVESTIGATING, WISH).services

    assert expected == found
    assert len(found) <= NAMES_MAX_CHARS


def test_labels_are_titles_where_there_are_some() -> None:
    assert labels([Service(name="a", title="Apples"), Service(name="b")]) == {"a": "Apples", "b": "b"}


@pytest.mark.parametrize(
    ("changes", "stage", "is_said"),
    [
        pytest.param({"status": Status.IDENTIFIED}, Stage.IDENTIFIED, True, id="the provider said so"),
        pytest.param(
            {"status": Status.INVESTIGATING},
            Stage.IDENTIFIED,
            True,
            id="it reports a problem, which is all we say",
        ),
        pytest.param(
            {"status": Status.SUSPECTED}, Stage.IDENTIFIED, False, id="our suspicion is not its word"
        ),
        pytest.param(
            {"status": Status.IDENTIFIED, "provider": SELF}, Stage.IDENTIFIED, False, id="our own incident"
        ),
        pytest.param({"status": Status.IDENTIFIED}, Stage.MONITORING, False, id="it did not report a fix"),
        pytest.param({"status": Status.MONITORING}, Stage.MONITORING, True, id="it did"),
    ],
)
def test_a_provider_is_quoted_only_for_what_it_said(
    changes: dict[str, object], stage: Stage, is_said: bool
) -> None:
    found = facts(replace(INCIDENT, **changes), stage, WISH)  # type: ignore[arg-type]

    assert ("A provider that we depend on" if is_said else "") == found.provider


def test_a_cause_is_only_what_a_person_passes() -> None:
    assert facts(INCIDENT, Stage.IDENTIFIED, WISH).cause == ""
    assert facts(INCIDENT, Stage.IDENTIFIED, replace(WISH, cause=Cause.NETWORK)).cause == "a network fault"


@pytest.mark.parametrize(
    ("severity", "is_due"),
    [(Severity.SEV1, True), (Severity.SEV2, True), (Severity.SEV3, False), (None, False)],
)
def test_grave_incidents_end_with_an_apology(severity: Severity | None, is_due: bool) -> None:
    assert is_due is facts(replace(INCIDENT, severity=severity), Stage.RESOLVED, WISH).apologise


UNSURE = (replace(INCIDENT.affected[0], is_certain=False),)


@pytest.mark.parametrize(
    ("changes", "stage", "said"),
    [
        (
            {"affected": ()},
            Stage.INVESTIGATING,
            "No service of yours is mapped to INC-12: say who is affected.",
        ),
        ({"affected": UNSURE}, Stage.INVESTIGATING, "check checkout before you name it"),
        ({}, Stage.RESOLVED, "INC-12 is still open (investigating)"),
        ({}, Stage.MONITORING, "INC-12 is investigating, the draft says monitoring"),
        ({"status": Status.SUSPECTED}, Stage.INVESTIGATING, "Only your own checks say so"),
        ({"kind": Kind.MAINTENANCE}, Stage.INVESTIGATING, "This is planned work"),
        (
            {"status": Status.RESOLVED, "closure": Closure.LAPSED},
            Stage.RESOLVED,
            "Nobody said that it is over",
        ),
        ({"began_at": None}, Stage.INVESTIGATING, "The start is when it was first seen here"),
        ({"began_at": NOON + timedelta(hours=1)}, Stage.INVESTIGATING, "lies in the future"),
        ({"status": Status.RESOLVED}, Stage.RESOLVED, "Start and end are the provider's"),
        ({"acknowledged": None}, Stage.INVESTIGATING, "Nobody has acknowledged INC-12"),
        ({}, Stage.IDENTIFIED, "If customers can work around it, say how."),
    ],
)
def test_what_to_check_is_said(changes: dict[str, object], stage: Stage, said: str) -> None:
    found = warnings(replace(INCIDENT, **changes), stage, WISH)  # type: ignore[arg-type]

    assert any(said in warning for warning in found)


def test_where_all_is_known_there_is_nothing_to_check() -> None:
    assert warnings(INCIDENT, Stage.INVESTIGATING, WISH) == ()
