"""Keeps a loop alive: whatever it raises is logged once, counted, and the loop starts again after a pause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot import telemetry
from bot.errors import BotError, ConfigError, StoreUnavailable
from bot.telemetry import Event, log

T = TypeVar("T")

PAUSE_MAX_SECONDS = 30.0
STORE_PAUSE_SECONDS = 2.0  # a store comes back, or another takes its place, from one second to the next
CALM_AFTER_SECONDS = 60.0  # a loop that ran this long starts again without a long pause


async def supervise(name: str, loop: Callable[[], Awaitable[None]], *, pause: float = 0.5) -> None:
    """Run `loop` until it ends by itself or is cancelled. A ConfigError is the operator's: it passes through."""
    clock = asyncio.get_running_loop()
    crashes = 0
    said: type[Exception] | None = None
    while True:
        began = clock.time()
        try:
            await loop()
            return
        except ConfigError:
            raise
        except Exception as exc:
            # The one place beside dispatch that catches everything: a loop must not die of one bad day.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                log().error(Event.LOOP_CRASHED, loop=name, error=f"while it ended: {exc!r}")
                return  # whoever cancelled us waits for the end, not for a new life
            crashes = 1 if clock.time() - began > CALM_AFTER_SECONDS else crashes + 1
            if crashes == 1 or type(exc) is not said or not _is_only(BotError, exc):
                _log_crash(name, exc)  # that a chat or the store is still away is no news
            said = type(exc)
            is_storeless = _is_only(StoreUnavailable, exc)
            telemetry.RESTARTS.labels(name).inc()
            longest = STORE_PAUSE_SECONDS if is_storeless else PAUSE_MAX_SECONDS
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
        await asyncio.sleep(min(pause * 2 ** min(crashes - 1, 10), longest) * jitter)


async def contained(name: str, work: Awaitable[T]) -> T | None:
    """Run one piece of a loop's work; gives its result. What it raises is logged and goes no further: its siblings live on."""
    try:
        return await work
    except Exception as exc:
        _log_crash(name, exc)
        return None


def _log_crash(name: str, exc: Exception) -> None:
    """Log what nobody handled.

    Where it came from only matters for what nobody raised on purpose: a chat or a store that is away is one line.
    """
    is_ours = _is_only(BotError, exc)
    log().error(Event.LOOP_CRASHED, loop=name, error=repr(exc), exc_info=None if is_ours else exc)


def _is_only(kind: type[Exception], exc: Exception) -> bool:
    return isinstance(exc, kind) or (isinstance(exc, ExceptionGroup) and exc.split(kind)[1] is None)
