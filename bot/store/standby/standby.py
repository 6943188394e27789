"""When a worker gives the store up, goes on with its own, and comes back. One small loop, once a second.

Every worker asks for the lease "leader" and keeps a copy. When the store is silent, all stop asking it (`is_shut`) and keep
watching; the one that was leader to the end, and nobody else, turns to its copy after `Patience.alone`. What it knows of that
is in the copy too, on disk, so that it survives a kill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any, cast

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from bot import telemetry
from bot.errors import StoreError, StoreUnavailable
from bot.ports import Incidents
from bot.store import keys
from bot.store.embedded import EmbeddedStore
from bot.store.redis import Functions, connect, translated
from bot.store.sharing import RedisLeases
from bot.store.standby.carry import Refusals, carry
from bot.store.standby.mirror import Mirror, asked
from bot.store.standby.switch import Switch
from bot.telemetry import Event, log

RESUME_WITHIN = timedelta(
    hours=1
)  # who was leader longer ago than this waits for the store like everybody else
NUMBERS_AHEAD = (
    1000  # who can still reach the store may give out so many before two incidents have one number
)
PAUSE_SECONDS = 0.05  # between copies, when much is written
LISTEN_SECONDS = 60.0  # then anew: a server that was replaced in silence says nothing for ever
NOTE_SECONDS = 10.0  # how often the leader notes on disk that it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what takes, in seconds.

    `alone` is longer than any send takes (12 s), so that what others were sending when the store went away has arrived or
    never will; longer than the lease; and longer than a Sentinel's fail-over.
    """

    tick: float = 1.0
    ask: float = 2.0
    copy: float = 5.0  # one that takes longer is gone on with at the next turn
    lease: float = 12.0
    shut: float = 8.0
    alone: float = 14.0
    grace: float = 20.0  # so long others wait for the leader to bring home what it did
    drain: float = 15.0
    refused: float = (
        10.0  # so long a ledger is brought home in vain: less than `grace`, for then others go on as well
    )
    look_for: float = 600.0  # so long after an outage everything is looked up before it is posted


class _State(Enum):
    NEAR = auto()  # the store answers, or has been silent for a moment only
    SHUT = auto()  # it is silent, or it is back and we wait for the leader
    AWAY = auto()  # we go on with our own


class Word(Enum):
    """What the rest of the worker is told."""

    AWAY = auto()  # we go on with our own store
    BACK = auto()  # we went home, with all that we did
    AGAIN = auto()  # the store was away, and others may have gone on


Tell = Callable[[Word, datetime], Awaitable[None]]
"""Is told what happened, and since when the store is or was away; again, when it raises StoreError."""


class Standby:
    """A worker's way through an outage of `store`. `client` is what its parts call."""

    def __init__(
        self, store: aioredis.Redis, data: Path, owner: str, patience: Patience | None = None
    ) -> None:
        self.server = EmbeddedStore(data / "standby")
        self._store = store
        self._own = connect(self.server.url)
        self._called = asyncio.Event()
        self._switch = Switch(store)
        self._patience = patience or Patience()
        self._leases = RedisLeases(Functions(store), owner)
        self._state = _State.NEAR
        self._since = datetime.min.replace(tzinfo=UTC)  # the store is away
        self._reason = ""  # and why, in the words of the last failure
        self._failing_at: float | None = None
        self._leader_at: float | None = None
        self._back_at: float | None = None
        self._asked_at = self._silent_from = 0.0
        self._noted_at = self._copied_at = self._look_until = float("-inf")
        self._untold: Word | None = None
        self._refusals = Refusals(self._patience.refused)
        self.is_leaving = False

    @property
    def client(self) -> aioredis.Redis:
        """The store while it answers, else ours, else one that fails at once."""
        return self._switch.client

    @property
    def is_shut(self) -> bool:
        """True while there is no store to ask."""
        return self._state is _State.SHUT

    @property
    def is_away(self) -> bool:
        """True while this worker goes on with its own store."""
        return self._state is _State.AWAY

    @property
    def left(self) -> tuple[str, ...]:
        """The providers of which nothing could be brought home the last time."""
        return self._refusals.names

    @property
    def must_look(self) -> bool:
        """True while a chat may hold what our store does not know of."""
        return self.is_away or _seconds() < self._look_until

    async def open(self) -> None:
        """Start our own store, and go on with it where an earlier life did. Raises ConfigError.

        What was done there long ago is brought home, no more: nothing is said from it.
        """
        await self.server.start()
        notes = await self._notes()
        if since := notes.get("away_since"):
            self._since = datetime.fromisoformat(since)
            self.is_leaving = not _is_recent(notes, datetime.now(UTC))
            self._go_on(resumed=True)

    async def close(self) -> None:
        """Stop it. Who ends in order is no leader any more."""
        with suppress(StoreError):
            if self._state is _State.NEAR and self._failing_at is None:
                async with translated():
                    await self._own.delete(keys.STANDBY)
        await self._own.aclose()
        await self.server.stop()

    async def resume(self, now: datetime) -> bool:
        """Go on where there is no store to start with; False when we were not leader lately."""
        if not self.is_away and _is_recent(await self._notes(), now):
            self._since = now
            await self._leave()
        return self.is_away and not self.is_leaving

    async def run(self, incidents: Incidents, tell: Tell) -> None:
        """Watch over the store until cancelled."""
        mirror = Mirror(self._store, self._own, incidents)
        while True:
            ours = await self._ask()
            match self._state:
                case _State.NEAR:
                    await self._near(ours, mirror)
                case _State.SHUT:
                    await self._shut(ours)
                case _State.AWAY:
                    await self._away(ours, mirror)
            if self._untold and not self.is_shut:
                with suppress(StoreError):  # said at the next turn
                    await tell(self._untold, self._since)
                    self._untold = None
            await self._pause()

    async def listen(self) -> None:
        """Hear of every commit until cancelled: what is new must be in the copy before it is told."""
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(LISTEN_SECONDS), self._store.pubsub() as calls:
                    await calls.subscribe(keys.CHANGED)
                    async for _ in calls.listen():
                        self._called.set()
            await asyncio.sleep(self._patience.tick)

    async def _pause(self) -> None:
        """Until the next turn; less when somebody writes."""
        if self._called.is_set():  # while we copied: more may follow
            await asyncio.sleep(min(PAUSE_SECONDS, self._patience.tick))
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience.tick):
                    await self._called.wait()
        self._called.clear()

    async def _ask(self) -> bool | None:
        """Whether we are the leader; None when the store gives no answer that helps."""
        self._asked_at = _seconds()
        try:
            async with asyncio.timeout(self._patience.ask):
                return await self._leases.hold("leader", timedelta(seconds=self._patience.lease))
        except (StoreError, TimeoutError) as exc:
            self._reason = str(exc) or "it did not answer in time"
            return None

    async def _near(self, ours: bool | None, mirror: Mirror) -> None:
        if ours is None:
            if self._failing_at is None:
                self._failing_at, self._since = _seconds(), datetime.now(UTC)
                self._silent_from = self._asked_at
            if _seconds() - self._failing_at >= self._patience.shut:
                self._switch.turn(None)
                self._state, self._refusals = _State.SHUT, Refusals(self._patience.refused)
                since, leader = self._since.isoformat(), self._was_leader
                log().warning(Event.STORE_AWAY, since=since, leader=leader, reason=self._reason)
            return
        self._failing_at, self._leader_at = None, self._asked_at if ours else None
        with suppress(StoreError, TimeoutError):  # an outage shows at the next turn
            async with asyncio.timeout(self._patience.copy):
                await self._copy(mirror)
                await self._note(ours)

    async def _copy(self, mirror: Mirror) -> None:
        if _seconds() - self._copied_at < self._patience.tick:  # we were called: only what is new is urgent
            await mirror.copy_ledgers()
            return
        await mirror.copy(datetime.now(UTC))
        self._copied_at = _seconds()

    async def _shut(self, ours: bool | None) -> None:
        if ours is None:
            self._back_at = None
            if self._was_leader and _seconds() - (self._failing_at or 0.0) >= self._patience.alone:
                await self._leave()
            return
        self._back_at = self._back_at or _seconds()
        is_over = _seconds() - self._back_at >= self._patience.grace
        try:
            if self._was_leader:
                # We never left; but the store may have lost its newest writes, and others wait for a sign.
                await self._carry()
            elif not is_over:
                async with translated():
                    if not await self._store.exists(keys.CARRIED):
                        return
        except StoreUnavailable:
            return  # it is away again
        except StoreError as exc:
            log().warning(Event.STANDBY_STAYS, reason=str(exc))
            return
        self._go_home(Word.AGAIN)

    async def _away(self, ours: bool | None, mirror: Mirror) -> None:
        await self._note(True)
        if ours is None:
            self._back_at = None
            return
        self._back_at = self._back_at or _seconds()
        if _seconds() - self._back_at < 2 * self._patience.tick:
            return
        is_silent, self.is_leaving = (
            self.is_leaving,
            True,
        )  # an old copy stays silent for as long as we have it
        try:
            await self._drain()
            self._switch.turn(None)
            carried = await self._carry()
            mirror.forget()
            async with translated():
                await self._own.flushall()
        except (StoreError, TimeoutError) as exc:
            log().warning(Event.STANDBY_STAYS, reason=str(exc))
            self._switch.turn(self._own)
        else:
            log().warning(Event.STANDBY_ENDED, since=self._since.isoformat(), carried=carried)
            self._go_home(Word.BACK)
            is_silent = False
        finally:
            self.is_leaving = is_silent

    async def _carry(self) -> int:
        return await carry(Functions(self._own), Functions(self._store), datetime.now(UTC), self._refusals)

    async def _leave(self) -> None:
        """Go on with our own."""
        try:
            async with translated():
                await cast(Any, self._own.incrby(keys.NUMBER, NUMBERS_AHEAD))
                await cast(Any, self._own.hset(keys.STANDBY, "away_since", self._since.isoformat()))
        except StoreError as exc:
            log().error(Event.STANDBY_STAYS, reason=str(exc))
            return
        self._go_on(resumed=False)

    def _go_on(self, *, resumed: bool) -> None:
        self._switch.turn(self._own)
        self._state, self._back_at = _State.AWAY, None
        self._untold = None if self.is_leaving else Word.AWAY
        telemetry.STANDBY.set(1)
        log().warning(Event.STANDBY_BEGAN, since=self._since.isoformat(), resumed=resumed)

    def _go_home(self, word: Word) -> None:
        self._switch.turn(self._store)
        self._state, self._failing_at, self._back_at = _State.NEAR, None, None
        self._look_until, self._untold = _seconds() + self._patience.look_for, word
        telemetry.STANDBY.set(0)
        log().warning(Event.STORE_BACK, since=self._since.isoformat())

    async def _drain(self) -> None:
        """Wait for what is being sent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.drain), translated():
                while any(await asked(self._own, [("zcard", keys.leased(n)) for n in range(keys.SHARDS)])):
                    await asyncio.sleep(0.05)

    @property
    def _was_leader(self) -> bool:
        """True when the lease was ours when the store fell silent: a worker that slept through its end is not the last one."""
        if self._leader_at is None:
            return False
        return self._silent_from - self._leader_at <= self._patience.lease

    async def _notes(self) -> dict[str, str]:
        async with translated():
            fields = await cast(Any, self._own.hgetall(keys.STANDBY))
        return {name.decode(): value.decode() for name, value in fields.items()}

    async def _note(self, is_leader: bool) -> None:
        """Note on disk, now and then, that we are the leader, or that we are not."""
        if _seconds() - self._noted_at < NOTE_SECONDS and is_leader:
            return
        async with translated():
            if is_leader:
                await cast(Any, self._own.hset(keys.STANDBY, "leader_at", datetime.now(UTC).isoformat()))
                self._noted_at = _seconds()
            elif self._noted_at > float("-inf"):
                await cast(Any, self._own.hdel(keys.STANDBY, "leader_at"))
                self._noted_at = float("-inf")


def _is_recent(notes: Mapping[str, str], now: datetime) -> bool:
    at = notes.get("leader_at")
    return at is not None and now - datetime.fromisoformat(at) <= RESUME_WITHIN


def _seconds() -> float:
    return asyncio.get_running_loop().time()
