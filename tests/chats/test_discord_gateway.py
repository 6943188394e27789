"""The gateway connection: resumed after any cut, begun anew sparingly, dead ones noticed, and its state told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.chats.discord import gateway
from bot.chats.discord.gateway import PAUSE_MAX_S, pause_s, spread_s
from bot.chats.discord.listen import listen
from bot.commands.spec import Reply
from bot.domain.card import Card, Tone
from bot.errors import ChatError, Refused, Unavailable
from tests.chats.test_discord_listen import Desk
from tests.fakes.discord import FakeDiscord

Cut = Callable[[FakeDiscord], Awaitable[None]]
ANSWER = Reply(card=Card(title="x", tone=Tone.INFO, fallback="x"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses in seconds are in its own tests; here they would only be waited for."""
    monkeypatch.setattr(gateway, "pause_s", lambda tries, *, is_new: 0.01)


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


class Listening:
    """A listener that runs, the states it told, and how it ended."""

    def __init__(self) -> None:
        self.states: list[bool] = []
        self.desk = Desk(reply=ANSWER)
        self.ended: BaseException | None = None

    async def run(self, fake: FakeDiscord, **more: Any) -> None:
        urls = {"api_url": fake.api_url, "gateway_url": fake.gateway_url}
        try:
            await listen(self.desk, **({"token": fake.token} | urls | more), on_state=self.states.append)
        except ChatError as error:
            self.ended = error

    async def told(self, states: list[bool]) -> None:
        async with asyncio.timeout(10):
            while self.states != states:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(fake: FakeDiscord, **more: Any) -> AsyncIterator[Listening]:
    one = Listening()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(one.run(fake, **more))
        await one.told([True])
        yield one
        task.cancel()


CUTS: list[tuple[str, Cut]] = [
    ("without a word", lambda fake: fake.gateway.cut(4000)),
    ("gone away", lambda fake: fake.gateway.cut(1001)),
    ("an unknown error", lambda fake: fake.gateway.cut(4000)),
    ("closed as if all were said", lambda fake: fake.gateway.cut(1000)),
    ("asked to reconnect", lambda fake: fake.gateway.ask_to_reconnect()),
    ("invalid for now", lambda fake: fake.gateway.invalidate(resumable=True)),
]


@pytest.mark.parametrize(("how", "cut"), CUTS, ids=[row[0] for row in CUTS])
async def test_a_cut_is_resumed_and_nothing_is_missed(fake: FakeDiscord, how: str, cut: Cut) -> None:
    async with listening(fake) as one:
        await cut(fake)
        asking = asyncio.ensure_future(fake.interact("status"))  # while nobody is connected
        await one.told([True, False, True])
        interaction = await asking

    assert len(interaction.answers) == 1
    assert (len(fake.gateway.identifies), len(fake.gateway.resumes)) == (1, 1)


async def test_a_session_that_discord_forgot_is_begun_anew(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        await fake.gateway.invalidate()
        await one.told([True, False, True])

        interaction = await fake.interact("status")

    assert len(interaction.answers) == 1
    assert (len(fake.gateway.identifies), len(fake.gateway.resumes)) == (2, 0)


async def test_a_session_that_cannot_be_resumed_any_more_is_begun_anew(fake: FakeDiscord) -> None:
    """Discord takes the RESUME, and answers that it knows no such session."""
    async with listening(fake) as one:
        socket = next(iter(fake.gateway.sessions.values())).socket
        fake.gateway.sessions.clear()
        assert socket is not None
        await socket.ws.close(code=4000)
        await one.told([True, False, True])

    assert (len(fake.gateway.identifies), len(fake.gateway.resumes)) == (2, 1)


async def test_a_gateway_that_turns_us_away_for_a_while_costs_no_identify(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        fake.gateway.turn_away = 4
        await fake.gateway.cut()
        await one.told([True, False, True])

    assert (len(fake.gateway.identifies), len(fake.gateway.resumes), fake.gateway.connections) == (1, 1, 6)


async def test_a_server_that_restarts_is_resumed(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        await fake.stop()
        await one.told([True, False])
        await fake.start()
        await one.told([True, False, True])

    assert len(fake.gateway.identifies) == 1


async def test_who_is_turned_away_for_good_says_so_in_the_end(fake: FakeDiscord) -> None:
    """Then `supervise` begins again, with pauses of its own."""
    async with listening(fake) as one:
        fake.gateway.turn_away = 1_000
        await fake.gateway.cut()
        async with asyncio.timeout(10):
            while one.ended is None:
                await asyncio.sleep(0.01)

    assert isinstance(one.ended, Unavailable)
    assert one.states == [True, False]
    assert fake.gateway.connections <= 2 + gateway.TRIES_MAX


async def test_a_dead_connection_is_noticed_by_its_silence(fake: FakeDiscord) -> None:
    """It stays open, and answers no heartbeat any more."""
    fake.gateway.heartbeat_ms = 100
    async with listening(fake, silence_max_s=0.5) as one:
        fake.gateway.answers_heartbeats = False
        async with asyncio.timeout(10):
            while False not in one.states:
                await asyncio.sleep(0.01)
        fake.gateway.answers_heartbeats = True
        await one.told([True, False, True])
        interaction = await fake.interact("status")

    assert (len(interaction.answers), len(fake.gateway.identifies)) == (1, 1)


async def test_a_quiet_connection_that_answers_is_left_alone(fake: FakeDiscord) -> None:
    fake.gateway.heartbeat_ms = 100
    async with listening(fake, silence_max_s=0.6) as one:
        async with asyncio.timeout(10):
            while fake.gateway.heartbeats < 12:
                await asyncio.sleep(0.01)
        assert one.states == [True]

    assert one.states == [True, False]


async def test_a_server_that_is_unavailable_for_a_while_disturbs_nobody(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        await fake.gateway.lose_guild()
        during = await fake.interact("status")
        await fake.gateway.return_guild()
        after = await fake.interact("status")

    assert [len(each.answers) for each in (during, after)] == [1, 1]
    assert one.states == [True, False]


async def test_an_interaction_that_is_delivered_again_with_a_resumption_runs_once(fake: FakeDiscord) -> None:
    """Events that Discord does not know to have arrived are played again."""
    async with listening(fake) as one:
        interaction = await fake.interact("status")
        await fake.gateway.repeat(interaction)
        await fake.gateway.cut()
        await fake.interact("status")

    assert len({ask["once"] for ask in one.desk.asked}) == len(one.desk.asked) == 2


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_cut_acknowledgement_is_tried_once_more_and_the_command_runs(
    fake: FakeDiscord, kind: str
) -> None:
    """A kept connection may be closed between two commands: a person's command must not be lost by it."""
    async with listening(fake) as one:
        fake.fail_next("interaction_callback", kind)
        interaction = await fake.interact("status")

    assert (len(interaction.answers), len(one.desk.asked)) == (1, 1)


async def test_commands_that_cannot_be_offered_are_answered_all_the_same(fake: FakeDiscord) -> None:
    """Those of yesterday are still there."""
    async with listening(fake):
        pass
    fake.refuse_next("put_commands", 400, 30034)
    fake.commands[0]["description"] = "of yesterday"

    async with listening(fake):
        interaction = await fake.interact("status")

    assert len(interaction.answers) == 1


async def test_an_event_that_cannot_be_read_is_passed_over(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        strange: list[dict[str, Any]] = [{}, {"id": "x"}, {"id": None, "guild_id": []}]
        for odd in strange:
            await fake.gateway.dispatch("CHANNEL_CREATE", odd)
            await fake.gateway.dispatch("GUILD_CREATE", odd)
        interaction = await fake.interact("status")

    assert (len(interaction.answers), one.states) == (1, [True, False])


async def test_a_broken_stream_is_resumed(fake: FakeDiscord) -> None:
    """Compressed frames hang together: one bad one makes all that follow unreadable."""
    async with listening(fake) as one:
        [session] = fake.gateway.connected
        assert session.socket is not None
        await session.socket.ws.send_bytes(b"\x00\x00 no zlib \x00\x00\xff\xff")
        await one.told([True, False, True])

    assert len(fake.gateway.identifies) == 1


async def test_a_token_taken_away_is_refused_once_and_not_resumed(fake: FakeDiscord) -> None:
    async with listening(fake) as one:
        fake.token = "another"
        await fake.gateway.cut(4004)
        async with asyncio.timeout(10):
            while one.ended is None:
                await asyncio.sleep(0.01)

    assert len(fake.gateway.identifies) == 1
    assert isinstance(one.ended, Refused | Unavailable)


async def test_the_token_of_today_is_asked_for_at_each_start(fake: FakeDiscord) -> None:
    tokens = iter([fake.token, "renewed"])
    async with listening(fake, token=lambda: next(tokens)):
        pass
    fake.token = "renewed"

    async with listening(fake, token=lambda: next(tokens)) as one:
        pass

    assert one.states == [True, False]


BUDGETS = [
    (1_000, 1_000, 0, 0.0, "a fresh day"),
    (1_000, 501, 86_400_000, 0.0, "half is left: as fast as need be"),
    (1_000, 500, 86_400_000, 172.8, "less: spread over the day"),
    (1_000, 10, 3_600_000, 360.0, "nearly none: one in six minutes"),
    (1_000, 0, 3_600_000, 3_600.0, "none: not before tomorrow"),
    (1_000, 0, -5, 0.0, "a count that began anew already"),
]


@pytest.mark.parametrize(("total", "left", "reset_ms", "wait_s", "why"), BUDGETS, ids=[r[4] for r in BUDGETS])
def test_identifies_cannot_run_out(total: int, left: int, reset_ms: int, wait_s: float, why: str) -> None:
    assert spread_s(total, left, reset_ms) == pytest.approx(wait_s)


async def test_a_scarce_identify_is_waited_for(fake: FakeDiscord) -> None:
    fake.gateway.identifies_left, fake.gateway.reset_after_ms = 10, 3_000
    began = time.monotonic()

    async with listening(fake):
        waited_s = time.monotonic() - began

    assert 0.3 <= waited_s < 3


async def test_a_budget_that_cannot_be_asked_holds_nobody_up(fake: FakeDiscord) -> None:
    fake.fail_next("gateway_bot", "403 edge")

    async with listening(fake) as one:
        pass

    assert one.states == [True, False]


def test_the_first_resumption_is_at_once_and_later_ones_wait_longer_and_longer() -> None:
    pauses = [pause_s(tries, is_new=False) for tries in range(1, 9)]

    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert 0.8 * PAUSE_MAX_S <= pauses[-1] <= 1.2 * PAUSE_MAX_S


def test_a_new_session_waits_one_to_five_seconds_and_longer_when_it_fails() -> None:
    assert all(1 <= pause_s(1, is_new=True) <= 5 for _ in range(50))
    assert pause_s(8, is_new=True) > 30
