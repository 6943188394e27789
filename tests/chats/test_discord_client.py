"""Messages out to Discord, over the real client library and a loopback server that speaks Discord's protocol."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.chats.discord.client import DiscordChat
from bot.domain.card import Card, Section, Tone
from bot.domain.conversation import Receipt
from bot.errors import RateLimited, Refused, Unavailable, Uncertain
from tests.chats.contract import CONTRACT, RETRY_AFTER, TIMEOUT, Fault, Rule, Verb, card
from tests.fakes.discord import CHANNEL, FakeDiscord, readable

ROUTE = {
    Verb.POST: "create_message",
    Verb.EDIT: "edit_message",
    Verb.FIND: "list_messages",
    Verb.PING: "me",
}
KIND = {
    Fault.CUT_BEFORE: "drop_before",
    Fault.CUT_AFTER: "drop_after",
    Fault.HANG: "delay",
    Fault.RATE_LIMIT: "429",
    Fault.SERVER_ERROR: "500",
    Fault.GARBLED: "bad_json",
}
KEY = "0123456789abcdef012345678"


class DiscordWorld:
    """The fake Discord as the contract sees it."""

    channel = CHANNEL

    def __init__(self, fake: FakeDiscord) -> None:
        self.fake = fake

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        self.fake.fail_next(ROUTE[verb], KIND[fault], seconds=RETRY_AFTER.total_seconds())

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        messages = self.fake.thread(channel, thread.message) if thread else self.fake.messages(channel)
        return [readable(message) for message in messages]

    def delete(self, receipt: Receipt) -> None:
        self.fake.delete(receipt.channel, receipt.message)

    def requests(self, verb: Verb) -> int:
        return self.fake.calls[ROUTE[verb]]

    def revoke(self) -> None:
        self.fake.token = "another"


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeDiscord) -> AsyncIterator[DiscordChat]:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, timeout=TIMEOUT)
    yield chat
    await chat.close()


@pytest.fixture
async def patient(fake: FakeDiscord) -> AsyncIterator[DiscordChat]:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=1_000)
    yield chat
    await chat.close()


def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


@pytest.mark.parametrize("rule", CONTRACT, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, chat: DiscordChat, fake: FakeDiscord) -> None:
    await rule(chat, DiscordWorld(fake))


async def test_a_repeat_after_a_lost_reply_is_answered_with_the_first_message(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    fake.fail_next("create_message", "drop_after")
    with pytest.raises(Uncertain):
        await patient.post(CHANNEL, card("once"), key=KEY)

    again = await patient.post(CHANNEL, card("once"), key=KEY)

    assert [again.message] == [message["id"] for message in fake.messages()]


async def test_a_lost_reply_is_found_when_the_nonce_is_forgotten(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    fake.fail_next("create_message", "drop_after")
    with pytest.raises(Uncertain):
        await patient.post(CHANNEL, card("once"), key=KEY)
    fake.nonces.clear()

    found = await patient.find(CHANNEL, key=KEY, since=since())

    assert found is not None
    assert [found.message] == [message["id"] for message in fake.messages()]


async def test_a_message_is_found_behind_many_others(fake: FakeDiscord, patient: DiscordChat) -> None:
    wanted = await patient.post(CHANNEL, card("wanted"), key=KEY)
    for number in range(230):
        await patient.post(CHANNEL, card("chatter"), key=f"key{number}")

    found = await patient.find(CHANNEL, key=KEY, since=since())

    assert (found, fake.calls["list_messages"]) == (wanted, 3)


async def test_another_ones_message_with_our_ref_is_not_ours(fake: FakeDiscord, patient: DiscordChat) -> None:
    receipt = await patient.post(CHANNEL, card("words"), key=KEY)
    fake.rooms[CHANNEL].messages[receipt.message]["author"] = {"id": "5", "username": "mallory"}

    assert await patient.find(CHANNEL, key=KEY, since=since()) is None


async def test_an_edit_after_a_restart_keeps_the_ref(fake: FakeDiscord, patient: DiscordChat) -> None:
    receipt = await patient.post(CHANNEL, card("old"), key=KEY)
    later = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=1_000)

    await later.edit(receipt, card("new"))

    found = await later.find(CHANNEL, key=KEY, since=since())
    await later.close()
    assert found == receipt


async def test_the_thread_is_begun_with_the_first_reply_and_used_by_the_next(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")

    first = await patient.post(CHANNEL, card("one"), key="1", thread=headline)
    await patient.post(CHANNEL, card("two"), key="2", thread=headline)

    assert (fake.calls["start_thread"], len(fake.thread(CHANNEL, headline.message))) == (1, 2)
    assert first.channel == CHANNEL
    assert fake.rooms[headline.message].name == "Checkout is failing"


async def test_two_replicas_may_begin_the_same_thread_at_once(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    other = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=1_000)
    await other.ping()

    await asyncio.gather(
        patient.post(CHANNEL, card("one"), key="1", thread=headline),
        other.post(CHANNEL, card("two"), key="2", thread=headline),
    )

    await other.close()
    assert len(fake.thread(CHANNEL, headline.message)) == 2


@pytest.mark.parametrize("refuses", [False, True], ids=["wakes by itself", "must be woken"])
async def test_an_archived_thread_takes_replies_and_edits(
    fake: FakeDiscord, patient: DiscordChat, refuses: bool
) -> None:
    fake.archived_refuse = refuses
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    first = await patient.post(CHANNEL, card("one"), key="1", thread=headline)
    fake.archive(headline.message)

    await patient.post(CHANNEL, card("two"), key="2", thread=headline)
    fake.archive(headline.message)
    await patient.edit(first, card("one, corrected"), thread=headline)

    texts = [readable(message) for message in fake.thread(CHANNEL, headline.message)]
    assert ["one, corrected" in texts[0], "two" in texts[1]] == [True, True]


async def test_a_locked_thread_is_refused_with_a_remedy(fake: FakeDiscord, patient: DiscordChat) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    await patient.post(CHANNEL, card("one"), key="1", thread=headline)
    fake.archive(headline.message, locked=True)

    with pytest.raises(Refused) as caught:
        await patient.post(CHANNEL, card("two"), key="2", thread=headline)

    assert "Unlock" in caught.value.remedy


async def test_nothing_is_found_in_a_thread_that_was_never_begun(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")

    assert await patient.find(CHANNEL, key="1", since=since(), thread=headline) is None


async def test_a_reply_to_a_deleted_headline_says_that_it_is_gone(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    fake.delete(CHANNEL, headline.message)

    with pytest.raises(Refused) as caught:
        await patient.post(CHANNEL, card("one"), key="1", thread=headline)

    assert caught.value.gone


async def test_an_edit_in_a_deleted_thread_says_that_the_message_is_gone(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    reply = await patient.post(CHANNEL, card("one"), key="1", thread=headline)
    del fake.rooms[headline.message]

    with pytest.raises(Refused) as caught:
        await patient.edit(reply, card("two"), thread=headline)

    assert caught.value.gone


async def test_a_lost_start_of_a_thread_is_no_lost_post(fake: FakeDiscord, patient: DiscordChat) -> None:
    """Beginning a thread twice is harmless, so the outbox may simply come back."""
    headline = await patient.post(CHANNEL, card("headline"), key="h")
    fake.fail_next("start_thread", "drop_after")

    with pytest.raises(Unavailable):
        await patient.post(CHANNEL, card("one"), key="1", thread=headline)
    await patient.post(CHANNEL, card("one"), key="1", thread=headline)

    assert len(fake.thread(CHANNEL, headline.message)) == 1


async def test_a_quiet_card_notifies_nobody_and_stays_so_when_edited(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    quiet = Card(title="Calm", tone=Tone.INFO, fallback="Calm", is_quiet=True)
    receipt = await patient.post(CHANNEL, quiet, key=KEY)

    await patient.edit(receipt, quiet)

    assert [message["flags"] for message in fake.messages()] == [1 << 12]


async def test_only_configured_mentions_ring(fake: FakeDiscord, patient: DiscordChat) -> None:
    rude = "@everyone <@5> <@&6> @here"
    loud = Card(
        title=rude,
        tone=Tone.CRITICAL,
        fallback=rude,
        sections=(Section(text=rude),),
        mentions=("user:7", "role:8", "slack:U1", rude),
    )

    await patient.post(CHANNEL, loud, key=KEY)

    [message] = fake.messages()
    rung = (message["mention_everyone"], message["mentions"], message["mention_roles"])
    assert rung == (False, [{"id": "7"}], ["8"])


async def test_a_spent_limit_is_told_without_a_call_and_without_a_wait(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    """discord.py itself would sleep here, inside the call that used up the limit."""
    fake.limit("create_message", 2, 5.0)
    began = time.monotonic()
    for number in range(2):
        await patient.post(CHANNEL, card("words"), key=f"key{number}")

    with pytest.raises(RateLimited) as caught:
        await patient.post(CHANNEL, card("words"), key=KEY)

    assert (fake.calls["create_message"], len(fake.messages())) == (2, 2)
    assert timedelta(seconds=3) < caught.value.after <= timedelta(seconds=5)
    assert time.monotonic() - began < 2


async def test_a_limit_of_one_channel_stops_no_other(fake: FakeDiscord, patient: DiscordChat) -> None:
    fake.add_channel("100000000000000002")
    fake.limit("create_message", 1, 5.0)
    await patient.post(CHANNEL, card("words"), key="1")

    await patient.post("100000000000000002", card("words"), key="2")

    assert len(fake.messages("100000000000000002")) == 1


async def test_a_limit_that_ended_is_forgotten(fake: FakeDiscord, patient: DiscordChat) -> None:
    fake.limit("create_message", 1, 0.05)
    await patient.post(CHANNEL, card("words"), key="1")
    await asyncio.sleep(0.06)

    await patient.post(CHANNEL, card("words"), key="2")

    assert len(fake.messages()) == 2


async def test_many_first_posts_at_once_all_arrive(fake: FakeDiscord, patient: DiscordChat) -> None:
    """Before the first answer no limit is known, and none is invented; two first log-ins leave one client."""
    await asyncio.gather(*(patient.post(CHANNEL, card("words"), key=f"key{n}") for n in range(20)))

    assert len(fake.messages()) == 20


async def test_a_500_comes_back_at_once(fake: FakeDiscord, patient: DiscordChat) -> None:
    """discord.py itself would try five times over 25 s."""
    await patient.ping()
    fake.fail_next("create_message", "500", times=9)
    began = time.monotonic()

    with pytest.raises(Uncertain):
        await patient.post(CHANNEL, card("words"), key=KEY)

    assert fake.calls["create_message"] == 1
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("fault", ["odd_json", "no_words"])
async def test_an_answer_that_makes_no_sense_is_no_answer(
    fake: FakeDiscord, patient: DiscordChat, fault: str
) -> None:
    fake.fail_next("create_message", fault)
    with pytest.raises(Uncertain):
        await patient.post(CHANNEL, card("words"), key=KEY)
    fake.fail_next("list_messages", fault)
    with pytest.raises(Unavailable):
        await patient.find(CHANNEL, key=KEY, since=since())

    found = await patient.find(CHANNEL, key=KEY, since=since())
    assert found is not None
    fake.fail_next("edit_message", fault)
    await patient.edit(found, card("other words"))  # a success all the same

    assert ["other words" in readable(message) for message in fake.messages()] == [True]


async def test_nobody_there_is_unavailable() -> None:
    fake = FakeDiscord()
    await fake.start()
    await fake.stop()
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, per_second=1_000)

    with pytest.raises(Unavailable):
        await chat.post(CHANNEL, card("words"), key=KEY)


async def test_a_server_that_goes_away_is_unavailable_and_comes_back(
    fake: FakeDiscord, patient: DiscordChat
) -> None:
    await patient.ping()
    await fake.stop()
    with pytest.raises((Unavailable, Uncertain)):  # a kept connection may be cut in mid-call
        await patient.post(CHANNEL, card("words"), key="1")
    with pytest.raises(Unavailable):
        await patient.post(CHANNEL, card("words"), key="1")

    await fake.start()

    await patient.post(CHANNEL, card("words"), key="1")
    assert len(fake.messages()) == 1


async def test_the_token_reaches_neither_errors_nor_logs(
    fake: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "secret-token-of-ours"
    chat = DiscordChat(token=secret, api_url=fake.api_url)

    with pytest.raises(Refused) as caught:
        await chat.ping()
    await chat.close()

    assert secret not in f"{caught.value} {caught.value.remedy} {caplog.text}"
