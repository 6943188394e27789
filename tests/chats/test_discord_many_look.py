"""Hundreds look for their messages on Discord at the same time, as they do after a fail-over of the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.chats.discord.client import DiscordChat
from bot.domain.conversation import Receipt
from bot.errors import RateLimited, Refused, Uncertain
from tests.chats.contract import card
from tests.fakes.discord import CHANNEL, FakeDiscord

FORUM = "100000000000000009"
MANY = 250
SEEN = 300  # messages that are there already
GETS_MAX = 40


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        fake.add_forum(FORUM)
        yield fake


@pytest.fixture
async def chats(fake: FakeDiscord) -> AsyncIterator[list[DiscordChat]]:
    """Two workers, each with a client of its own, that never posted anything."""
    chats = [DiscordChat(token=fake.token, api_url=fake.api_url) for _ in range(2)]
    yield chats
    for chat in chats:
        await chat.close()


def since(number: int = 0) -> datetime:
    """Each has a moment of its own from which on it looks."""
    return datetime.now(UTC) - timedelta(minutes=10, seconds=7 * number)


async def said(
    fake: FakeDiscord, count: int, place: str = CHANNEL, *, before: timedelta = timedelta()
) -> list[Receipt]:
    """So many messages of ours, by the keys "key 0" and so on, in the ten minutes `before` now."""
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=10_000)
    receipts, began = [], (datetime.now(UTC) - before).timestamp() - 600
    for n in range(count):
        fake.clock = lambda moment=began + n * 600 / count: moment  # type: ignore[misc]
        receipts.append(await chat.post(place, card(f"words {n}"), key=f"key {n}"))
    await chat.close()
    fake.clock = time.time
    fake.calls.clear()
    return receipts


async def patiently(chat: DiscordChat, place: str, number: int, thread: Receipt | None = None) -> str | None:
    """What is found in the end, coming back when the chat says so, as the outbox does."""
    while True:
        try:
            found = await chat.find(place, key=f"key {number}", since=since(number), thread=thread)
        except RateLimited as exc:
            await asyncio.sleep(exc.after.total_seconds())
        else:
            return found.message if found else None


async def all_of(chats: list[DiscordChat], place: str) -> list[str | None]:
    """Every other one of them is not there."""
    return await asyncio.gather(
        *(patiently(chats[n % 2], place, n if n % 4 < 2 else n + 10_000) for n in range(MANY))
    )


def expected(receipts: list[Receipt]) -> list[str | None]:
    return [receipts[n].message if n % 4 < 2 else None for n in range(MANY)]


async def test_all_are_answered_by_one_reading(fake: FakeDiscord, chats: list[DiscordChat]) -> None:
    receipts = await said(fake, SEEN)

    found = await all_of(chats, CHANNEL)

    assert expected(receipts) == found
    assert sum(fake.calls.values()) < GETS_MAX


async def test_a_tight_limit_makes_them_later_and_no_more_is_asked(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    receipts = await said(fake, SEEN)
    fake.limit("list_messages", 2, 0.5)

    found = await asyncio.wait_for(all_of(chats, CHANNEL), 20)

    assert expected(receipts) == found
    assert fake.calls["list_messages"] < GETS_MAX
    assert fake.calls["channel"] == fake.calls["me"] == len(chats)


async def test_while_discord_says_wait_nobody_who_looks_there_asks(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    fake.fail_next("list_messages", "429", seconds=30)
    one, _ = chats

    looks = [one.find(CHANNEL, key=f"key {n}", since=since(n)) for n in range(MANY)]
    answers = await asyncio.gather(*looks, return_exceptions=True)

    assert {RateLimited} == {type(answer) for answer in answers}
    assert fake.calls["list_messages"] == 1


async def test_a_reading_goes_on_where_it_was_interrupted(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    receipts = await said(fake, SEEN)
    fake.limit("list_messages", 1, 0.2)

    found = await patiently(chats[0], CHANNEL, 0)

    assert receipts[0].message == found
    assert fake.calls["list_messages"] == SEEN // 100


async def test_what_was_posted_since_the_last_reading_is_read(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    one, other = chats
    assert await one.find(CHANNEL, key="late", since=since()) is None

    receipt = await other.post(CHANNEL, card("late"), key="late")

    assert await one.find(CHANNEL, key="late", since=since()) == receipt


async def test_who_looks_further_back_finds_what_is_there(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    (old,) = await said(fake, 1, before=timedelta(hours=3))
    near = await chats[0].find(CHANNEL, key="key 0", since=since())

    far = await chats[0].find(CHANNEL, key="key 0", since=datetime.now(UTC) - timedelta(hours=4))

    assert (near, far) == (None, old)


async def test_an_edit_that_finds_it_deleted_ends_what_is_remembered(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    (receipt,) = await said(fake, 1)
    chat, _ = chats
    assert await chat.find(CHANNEL, key="key 0", since=since()) == receipt
    fake.delete(CHANNEL, receipt.message)

    with pytest.raises(Refused):
        await chat.edit(receipt, card("other words"))

    assert await chat.find(CHANNEL, key="key 0", since=since()) is None


async def test_what_makes_no_end_is_given_up_once_for_all_who_look_as_far_back(
    fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chats.discord.client.READ_MAX", 200)
    receipts = await said(fake, SEEN)
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)

    looks = [chat.find(CHANNEL, key=f"none {n}", since=since(n)) for n in range(20)]
    answers = await asyncio.gather(*looks, return_exceptions=True)
    read = await chat.find(CHANNEL, key=f"key {SEEN - 1}", since=since(100))
    nearer = await chat.find(CHANNEL, key="none", since=datetime.now(UTC) - timedelta(minutes=2))

    await chat.close()
    assert {Uncertain} == {type(answer) for answer in answers}
    assert (receipts[-1], None) == (read, nearer)
    assert fake.calls["list_messages"] <= 4


async def test_replies_are_looked_for_in_their_threads_by_one_reading_each(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    chat, other = chats
    headline = await other.post(CHANNEL, card("headline"), key="h")
    replies = [await other.post(CHANNEL, card(f"{n}"), key=f"key {n}", thread=headline) for n in range(3)]
    fake.calls.clear()

    found = await asyncio.gather(*(patiently(chat, CHANNEL, n % 5, headline) for n in range(100)))

    wanted = [*(r.message for r in replies), None, None]
    assert [wanted[n % 5] for n in range(100)] == found
    assert fake.calls["list_messages"] <= 3


async def test_posts_of_a_forum_are_read_once_by_each_worker(
    fake: FakeDiscord, chats: list[DiscordChat]
) -> None:
    """Which post it is says its first message alone: another call for each."""
    count = 20
    receipts = await said(fake, count, FORUM)
    for n in range(0, count, 2):
        fake.archive(receipts[n].message)

    found = await asyncio.gather(*(patiently(chats[n % 2], FORUM, n % 40) for n in range(100)))

    wanted = [*(r.message for r in receipts), *[None] * 20]
    assert [wanted[n % 40] for n in range(100)] == found
    assert fake.calls["get_message"] == count * len(chats)
    assert fake.calls["active_threads"] + fake.calls["archived_threads"] < GETS_MAX


async def test_more_posts_than_a_bot_may_read_in_a_second_are_read_on(fake: FakeDiscord) -> None:
    receipts = await said(fake, 30, FORUM)
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=20)

    found = await asyncio.gather(*(patiently(chat, FORUM, n) for n in range(60)))

    await chat.close()
    assert [*(r.message for r in receipts), *[None] * 30] == found
    assert fake.calls["get_message"] == len(receipts)
