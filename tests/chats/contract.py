"""What every `ports.Chat` must do, as rules that take a chat and the world behind it.

A chat's own test file builds both and runs `CONTRACT`:

    @pytest.mark.parametrize("rule", CONTRACT, ids=lambda rule: rule.__name__)
    async def test_contract(rule, chat, world):
        await rule(chat, world)

The chat must be built with `TIMEOUT` as its own time-out, so that a hanging server is noticed soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import pytest

from bot.domain.card import Card, Field, Section, Tone
from bot.domain.conversation import Receipt
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain

if TYPE_CHECKING:
    from bot.ports import Chat

TIMEOUT = timedelta(seconds=0.4)
RETRY_AFTER = timedelta(seconds=45)  # above what client libraries sit out by themselves
NOWHERE = "404404404404404404"  # reads as an id in every chat, and names nothing


class Verb(StrEnum):
    """The four verbs of a chat."""

    POST = "post"
    EDIT = "edit"
    FIND = "find"
    PING = "ping"


class Fault(StrEnum):
    """How the next call of a verb goes wrong."""

    CUT_BEFORE = "cut_before"  # the connection is cut, and nothing was done
    CUT_AFTER = "cut_after"  # it was done, and the reply is lost
    HANG = "hang"  # nothing was done and no reply comes while the chat waits
    RATE_LIMIT = "rate_limit"  # nothing was done: come back after RETRY_AFTER
    SERVER_ERROR = "server_error"  # nothing was done, a 500
    GARBLED = "garbled"  # it was done, and the reply makes no sense


class World(Protocol):
    """The far side of a chat: its fake server, as the rules see it."""

    channel: str  # a channel that the chat may write to

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        """Let the next call of this verb fail once."""
        ...

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        """All that people can read of each message, oldest first: of the channel, or of a thread without its first message."""
        ...

    def delete(self, receipt: Receipt) -> None:
        """Somebody deletes a message."""
        ...

    def requests(self, verb: Verb) -> int:
        """How many requests of this verb have arrived so far, failed ones included."""
        ...

    def revoke(self) -> None:
        """Our credentials are no longer accepted."""
        ...


def card(words: str) -> Card:
    """A small card whose section text is `words`."""
    return Card(
        title="Checkout is failing",
        tone=Tone.MAJOR,
        fallback=f"Checkout is failing: {words}",
        fields=(Field(name="Began", value="06:48 UTC"),),
        sections=(Section(heading="Investigating", text=words, at=datetime(2026, 8, 17, 6, 48, tzinfo=UTC)),),
        footer="INC-12",
    )


def _since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


def _holding(texts: list[str], words: str) -> int:
    return sum(words in text for text in texts)


async def a_post_is_there_and_can_be_found_by_its_key(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("first words"), key="a" * 25)

    assert ["first words" in text for text in world.texts(world.channel)] == [True]
    assert receipt.channel == world.channel
    found = await chat.find(world.channel, key="a" * 25, since=_since())
    assert found is not None
    assert (receipt.channel, receipt.message) == (found.channel, found.message)


async def a_receipt_says_when_the_message_was_posted(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("words"), key="key")

    assert receipt.at is not None
    assert receipt.at.tzinfo is not None
    assert abs(datetime.now(UTC) - receipt.at) < timedelta(minutes=1)


async def a_key_never_posted_is_not_found(chat: Chat, world: World) -> None:
    await chat.post(world.channel, card("words"), key="one")

    assert await chat.find(world.channel, key="another", since=_since()) is None


async def posts_keep_their_order(chat: Chat, world: World) -> None:
    for number in range(3):
        await chat.post(world.channel, card(f"words {number}"), key=f"key{number}")

    assert [f"words {i}" in text for i, text in enumerate(world.texts(world.channel))] == [True, True, True]


async def an_edit_changes_the_message_in_place(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("old words"), key="key")

    await chat.edit(receipt, card("new words"))
    await chat.edit(receipt, card("new words"))

    texts = world.texts(world.channel)
    assert (len(texts), _holding(texts, "new words"), _holding(texts, "old words")) == (1, 1, 0)


async def an_edited_message_is_still_found(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("old words"), key="key")

    await chat.edit(receipt, card("new words"))

    found = await chat.find(world.channel, key="key", since=_since())
    assert found is not None
    assert receipt.message == found.message


async def a_reply_goes_to_the_thread_alone(chat: Chat, world: World) -> None:
    _needs_threads(chat)
    headline = await chat.post(world.channel, card("headline"), key="h")

    await chat.post(world.channel, card("reply"), key="r", thread=headline)

    assert (
        _holding(world.texts(world.channel), "headline"),
        _holding(world.texts(world.channel), "reply"),
    ) == (1, 0)
    assert ["reply" in text for text in world.texts(world.channel, headline)] == [True]


async def a_reply_is_found_and_edited_in_its_thread(chat: Chat, world: World) -> None:
    _needs_threads(chat)
    headline = await chat.post(world.channel, card("headline"), key="h")
    reply = await chat.post(world.channel, card("reply"), key="r", thread=headline)

    found = await chat.find(world.channel, key="r", since=_since(), thread=headline)
    await chat.edit(reply, card("better reply"), thread=headline)

    assert found is not None
    assert reply.message == found.message
    assert ["better reply" in text for text in world.texts(world.channel, headline)] == [True]


async def a_lost_reply_is_uncertain_and_the_one_message_is_found(chat: Chat, world: World) -> None:
    """The heart of it: the library must not send a second time by itself."""
    world.fail_next(Verb.POST, Fault.CUT_AFTER)

    with pytest.raises(Uncertain):
        await chat.post(world.channel, card("once"), key="lost")

    assert (world.requests(Verb.POST), len(world.texts(world.channel))) == (1, 1)
    assert await chat.find(world.channel, key="lost", since=_since()) is not None


async def a_lost_reply_in_a_thread_is_found_there(chat: Chat, world: World) -> None:
    _needs_threads(chat)
    headline = await chat.post(world.channel, card("headline"), key="h")
    world.fail_next(Verb.POST, Fault.CUT_AFTER)

    with pytest.raises(Uncertain):
        await chat.post(world.channel, card("once"), key="lost", thread=headline)

    assert len(world.texts(world.channel, headline)) == 1
    assert await chat.find(world.channel, key="lost", since=_since(), thread=headline) is not None


async def a_garbled_reply_is_uncertain(chat: Chat, world: World) -> None:
    world.fail_next(Verb.POST, Fault.GARBLED)

    with pytest.raises(Uncertain):
        await chat.post(world.channel, card("once"), key="garbled")

    assert len(world.texts(world.channel)) == 1
    assert await chat.find(world.channel, key="garbled", since=_since()) is not None


async def a_cut_before_anything_was_done_leaves_no_message(chat: Chat, world: World) -> None:
    world.fail_next(Verb.POST, Fault.CUT_BEFORE)

    with pytest.raises((Uncertain, Unavailable)):
        await chat.post(world.channel, card("never"), key="cut")

    assert (world.requests(Verb.POST), world.texts(world.channel)) == (1, [])
    assert await chat.find(world.channel, key="cut", since=_since()) is None


async def a_hanging_chat_is_given_up_in_time(chat: Chat, world: World) -> None:
    world.fail_next(Verb.POST, Fault.HANG)

    async with asyncio.timeout(10 * TIMEOUT.total_seconds()):
        with pytest.raises(Uncertain):
            await chat.post(world.channel, card("words"), key="hang")

    assert world.requests(Verb.POST) == 1


async def a_server_error_is_never_repeated_by_the_library(chat: Chat, world: World) -> None:
    world.fail_next(Verb.POST, Fault.SERVER_ERROR)

    with pytest.raises((Uncertain, Unavailable)):
        await chat.post(world.channel, card("words"), key="500")

    assert (world.requests(Verb.POST), world.texts(world.channel)) == (1, [])


async def a_rate_limit_says_when_to_come_back_and_waits_for_nobody(chat: Chat, world: World) -> None:
    world.fail_next(Verb.POST, Fault.RATE_LIMIT)

    async with asyncio.timeout(10 * TIMEOUT.total_seconds()):
        with pytest.raises(RateLimited) as caught:
            await chat.post(world.channel, card("words"), key="429")

    assert (caught.value.after, world.requests(Verb.POST)) == (RETRY_AFTER, 1)


async def an_edit_that_fails_is_unavailable_and_may_be_repeated(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("old"), key="key")

    for fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HANG, Fault.SERVER_ERROR, Fault.GARBLED):
        world.fail_next(Verb.EDIT, fault)
        with suppress(Unavailable):
            await chat.edit(receipt, card(f"after {fault}"))
    await chat.edit(receipt, card("in the end"))

    assert ["in the end" in text for text in world.texts(world.channel)] == [True]


async def a_rate_limited_edit_says_so(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("old"), key="key")
    world.fail_next(Verb.EDIT, Fault.RATE_LIMIT)

    with pytest.raises(RateLimited) as caught:
        await chat.edit(receipt, card("new"))

    assert caught.value.after == RETRY_AFTER


async def a_look_up_that_fails_never_says_none(chat: Chat, world: World) -> None:
    """None means that there certainly is no message. Reading twice does no harm, and some HTTP libraries do it unasked."""
    await chat.post(world.channel, card("words"), key="key")

    for fault in Fault:
        world.fail_next(Verb.FIND, fault)
        with suppress(Unavailable, RateLimited):
            assert await chat.find(world.channel, key="key", since=_since()) is not None


async def an_edit_of_a_deleted_message_says_that_it_is_gone(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("words"), key="key")
    world.delete(receipt)

    with pytest.raises(Refused) as caught:
        await chat.edit(receipt, card("new"))

    assert caught.value.gone


async def a_deleted_message_is_not_found(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("words"), key="key")
    world.delete(receipt)

    assert await chat.find(world.channel, key="key", since=_since()) is None


async def an_unknown_channel_is_refused_with_a_remedy(chat: Chat, world: World) -> None:
    with pytest.raises(Refused) as caught:
        await chat.post(NOWHERE, card("words"), key="key")

    assert (chat.name, NOWHERE) == (caught.value.chat, caught.value.channel)
    assert caught.value.remedy
    assert not caught.value.gone


async def a_ping_returns_when_all_is_well(chat: Chat, world: World) -> None:
    await chat.ping()

    assert world.requests(Verb.PING) == 1


async def a_ping_tells_an_outage(chat: Chat, world: World) -> None:
    for fault in (Fault.HANG, Fault.SERVER_ERROR):
        world.fail_next(Verb.PING, fault)
        with pytest.raises(Unavailable):
            await chat.ping()


async def revoked_credentials_are_refused_with_a_remedy(chat: Chat, world: World) -> None:
    world.revoke()

    for call in (chat.ping(), chat.post(world.channel, card("words"), key="key")):
        with pytest.raises(Refused) as caught:
            await call
        assert caught.value.remedy


async def every_failure_is_an_error_of_ours(chat: Chat, world: World) -> None:
    receipt = await chat.post(world.channel, card("words"), key="key")
    calls: dict[Verb, Callable[[], Awaitable[object]]] = {
        Verb.POST: lambda: chat.post(world.channel, card("more"), key="key2"),
        Verb.EDIT: lambda: chat.edit(receipt, card("more")),
        Verb.FIND: lambda: chat.find(world.channel, key="key", since=_since()),
        Verb.PING: chat.ping,
    }

    for verb, call in calls.items():
        for fault in Fault:
            world.fail_next(verb, fault)
            try:
                await call()
            except ChatError as error:
                assert chat.name == error.chat  # noqa: PT017 - whether it fails is another rule's matter


async def a_chat_may_be_closed_twice(chat: Chat, world: World) -> None:
    await chat.ping()

    await chat.close()
    await chat.close()


def _needs_threads(chat: Chat) -> None:
    if not chat.limits.threads:
        pytest.skip(f"{chat.name} has no threads")


Rule = Callable[["Chat", World], Awaitable[None]]

CONTRACT: tuple[Rule, ...] = (
    a_post_is_there_and_can_be_found_by_its_key,
    a_receipt_says_when_the_message_was_posted,
    a_key_never_posted_is_not_found,
    posts_keep_their_order,
    an_edit_changes_the_message_in_place,
    an_edited_message_is_still_found,
    a_reply_goes_to_the_thread_alone,
    a_reply_is_found_and_edited_in_its_thread,
    a_lost_reply_is_uncertain_and_the_one_message_is_found,
    a_lost_reply_in_a_thread_is_found_there,
    a_garbled_reply_is_uncertain,
    a_cut_before_anything_was_done_leaves_no_message,
    a_hanging_chat_is_given_up_in_time,
    a_server_error_is_never_repeated_by_the_library,
    a_rate_limit_says_when_to_come_back_and_waits_for_nobody,
    an_edit_that_fails_is_unavailable_and_may_be_repeated,
    a_rate_limited_edit_says_so,
    a_look_up_that_fails_never_says_none,
    an_edit_of_a_deleted_message_says_that_it_is_gone,
    a_deleted_message_is_not_found,
    an_unknown_channel_is_refused_with_a_remedy,
    a_ping_returns_when_all_is_well,
    a_ping_tells_an_outage,
    revoked_credentials_are_refused_with_a_remedy,
    every_failure_is_an_error_of_ours,
    a_chat_may_be_closed_twice,
)
