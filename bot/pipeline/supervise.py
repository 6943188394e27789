"""Keeps a loop alive: whatever it raises is logged once, counted, and the loop starts again after a pause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from bot import telemetry
from bot.errors import ConfigError, StoreUnavailable
from bot.telemetry import Event, log

PAUSE_MAX_SECONDS = 30.0
CALM_AFTER_SECONDS = 60.0  # a loop that ran this long starts again without a long pause


async def supervise(name: str, loop: Callable[[], Awaitable[None]], *, pause: float = 0.5) -> None:
    """Run `loop` until it ends by itself or is cancelled. A ConfigError is the operator's: it passes through."""
    clock = asyncio.get_running_loop()
    crashes = 0
    while True:
        began = clock.time()
        try:
            await loop()
            return
        except ConfigError:
            raise
        except Exception as exc:
            # The one place beside dispatch that catches everything: a loop must not die of one bad day.
            crashes = 1 if clock.time() - began > CALM_AFTER_SECONDS else crashes + 1
            telemetry.RESTARTS.labels(name).inc()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                log().error(Event.LOOP_CRASHED, loop=name, error=f"while it ended: {exc!r}")
                return  # whoever cancelled us waits for the end, not for a new life
            is_expected = isinstance(exc, StoreUnavailable)
            log().error(Event.LOOP_CRASHED, loop=name, error=repr(exc), exc_info=None if is_expected else exc)
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
        await asyncio.sleep(min(pause * 2 ** min(crashes - 1, 10), PAUSE_MAX_SECONDS) * jitter)


async def contained(name: str, work: Awaitable[None]) -> None:
    """Run one piece of a loop's work. What it raises is logged and goes no further: its siblings live on."""
    try:
        await work
    except Exception as exc:
        is_expected = isinstance(exc, StoreUnavailable)
        log().error(Event.LOOP_CRASHED, loop=name, error=repr(exc), exc_info=None if is_expected else exc)
