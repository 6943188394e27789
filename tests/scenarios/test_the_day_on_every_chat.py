"""20 October 2025, told on Slack, Discord, the console and the terminal at once, by the real clients to loopback servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.chats.console.client import ConsoleChat
from bot.demo import DemoFeeds, demo_config
from tests.fakes.discord import CHANNEL, FakeDiscord
from tests.fakes.slack import FakeSlack
from tests.scenarios.world import World, world

EVENING = datetime(2025, 10, 20, 23, 10, tzinfo=UTC)


def with_chats(slack: FakeSlack, discord: FakeDiscord) -> Callable[[DemoFeeds], str]:
    """The demo's configuration, with both chats beside the console and the terminal."""

    def config_of(feeds: DemoFeeds) -> str:
        text = demo_config(feeds).replace(
            '"terminal:main"]', f'"terminal:main", "slack:C1", "discord:{CHANNEL}"]'
        )
        return (
            text
            + '\n[chat.slack]\nbot_token = { env = "SLACK_BOT_TOKEN" }\napp_token = { env = "SLACK_APP_TOKEN" }\n'
            + f'api_url = "{slack.api_url}"\n'
            + f'\n[chat.discord]\ntoken = {{ env = "DISCORD_TOKEN" }}\napi_url = "{discord.api_url}"\n'
            + f'gateway_url = "{discord.gateway_url}"\n'
        )

    return config_of


@pytest.mark.slow
async def test_the_whole_day_is_told_alike_everywhere(tmp_path: Path, redis_url: str) -> None:
    async with (
        FakeSlack() as slack,
        FakeDiscord() as discord,
        world(tmp_path, redis_url, with_chats(slack, discord)) as day,
    ):
        await day.until(EVENING, timedelta(minutes=4))
        console = day.app.chats["console"]
        assert isinstance(console, ConsoleChat)
        board = (await console.snapshot("ops", limit=100)).headlines
        incidents = [
            i
            for name in await day.app.incidents.providers()
            for i in (await day.app.incidents.read(name)).incidents.values()
            if i.channels
        ]

    expected = sorted((i.title, len(i.updates)) for i in incidents)
    on_slack = {m.ts: m for m in slack.messages("C1") if not m.thread_ts}
    on_discord = {m["id"]: m for m in discord.messages(CHANNEL)}

    assert len(expected) == 6
    assert len(on_slack) == len(on_discord) == len(board) == 6

    aws = next(i for i in incidents if i.provider == "aws")
    assert len(aws.updates) == 26
    (slack_aws,) = (m for m in on_slack.values() if "AWS: " in m.text)
    (discord_aws,) = (m for m in on_discord.values() if "AWS: " in m["embeds"][0]["title"])
    replies = [m.text for m in slack.thread("C1", slack_aws.ts)]
    discord_replies = [m["embeds"][0]["description"] for m in discord.thread(CHANNEL, discord_aws["id"])]
    assert len(replies) == len(discord_replies) == 25, "the headline carries the first post, replies the rest"
    assert "Resolved" in slack_aws.text
    assert len(slack_aws.was) >= 25, "the headline was kept up to date in place"
    for update, reply in zip(aws.updates[1:], replies, strict=True):
        assert update.text.split(". ")[0][:40] in reply, "in order"


@pytest.mark.slow
async def test_commands_typed_on_both_chats_are_answered_within_three_seconds(
    tmp_path: Path, redis_url: str
) -> None:
    async with (
        FakeSlack() as slack,
        FakeDiscord() as discord,
        world(tmp_path, redis_url, with_chats(slack, discord)) as day,
    ):
        await day.at(datetime(2025, 10, 20, 7, 15, tzinfo=UTC))
        listeners = [asyncio.create_task(day.app.loops[name]()) for name in ("slack", "discord")]
        try:
            await _connected(slack, discord)
            said = await slack.slash("/incident status aws", user="U1", channel="C1")
            shown = await discord.interact("status", {"target": "aws"})
            acked = await slack.slash("/incident ack inc-1", user="U1", channel="C1")
            await day.deliver()
        finally:
            for task in listeners:
                task.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
        headline = next(m for m in slack.messages("C1") if "AWS: " in m.text)

    assert "Increased Error Rates" in said.answers[0].text
    assert "Increased Error Rates" in shown.texts[0]
    assert max(said.answers[0].after_s, acked.answers[0].after_s, shown.answered_s or 99) < 3
    assert "Acknowledged" in headline.text


async def _connected(slack: FakeSlack, discord: FakeDiscord) -> None:
    async with asyncio.timeout(15):
        while not (slack.sockets.connected and discord.gateway.connected):
            await asyncio.sleep(0.02)


async def test_a_worker_that_starts_in_the_middle_of_the_day_says_so_and_says_nothing_old(
    tmp_path: Path, redis_url: str
) -> None:
    async with world(tmp_path, redis_url, start=datetime(2025, 10, 20, 12, 0, tzinfo=UTC)) as day:
        await day.at(day.clock.now())
        first = day.terminal.getvalue()
    async with world(tmp_path, redis_url, start=datetime(2025, 10, 20, 12, 1, tzinfo=UTC)) as again:
        await again.at(again.clock.now())
        second = again.terminal.getvalue()

    assert "Already in progress since 2025-10-20 07:11 UTC" in first
    assert first.count("AWS: Increased Error Rates") == 1
    assert second == ""


async def test_the_headline_names_the_services_that_need_the_place(tmp_path: Path, redis_url: str) -> None:
    async with world(tmp_path, redis_url, start=datetime(2025, 10, 20, 8, 30, tzinfo=UTC)) as day:
        await day.at(day.clock.now())
        (aws,) = (await day.app.incidents.read("aws")).open_incidents

    assert {a.service: a.is_certain for a in aws.affected}["checkout"]
    assert aws.severity is not None
    assert "checkout via aws/dynamodb@us-east-1" in day.terminal.getvalue().replace("\n  ", " ")


async def test_our_own_check_is_told_before_the_provider(tmp_path: Path, redis_url: str) -> None:
    async with world(tmp_path, redis_url) as day:
        await _every_half_minute(day, datetime(2025, 10, 20, 6, 56, tzinfo=UTC))
        heard = day.terminal.getvalue()

    assert "Our services: checkout-http is failing" in heard
    assert "AWS" not in heard.replace("aws/", "")


async def _every_half_minute(day: World, end: datetime) -> None:
    await day.until(end, timedelta(seconds=30))


async def test_two_feeds_of_aws_tell_one_event_once(tmp_path: Path, redis_url: str) -> None:
    def config_of(feeds: DemoFeeds) -> str:
        rss = (
            f'\n[[source]]\nprovider = "aws"\nname = "aws-rss"\nurl = "{feeds.aws_rss}"\nformat = "aws-rss"\n'
        )
        return demo_config(feeds) + rss

    async with world(tmp_path, redis_url, config_of) as day:
        await day.until(EVENING, timedelta(minutes=10))
        (aws,) = (await day.app.incidents.read("aws")).incidents.values()

    assert [claim.source for claim in aws.claims] == ["aws", "aws-rss"]
    assert (len(aws.updates), aws.is_open) == (26, False)
