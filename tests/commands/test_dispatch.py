"""The one way in: run once, allowed or not, audited alike, and an answer whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.spec import Actor, Front
from bot.domain.words import Role
from bot.errors import StoreUnavailable
from bot.telemetry import COMMANDS
from tests.fakes.desk import ANN, Desk, outage, words

LOUD = "<!channel> @everyone <@U999> \x00\x1b[31m\u202e"


async def test_a_redelivered_command_is_carried_out_once_and_says_so(desk: Desk) -> None:
    desk.incidents.put(outage())

    first = await desk.say("ack 12", once="T1")
    second = await desk.say("ack 12", once="T1")

    assert "Ann is on INC-12" in first.card.title
    assert second.card.title == "Already done"
    assert second.is_private
    assert desk.acknowledge.calls == ["INC-12"]
    assert len(desk.audit.lines) == 1


async def test_the_same_words_typed_twice_are_two_commands(desk: Desk) -> None:
    await desk.say("status", once="T1")
    await desk.say("status", once="T2")

    assert len(desk.audit.lines) == 2


async def test_one_id_of_two_chats_names_two_commands(desk: Desk) -> None:
    await desk.say("list", once="7")
    reply = await desk.click("list", once="7")

    assert reply.card.title != "Already done"


@pytest.mark.parametrize("line", ["ack 12", "silence aws 2h", "draft 12"])
async def test_a_viewer_may_look_but_not_act(desk: Desk, line: str) -> None:
    desk.incidents.put(outage())

    reply = await desk.say(line, role=Role.VIEWER)

    assert reply.is_error
    assert "needs the role responder; yours is viewer" in words(reply)
    assert desk.audit.lines[-1]["outcome"] == "not allowed"
    assert desk.acknowledge.calls == []
    assert desk.silences.held == {}


@pytest.mark.parametrize("line", ["status", "list", "show 12", "help", ""])
async def test_a_viewer_may_ask_anything(desk: Desk, line: str) -> None:
    desk.incidents.put(outage())

    assert not (await desk.say(line, role=Role.VIEWER)).is_error


async def test_every_front_end_leaves_the_same_audit_line_but_for_itself(desk: Desk) -> None:
    desk.incidents.put(outage())
    runs = [
        desk.dispatcher.run_text(
            "<@U0> silence AWS 2h “they know”",
            actor=Actor(id="slack:U1", name="Ann"),
            front=Front.SLACK,
            channel="slack:C1",
        ),
        desk.click("silence", target="AWS", duration="2h", why="they know"),
        desk.click("silence", front=Front.CONSOLE, target=" AWS ", duration="2h", why="they  know"),
        desk.dispatcher.run_text(
            "SILENCE AWS 2h they know",
            actor=Actor(id="cli:root", name="root"),
            front=Front.CLI,
            channel="cli:tty",
        ),
    ]
    for run in runs:
        await run

    alike = [{k: v for k, v in line.items() if k not in {"actor", "front"}} for line in desk.audit.lines]
    assert (
        alike
        == [{"at": "2025-10-20T12:00:00+00:00", "command": "silence AWS 2h they know", "outcome": "done"}] * 4
    )
    assert [line["front"] for line in desk.audit.lines] == ["slack", "discord", "console", "cli"]
    assert [line["actor"] for line in desk.audit.lines] == ["slack:U1", "slack:U1", "slack:U1", "cli:root"]


@pytest.mark.parametrize(
    ("line", "outcome", "said"),
    [
        ("stauts", "not understood", 'Did you mean "status"?'),
        ("show 99", "not found", "There is no INC-99."),
        ("ack", "not understood", "Open now:\nINC-12 · SEV2 · AWS"),
        ("ack twelve", "not understood", "write it as INC-12"),
        ("silence aws", "not understood", 'Example: "silence aws 2h they know, we wait"'),
        ('list "', "not understood", "never closed"),
    ],
)
async def test_a_mistake_is_answered_in_words_with_the_remedy(
    desk: Desk, line: str, outcome: str, said: str
) -> None:
    desk.incidents.put(outage())

    reply = await desk.say(line)

    assert reply.is_error
    assert reply.is_private
    assert said in words(reply)
    assert outcome == desk.audit.lines[-1]["outcome"]


@dataclass
class Broken:
    """Sources that fail in the way a test asks for."""

    error: Exception

    async def lines(self) -> tuple[()]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("secret-token-1"), "a fault of Fogbell"),
        (StoreUnavailable("redis is away"), "The store does not answer"),
        (TimeoutError(), "It took too long"),
    ],
)
async def test_a_breakdown_is_logged_once_and_answered_with_a_reference(
    desk: Desk, error: Exception, said: str
) -> None:
    desk.dispatcher.sources = Broken(error)

    with structlog.testing.capture_logs() as logs:
        reply = await desk.say("status")

    assert reply.is_error
    assert said in words(reply)
    assert "secret-token-1" not in words(reply)
    assert [entry["event"] for entry in logs] == ["command.failed"]
    assert logs[0]["reference"] in words(reply)
    assert desk.audit.lines[-1]["outcome"] == "failed"


class Hanging:
    """Sources that never answer."""

    async def lines(self) -> tuple[()]:
        await asyncio.Event().wait()
        return ()


async def test_a_command_that_hangs_is_given_up(desk: Desk) -> None:
    desk.dispatcher.sources = Hanging()
    desk.dispatcher.patience_s = 0.01

    with structlog.testing.capture_logs():
        reply = await desk.say("status")

    assert "It took too long" in words(reply)


async def test_cancelling_is_not_swallowed(desk: Desk) -> None:
    desk.dispatcher.sources = Hanging()
    task = asyncio.create_task(desk.say("status"))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


class DeafAudit:
    """An audit whose store is away."""

    async def append(self, line: object) -> None:
        raise StoreUnavailable("redis is away")

    async def tail(self, limit: int) -> tuple[()]:
        return ()


async def test_what_was_done_is_answered_even_when_its_audit_line_is_lost(desk: Desk) -> None:
    desk.incidents.put(outage())
    desk.dispatcher.audit = DeafAudit()

    with structlog.testing.capture_logs() as logs:
        reply = await desk.say("ack 12")

    assert not reply.is_error
    assert [entry["event"] for entry in logs] == ["command.unaudited"]


@pytest.mark.parametrize("size", [1, 100_000])
async def test_hostile_words_are_short_and_plain_in_the_answer_and_the_audit(desk: Desk, size: int) -> None:
    desk.incidents.put(outage())
    for line in (LOUD * size, f"ack {LOUD * size}", f"status {LOUD * size}", f"silence {LOUD * size} 2h"):
        reply = await desk.say(line)

        assert len(words(reply)) < 2_000
        assert not set("\x00\x1b\u202e") & set(words(reply))
        assert len(desk.audit.lines[-1]["command"]) <= 300
        assert not set("\x00\x1b\u202e") & set(desk.audit.lines[-1]["command"])


async def test_a_card_never_mentions_anybody(desk: Desk) -> None:
    """Mentions come from the configuration alone: what people type is text, and a render escapes it."""
    reply = await desk.say(f"silence aws 2h {LOUD}")

    assert reply.card.mentions == ()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    line=st.one_of(
        st.text(max_size=300),
        st.builds(
            lambda name, rest: f"{name} {rest}",
            st.sampled_from(
                ["status", "list", "show", "ack", "silence", "draft", "help", "silence aws", "draft 12"]
            ),
            st.text(max_size=80),
        ),
    )
)
async def test_whatever_is_typed_gets_an_answer_and_no_breakdown(desk: Desk, line: str) -> None:
    desk.incidents.put(outage())

    reply = await desk.say(line)

    assert reply.card.title
    assert reply.card.fallback
    assert reply.card.title != "That did not work"


async def test_runs_are_counted_by_command_front_and_outcome_and_never_by_what_was_typed(desk: Desk) -> None:
    def count(command: str, outcome: str) -> float:
        return COMMANDS.labels(command, "slack", outcome)._value.get()

    before = count("list", "done"), count("none", "not understood")
    await desk.say("list")
    await desk.say("frobnicate")

    assert (count("list", "done"), count("none", "not understood")) == (before[0] + 1, before[1] + 1)


async def test_no_actor_is_named_by_more_than_its_id_in_the_audit(desk: Desk) -> None:
    await desk.say("list")

    assert {"at", "actor", "front", "command", "outcome"} == set(desk.audit.lines[0])
    assert ANN.id == desk.audit.lines[0]["actor"]
