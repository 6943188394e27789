"""Some hundred sources on one loopback server, looked at by the worker's own parts through a scripted day.

Nothing sleeps: time goes on in steps, and in each step every source that is due is looked at once. The script is in
`fleet_stories`, the pages are in `fleet_stage`, and what came of it is in a `Chronicle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from bot import config as settings
from bot.domain.incident import Incident
from bot.domain.observation import WATCHER
from bot.domain.trust import SourceReport
from bot.net import open_session
from bot.pipeline.board import Board
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import Pool
from bot.pipeline.quarantine import Quarantine
from bot.pipeline.reports import Reports
from bot.pipeline.sight import Sight
from bot.pipeline.wake import Wake
from bot.pipeline.watch import Watch
from bot.replay import VirtualClock
from bot.sources.fetching.fetch import Fetched, Fetcher, Marks
from bot.sources.payload import SourceSpec
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions, RedisIncidents, connect
from bot.store.sharing import RedisLeases
from bot.wiring.sources import tempo_of
from tests.fakes.feeds import FeedServer
from tests.scenarios.fleet_chronicle import Chronicle
from tests.scenarios.fleet_stage import Source, Stage
from tests.scenarios.fleet_stories import MIDNIGHT, STEP, Fault, clock

AT_ONCE = 20  # looks side by side
SHORT_S = 0.2  # for those that are scripted to be slow
HAND_OVERS = (clock("13:20"), clock("18:40"))  # with much going on


class Patience(Fetcher):
    """Waits long, for a busy machine must not look like an outage; but not for those that are `slow` by the script."""

    def __init__(self, session: aiohttp.ClientSession, slow: Set[str]) -> None:
        super().__init__(session, total_s=30)
        self._short = Fetcher(session, total_s=SHORT_S)
        self._slow = slow

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        if spec.url in self._slow:
            return await self._short.fetch(spec, marks, now)
        return await super().fetch(spec, marks, now)


class OwnPool(Pool):
    """The only worker's: every source is its own, without leases, which live by real time."""

    @property
    def ours(self) -> tuple[Watch, ...]:
        return self.watches

    def holds(self, provider: str) -> bool:
        return True


class Fleet:
    """A worker's parts, and a hand on the clock."""

    def __init__(
        self, stage: Stage, session: aiohttp.ClientSession, functions: Functions, folder: Path
    ) -> None:
        self.clock = VirtualClock(MIDNIGHT)
        self.chronicle = Chronicle()
        self._stage = stage
        self._folder = folder
        self._functions = functions
        self._fetcher = Patience(session, stage.slow)
        self._incidents = RedisIncidents(functions)
        self._board_shelf = Shelf(functions.client, keys.SOURCES, SourceReport)
        self._marks = Shelf(functions.client, keys.MARKS, Marks)

    async def start(self) -> None:
        """A new worker, which knows what the store holds: what `bot.wiring.sources` wires, but with our fetcher."""
        config = settings.load(self._config(), {}, base=self._folder)
        rules, clock = settings.rules(config), self.clock
        tempo = tempo_of(config, rules, clock)
        ingest = Ingest(self._incidents, rules, clock, Wake(), self._written)
        kept = Quarantine(self._folder)
        watches = [
            Watch(spec, self._fetcher, ingest, clock, self._marks, quarantine=kept)
            for spec in settings.sources(config)
        ]
        self._board = Board(self._board_shelf, clock)
        leases = RedisLeases(self._functions, "fleet")
        self._pool = OwnPool(watches, clock, leases, tempo, self._board, self._marks, self._board_shelf)
        self._sight = Sight(self._pool, self._incidents, ingest, clock, dict(rules.names))
        self._reports = Reports(lambda: self._pool.watches, self._board_shelf, self._incidents, clock)
        self._due: dict[str, datetime] = {}
        reports, marks = await self._board_shelf.all(), await self._marks.all()
        for watch in watches:
            watch.recall(reports.get(watch.source.name), marks.get(watch.source.name))

    def _config(self) -> str:
        return "\n".join(
            f'[[source]]\nname = "{source.name}"\nprovider = "{source.provider}"\nformat = "{source.layout.format}"\n'
            f'url = "{self._stage.url(source)}"\nevery = "{int(STEP.total_seconds())}s"\n'
            for source in self._stage.sources
        )

    def _written(self, incidents: tuple[Incident, ...]) -> None:
        self.chronicle.wrote(incidents, self.clock.now())

    async def day(self) -> Chronicle:
        """Live through the whole day. Twice another worker takes over."""
        await self.start()
        for n in range(timedelta(days=1) // STEP + 1):
            await self.step(MIDNIGHT + n * STEP)
            if self.clock.now() in HAND_OVERS:
                await self.start()
        for provider in sorted({WATCHER, *(source.provider for source in self._stage.sources)}):
            self.chronicle.left += (await self._incidents.read(provider)).incidents.values()
        return self.chronicle

    async def step(self, at: datetime) -> None:
        """It is `at`: look at all that is due, say what cannot be seen, write the reports."""
        self.clock.set(at)
        self._stage.set(at)
        groups: dict[str, list[Watch]] = {}
        for watch in self._pool.watches:
            groups.setdefault(watch.source.provider, []).append(watch)
        waiting = iter(groups.values())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._look(waiting))
        await self._sight.once()
        await self._board.flush(self._pool.ours)
        self.chronicle.saw(await self._reports.lines(), at)

    async def _look(self, waiting: Iterator[list[Watch]]) -> None:
        """One provider after another. Its sources take turns, so that each run of the day is the same."""
        now = self.clock.now()
        for watches in waiting:
            for watch in watches:
                if self._due.get(watch.source.name, now) <= now:
                    asked = await watch.look()
                    self._due[watch.source.name] = now + timedelta(seconds=asked)
                    self.chronicle.looks += 1


@asynccontextmanager
async def fleet(
    sources: Sequence[Source], faults: Sequence[Fault], redis_url: str, folder: Path
) -> AsyncIterator[Fleet]:
    """The sources, served, and a worker on an empty store."""
    client = connect(redis_url)
    try:
        await client.flushall()
        functions = Functions(client)
        await functions.load()
        async with FeedServer() as feeds, open_session(per_host=2 * AT_ONCE) as session:
            yield Fleet(Stage(feeds, sources, faults), session, functions, folder)
    finally:
        await client.aclose()
