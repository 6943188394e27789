"""The demo's web server, its clocks and its configuration."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.clock import SystemClock
from bot.config import load
from bot.demo import DemoFeeds, demo_config
from bot.demo.aws import aws_currentevents
from bot.demo.clock import FastClock
from bot.demo.feeds import serve_feeds
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from tests.fakes.store_fakes import FakeClock

DAY = load_day()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2025, 10, 20, 7, 0, tzinfo=UTC))


@pytest.fixture
async def feeds(clock: FakeClock) -> AsyncIterator[DemoFeeds]:
    async with serve_feeds(DAY, clock) as feeds:
        yield feeds


@pytest.fixture
async def web() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_pages_are_those_of_the_clocks_moment(
    feeds: DemoFeeds, clock: FakeClock, web: ClientSession
) -> None:
    for hours in (0, 4):
        clock.at += timedelta(hours=hours)
        async with web.get(feeds.aws_currentevents) as answer:
            assert aws_currentevents(DAY, clock.at) == await answer.read()
        async with web.get(feeds.vendors["github"]) as answer:
            assert statuspage_summary(DAY, "github", clock.at) == await answer.read()
        async with web.get(feeds.checkout) as answer:
            assert (503 if clock.at.hour == 7 else 200) == answer.status


async def test_an_unchanged_page_answers_304_and_a_changed_one_200(
    feeds: DemoFeeds, clock: FakeClock, web: ClientSession
) -> None:
    clock.at = datetime(2025, 10, 20, 8, 56, 30, tzinfo=UTC)
    for url in (feeds.aws_currentevents, feeds.aws_rss, feeds.vendors["github"]):
        start = clock.at
        async with web.get(url) as first:
            tag = first.headers["ETag"]
        clock.at += timedelta(minutes=2)
        async with web.get(url, headers={"If-None-Match": tag}) as again:
            assert (304, b"", tag) == (again.status, await again.read(), again.headers["ETag"])
        clock.at += timedelta(hours=2)
        async with web.get(url, headers={"If-None-Match": tag}) as later:
            assert later.status == 200
            assert tag != later.headers["ETag"]
        clock.at = start


async def test_every_address_is_on_loopback_and_answers(feeds: DemoFeeds, web: ClientSession) -> None:
    for url in (feeds.aws_currentevents, feeds.aws_rss, *feeds.vendors.values()):
        assert url.startswith("http://127.0.0.1:")
        async with web.get(url) as answer:
            assert answer.status == 200


async def test_a_fast_clock_runs_as_often_as_it_is_told() -> None:
    clock = FastClock(DAY.starts_at, speed=3600)
    real, virtual = time.monotonic(), clock.now()

    await clock.sleep(60)

    passed = (clock.now() - virtual).total_seconds()
    assert passed >= 60
    assert passed <= (time.monotonic() - real) * 3600 + 1
    assert virtual.tzinfo is not None


@pytest.mark.parametrize(("start", "speed"), [(datetime(2025, 10, 20), 10.0), (DAY.starts_at, 0.0)])  # noqa: DTZ001
def test_a_fast_clock_refuses_a_naive_start_and_a_stopped_speed(start: datetime, speed: float) -> None:
    with pytest.raises(ValueError, match="FastClock needs"):
        FastClock(start, speed)


async def test_the_system_clock_tells_utc() -> None:
    clock = SystemClock()
    await clock.sleep(-1)

    assert abs(datetime.now(UTC) - clock.now()) < timedelta(seconds=5)
    assert timedelta(0) == clock.now().utcoffset()


async def test_the_configuration_watches_every_page_and_gives_no_warning(
    feeds: DemoFeeds, tmp_path: Path
) -> None:
    config = load(demo_config(feeds), {}, base=tmp_path)

    assert ["aws", *feeds.vendors] == [source.name for source in config.source]
    assert [feeds.aws_currentevents, *feeds.vendors.values()] == [source.url for source in config.source]
    assert {service.name for service in config.service} == {"checkout", "sessions", "search"}
    assert [feeds.checkout] == [check.url for check in config.check]
    assert config.group[0].channels == ("console:ops", "terminal:main")
    assert config.warnings == ()
