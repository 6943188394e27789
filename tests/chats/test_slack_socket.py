"""Slack's connections: renewed without a gap, found dead when they are silent, opened again and again, but never in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.chats.slack.client import SlackChat
from bot.chats.slack.listen import listen
from bot.chats.slack.socket import PAUSE_MAX_S, _pause
from bot.errors import RateLimited, Refused, Unavailable
from tests.chats.slack_listening import Desk, listening, until
from tests.fakes import slack as fakes
from tests.fakes.slack import FakeSlack


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeSlack) -> AsyncIterator[SlackChat]:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=timedelta(seconds=2))
    yield chat
    await chat.close()


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_the_next_connection_is_open_before_the_last_one_is_closed(
    reason: str, chat: SlackChat, fake: FakeSlack
) -> None:
    states: list[bool] = []
    async with listening(Desk(), chat, fake, on_state=states.append):
        await fake.sockets.ask_to_leave(reason)
        await fake.sockets.connected(opened=2)
        await until(lambda: len(fake.sockets.open) == 1)
        sent = await fake.slash("/incident status")

        assert (0, [True]) == (fake.sockets.gaps, states)
    assert (sent.is_acked, len(sent.answers)) == (True, 1)


async def test_what_still_comes_over_the_old_connection_is_heard(chat: SlackChat, fake: FakeSlack) -> None:
    """Slack gives a slash command to one connection, and never again."""
    desk = Desk()
    async with listening(desk, chat, fake):
        sent = await fake.slash("/incident status")
        await fake.sockets.ask_to_leave()
        await fake.sockets.connected(opened=2)
        again = {**sent.envelope, "envelope_id": "over the old one"}

        assert await fake.sockets.deliver(again, over=0)

    assert len(desk.heard) == 2


async def test_the_last_connection_still_hears_while_no_other_can_be_opened(
    chat: SlackChat, fake: FakeSlack
) -> None:
    async with listening(Desk(), chat, fake):
        fake.fail_next("apps.connections.open", fakes.server_error())
        await fake.sockets.ask_to_leave("warning")
        await until(lambda: fake.requests("apps.connections.open") == 2)
        sent = await fake.slash("/incident status")
        await fake.sockets.connected(opened=2)

    assert (sent.is_acked, len(sent.answers)) == (True, 1)


async def test_where_there_are_too_many_connections_ours_is_closed_first(
    chat: SlackChat, fake: FakeSlack
) -> None:
    async with listening(Desk(), chat, fake):
        await fake.sockets.ask_to_leave("too_many_websockets")
        await fake.sockets.connected(opened=2)

        assert fake.sockets.gaps == 1


async def test_a_torn_connection_is_opened_again_and_both_are_told(chat: SlackChat, fake: FakeSlack) -> None:
    states: list[bool] = []
    async with listening(Desk(), chat, fake, on_state=states.append):
        fake.sockets.cut()
        await fake.sockets.connected(opened=2)
        sent = await fake.slash("/incident status")

        assert [True, False, True] == states
    assert (sent.is_acked, len(sent.answers)) == (True, 1)
    assert states[-1] is False


async def test_a_connection_that_answers_no_ping_is_dead(chat: SlackChat, fake: FakeSlack) -> None:
    """A firewall forgets connections without a word: nothing is closed, and nothing comes any more."""
    fake.sockets.answers_pings = False
    async with listening(Desk(), chat, fake):
        fake.sockets.answers_pings = True
        await fake.sockets.connected(opened=2)
        await until(lambda: len(fake.sockets.open) == 1)
        sent = await fake.slash("/incident status")

    assert (sent.is_acked, len(sent.answers)) == (True, 1)


async def test_a_connection_without_a_hello_is_given_up(chat: SlackChat, fake: FakeSlack) -> None:
    states: list[bool] = []
    fake.sockets.says_hello = False
    async with listening(Desk(), chat, fake, on_state=states.append):
        await fake.sockets.connected(opened=2)
        assert states == []
        fake.sockets.says_hello = True
        await until(lambda: states == [True])
        await until(lambda: len(fake.sockets.open) == 1)
        sent = await fake.slash("/incident status")

    assert len(sent.answers) == 1


async def test_nothing_is_left_of_a_listener_that_ends_before_the_hello(
    chat: SlackChat, fake: FakeSlack
) -> None:
    """It may be started again soon, on the same chat."""
    fake.sockets.says_hello = False
    task = asyncio.ensure_future(listen(Desk(), chat=chat, app_token=lambda: fake.app_token))
    await fake.sockets.connected()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await fake.sockets.disconnected(within=2)


async def test_a_connection_outlives_the_time_out_of_calls(fake: FakeSlack) -> None:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=timedelta(seconds=0.4))
    async with listening(Desk(), chat, fake):
        await asyncio.sleep(1.2)
        sent = await fake.slash("/incident status")

    assert (1, 1) == (fake.sockets.opened, len(sent.answers))
    await chat.close()


async def test_a_closed_connection_is_opened_again_even_after_failures(
    chat: SlackChat, fake: FakeSlack
) -> None:
    async with listening(Desk(), chat, fake):
        fake.fail_next("apps.connections.open", fakes.server_error(), fakes.drop_before())
        await fake.sockets.close()
        await fake.sockets.connected(opened=2)
        sent = await fake.slash("/incident status")

    assert len(sent.answers) == 1


async def test_what_was_not_acknowledged_comes_again_and_carries_the_same_once(
    chat: SlackChat, fake: FakeSlack
) -> None:
    """By which the dispatcher runs it a single time."""
    desk = Desk(takes_s=0.2)
    async with listening(desk, chat, fake):
        sent = await fake.slash("/incident ack INC-12", answers=0)
        fake.sockets.cut()
        await fake.sockets.connected(opened=2)
        await fake.deliver(sent)
        await until(lambda: len(desk.heard) == 2)

    assert len({once for *_, once in desk.heard}) == 1


async def test_another_app_token_is_used_from_the_next_connection_on(
    chat: SlackChat, fake: FakeSlack
) -> None:
    tokens = [fake.app_token]
    async with listening(Desk(), chat, fake, app_token=lambda: tokens[-1]):
        fake.app_token = "xapp-renewed"
        tokens.append("xapp-renewed")
        await fake.sockets.ask_to_leave()
        await fake.sockets.connected(opened=2)
        sent = await fake.slash("/incident status")

    assert len(sent.answers) == 1


async def test_another_bot_token_is_used_from_the_next_answer_on(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(is_private=False), chat, fake):
        fake.bot_token = "xoxb-renewed"
        chat.renew("xoxb-renewed")
        sent = await fake.mention("status")
        replies = await fake.replied("C1", sent.envelope["payload"]["event"]["ts"])

    assert len(replies) == 1


@pytest.mark.parametrize("fault", [fakes.server_error(), fakes.drop_before()], ids=lambda fault: fault.kind)
async def test_slack_away_for_too_long_ends_the_listener(
    fault: fakes.Fault, chat: SlackChat, fake: FakeSlack
) -> None:
    """Whoever supervises it begins anew, with everything fresh."""
    async with listening(Desk(), chat, fake, patience=timedelta(seconds=0.5)) as task:
        fake.fail_next("apps.connections.open", *[fault] * 20)
        fake.sockets.cut()

        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, 10)


async def test_an_app_token_that_is_refused_meanwhile_ends_it_with_the_remedy(
    chat: SlackChat, fake: FakeSlack
) -> None:
    async with listening(Desk(), chat, fake) as task:
        fake.app_token = "xapp-another"
        fake.sockets.cut()

        with pytest.raises(Refused, match="app token"):
            await asyncio.wait_for(task, 10)


@pytest.mark.parametrize("token", ["bot", "app"])
async def test_refused_credentials_end_it_at_once_with_a_remedy(
    token: str, chat: SlackChat, fake: FakeSlack
) -> None:
    setattr(fake, f"{token}_token", "another")

    with pytest.raises(Refused) as caught:
        await listen(Desk(), chat=chat, app_token=lambda: "xapp-fake")

    assert ("xapp" if token == "app" else "xoxb") in caught.value.remedy


async def test_slack_away_at_the_start_is_tried_again(chat: SlackChat, fake: FakeSlack) -> None:
    fake.fail_next("apps.connections.open", fakes.server_error(), fakes.rate_limited(1))

    async with listening(Desk(), chat, fake):
        sent = await fake.slash("/incident status")

    assert len(sent.answers) == 1


def test_pauses_grow_to_half_a_minute_differ_and_are_never_shorter_than_slack_asks() -> None:
    pauses = {_pause(8, None) for _ in range(20)}

    assert _pause(0, None) == 0
    assert 0.25 <= _pause(1, None) <= 0.5
    assert PAUSE_MAX_S / 2 <= min(pauses) < max(pauses) <= PAUSE_MAX_S
    assert _pause(1, RateLimited("slack", "socket", timedelta(seconds=40))) == 40
