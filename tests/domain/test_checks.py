"""Hysteresis of our own checks: when a run of results becomes an incident, and when it ends."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.domain.checks import Check, CheckResult, CheckState, as_observation, judge
from bot.domain.observation import Place
from bot.domain.words import Impact, Status

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CHECK = Check(
    name="checkout-http", kind="http", target="https://shop.example/health", fail_after=3, pass_after=2
)


def at(n: int) -> datetime:
    return NOON + timedelta(seconds=30 * n)


def after(results: str, check: Check = CHECK, state: CheckState | None = None) -> CheckState:
    """The state after a string of results: "." is good, "x" is bad; one every 30 s."""
    state = state or CheckState()
    for n, letter in enumerate(results):
        result = CheckResult(
            is_good=letter == ".", at=at(n), detail="" if letter == "." else f"answered 503 ({n})"
        )
        state = judge(state, check, result)
    return state


@pytest.mark.parametrize(
    ("results", "is_failing", "why"),
    [
        ("", False, "nothing known is not a failure"),
        ("....", False, "all is well"),
        ("xx", False, "two of three failures do not flip it"),
        ("xx.xx", False, "a good result starts the count anew"),
        ("xxx", True, "three in a row do"),
        ("xxx.", True, "one of two good results does not flip it back"),
        ("xxx.x.x.x", True, "flapping keeps it failing"),
        ("xxx..", False, "two good ones in a row do"),
        ("xxx..xx", False, "and the next failure needs three again"),
        ("xxx..xxx", True, "a second failure"),
    ],
)
def test_only_a_run_of_equal_results_flips_a_check(results: str, is_failing: bool, why: str) -> None:
    assert is_failing == after(results).is_failing, why


def test_a_failure_begins_at_the_first_bad_result_of_the_run_that_flipped_it() -> None:
    assert at(2) == after(".." + "xxx").failing_since
    assert at(3) == after("xx." + "xxx").failing_since


def test_a_recovery_dates_from_the_first_good_result_of_its_run() -> None:
    assert at(5) == after("xxx.x..").passing_since


def test_a_check_that_never_failed_claims_nothing() -> None:
    assert as_observation(CHECK, after("..xx.")) is None


def test_a_failing_check_is_an_incident_of_our_own_service() -> None:
    check = Check(name="checkout-http", kind="http", target="https://shop.example/health", service="checkout")

    said = as_observation(check, after("xxx", check))

    assert said is not None
    assert (said.provider, said.format, said.title) == ("self", "check", "checkout-http is failing")
    assert f"checkout-http@{NOON.isoformat()}" == said.key
    assert said.is_native
    assert (said.status, said.impact) == (Status.INVESTIGATING, Impact.MAJOR)
    assert (Place(provider="self", component="checkout"),) == said.places
    assert [u.text for u in said.updates] == ["answered 503 (2)"]


def test_a_check_without_a_service_stands_for_itself() -> None:
    said = as_observation(CHECK, after("xxx"))

    assert said is not None
    assert (Place(provider="self", component="checkout-http"),) == said.places


def test_recovery_resolves_the_same_event_and_keeps_its_first_words() -> None:
    failing = as_observation(CHECK, after("xxx"))
    resolved = as_observation(CHECK, after("xxx.."))

    assert failing is not None
    assert resolved is not None
    assert failing.key == resolved.key
    assert resolved.status == Status.RESOLVED
    assert (at(0), at(3)) == (resolved.began_at, resolved.ended_at)
    assert failing.updates == resolved.updates[:1]
    assert [u.text for u in resolved.updates] == ["answered 503 (2)", "checkout-http passes again."]


def test_flapping_during_a_failure_changes_nothing_that_is_said() -> None:
    assert as_observation(CHECK, after("xxx")) == as_observation(CHECK, after("xxxx.x.xx.x"))


def test_bad_results_after_a_recovery_leave_the_resolved_event_alone_until_they_flip() -> None:
    assert as_observation(CHECK, after("xxx..")) == as_observation(CHECK, after("xxx..xx"))


def test_a_second_failure_is_another_event() -> None:
    first, second = as_observation(CHECK, after("xxx..")), as_observation(CHECK, after("xxx..xxx"))

    assert first is not None
    assert second is not None
    assert first.key != second.key
    assert len(second.updates) == 1


@given(
    results=st.text(alphabet=".x", max_size=60),
    cut=st.integers(0, 60),
    fails=st.integers(1, 5),
    passes=st.integers(1, 5),
)
def test_a_state_survives_json_at_any_moment(results: str, cut: int, fails: int, passes: int) -> None:
    """A restart between two results must not be seen in what is said."""
    check = Check(name="c", kind="http", target="http://x", fail_after=fails, pass_after=passes)
    states = TypeAdapter(CheckState)
    straight = stored = CheckState()
    for n, letter in enumerate(results):
        result = CheckResult(is_good=letter == ".", at=at(n), detail=letter)
        straight = judge(straight, check, result)
        stored = judge(stored, check, result)
        if n == cut:
            stored = states.validate_json(states.dump_json(stored))

    assert straight == stored
    assert json.dumps(asdict(straight), default=str)


@given(results=st.text(alphabet=".x", max_size=80), fails=st.integers(1, 5), passes=st.integers(1, 5))
def test_a_check_fails_exactly_when_its_last_long_run_was_bad(results: str, fails: int, passes: int) -> None:
    check = Check(name="c", kind="http", target="http://x", fail_after=fails, pass_after=passes)
    expected, run = False, ""
    for letter in results:
        run = run + letter if run.endswith(letter) else letter
        if run == "x" * len(run) and len(run) >= fails:
            expected = True
        elif run == "." * len(run) and len(run) >= passes:
            expected = False

    assert expected == after(results, check).is_failing
