"""Pins and broadcasts: what a card asks for beside its words, and that none of it can ever harm the message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.chats.slack.client import SlackChat
from bot.chats.slack.pins import BURST, PER_MINUTE, REMEMBERED, Budget, Pins
from bot.domain.conversation import Receipt
from bot.errors import RateLimited
from tests.chats.contract import card
from tests.fakes import slack as fakes
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_api import Channel
from tests.fakes.slack_limits import Tiers

PINNED = replace(card("words"), pin=True)
OVER = replace(card("over"), pin=False)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TIMEOUT = timedelta(seconds=1)
FAULTS = [
    fakes.drop_before(),
    fakes.drop_after(),
    fakes.cut_mid_body(),
    fakes.hang(),
    fakes.rate_limited(1),
    fakes.server_error(),
    fakes.bad_json(),
    fakes.wrong_type(),
    *map(fakes.refuse, ("missing_scope", "too_many_pins", "already_pinned", "no_pin", "internal_error", "a_word_of_2031")),
]  # fmt: skip


class Hand:
    """A clock that is moved by hand, in seconds."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
async def chat(fake: FakeSlack, clock: Hand) -> AsyncIterator[SlackChat]:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=TIMEOUT)
    chat._pins = Pins("slack", now=clock)
    yield chat
    await chat.close()


def pins(fake: FakeSlack) -> list[str]:
    """What is pinned in the channel."""
    return fake.channels["C1"].pins


async def test_a_headline_is_pinned_while_it_is_open(chat: SlackChat, fake: FakeSlack) -> None:
    receipt = await chat.post("C1", PINNED, key="key")
    assert [receipt.message] == pins(fake)

    await chat.edit(receipt, PINNED)
    assert [receipt.message] == pins(fake)

    await chat.edit(receipt, OVER)
    assert [] == pins(fake)


async def test_a_card_that_says_nothing_of_pins_leaves_them_alone(chat: SlackChat, fake: FakeSlack) -> None:
    receipt = await chat.post("C1", PINNED, key="key")
    await chat.post("C1", card("reply"), key="key2", thread=receipt)
    await chat.edit(receipt, card("words"))

    assert [receipt.message] == pins(fake)
    assert (1, 0) == (fake.requests("pins.add"), fake.requests("pins.remove"))


async def test_only_a_post_pins_and_only_the_first_edit_unpins(chat: SlackChat, fake: FakeSlack) -> None:
    """Edits are many, and each call counts against the workspace's limits."""
    receipt = await chat.post("C1", PINNED, key="key")
    for shown in (PINNED, PINNED, OVER, OVER, OVER):
        await chat.edit(receipt, shown)

    assert (1, 1) == (fake.requests("pins.add"), fake.requests("pins.remove"))


async def test_the_notice_of_a_pin_is_taken_away(chat: SlackChat, fake: FakeSlack) -> None:
    fake.say("C1", "a person's words")
    receipt = await chat.post("C1", PINNED, key="key")

    assert [None, None] == [message.subtype for message in fake.messages("C1")]
    assert [receipt.message] == pins(fake)


async def test_the_notice_of_another_persons_pin_stays(chat: SlackChat, fake: FakeSlack) -> None:
    theirs = fake.say("C1", "U1 pinned a message to this channel.")
    fake.channels["C1"].messages[0].subtype = "pinned_item"
    fake.channels["C1"].messages[0].ts = f"{float(theirs) + 60:.6f}"

    await chat.post("C1", PINNED, key="key")

    assert ["pinned_item"] == [message.subtype for message in fake.messages("C1") if message.subtype]


async def test_a_notice_that_is_not_ours_to_delete_is_left_for_an_hour(
    chat: SlackChat, fake: FakeSlack, clock: Hand
) -> None:
    fake.has_deletable_notices = False
    for key in ("key1", "key2"):
        await chat.post("C1", PINNED, key=key)
    assert (2, 1, 1) == tuple(map(fake.requests, ("pins.add", "conversations.history", "chat.delete")))

    clock.at += 3601
    await chat.post("C1", PINNED, key="key3")
    assert fake.requests("chat.delete") == 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.word}")
async def test_no_failure_of_a_pin_fails_the_message(
    fault: fakes.Fault, chat: SlackChat, fake: FakeSlack
) -> None:
    for method in ("pins.add", "pins.remove", "conversations.history", "chat.delete"):
        fake.fail_next(method, fault)
    began = time.monotonic()

    receipt = await chat.post("C1", PINNED, key="key")
    await chat.edit(receipt, OVER)

    assert ["over" in message.text for message in fake.messages("C1") if not message.subtype] == [True]
    assert time.monotonic() - began < 2.5 * TIMEOUT.total_seconds()


@pytest.mark.parametrize("method", ["conversations.history", "chat.delete"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.word}")
async def test_no_failure_around_the_notice_fails_the_message(
    method: str, fault: fakes.Fault, chat: SlackChat, fake: FakeSlack
) -> None:
    fake.fail_next(method, fault)

    receipt = await chat.post("C1", PINNED, key="key")

    assert [receipt.message] == pins(fake)


async def test_a_slow_post_leaves_its_pin_what_is_left_of_the_time(chat: SlackChat, fake: FakeSlack) -> None:
    """The outbox cuts off a little later than the chat does, and would take the message for uncertain."""
    fake.fail_next("chat.postMessage", fakes.delay(0.8))
    fake.fail_next("pins.add", fakes.hang())
    began = time.monotonic()

    await chat.post("C1", PINNED, key="key")

    assert time.monotonic() - began < 1.3 * TIMEOUT.total_seconds()


async def test_a_missing_scope_is_said_once_and_not_asked_about_for_an_hour(
    chat: SlackChat, fake: FakeSlack, clock: Hand
) -> None:
    fake.scopes.remove("pins:write")
    with capture_logs() as logs:
        receipt = await chat.post("C1", PINNED, key="key")
        await chat.post("C2", PINNED, key="key2")
        await chat.edit(receipt, OVER)
    assert (1, 0) == (fake.requests("pins.add"), fake.requests("pins.remove"))
    assert ["chat.pin_refused"] == [entry["event"] for entry in logs]
    assert "pins:write" in logs[0]["remedy"]

    fake.scopes.add("pins:write")
    clock.at += 3601
    await chat.post("C1", PINNED, key="key3")
    assert fake.requests("pins.add") == 2


async def test_a_new_token_is_tried_at_once(chat: SlackChat, fake: FakeSlack) -> None:
    fake.scopes.remove("pins:write")
    await chat.post("C1", PINNED, key="key")
    fake.scopes.add("pins:write")
    fake.bot_token = "xoxb-renewed"

    chat.renew("xoxb-renewed")
    receipt = await chat.post("C1", PINNED, key="key2")

    assert [receipt.message] == pins(fake)


async def test_a_channel_full_of_pins_is_left_alone_and_the_others_are_not(
    chat: SlackChat, fake: FakeSlack
) -> None:
    fake.channels["C1"].pins = [str(number) for number in range(100)]
    for key in ("key1", "key2"):
        await chat.post("C1", PINNED, key=key)
    await chat.post("C2", PINNED, key="key3")

    assert (2, 1) == (fake.requests("pins.add"), len(fake.channels["C2"].pins))


async def test_slack_is_left_alone_for_as_long_as_it_asks(
    chat: SlackChat, fake: FakeSlack, clock: Hand
) -> None:
    fake.fail_next("pins.add", fakes.rate_limited(20))
    for seconds in (0, 19, 2):
        clock.at += seconds
        await chat.post("C1", PINNED, key=f"key{seconds}")

    assert fake.requests("pins.add") == 2


async def test_pins_that_never_come_are_waited_for_once_in_a_minute(
    chat: SlackChat, fake: FakeSlack, clock: Hand
) -> None:
    fake.fail_next("pins.add", *[fakes.hang()] * 3)
    for seconds in (0, 59, 2):
        clock.at += seconds
        await chat.post("C1", PINNED, key=f"key{seconds}")

    assert fake.requests("pins.add") == 2


async def test_a_slack_that_enforces_its_limits_refuses_a_message_and_no_pin_on_its_account(
    chat: SlackChat, fake: FakeSlack
) -> None:
    """Each method has a limit of its own; ours for pins is below it, and a refused post is the outbox's to repeat."""
    fake.tiers = Tiers(time.monotonic)
    await chat.post("C1", PINNED, key="key1")
    await chat.post("C1", PINNED, key="key2")
    with pytest.raises(RateLimited) as caught:
        await chat.post("C1", PINNED, key="key3")
    for number in range(40):
        fake.channels[f"C{number + 10}"] = Channel(id=f"C{number + 10}")
        await chat.post(f"C{number + 10}", PINNED, key=f"other{number}")

    assert caught.value.after == timedelta(seconds=1)
    assert {"chat.postMessage": 1} == fake.tiers.refused


async def test_a_storm_of_pins_is_skipped_and_never_queued(chat: SlackChat, fake: FakeSlack) -> None:
    for number in range(BURST + 5):
        await chat.post("C1", PINNED, key=f"key{number}")

    assert (BURST + 5, BURST) == (fake.requests("chat.postMessage"), fake.requests("pins.add"))


async def test_what_was_never_pinned_need_not_be_unpinned(chat: SlackChat, fake: FakeSlack) -> None:
    receipts = [await chat.post("C1", PINNED, key=f"key{number}") for number in range(BURST + 5)]
    for receipt in receipts:
        await chat.edit(receipt, OVER)

    assert (BURST, []) == (fake.requests("pins.remove"), pins(fake))


async def test_what_an_earlier_life_pinned_is_unpinned(chat: SlackChat, fake: FakeSlack) -> None:
    receipt = await chat.post("C1", PINNED, key="key")
    later = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=TIMEOUT)

    await later.edit(replace(receipt, at=None), OVER)

    assert pins(fake) == []
    await later.close()


async def test_an_unpin_that_failed_is_tried_again_by_the_next_edit(chat: SlackChat, fake: FakeSlack) -> None:
    receipt = await chat.post("C1", PINNED, key="key")
    fake.fail_next("pins.remove", fakes.server_error())
    await chat.edit(receipt, OVER)
    await chat.edit(receipt, OVER)

    assert [] == pins(fake)


async def test_what_was_unpinned_is_remembered_within_bounds(fake: FakeSlack, clock: Hand) -> None:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url)
    known = Pins("slack", now=clock)
    for number in range(REMEMBERED + 50):
        clock.at += 60
        receipt = Receipt(channel="C1", message=f"{number}.000000")
        await known.remove(chat.web(), receipt, within_s=1)

    assert len(known._bare) == REMEMBERED
    await chat.close()


def test_a_budget_is_filled_again_by_time() -> None:
    clock = Hand()
    budget = Budget(clock, per_minute=PER_MINUTE, burst=2)

    assert [True, True, False] == [budget.take() for _ in range(3)]
    clock.at += 60 / PER_MINUTE
    assert [True, False] == [budget.take() for _ in range(2)]
    clock.at += 3600
    assert [True, True, False] == [budget.take() for _ in range(3)]


async def test_being_cancelled_while_pinning_is_not_swallowed(chat: SlackChat, fake: FakeSlack) -> None:
    fake.fail_next("pins.add", fakes.hang())
    posting = asyncio.ensure_future(chat.post("C1", PINNED, key="key"))
    while not fake.requests("pins.add"):
        await asyncio.sleep(0.01)
    posting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await posting


async def test_a_broadcast_is_a_reply_that_the_channel_shows_too(chat: SlackChat, fake: FakeSlack) -> None:
    root = await chat.post("C1", replace(card("words"), is_broadcast=True), key="key")
    reply = await chat.post("C1", replace(card("resolved"), is_broadcast=True), key="key2", thread=root)
    await chat.post("C1", card("quiet"), key="key3", thread=root)

    assert [reply.message] == [message.ts for message in fake.broadcasts("C1")]
    sent = [body for method, body in fake.calls if method == "chat.postMessage"]
    assert [None, True, None] == [body.get("reply_broadcast") for body in sent]


async def test_a_broadcast_can_be_edited_and_found_again(chat: SlackChat, fake: FakeSlack) -> None:
    """Slack refuses an edit that asks for a broadcast anew; the reply stays in the channel without it."""
    root = await chat.post("C1", card("words"), key="key")
    reply = await chat.post("C1", replace(card("resolved"), is_broadcast=True), key="key2", thread=root)

    await chat.edit(reply, replace(card("resolved, really"), is_broadcast=True), thread=root)
    found = await chat.find("C1", key="key2", since=LONG_AGO, thread=root)

    assert found is not None
    assert (reply.message, [reply.message]) == (found.message, [m.ts for m in fake.broadcasts("C1")])
