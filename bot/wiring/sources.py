"""All that looks at sources, wired: the pool, the reports on it, and what is said when it sees nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import redis.asyncio as aioredis

from bot import config as settings
from bot import net
from bot.commands.context import Detect
from bot.config import Config
from bot.domain.rules import Rules
from bot.domain.trust import SourceReport
from bot.pipeline.board import Board
from bot.pipeline.ingest import Ingest
from bot.pipeline.monitoring import Monitoring
from bot.pipeline.pool import Pool, sisters_of
from bot.pipeline.quarantine import Quarantine
from bot.pipeline.reports import Reports
from bot.pipeline.sight import Sight
from bot.pipeline.tempo import Tempo
from bot.pipeline.watch import Watch
from bot.pipeline.websub import HubCaller, Subscription, Subscriptions
from bot.ports import Clock, Incidents, Leases, Monitors
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.finding.detecting import Found, detect_page
from bot.sources.payload import SourceSpec
from bot.store import keys
from bot.store.desk import RedisMonitors, Shelf
from bot.web import sns
from bot.web.hooks import Hooks
from bot.wiring.app import Loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The parts, not yet running."""

    pool: Pool
    reports: Reports
    monitoring: Monitoring
    monitors: Monitors
    subscriptions: Subscriptions
    detect: Detect
    watch: Callable[[SourceSpec], Watch]
    loops: dict[str, Loop]


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The ways out: `session` for addresses of the configuration, `guarded` for all others, and the budget of both."""

    session: aiohttp.ClientSession
    guarded: aiohttp.ClientSession
    guard: net.Guard
    turns: net.Turns


@asynccontextmanager
async def ways_out(config: Config) -> AsyncIterator[Web]:
    """The sessions, open."""
    about = config.fogbell
    guard = net.Guard(networks=about.allow_networks, by_proxy=about.people_urls_by_proxy)
    async with (
        net.open_session(contact=about.contact) as session,
        net.open_session(contact=about.contact, guard=guard) as guarded,
    ):
        yield Web(session=session, guarded=guarded, guard=guard, turns=net.Turns(about.requests_per_second))


def tempo_of(config: Config, rules: Rules, clock: Clock) -> Tempo:
    """What speaks for hurry, by services and clouds of the configuration."""
    return Tempo(clock, rules.services, sisters_of(settings.clouds(config)))


def watching(
    config: Config,
    client: aioredis.Redis,
    web: Web,
    *,
    incidents: Incidents,
    ingest: Ingest,
    leases: Leases,
    tempo: Tempo,
    clock: Clock,
    names: MutableMapping[str, str],
) -> Watching:
    """The sources of the configuration, wired. `names` is what people call each provider, and learns those of added pages."""
    fetcher = Fetcher(web.session, guarded=web.guarded, guard=web.guard, turns=web.turns)
    marks, shelf = Shelf(client, keys.MARKS, Marks), Shelf(client, keys.SOURCES, SourceReport)
    quarantine = Quarantine(config.fogbell.data / "quarantine")

    subscriptions = Subscriptions(
        Shelf(client, keys.WEBSUB, Subscription),
        HubCaller(web.guard),
        clock,
        leases,
        public_url=config.console.public_url,
        secret_of=lambda name: pool.secret_of(name),
    )

    def watch(source: SourceSpec) -> Watch:
        return Watch(
            source, fetcher, ingest, clock, marks, quarantine=quarantine, offered=subscriptions.offered
        )

    async def detect(url: str) -> Found:
        return await detect_page(url, fetcher, clock.now())

    watches = [watch(source) for source in settings.sources(config)]
    pool = Pool(watches, clock, leases, tempo, Board(shelf, clock), marks, shelf)
    sight = Sight(pool, incidents, ingest, clock, names)
    monitors = RedisMonitors(client)
    monitoring = Monitoring(monitors, pool, clock, watch, names)
    loops: dict[str, Loop] = {
        "sources": pool.run,
        "shares": pool.share,
        "reports": pool.write,
        "sight": sight.run,
        "monitors": monitoring.run,
        "websub": subscriptions.run,
    }
    return Watching(
        monitoring=monitoring,
        pool=pool,
        reports=Reports(lambda: pool.watches, shelf, incidents, clock),
        monitors=monitors,
        subscriptions=subscriptions,
        detect=detect,
        watch=watch,
        loops=loops,
    )


def hooks_of(sources: Watching, web: Web, clock: Clock) -> Hooks:
    """The inbound addresses, for providers that push."""
    return Hooks(
        pushes=sources.pool,
        clock=clock,
        subscriptions=sources.subscriptions,
        confirm=partial(sns.confirm, web.session),
    )
