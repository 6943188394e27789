"""A loop must not die of one bad day, must not outlive its worker, and must not hide an operator's mistake."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from bot import telemetry
from bot.errors import ConfigError, StoreUnavailable, Unavailable
from bot.pipeline.supervise import contained, supervise


def restarts(name: str) -> float:
    return telemetry.REGISTRY.get_sample_value("fogbell_loop_restarts_total", {"loop": name}) or 0.0


async def test_a_loop_that_crashes_is_started_again_and_counted() -> None:
    lives: list[str] = []

    async def loop() -> None:
        lives.append("begun")
        if len(lives) < 3:
            raise RuntimeError("one bad day")

    await supervise("crashing", loop, pause=0.0)

    assert (len(lives), restarts("crashing")) == (3, 2.0)


async def test_a_mistake_in_the_configuration_passes_through() -> None:
    async def loop() -> None:
        raise ConfigError(["console: port 8080 is taken"])

    with pytest.raises(ConfigError, match="8080"):
        await supervise("misconfigured", loop)

    assert restarts("misconfigured") == 0


async def test_a_cancelled_loop_ends_and_its_cancellation_is_not_swallowed() -> None:
    began = asyncio.Event()

    async def loop() -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(supervise("patient", loop))
    await began.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_loop_that_fails_while_it_is_being_ended_does_not_begin_a_new_life() -> None:
    """Whoever cancelled it would wait for ever: the cancellation turned into an error, and the error into a restart."""
    lives: list[asyncio.Event] = []
    began = asyncio.Event()

    async def loop() -> None:
        lives.append(began)
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the connection broke while it was closed")

    task = asyncio.create_task(supervise("clumsy", loop, pause=0.0))
    await began.wait()
    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert (task.done(), len(lives), restarts("clumsy")) == (True, 1, 0)


async def test_one_piece_of_work_that_fails_takes_none_of_its_siblings_with_it() -> None:
    done: list[str] = []

    async def good() -> None:
        await asyncio.sleep(0)
        done.append("good")

    async def bad() -> None:
        raise RuntimeError("a card that cannot be rendered")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(contained("outbox", bad()))
        tasks.create_task(contained("outbox", good()))

    assert done == ["good"]


AWAY = Unavailable("discord", "gateway", "no connection")


@pytest.mark.parametrize(
    ("error", "has_traceback"),
    [
        (StoreUnavailable("gone"), False),
        (AWAY, False),
        (ExceptionGroup("of a task group", [AWAY]), False),
        (ExceptionGroup("of a task group", [AWAY, KeyError("a fault of ours")]), True),
        (TypeError("a fault of ours"), True),
    ],
)
async def test_only_what_nobody_raised_on_purpose_is_logged_with_its_traceback(
    error: Exception, has_traceback: bool
) -> None:
    async def fails() -> None:
        raise error

    with structlog.testing.capture_logs() as lines:
        await contained("outbox", fails())

    assert [(line["event"], line["loop"]) for line in lines] == [("loop.crashed", "outbox")]
    assert (lines[0]["exc_info"] is not None) == has_traceback


async def test_a_chat_that_stays_away_is_said_once_and_whatever_is_new_again() -> None:
    away = [Unavailable("slack", "socket", f"try {n}") for n in range(3)]
    troubles = [*away, StoreUnavailable("gone"), RuntimeError("a bug"), RuntimeError("a bug")]

    async def loop() -> None:
        if troubles:
            raise troubles.pop(0)

    with structlog.testing.capture_logs() as lines:
        await supervise("noisy", loop, pause=0.0)

    said = [line["error"] for line in lines if line["event"] == "loop.crashed"]
    assert [words.partition("(")[0] for words in said] == [
        "Unavailable", "StoreUnavailable", "RuntimeError", "RuntimeError",
    ]  # fmt: skip
