"""What is wired: the options that are not in the file, and the parts as `build` leaves them for `run`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from bot.clock import SystemClock
from bot.commands.dispatch import Dispatcher
from bot.config import Config
from bot.domain.rules import Rules
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Delivered, Pace
from bot.pipeline.pool import Pool
from bot.pipeline.probe import Probe
from bot.ports import Chat, Clock
from bot.store.redis import RedisIncidents, RedisOutbox
from bot.store.sharing import RedisLeases

# By chat and verb. Slack: 1 message a second and channel, chat.update 50 a minute and workspace (its rate-limits page, read
# 2026-11). Discord says its own limits in each answer's headers; in practice 5 in 5 s for a channel.
PACES = {
    ("slack", "post"): Pace(per_second=1.0, burst=1),
    ("slack", "edit"): Pace(per_second=50 / 60, burst=20, is_shared=True),
    ("discord", "post"): Pace(per_second=1.0, burst=5),
    ("discord", "edit"): Pace(per_second=1.0, burst=5),
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
    terminal: TextIO = sys.stdout
    on_delivered: Callable[[Delivered], None] | None = None
    on_ready: Callable[[App], None] = lambda app: None
    on_stopped: Callable[[App], Awaitable[None]] | None = None  # the store still answers


@dataclass(slots=True, kw_only=True)
class App:
    """The parts, built and not yet running. `loops` are run under supervision; `changed` wakes the outbox."""

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
    changed: asyncio.Event
    console_url: str = ""
