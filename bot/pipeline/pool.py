"""All sources, each looked at when it is due: one scheduler instead of a sleeping task for each source.

Sources are shared among workers by shards of their providers, so that a provider's sources are always looked at together. The
pace follows what goes on (`domain.pace`), and whoever is told to hurry is looked at at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache

from bot import telemetry
from bot.domain.pace import Paces, interval
from bot.domain.trust import SourceReport
from bot.errors import NotFound
from bot.pipeline.board import Board
from bot.pipeline.supervise import contained
from bot.pipeline.tempo import Tempo
from bot.pipeline.watch import Watch
from bot.ports import Clock, Leases
from bot.sources.fetching.fetch import Marks
from bot.sources.payload import Format, Payload, SourceSpec
from bot.store.desk import Shelf
from bot.telemetry import Event, log

JITTER = 0.1
SHARDS = 16
LEASE = timedelta(seconds=30)
RENEW_SECONDS = 8.0
FLUSH_SECONDS = 5.0
NOT_OURS_SECONDS = 5.0  # how soon to look again whether a source became ours
PAUSE_MAX_SECONDS = 30.0
NAP_SECONDS = 0.25
TICK_SECONDS = 0.001  # timers go by whole milliseconds: one that ends a little early would be set twice
JUMP_SECONDS = 5.0  # a clock that goes back by more was set: what was due by it is due anew
SPREAD_SECONDS = 0.02  # first looks, one source after another: 1,000 sources within 20 s


@dataclass(order=True, slots=True)
class _Turn:
    """When a source is due, in epoch seconds of the clock; `number` tells a turn from a later one that replaced it."""

    due: float
    number: int
    name: str = field(compare=False)


class Pool:
    """The sources of the configuration, and those that people add. `run` looks at those that are ours."""

    def __init__(
        self,
        watches: Sequence[Watch],
        clock: Clock,
        leases: Leases,
        tempo: Tempo,
        board: Board,
        marks: Shelf[Marks],
        reports: Shelf[SourceReport],
    ) -> None:
        self._watches = {watch.source.name: watch for watch in watches}
        self._clock = clock
        self._leases = leases
        self._tempo = tempo
        self._board = board
        self._marks = marks
        self._reports = reports
        self._turns: list[_Turn] = []
        self._numbers: dict[str, int] = {}
        self._looking: set[str] = set()
        self._away_until: dict[str, float] = {}  # as servers asked; no hurry goes above that
        self._ours_until: dict[int, float] = {}
        self._checked_at = 0.0
        self._sleeping: asyncio.Future[None] | None = None
        self._paces: dict[str, tuple[Format | None, Paces]] = {}
        tempo.hurry = self.hurry

    @property
    def watches(self) -> tuple[Watch, ...]:
        """All sources, whoever looks at them."""
        return tuple(self._watches.values())

    @property
    def specs(self) -> tuple[SourceSpec, ...]:
        """All sources as configured."""
        return tuple(watch.source for watch in self._watches.values())

    @property
    def ours(self) -> tuple[Watch, ...]:
        """The sources that this worker looks at."""
        return tuple(watch for watch in self._watches.values() if self._is_ours(watch))

    def add(self, watch: Watch) -> None:
        """Look at one more source, now; in place of one of the same name."""
        name = watch.source.name
        self._watches[name] = watch
        self._paces.pop(name, None)
        self._away_until.pop(name, None)
        self._plan(name, self._now())

    def remove(self, name: str) -> None:
        """Look at it no more."""
        if self._watches.pop(name, None):
            telemetry.forget_source(name)
        self._paces.pop(name, None)
        self._away_until.pop(name, None)
        self._numbers[name] = self._numbers.get(name, 0) + 1  # turns that were planned for it are void

    def hurry(self, providers: Iterable[str]) -> None:
        """Look at these providers' sources now."""
        wanted = set(providers)
        for name, watch in self._watches.items():
            if watch.source.provider in wanted and name not in self._looking:
                self._plan(name, self._now())

    @property
    def shards(self) -> frozenset[int]:
        """The shards of providers that this worker looks at."""
        return frozenset(filter(self._holds, self._ours_until))

    def holds(self, provider: str) -> bool:
        """True when what is said about this provider, watched or not, is ours to say."""
        return self._holds(_shard(provider))

    def secret_of(self, source: str) -> str | None:
        """The secret that opens a source for pushes, or None."""
        watch = self._watches.get(source)
        return watch.source.push_secret if watch else None

    async def pushed(self, source: str, payload: Payload) -> int:
        """A body that came unasked; gives how many observations it held. Raises ParseError, StoreError and NotFound."""
        watch = self._watches.get(source)
        if watch is None:
            raise NotFound(f"there is no source {source}")
        return await watch.pushed(replace(payload, fetched_at=self._clock.now()))

    async def run(self) -> None:
        """Look at sources as they fall due, until cancelled."""
        await self._begin()
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._pause()
                for turn in self._fallen_due():
                    self._looking.add(turn.name)
                    tasks.create_task(self._turn(turn))

    async def share(self) -> None:
        """Keep hold of our shards, until cancelled; `run` takes them at first."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)  # leases live by real time, whatever the clock says
            await self._renew()

    async def write(self) -> None:
        """Write what we see to the store every few seconds, and once more at the end."""
        try:
            while True:
                await self._clock.sleep(FLUSH_SECONDS)
                await self._board.flush(self.ours, self._tempo.open_of)
        finally:
            with suppress(Exception):  # the store may be gone by now, and nothing is lost but seconds
                await self._board.flush(self.ours, self._tempo.open_of)

    async def _begin(self) -> None:
        """First turns, spread by name: sources do not all start at once."""
        await self._renew()
        spread, now = SPREAD_SECONDS * len(self._watches), self._now()
        for name, watch in self._watches.items():
            every = watch.source.every.total_seconds()
            self._plan(name, now + phase(name) * min(every, spread))

    async def _renew(self) -> None:
        held: dict[int, float] = {}
        for shard in range(SHARDS):
            asked_at = asyncio.get_running_loop().time()
            if await self._leases.hold(f"sources:{shard}", LEASE):
                # By the machine's own clock: a worker that was frozen for longer must not think itself the holder.
                held[shard] = asked_at + LEASE.total_seconds()
        taken = {shard for shard in held if not self._holds(shard)}
        if taken:
            await self._recall(taken)
            log().info(Event.SOURCES_TAKEN, shards=len(taken), of=SHARDS)
        self._ours_until = held
        for watch in self._watches.values():
            if shard_of(watch) not in held:
                watch.rest()

    async def _recall(self, shards: set[int]) -> None:
        """What others saw of these while they were not ours, in two reads."""
        reports, marks = await self._reports.all(), await self._marks.all()
        for name, watch in self._watches.items():
            if shard_of(watch) in shards:
                watch.recall(reports.get(name), marks.get(name))

    def _is_ours(self, watch: Watch) -> bool:
        return self._holds(shard_of(watch))

    def _holds(self, shard: int) -> bool:
        return self._ours_until.get(shard, 0.0) > asyncio.get_running_loop().time()

    def _plan(self, name: str, due: float) -> None:
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        due = max(due, self._away_until.get(name, 0.0))
        heapq.heappush(self._turns, _Turn(due, number, name))
        if self._turns[0].number == number and self._turns[0].name == name:
            self._wake()

    def _fallen_due(self) -> list[_Turn]:
        now, found = self._now(), []
        while self._turns and self._turns[0].due <= now:
            turn = heapq.heappop(self._turns)
            if self._numbers.get(turn.name) == turn.number:
                found.append(turn)
        return found

    async def _pause(self) -> None:
        """Until the next turn is due, or one is planned that is due earlier."""
        before = self._now()
        if before < self._checked_at - JUMP_SECONDS:
            self._away_until.clear()
            for name in self._watches:
                self._plan(name, before)
        self._checked_at = before
        due = self._turns[0].due if self._turns else before + PAUSE_MAX_SECONDS
        seconds = min(due - before, PAUSE_MAX_SECONDS)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if (
            seconds < NAP_SECONDS
        ):  # who is told to hurry waits no longer than this; a task less at each wake-up
            await self._clock.sleep(seconds + TICK_SECONDS)
            return
        self._sleeping = asyncio.ensure_future(self._clock.sleep(seconds + TICK_SECONDS))
        try:
            await asyncio.wait([self._sleeping])
        finally:
            self._sleeping.cancel()

    def _wake(self) -> None:
        if self._sleeping is not None:
            self._sleeping.cancel()

    async def _turn(self, turn: _Turn) -> None:
        watch = self._watches.get(turn.name)
        start = self._now()
        wait = NOT_OURS_SECONDS
        try:
            if watch is not None and self._is_ours(watch):
                telemetry.POLL_LATENESS.observe(max(0.0, start - turn.due))
                wait = PAUSE_MAX_SECONDS  # should the look fail in a way that nobody foresaw
                asked = await contained("sources", self._look(watch)) or 0.0  # the other sources live on
                self._away_until[turn.name] = start + asked
                wait = self._wait(watch)
        finally:
            self._looking.discard(turn.name)
            if watch is not None and self._numbers.get(turn.name) == turn.number:
                self._plan(turn.name, max(start + wait, self._now()))

    async def _look(self, watch: Watch) -> float:
        if not watch.is_recalled:  # it was added while we run
            name = watch.source.name
            watch.recall(await self._reports.get(name), await self._marks.get(name))
        return await watch.look()

    def _wait(self, watch: Watch) -> float:
        """Seconds from the start of one look to the next."""
        report, now = watch.report, self._clock.now()
        is_seen = report.trouble is None  # what cannot be seen is neither quiet nor does it push
        signals = self._tempo.signals(
            report.provider,
            now,
            changed_at=report.changed_at if is_seen else None,
            pushed_at=report.pushed_at if is_seen else None,
        )
        if watch.is_pending:
            signals = replace(signals, live_at=now)
        every = interval(self._paces_of(watch), signals, now)
        watch.promise(every)
        return every.total_seconds() * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, not a secret

    def _paces_of(self, watch: Watch) -> Paces:
        """Kept, because every look asks; made anew once the format is found out."""
        held = self._paces.get(watch.source.name)
        if held is None or held[0] is not watch.form:
            source = watch.source
            floor = watch.form.polls_at_least if watch.form else timedelta(0)
            paces = Paces(
                idle=max(source.every, floor),
                live=max(source.live_every, floor),
                boost=max(source.boost_every, floor),
            )
            held = self._paces[source.name] = (watch.form, paces)
        return held[1]

    def _now(self) -> float:
        return self._clock.now().timestamp()


def phase(name: str) -> float:
    """A number from 0 to 1 that is always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def shard_of(watch: Watch) -> int:
    """The shard of a source: that of its provider, so that all sources of one are in one pair of hands."""
    return _shard(watch.source.provider)


@lru_cache(maxsize=10_000)
def _shard(provider: str) -> int:
    return hashlib.sha256(provider.encode()).digest()[1] % SHARDS


def sisters_of(clouds: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Who runs on the same cloud, from provider -> cloud; the cloud itself is one of them."""
    families: dict[str, set[str]] = {}
    for provider, cloud in clouds.items():
        families.setdefault(cloud, {cloud}).add(provider)
    return {member: frozenset(family - {member}) for family in families.values() for member in family}
