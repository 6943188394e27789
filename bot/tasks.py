"""Ending tasks for certain, and two things at a time. Any layer may use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


async def end(tasks: Iterable[asyncio.Task[Any]], *, again_after: float = 0.5) -> None:
    """Return when all are done, cancelled as often as it takes. What they raised is theirs.

    Once is not enough before Python 3.12: `asyncio.wait_for`, which redis-py uses, drops a cancellation that arrives
    together with its result (CPython issue 86296, fixed in 3.12). `again_after` is how long an orderly end may take.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_after)


async def beside(first: Awaitable[S], other: Coroutine[Any, Any, T]) -> tuple[S, T]:
    """What both give; `other` begins while the first one waits. When one fails, the other is ended."""
    task = asyncio.create_task(other)
    try:
        return await first, await task
    finally:
        await end([task])
        if not task.cancelled():
            task.exception()  # when both fail, the first one speaks for both: asyncio need not say that nobody looked
