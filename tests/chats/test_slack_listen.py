"""Slack in: the real slack_bolt against a Slack on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.chats.slack.client import SlackChat
from bot.chats.slack.listen import said_to, typed
from bot.commands.spec import Actor, Front
from tests.chats.slack_blocks import problems
from tests.chats.slack_listening import Desk, listening, until, warnings
from tests.fakes import slack as fakes
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_api import BOT_USER
from tests.fakes.slack_rules import refusal, rung

SLACKS_LIMIT_S = 3.0


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeSlack) -> AsyncIterator[SlackChat]:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=timedelta(seconds=2))
    yield chat
    await chat.close()


async def test_a_slash_command_is_acknowledged_at_once_and_answered_to_the_person_alone(
    chat: SlackChat, fake: FakeSlack
) -> None:
    desk = Desk(takes_s=1.2)
    async with listening(desk, chat, fake):
        sent = await fake.slash("/incident status INC-12", user="U7", channel="C2")

    assert sent.is_acked
    assert sent.acked_s < 1.2 <= sent.answers[0].after_s < SLACKS_LIMIT_S
    assert sent.answers[0].is_ephemeral
    assert "heard status INC-12" in sent.answers[0].text
    actor = Actor(id="slack:U7", name="name-of-U7")
    assert [
        ("status INC-12", actor, Front.SLACK, "slack:C2", sent.envelope["payload"]["trigger_id"])
    ] == desk.heard


async def test_a_public_answer_is_for_the_channel(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(is_private=False), chat, fake):
        sent = await fake.slash("/incident status")

    assert not sent.answers[0].is_ephemeral
    assert refusal(sent.answers[0].body) is None
    assert problems(sent.answers[0].body) == []


async def test_a_private_answer_rings_nobody(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(mentions=("U123",)), chat, fake):
        sent = await fake.slash("/incident status")

    assert rung(sent.answers[0].body) == []


async def test_a_redelivery_carries_the_same_once(chat: SlackChat, fake: FakeSlack) -> None:
    """The dispatcher tells repetitions by it; here nothing is remembered."""
    desk = Desk()
    async with listening(desk, chat, fake):
        sent = await fake.slash("/incident ack INC-12")
        await fake.deliver(sent)
        mentioned = await fake.mention("ack INC-12")
        await fake.deliver(mentioned)
        await until(lambda: len(desk.heard) == 4)

    onces = [once for *_, once in desk.heard]
    assert onces[0] == onces[1] != onces[2] == onces[3]
    assert None not in onces


async def test_the_libraries_are_silent_and_our_own_logger_is_not(chat: SlackChat, fake: FakeSlack) -> None:
    """slack_bolt sets the level of whatever logger has its app's name."""
    ours = logging.getLogger("fogbell")
    ours.setLevel(logging.INFO)
    async with listening(Desk(), chat, fake):
        await fake.slash("/incident status")

    theirs = [name for name in logging.root.manager.loggerDict if name.startswith("slack_bolt.Async")]
    assert ours.level == logging.INFO
    assert theirs
    assert [name for name in theirs if logging.getLogger(name).isEnabledFor(logging.CRITICAL)] == []


async def test_two_commands_run_side_by_side(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(takes_s=1.0), chat, fake):
        first, second = await asyncio.gather(fake.slash("/incident status"), fake.slash("/incident help"))

    assert max(first.answers[0].after_s, second.answers[0].after_s) < 1.9


async def test_another_apps_command_is_not_ours(chat: SlackChat, fake: FakeSlack) -> None:
    desk = Desk()
    async with listening(desk, chat, fake):
        sent = await fake.slash("/deploy now", answers=0, ack_within=0.5)

    assert (sent.is_acked, desk.heard) == (False, [])


async def test_a_mention_in_a_thread_is_answered_in_the_thread(chat: SlackChat, fake: FakeSlack) -> None:
    desk = Desk(is_private=False)
    async with listening(desk, chat, fake):
        root = fake.say("C1", "it is broken")
        sent = await fake.mention("ack INC-12", user="U7", thread_ts=root)
        replies = await fake.replied("C1", root)

    assert sent.is_acked
    assert ["heard ack INC-12" in reply.text for reply in replies] == [True]
    expected = (
        "ack INC-12",
        Actor(id="slack:U7", name="U7"),
        Front.SLACK,
        "slack:C1",
        sent.envelope["payload"]["event_id"],
    )
    assert [expected] == desk.heard


async def test_a_mention_outside_of_a_thread_begins_one(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(is_private=False), chat, fake):
        sent = await fake.mention("status")
        replies = await fake.replied("C1", sent.envelope["payload"]["event"]["ts"])

    assert len(replies) == 1


@pytest.mark.parametrize("is_threaded", [True, False])
async def test_a_private_answer_to_a_mention_is_whispered_where_it_was_asked(
    is_threaded: bool, chat: SlackChat, fake: FakeSlack
) -> None:
    async with listening(Desk(), chat, fake):
        root = fake.say("C1", "it is broken") if is_threaded else None
        await fake.mention("help", user="U7", thread_ts=root)
        whispers = await fake.whispered()

    assert [("C1", "U7", root)] == [(w.channel, w.user, w.thread_ts) for w in whispers]
    assert [m.user for m in fake.channels["C1"].messages if m.user == BOT_USER] == []


@pytest.mark.parametrize(
    "author", [{"bot_id": "B9"}, {"user": None}, {"user": BOT_USER}], ids=["bot", "none", "us"]
)
async def test_bots_are_not_talked_to(
    author: dict[str, str | None], chat: SlackChat, fake: FakeSlack
) -> None:
    desk = Desk()
    async with listening(desk, chat, fake):
        await fake.mention("status", **author)  # type: ignore[arg-type]
        await fake.slash("/incident help")

    assert [text for text, *_ in desk.heard] == ["help"]


async def test_an_answer_under_way_is_given_before_it_ends(chat: SlackChat, fake: FakeSlack) -> None:
    async with listening(Desk(takes_s=0.5), chat, fake) as task:
        sent = await fake.slash("/incident status", answers=0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert len(sent.answers) == 1


@pytest.mark.parametrize(
    "fault", [fakes.drop_before(), fakes.server_error(), fakes.hang()], ids=lambda f: f.kind
)
async def test_an_answer_that_is_lost_is_logged_and_the_listener_lives(
    fault: fakes.Fault, chat: SlackChat, fake: FakeSlack
) -> None:
    fake.fail_next("response_url", fault)
    async with listening(Desk(), chat, fake):
        with capture_logs() as logs:
            await fake.slash("/incident status", answers=0)
            await until(lambda: bool(warnings(logs)))
        sent = await fake.slash("/incident status")

    assert [entry["event"] for entry in warnings(logs)] == ["command.failed"]
    assert len(sent.answers) == 1


@pytest.mark.parametrize(
    "envelope",
    [
        {"type": "slash_commands", "payload": {"command": "/incident"}},
        {"type": "slash_commands", "payload": None},
        {"type": "slash_commands", "payload": ["/incident"]},
        {"type": "events_api", "payload": {"event": {"type": "app_mention", "user": "U1"}}},
        {"type": "events_api", "payload": {"event": "app_mention"}},
        {"type": "interactive", "payload": {"type": "block_actions"}},
        {"type": ["events_api"], "payload": {}},
    ],
    ids=str,
)
async def test_an_envelope_that_makes_no_sense_ends_nothing_else(
    envelope: dict[str, object], chat: SlackChat, fake: FakeSlack
) -> None:
    """One that raised took the connection with it, and every answer under way; Slack would have sent it again."""
    async with listening(Desk(takes_s=0.5), chat, fake) as task:
        sent = await fake.slash("/incident status", answers=0)
        await fake.sockets.deliver({"envelope_id": "E1", **envelope}, within=0.2)
        await until(lambda: len(sent.answers) == 1)

        assert not task.done()
        assert fake.sockets.opened == 1


async def test_an_answer_goes_to_no_other_host(chat: SlackChat, fake: FakeSlack) -> None:
    desk = Desk()
    async with listening(desk, chat, fake):
        with capture_logs() as logs:
            sent = await fake.slash("/incident status", answers=1)
            sent.envelope["payload"]["response_url"] = "http://127.0.0.1:1/commands"
            await fake.deliver(sent)
            await until(lambda: bool(warnings(logs)))

    assert "not Slack's" in warnings(logs)[0]["error"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status", "status"),
        (" note INC-12 a &lt;b&gt; &amp;amp; c ", "note INC-12 a <b> &amp; c"),
        ("add <http://status.acme.example|status.acme.example>", "add status.acme.example"),
        ("add <https://status.acme.example/a?b=1&amp;c=2>", "add https://status.acme.example/a?b=1&c=2"),
        ("mail <mailto:a@b.example|a@b.example>", "mail a@b.example"),
        (
            "tell <@U123> and <@U123|ann>, <#C1|ops>, <!here>, <!subteam^S1|@oncall>",
            "tell @U123 and @ann, #ops, @here, @oncall",
        ),
        ("a “quoted” word", "a “quoted” word"),
        ("&lt;http://x|y&gt;", "<http://x|y>"),
        ("", ""),
    ],
)
def test_what_was_typed_is_told_from_what_slack_makes_of_it(text: str, expected: str) -> None:
    assert expected == typed(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@UB> ack INC-12", "ack INC-12"),
        ("<@UB|fogbell>: ack INC-12", "ack INC-12"),
        ("hey <@UB>, ack INC-12", "ack INC-12"),
        ("ack INC-12 <@UB>", "ack INC-12"),
        ("<@UB>", ""),
        ("<@UB> note INC-12 <@UB> saw it", "note INC-12 @UB saw it"),
    ],
)
def test_a_mention_says_what_follows_it(text: str, expected: str) -> None:
    assert expected == said_to("UB", text)
