"""The demo's day as a world for scenarios: pages that change with a virtual clock, the real worker's parts, chats on loopback.

Nothing sleeps: `World.at` moves the clock, looks at every source and runs every check once, and delivers until nothing is due.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from bot.config import load
from bot.demo import DemoFeeds, demo_config
from bot.demo.feeds import serve_feeds
from bot.demo.script import Day, load_day
from bot.replay import VirtualClock
from bot.wiring import App, Options, build

TOKENS = {
    "SLACK_BOT_TOKEN": "xoxb-fake",
    "SLACK_APP_TOKEN": "xapp-fake",
    "DISCORD_TOKEN": "token-of-the-fake",
}


class World:
    """The day, a worker, and a hand on the clock."""

    def __init__(self, app: App, day: Day, clock: VirtualClock, terminal: StringIO) -> None:
        self.app = app
        self.day = day
        self.clock = clock
        self.terminal = terminal

    async def at(self, when: datetime) -> None:
        """It is `when`: look, check, deliver."""
        self.clock.set(when)
        for watch in self.app.pool.watches:
            await watch.look()
        for probe in self.app.probes:
            await probe.once()
        await self.deliver()

    async def deliver(self) -> None:
        """Deliver until nothing is due now."""
        while await self.app.courier.drain():
            pass

    async def until(self, end: datetime, every: timedelta = timedelta(minutes=2)) -> None:
        """Live on to `end`."""
        while self.clock.now() < end:
            await self.at(min(self.clock.now() + every, end))


@asynccontextmanager
async def world(
    folder: Path,
    redis_url: str,
    config_of: Callable[[DemoFeeds], str] = demo_config,
    *,
    start: datetime | None = None,
) -> AsyncIterator[World]:
    """A world on a real store, from `start` or the day's morning on. `config_of` writes the configuration for its feeds."""
    day = load_day()
    clock, terminal = VirtualClock(start or day.starts_at), StringIO()
    async with serve_feeds(day, clock) as feeds:
        config = load(config_of(feeds) + f'\n[store]\nurl = "{redis_url}"\n', TOKENS, base=folder)
        async with build(config, Options(clock=clock, terminal=terminal, paces={})) as app:
            yield World(app, day, clock, terminal)
