"""When a channel may be rung and when its digest is due: wall clocks of its zone, also on days when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channels import (
    LONGEST_QUIET,
    Manners,
    Span,
    instant,
    is_always_quiet,
    next_digest,
    quiet_until,
)
from bot.domain.words import Severity

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia")
WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
NIGHTS = Span(start=time(22), end=time(7))


def local(text: str) -> datetime:
    """A time by Berlin's clocks, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def calm(*quiet: Span, speaks_from: Severity | None = Severity.SEV1) -> Manners:
    return Manners(zone=BERLIN, quiet=quiet, speaks_from=speaks_from)


@pytest.mark.parametrize(
    ("now", "until", "why"),
    [
        ("2026-11-23T21:59", None, "before it begins"),
        ("2026-11-23T22:00", "2026-11-24T07:00", "from its first minute"),
        ("2026-11-24T06:59", "2026-11-24T07:00", "until its last, over midnight"),
        ("2026-11-24T07:00", None, "its end is not in it"),
        ("2026-03-28T23:00", "2026-03-29T07:00", "the night that is an hour shorter ends by the clock"),
        ("2026-10-24T23:00", "2026-10-25T07:00", "and so does the one that is longer"),
    ],
)
def test_a_night_is_quiet_by_the_clocks_of_its_zone(now: str, until: str | None, why: str) -> None:
    expected = local(until) if until else None

    assert quiet_until(calm(NIGHTS), None, local(now)) == expected, why


def test_spans_that_touch_are_one_quiet() -> None:
    quiet = (Span(days=WEEKDAYS, start=time(18), end=time(8)), Span(days=WEEKEND))

    found = quiet_until(calm(*quiet), None, local("2026-11-20T19:00"))  # a Friday evening

    assert found == local("2026-11-23T00:00")


def test_whole_days_end_at_the_midnight_of_the_zone() -> None:
    found = quiet_until(calm(Span(days=WEEKEND)), None, local("2026-03-28T12:00"))

    assert found == local("2026-03-30T00:00")


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    fridays = calm(Span(days=frozenset({4}), start=time(22), end=time(7)))

    assert quiet_until(fridays, None, local("2026-11-21T03:00")) == local("2026-11-21T07:00")
    assert quiet_until(fridays, None, local("2026-11-20T03:00")) is None


@pytest.mark.parametrize(
    ("floor", "severity", "may_ring"),
    [
        (Severity.SEV1, Severity.SEV1, True),
        (Severity.SEV1, Severity.SEV2, False),
        (Severity.SEV3, Severity.SEV2, True),
        (Severity.SEV3, None, False),
        (None, Severity.SEV1, False),
    ],
)
def test_what_is_severe_enough_breaks_the_quiet(
    floor: Severity | None, severity: Severity | None, may_ring: bool
) -> None:
    found = quiet_until(calm(NIGHTS, speaks_from=floor), severity, local("2026-11-24T03:00"))

    assert (found is None) is may_ring


def test_who_is_always_quiet_is_found_out_and_the_search_ends() -> None:
    halves = (Span(start=time(0), end=time(12)), Span(start=time(12), end=time(0)))
    now = local("2026-11-24T03:00")

    assert is_always_quiet(halves)
    assert quiet_until(calm(*halves), None, now) == now + LONGEST_QUIET
    assert not is_always_quiet((Span(start=time(0), end=time(23, 59)),))


@pytest.mark.parametrize(
    ("wall", "is_last", "expected"),
    [
        ("2026-03-29T02:30", False, "2026-03-29T01:00"),  # no clock shows it: the moment of the jump
        ("2026-03-29T02:30", True, "2026-03-29T01:00"),
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),  # clocks show it twice
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),
    ],
)
def test_a_wall_clock_is_a_moment_also_when_clocks_are_changed(
    wall: str, is_last: bool, expected: str
) -> None:
    found = instant(datetime.fromisoformat(wall), BERLIN, is_last=is_last)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_digest_that_would_ring_in_quiet_hours_comes_when_they_end() -> None:
    """Nothing rings in them that is less severe than the floor, and a digest is never severe."""
    weekend = Span(days=frozenset({5, 6}))
    manners = Manners(zone=BERLIN, quiet=(weekend, Span(start=time(18), end=time(8))))

    assert next_digest(manners, local("2026-11-20T12:00")) == local("2026-11-23T08:00")  # Friday noon
    assert next_digest(manners, local("2026-11-23T08:00")) == local("2026-11-23T09:00")


def test_the_next_digest_is_the_first_time_of_the_day_that_is_still_ahead() -> None:
    manners = Manners(zone=BERLIN, digest_at=(time(17), time(9)))

    assert next_digest(manners, local("2026-11-23T08:00")) == local("2026-11-23T09:00")
    assert next_digest(manners, local("2026-11-23T09:00")) == local("2026-11-23T17:00")
    assert next_digest(manners, local("2026-11-23T17:01")) == local("2026-11-24T09:00")


def test_a_digest_in_the_hour_that_clocks_show_twice_is_sent_once() -> None:
    manners = Manners(zone=BERLIN, digest_at=(time(2, 30),))
    first = next_digest(manners, local("2026-10-24T12:00"))

    assert next_digest(manners, first) == local("2026-10-26T02:30")


def test_what_still_waits_in_a_channel_that_gave_up_digests_is_told_at_nine() -> None:
    assert next_digest(Manners(digest_at=()), datetime(2026, 1, 1, tzinfo=UTC)).hour == 9


clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
spans = st.builds(Span, days=st.frozensets(st.integers(0, 6)), start=clocks, end=clocks)
zones = st.sampled_from(ZONES).map(ZoneInfo)
# Around the changes of clocks of all these zones, and Apia's day that never was.
CHANGES = ("2026-03-29T01:00", "2026-10-25T01:00", "2018-11-04T03:00", "2026-04-04T15:00", "2011-12-30T10:00")
EPOCH = datetime(2018, 1, 1, tzinfo=UTC)
moments = st.one_of(
    st.integers(0, 12 * 365 * 24 * 60).map(lambda minutes: EPOCH + timedelta(minutes=minutes)),
    st.builds(
        lambda change, minutes: datetime.fromisoformat(f"{change}Z") + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-2_000, 2_000),
    ),
)


@given(quiet=st.lists(spans, max_size=4), zone=zones, now=moments, ahead=st.floats(0, 1))
def test_a_quiet_lasts_until_its_end_and_not_a_moment_longer(
    quiet: list[Span], zone: ZoneInfo, now: datetime, ahead: float
) -> None:
    manners = Manners(zone=zone, quiet=tuple(quiet))

    until = quiet_until(manners, None, now)

    if until is None:
        return
    assert now < until <= now + LONGEST_QUIET
    if until < now + LONGEST_QUIET:
        assert quiet_until(manners, None, until) is None
        assert quiet_until(manners, None, now + (until - now) * ahead * 0.999) == until


@given(span=spans, zone=zones, now=moments)
def test_what_a_clock_shows_within_a_span_is_quiet(span: Span, zone: ZoneInfo, now: datetime) -> None:
    """Read off the wall: the plain rule, which says nothing about when it ends."""
    shown = now.astimezone(zone).replace(tzinfo=None)
    yesterday = (shown - timedelta(days=1)).weekday()
    is_over_midnight = span.end <= span.start
    is_begun = shown.weekday() in span.days and shown.time() >= span.start
    is_within = is_begun and (is_over_midnight or shown.time() < span.end)
    is_left = yesterday in span.days and is_over_midnight and shown.time() < span.end

    found = quiet_until(Manners(zone=zone, quiet=(span,)), None, now)

    if is_within or is_left:
        assert found is not None


@given(times=st.lists(clocks, min_size=1, max_size=4), zone=zones, after=moments)
def test_a_digest_is_always_ahead_at_most_two_days_and_none_is_left_out(
    times: list[time], zone: ZoneInfo, after: datetime
) -> None:
    manners = Manners(zone=zone, digest_at=tuple(times))

    due = next_digest(manners, after)

    assert after < due <= after + timedelta(days=2)
    assert next_digest(manners, due - timedelta(seconds=1)) == due
