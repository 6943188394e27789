"""Pins and archiving on Discord: done beside the message, in view while it matters, and never at the message's cost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.chats.discord import extras
from bot.chats.discord.client import DiscordChat
from bot.domain.card import Card
from bot.domain.conversation import Receipt
from bot.errors import ChatError
from tests.chats.contract import card
from tests.fakes.discord import CHANNEL, FakeDiscord, readable

OPEN = replace(card("it is broken"), pin=True)
OVER = replace(card("it works"), pin=False)


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeDiscord) -> AsyncIterator[DiscordChat]:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)
    yield chat
    await chat.close()


async def with_reply(chat: DiscordChat) -> Receipt:
    headline = await chat.post(CHANNEL, OPEN, key="h")
    await chat.post(CHANNEL, card("more"), key="r", thread=headline)
    return headline


async def test_a_headline_is_pinned_and_the_channel_holds_no_word_about_the_pin(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    headline = await chat.post(CHANNEL, OPEN, key="h")

    assert fake.rooms[CHANNEL].pins == [headline.message]
    assert [message["id"] for message in fake.messages()] == [headline.message]


async def test_a_notice_about_a_pin_of_somebody_elses_is_left_alone(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    theirs: dict[str, Any] = {"id": fake.snowflake(), "type": 6, "author": {"id": "5"}, "pinned": False}
    about_theirs = {"message_reference": {"message_id": "1"}}
    ours_about_theirs = theirs | about_theirs | {"id": fake.snowflake(), "author": fake.bot}
    for message in (theirs, ours_about_theirs):
        fake.rooms[CHANNEL].messages[message["id"]] = message

    await chat.post(CHANNEL, OPEN, key="h")

    assert len(fake.messages()) == 3
    assert fake.calls["delete_message"] == 1


async def test_the_end_takes_the_pin_off_and_puts_the_thread_to_rest(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    headline = await with_reply(chat)

    await chat.edit(headline, OVER)

    thread = fake.rooms[headline.message]
    assert (fake.rooms[CHANNEL].pins, thread.archived, thread.locked) == ([], True, False)


async def test_a_later_reply_wakes_the_thread(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await with_reply(chat)
    await chat.edit(headline, OVER)

    await chat.post(CHANNEL, card("the report"), key="r2", thread=headline)

    assert (fake.rooms[headline.message].archived, len(fake.thread(CHANNEL, headline.message))) == (False, 2)


@pytest.mark.parametrize(
    "words", [card("plain"), replace(card("still open"), pin=True)], ids=["none", "open"]
)
async def test_only_the_end_archives(fake: FakeDiscord, chat: DiscordChat, words: Card) -> None:
    headline = await with_reply(chat)

    await chat.edit(headline, words)

    assert not fake.rooms[headline.message].archived


async def test_the_end_of_an_incident_without_a_thread_is_no_failure(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    headline = await chat.post(CHANNEL, OPEN, key="h")

    await chat.edit(headline, OVER)
    await chat.edit(headline, OVER)

    assert ["it works" in readable(message) for message in fake.messages()] == [True]


async def test_a_pin_that_failed_is_made_with_the_next_edit(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.fail_next("pin", "500")
    headline = await chat.post(CHANNEL, OPEN, key="h")
    assert fake.rooms[CHANNEL].pins == []

    await chat.edit(headline, OPEN)

    assert fake.rooms[CHANNEL].pins == [headline.message]


async def test_who_unpins_a_message_means_it(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await chat.post(CHANNEL, OPEN, key="h")
    fake.rooms[CHANNEL].messages[headline.message]["pinned"] = False

    await chat.edit(headline, OPEN)

    assert fake.rooms[CHANNEL].pins == []


async def test_replies_are_never_pinned(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await chat.post(CHANNEL, card("headline"), key="h")

    reply = await chat.post(CHANNEL, OPEN, key="r", thread=headline)
    await chat.edit(reply, OPEN, thread=headline)

    assert fake.calls["pin"] == 0


# What, how it goes wrong, and whether it is tried again with the next message.
FAILED_PINS = [
    ("no permission", (403, 50013), False),
    ("no access", (403, 50001), False),
    ("too many pins", (400, 30003), False),
    ("deleted at once", (404, 10008), True),
    ("an odd refusal", (400, 0), True),
]


@pytest.mark.parametrize(
    ("why", "refusal", "is_tried_again"), FAILED_PINS, ids=[row[0] for row in FAILED_PINS]
)
async def test_a_refused_pin_costs_the_message_nothing_and_is_not_asked_for_again_within_the_hour(
    fake: FakeDiscord, chat: DiscordChat, why: str, refusal: tuple[int, int], is_tried_again: bool
) -> None:
    fake.refuse_next("pin", *refusal)

    await chat.post(CHANNEL, OPEN, key="1")
    await chat.post(CHANNEL, OPEN, key="2")

    assert (len(fake.messages()), fake.calls["pin"]) == (2, 1 + is_tried_again)


@pytest.mark.parametrize("route", ["pin", "list_messages", "delete_message", "unpin", "edit_channel"])
@pytest.mark.parametrize(
    "fault", ["drop_before", "drop_in_body", "429", "500", "503 edge", "bad_json", "odd_json"]
)
async def test_nothing_beside_the_message_can_fail_it(
    fake: FakeDiscord, chat: DiscordChat, route: str, fault: str
) -> None:
    fake.fail_next(route, fault, times=5)

    headline = await with_reply(chat)
    await chat.edit(headline, OVER)

    assert "it works" in readable(fake.rooms[CHANNEL].messages[headline.message])


async def test_a_pin_that_hangs_delays_the_message_by_no_more_than_its_bound(
    fake: FakeDiscord, chat: DiscordChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "WITHIN_S", 0.2)
    await chat.ping()
    fake.fail_next("pin", "delay", seconds=5)
    began = time.monotonic()

    await chat.post(CHANNEL, OPEN, key="h")

    assert time.monotonic() - began < 2


async def test_a_verb_whose_time_is_up_still_says_that_the_message_arrived(fake: FakeDiscord) -> None:
    """The pin shares the verb's own deadline: together they stay within the outbox's."""
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, timeout=timedelta(seconds=0.5))
    await chat.ping()
    fake.fail_next("pin", "delay", seconds=5)

    receipt = await chat.post(CHANNEL, OPEN, key="h")

    await chat.close()
    assert [message["id"] for message in fake.messages()] == [receipt.message]


async def test_a_locked_thread_stays_as_it_is(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await with_reply(chat)
    fake.rooms[headline.message].locked = True

    await chat.edit(headline, OVER)

    assert not fake.rooms[headline.message].archived


async def test_a_pin_does_not_hide_that_the_message_failed(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.fail_next("create_message", "drop_before")

    with pytest.raises(ChatError):
        await chat.post(CHANNEL, OPEN, key="h")

    assert fake.calls["pin"] == 0
