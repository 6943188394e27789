"""The loops of a worker as tasks by name, under supervision: some begin and end while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.pipeline.supervise import supervise
from bot.tasks import end
from bot.wiring.app import Loop


class Crew:
    """Who works. The task group owns every task."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._working: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, loop: Loop) -> asyncio.Task[None]:
        """Run a loop from now on."""
        self._working[name] = task = self._tasks.create_task(supervise(name, loop))
        return task

    async def end(self, *names: str, again_after: float | None = None) -> None:
        """End these loops, as far as they run; returns when they have ended."""
        found = [self._working.pop(name) for name in names if name in self._working]
        if again_after is None:
            await end(found)
        else:
            await end(found, again_after=again_after)

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        """The loops that run, but for these."""
        return tuple(self._working.keys() - set(names))
