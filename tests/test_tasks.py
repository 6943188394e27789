"""Tasks end, even those that overhear the first request."""

from __future__ import annotations

import asyncio

from bot.tasks import end


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    """As asyncio.wait_for does on Python 3.11 when its result arrives together with the cancellation."""
    heard: list[int] = []

    async def deaf_once() -> None:
        for n in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append(n)
                if n:
                    raise

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)

    await end([task], again_after=0.01)

    assert (task.cancelled(), heard) == (True, [0, 1])
