"""Discord's rate limits: what its headers and its 429 say is kept before a call is sent, and nobody ever sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.chats.discord.client import DiscordChat
from bot.domain.conversation import Receipt
from bot.errors import ChatError, RateLimited, Refused
from tests.chats.contract import card
from tests.fakes.discord import CHANNEL, FakeDiscord

OTHER = "100000000000000002"


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        fake.add_channel(OTHER)
        yield fake


@pytest.fixture
async def chat(fake: FakeDiscord) -> AsyncIterator[DiscordChat]:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)
    yield chat
    await chat.close()


def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


# The 429, what it asks for in seconds, and whether it stops other channels too.
TOO_MANY = [
    ("429", 30.0, False, "exact in the body, though the header says a second more"),
    ("429 shared", 30.0, False, "the channel's limit, shared with other bots"),
    ("429 global", 30.0, True, "the bot's 50 a second"),
    ("429 edge", 30.0, True, "a page with the wait in its header: our address is banned"),
    ("429 bare", 5.0, False, "neither says how long"),
]


@pytest.mark.parametrize(("kind", "wait_s", "is_for_all", "why"), TOO_MANY, ids=[row[3] for row in TOO_MANY])
async def test_a_429_is_kept_by_the_calls_it_concerns_and_by_no_other(
    fake: FakeDiscord, chat: DiscordChat, kind: str, wait_s: float, is_for_all: bool, why: str
) -> None:
    for channel in (CHANNEL, OTHER):
        await chat.post(channel, card("before"), key=f"0{channel}")
    fake.fail_next("create_message", kind, seconds=30)
    with pytest.raises(RateLimited) as first:
        await chat.post(CHANNEL, card("1"), key="1")

    began = time.monotonic()
    with pytest.raises(RateLimited) as again:
        await chat.post(CHANNEL, card("1"), key="1")
    other = await outcome(chat, OTHER)

    assert first.value.after == timedelta(seconds=wait_s)
    assert timedelta(seconds=wait_s - 2) < again.value.after <= timedelta(seconds=wait_s)
    assert (fake.calls["create_message"], other) == (
        3 + (not is_for_all),
        RateLimited if is_for_all else Receipt,
    )
    assert time.monotonic() - began < 1


async def outcome(chat: DiscordChat, channel: str) -> type[Receipt | ChatError]:
    try:
        return type(await chat.post(channel, card("2"), key="2"))
    except ChatError as error:
        return type(error)


@dataclass(frozen=True)
class Answer:
    """One 429 by hand."""

    why: str
    wait_s: float
    headers: dict[str, str]
    body: str = "{}"


BY_HAND = [
    Answer("fractions in the header", 1.5, {"Retry-After": "1.5"}),
    Answer("the body is more exact", 0.25, {"Retry-After": "1"}, '{"retry_after": 0.25}'),
    Answer("the body as text", 2.0, {}, '{"retry_after": "2"}'),
    Answer("no number in the body", 3.0, {"Retry-After": "3"}, '{"retry_after": null}'),
    Answer("not a number", 4.0, {"Retry-After": "4"}, '{"retry_after": NaN}'),
    Answer("for ever", 3_600.0, {}, '{"retry_after": 1e12}'),
    Answer("at once", 0.05, {}, '{"retry_after": 0}'),
    Answer("in the past", 0.05, {}, '{"retry_after": -5}'),
    Answer("a date in the header", 5.0, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    Answer("a list", 6.0, {"Retry-After": "6"}, "[]"),
    Answer("no JSON at all", 7.0, {"Retry-After": "7"}, "\ufeff<html>"),
    Answer("nothing", 5.0, {}, ""),
]


@pytest.mark.parametrize("by_hand", BY_HAND, ids=[row.why for row in BY_HAND])
async def test_whatever_a_429_says_is_a_wait_that_can_be_kept(by_hand: Answer) -> None:
    async def no(_: web.Request) -> web.Response:
        headers = by_hand.headers | {"Content-Type": "application/json"}
        return web.Response(status=429, body=by_hand.body.encode(), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", no)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chat = DiscordChat(token="t", api_url=f"http://127.0.0.1:{runner.addresses[0][1]}")

    with pytest.raises(RateLimited) as caught:
        await chat.post(CHANNEL, card("x"), key="k")

    await chat.close()
    await runner.cleanup()
    assert caught.value.after == timedelta(seconds=by_hand.wait_s)


async def test_the_last_call_that_the_headers_allow_is_made_and_the_next_is_not_sent(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    fake.limit("edit_message", 3, 20.0)
    receipt = await chat.post(CHANNEL, card("0"), key="0")
    for number in range(3):
        await chat.edit(receipt, card(f"{number}"))

    with pytest.raises(RateLimited) as caught:
        await chat.edit(receipt, card("4"))

    assert timedelta(seconds=18) < caught.value.after <= timedelta(seconds=20)
    assert fake.calls["edit_message"] == 3


async def test_calls_under_way_use_up_what_the_headers_allow(fake: FakeDiscord, chat: DiscordChat) -> None:
    """The first answer of a new window does not know of the calls that are on their way behind it."""
    fake.limit("edit_message", 5, 0.3)
    receipt = await chat.post(CHANNEL, card("0"), key="0")
    await chat.edit(receipt, card("1"))
    await asyncio.sleep(0.35)
    fake.limit("edit_message", 5, 20.0)
    fake.fail_next("edit_message", "delay", times=20, seconds=0.05)

    async def edited(number: int) -> None:
        await asyncio.sleep(0.02 * number)
        with suppress(RateLimited):
            await chat.edit(receipt, card(f"{number}"))

    await asyncio.gather(*(edited(number) for number in range(12)))

    assert fake.calls["edit_message"] == 1 + 5


async def test_those_who_look_at_the_same_time_share_one_answer(fake: FakeDiscord, chat: DiscordChat) -> None:
    """After a fail-over of the store every conversation looks back: each for itself, none would come to an end."""
    receipt = await chat.post(CHANNEL, card("words"), key="key 7")
    await chat.find(CHANNEL, key="key 7", since=since())
    before, moment = fake.calls["list_messages"], since()

    found = await asyncio.gather(
        *(chat.find(CHANNEL, key=f"key {number}", since=moment) for number in range(20))
    )

    assert [None] * 7 + [receipt.message] + [None] * 12 == [one and one.message for one in found]
    assert fake.calls["list_messages"] - before <= 3


async def test_a_shut_route_opens_when_its_time_has_come(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.fail_next("create_message", "429 global", seconds=0.1)
    with pytest.raises(RateLimited):
        await chat.post(CHANNEL, card("x"), key="1")

    await asyncio.sleep(0.12)

    await chat.post(CHANNEL, card("x"), key="1")
    assert len(fake.messages()) == 1


async def test_no_more_is_sent_in_a_second_than_a_bot_may(fake: FakeDiscord) -> None:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=10)
    await chat.ping()

    results = await asyncio.gather(*(outcome(chat, CHANNEL) for _ in range(30)))

    await chat.close()
    assert results.count(RateLimited) >= 20
    assert sum(fake.calls.values()) <= 10


async def test_a_wait_shorter_than_a_second_is_told_exactly(fake: FakeDiscord) -> None:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=1)
    await chat.ping()

    with pytest.raises(RateLimited) as caught:
        await chat.ping()

    await chat.close()
    assert timedelta(0) < caught.value.after <= timedelta(seconds=1)


# A token renewed: the next calls use it, and those under way are not lost.


async def test_a_renewed_token_is_used_by_the_next_call(fake: FakeDiscord, chat: DiscordChat) -> None:
    await chat.ping()
    fake.token = "renewed"
    with pytest.raises(Refused):
        await chat.ping()

    chat.renew("renewed")

    receipt = await chat.post(CHANNEL, card("x"), key="k")
    assert await chat.find(CHANNEL, key="k", since=since()) == receipt


async def test_a_call_under_way_keeps_its_token(fake: FakeDiscord, chat: DiscordChat) -> None:
    await chat.ping()
    fake.fail_next("channel", "delay", seconds=0.2)
    under_way = asyncio.ensure_future(chat.edit(Receipt(channel=CHANNEL, message="1"), card("x")))
    while not fake.calls["channel"]:
        await asyncio.sleep(0.01)

    chat.renew(fake.token)

    with pytest.raises(Refused) as caught:
        await under_way
    assert caught.value.gone  # it reached Discord, which knows no such message


async def test_a_renewal_during_the_first_login_is_not_forgotten(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    fake.fail_next("me", "delay", seconds=0.2)
    under_way = asyncio.ensure_future(chat.ping())
    while not fake.calls["me"]:
        await asyncio.sleep(0.01)

    chat.renew("renewed")
    await under_way
    fake.token = "renewed"

    await chat.post(CHANNEL, card("x"), key="k")
    assert len(fake.messages()) == 1


async def test_another_bots_token_makes_its_own_messages_ours(fake: FakeDiscord, chat: DiscordChat) -> None:
    await chat.post(CHANNEL, card("x"), key="old")
    fake.bot = fake.bot | {"id": "400000000000000002"}
    chat.renew(fake.token)

    receipt = await chat.post(CHANNEL, card("x"), key="new")

    found = [await chat.find(CHANNEL, key=key, since=since()) for key in ("old", "new")]
    assert found == [None, receipt]
