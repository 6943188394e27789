"""Our own health checks as rules: when a run of results becomes an event.

Hysteresis keeps a flapping check quiet. Running a check is `bot.probes`; storing its state is the pipeline's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.observation import SELF, Observation, Place, Update
from bot.domain.words import Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A configured check: the service it speaks for, and how many results in a row change its mind."""

    name: str
    kind: str
    target: str
    service: str | None = None
    every: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=10)
    fail_after: int = 3
    pass_after: int = 2
    expect_status: tuple[int, ...] = ()
    expect_text: str | None = None
    slower_than: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One run. `detail` says in plain words what was wrong, or is empty."""

    is_good: bool
    at: datetime
    detail: str = ""
    latency: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckState:
    """What is remembered of one check between results; plain enough to be stored as JSON.

    `streak` counts the newest results in a row that speak against `is_failing`, from `streak_since` on.
    `failing_since` and `detail` tell of the present failure, or of the last one once `passing_since` is set.
    """

    is_failing: bool = False
    streak: int = 0
    streak_since: datetime | None = None
    failing_since: datetime | None = None
    passing_since: datetime | None = None
    detail: str = ""


def judge(state: CheckState, check: Check, result: CheckResult) -> CheckState:
    """The state after one more result: it flips after `fail_after` bad or `pass_after` good ones in a row."""
    if result.is_good is not state.is_failing:
        return replace(state, streak=0, streak_since=None)
    since = state.streak_since or result.at
    streak = state.streak + 1
    if streak < (check.pass_after if state.is_failing else check.fail_after):
        return replace(state, streak=streak, streak_since=since)
    if state.is_failing:
        return replace(state, is_failing=False, streak=0, streak_since=None, passing_since=since)
    return CheckState(is_failing=True, failing_since=since, detail=result.detail)


def as_observation(check: Check, state: CheckState) -> Observation | None:
    """What a check claims in our own ledger: its newest failure, over or not; None when it never failed."""
    if state.failing_since is None:
        return None
    key = f"{check.name}@{state.failing_since.isoformat()}"
    ended_at = None if state.is_failing else state.passing_since
    return Observation(
        provider=SELF,
        format="check",
        key=key,
        is_native=True,
        title=f"{check.name} is failing",
        status=Status.INVESTIGATING if state.is_failing else Status.RESOLVED,
        impact=Impact.MAJOR,
        began_at=state.failing_since,
        ended_at=ended_at,
        updated_at=ended_at or state.failing_since,
        places=(Place(provider=SELF, component=check.service or check.name),),
        updates=_updates(check, state, key),
    )


def _updates(check: Check, state: CheckState, key: str) -> tuple[Update, ...]:
    """One text when it failed and one when it passed again; what flaps in between adds none."""
    failed = Update(
        id=f"{key}#failed",
        text=state.detail or f"{check.name} fails.",
        posted_at=state.failing_since,
        status=Status.INVESTIGATING,
    )
    if state.is_failing:
        return (failed,)
    passed = Update(
        id=f"{key}#passed",
        text=f"{check.name} passes again.",
        posted_at=state.passing_since,
        status=Status.RESOLVED,
    )
    return failed, passed
