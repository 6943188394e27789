"""What is wired: the options that are not in the file, and the parts as `build` leaves them for `run`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

import redis.asyncio as aioredis

from bot.clock import SystemClock
from bot.commands.dispatch import Dispatcher
from bot.config import Config
from bot.domain.checks import Check
from bot.domain.rules import Rules
from bot.errors import ConfigError
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Delivered, Pace
from bot.pipeline.pool import Pool
from bot.pipeline.probe import Probe
from bot.pipeline.sweep import Sweep
from bot.pipeline.tempo import Tempo
from bot.pipeline.wake import Wake
from bot.ports import Chat, Clock
from bot.store.redis import RedisIncidents, RedisOutbox
from bot.store.sharing import RedisLeases
from bot.store.standby import Patience, Standby
from bot.web.overview import Overview

if TYPE_CHECKING:
    from bot.wiring.sources import Watching

# By chat and verb. Slack: 1 message a second and channel (a little less: the way there takes its time), chat.update 50 in
# any minute and workspace (its rate-limits page, read 2026-11): 20 at once, and 30 more while that minute lasts. Discord
# says its own limits in each answer's headers, which one replica sees and the others do not; in practice 5 in 5 s for a
# channel, and a burst followed by this pace would break it.
PACES = {
    ("slack", "post"): Pace(per_second=0.97, burst=1),
    ("slack", "edit"): Pace(per_second=30 / 60, burst=20, is_shared=True),
    ("discord", "post"): Pace(per_second=0.8, burst=1),
    ("discord", "edit"): Pace(per_second=0.8, burst=1),
    ("apprise", "post"): Pace(per_second=1.0, burst=5),  # the library's own throttle, which sleeps, is off
}

Loop = Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Options:
    """What is not in the file: clocks and streams of the demo, hooks of tests."""

    clock: Clock = field(default_factory=SystemClock)
    speed: float | None = None  # set for a clock that runs faster than life
    note: str = ""
    is_beside: bool = False  # a command beside the worker, not the worker
    paces: Mapping[tuple[str, str], Pace] = field(default_factory=lambda: PACES)
    patience: Patience = field(default_factory=Patience)
    terminal: TextIO = field(default_factory=lambda: sys.stdout)
    reread: Callable[[], Config] | None = None  # the file as it is now; without it nothing is reloaded
    on_delivered: Callable[[Delivered], None] | None = None
    on_ready: Callable[[App], None] = lambda app: None
    on_stopped: Callable[[App], Awaitable[None]] | None = None  # the store still answers


@dataclass(slots=True, kw_only=True)
class App:
    """The parts, built and not yet running. `loops` are run under supervision; `changed` wakes the outbox.

    What `reload` swaps: `config`, `rules`, `probes`, and what hangs on them. `names` is what people call each provider;
    `hears` is False for a command beside the worker. `refusal` is why a worker ends by itself.
    """

    config: Config
    rules: Rules
    clock: Clock
    pool: Pool
    probes: tuple[Probe, ...]
    chats: Mapping[str, Chat]
    incidents: RedisIncidents
    outbox: RedisOutbox
    ingest: Ingest
    courier: Courier
    dispatcher: Dispatcher
    leases: RedisLeases
    loops: dict[str, Loop]
    changed: Wake
    client: aioredis.Redis
    sweep: Sweep
    tempo: Tempo
    overview: Overview
    sources: Watching
    names: MutableMapping[str, str]
    probe_of: Callable[[Check], Probe]
    hears: bool = True
    use_console_token: Callable[[str | None], None] = lambda token: None
    refusal: ConfigError | None = None
    standby: Standby | None = None
    console_url: str = ""
