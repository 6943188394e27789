"""All that speaks, wired: the outbox, how it speaks in each channel, and the health of the chats that it speaks through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import redis.asyncio as aioredis

from bot.config import Config
from bot.domain.failover import ChatHealth
from bot.pipeline.health import Health
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.sweep import Sweep
from bot.pipeline.wake import Wake
from bot.ports import Audit, Chat, Incidents, Outbox, Silences
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.redis import Functions
from bot.store.sharing import RedisLimiter
from bot.wiring.app import Loop, Options
from bot.wiring.operating import also_timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The parts, not yet running."""

    courier: Courier
    voice: Voice
    health: Health
    loops: dict[str, Loop]


def delivery(
    config: Config,
    options: Options,
    client: aioredis.Redis,
    *,
    chats: Mapping[str, Chat],
    incidents: Incidents,
    outbox: Outbox,
    silences: Silences,
    audit: Audit,
    ingest: Ingest,
    sweep: Sweep,
    names: Mapping[str, str],
    changed: Wake,
) -> Delivery:
    """What says things, and from now on tells `ingest` which chats can be relied on."""
    health = Health(Shelf(client, keys.CHATS, ChatHealth), chats, options.clock, sweep.once)
    ingest.usable = health.usable
    voice = Voice(
        names=names,
        zone=ZoneInfo(config.fogbell.time_zone),
        rules=lambda: ingest.rules,
        health=lambda: health.known,
    )
    courier = Courier(
        outbox, incidents, silences, chats, options.clock,
        voice=voice, audit=audit, limiter=RedisLimiter(Functions(client)), paces=options.paces,
        saw=lambda chat, ok, is_post: health.saw(chat, ok=ok, is_post=is_post), on_delivered=also_timed(options.on_delivered),
        reasserts=options.speed is None,
    )  # fmt: skip
    loops: dict[str, Loop] = {"outbox": lambda: courier.run(changed), "health": health.run}
    return Delivery(courier=courier, voice=voice, health=health, loops=loops)
