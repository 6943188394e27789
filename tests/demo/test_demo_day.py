"""The demo's day keeps to what is known of 20 October 2025: the figures here were written down apart from day.toml."""

from __future__ import annotations

import re
import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.demo.script import Day, checkout_health, load_day

# When AWS posted, and the next update it promised ("-" for none), UTC.
AWS_POSTS = """
07:11 07:56
07:51 08:36
08:26 09:00
09:01 09:45
09:22 10:15
09:27 -
10:03 -
10:35 11:15
11:08 12:00
11:48 12:30
12:10 -
12:48 13:30
13:42 14:30
14:14 14:44
14:29 -
15:04 -
15:43 -
16:13 17:00
17:03 17:45
17:38 18:30
18:22 19:00
19:15 20:00
20:03 20:45
20:52 21:30
21:48 22:30
22:53 -
"""
MISSED_BY_MINUTES = [1, 12, 3, 15, 3, 7, 18, 23]


@pytest.fixture(scope="module")
def day() -> Day:
    return load_day()


def utc(clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return datetime(2025, 10, 20, int(hours), int(minutes), tzinfo=UTC)


def test_aws_posts_and_promises_are_those_of_the_day(day: Day) -> None:
    rows = [line.split() for line in AWS_POSTS.split("\n") if line]
    expected = [(utc(at), None if next_by == "-" else utc(next_by)) for at, next_by in rows]

    assert expected == [(post.at, post.next_by) for post in day.aws.posts]
    assert len(expected) == 26


def test_nineteen_of_twenty_five_posts_promise_the_next_and_eight_promises_are_missed(day: Day) -> None:
    posts = day.aws.posts
    promising = [(post.next_by, after.at) for post, after in pairwise(posts) if post.next_by]
    late = [int((came - due).total_seconds()) // 60 for due, came in promising if due and came > due]

    assert len(promising) == 19
    assert late == MISSED_BY_MINUTES


def test_gaps_between_posts_are_those_measured(day: Day) -> None:
    posts = day.aws.posts
    gaps = [(after.at - post.at).total_seconds() / 60 for post, after in pairwise(posts)]

    assert (statistics.median(gaps), round(statistics.mean(gaps), 1), max(gaps)) == (36, 37.7, 65)


def test_a_promise_stands_in_the_text_too(day: Day) -> None:
    """What a reader sees and what the data says are one: the clock time is Pacific, seven hours behind UTC."""
    for post in day.aws.posts:
        assert ("Next update" in post.text) == (post.next_by is not None), post.text
        if by := re.search(r"Next update by (\d+:\d\d) [AP]M", post.text):
            assert post.next_by is not None
            assert by[1] == f"{post.next_by - timedelta(hours=7):%I:%M}".lstrip("0")


def test_aws_names_dynamodb_at_98_minutes_and_dns_at_133(day: Day) -> None:
    aws = day.aws
    first_named = next(post.at for post in aws.posts if "DynamoDB" in post.text)
    first_dns = next(post.at for post in aws.posts if "DNS" in post.text)

    assert first_named - aws.true_start == timedelta(minutes=98)
    assert first_dns - aws.true_start == timedelta(minutes=133)
    assert [post.at for post in aws.posts if "dynamodb-us-east-1" in post.hits] == [
        utc("08:26"),
        utc("15:04"),
    ]


def test_lags_are_those_known(day: Day) -> None:
    assert day.aws.true_start == utc("06:48")
    assert day.aws.ended_at == utc("22:01")
    assert day.aws.lag == timedelta(minutes=23)

    github = day.vendor("github")
    assert github.true_start == utc("08:05")
    assert github.lag is not None
    assert int(github.lag.total_seconds()) // 60 == 51
    assert any("third party" in update.body for update in github.incident.updates)
    assert day.vendor("jira").lag is None


def test_jira_posts_at_the_times_of_its_real_page(day: Day) -> None:
    expected = [
        ("2025-10-20 07:56:13", "investigating"),
        ("2025-10-20 09:24:18", "investigating"),
        ("2025-10-20 09:58:22", "identified"),
        ("2025-10-20 18:38:31", "monitoring"),
        ("2025-10-21 00:03:31", "monitoring"),
        ("2025-10-21 03:24:13", "monitoring"),
    ]
    updates = day.vendor("jira").incident.updates

    assert expected == [(f"{update.at:%Y-%m-%d %H:%M:%S}", update.status) for update in updates]
    assert day.quiet_at == datetime(2025, 10, 21, 5, 40, tzinfo=UTC)


def test_each_vendor_has_a_full_story_and_the_invented_one_says_so(day: Day) -> None:
    for vendor in day.vendors:
        incident = vendor.incident
        assert 4 <= len(incident.updates) <= 6
        assert sum(update.edit is not None for update in incident.updates) == 1
        assert (incident.impact, [turn.impact for turn in incident.turns]) == ("major", ["none"])
        assert incident.turns[-1].at < incident.gone_at

    assert [vendor.slug for vendor in day.vendors if vendor.is_fictional] == ["harbor-chat"]
    assert [vendor.slug for vendor in day.vendors if vendor.url.endswith(".example")] == ["harbor-chat"]
    assert [vendor.slug for vendor in day.vendors if vendor.maintenance] == ["harbor-chat"]


def test_the_data_holds_together(day: Day) -> None:
    """Times rise, names are known, only the last post resolves."""
    posts = day.aws.posts
    assert [post.at for post in posts] == sorted(post.at for post in posts)
    assert [post.resolves for post in posts] == [False] * 25 + [True]
    assert set(day.aws.names) == {slug for post in posts for slug in post.hits}
    assert {slug for post in posts for slug in post.recovers} <= set(day.aws.names)
    for vendor in day.vendors:
        updates = vendor.incident.updates
        assert [update.at for update in updates] == sorted(update.at for update in updates)
        assert set(vendor.incident.components) <= {component.id for component in vendor.components}
        assert all(update.edit is None or update.edit.at > update.at for update in updates)
    ids = [update.id for vendor in day.vendors for update in vendor.incident.updates]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("clock", "status"),
    [
        ("06:51", 200),
        ("06:52", 503),
        ("09:29", 503),
        ("09:30", 200),
        ("14:09", 200),
        ("14:10", 503),
        ("17:40", 200),
    ],
)
def test_checkout_fails_in_two_waves(day: Day, clock: str, status: int) -> None:
    answered, text = checkout_health(day, utc(clock))

    assert status == answered
    assert ("failing" in text) == (status == 503)
