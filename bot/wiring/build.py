"""`build` makes the parts from the configuration, in one straight line. Nothing else chooses an implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from zoneinfo import ZoneInfo

from bot import config as settings
from bot import telemetry
from bot.chats.console.client import ConsoleChat
from bot.commands import COMMANDS
from bot.commands.context import Acknowledge
from bot.commands.dispatch import Dispatcher
from bot.commands.spec import Actor
from bot.config import Config
from bot.domain.checks import CheckState
from bot.domain.incident import Incident
from bot.errors import ConfigError
from bot.notices import draft
from bot.pipeline import lag
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Voice
from bot.pipeline.probe import Probe
from bot.pipeline.sweep import Sweep
from bot.ports import Chat
from bot.store import keys
from bot.store.desk import RedisOnce, RedisSilences, Shelf
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit, RedisLeases, RedisLimiter
from bot.web.app import build_app, serve
from bot.web.hooks import Hooks
from bot.web.overview import Overview
from bot.web.security import LOOPBACK_NAMES
from bot.wiring.app import App, Loop, Options
from bot.wiring.chats import chats_of, listeners
from bot.wiring.sources import hooks_of, tempo_of, watching, ways_out
from bot.wiring.store import opened_store, worker_id

EXAMPLES = ("status", "list", "help")


@asynccontextmanager
async def build(config: Config, options: Options) -> AsyncIterator[App]:
    """Every part, wired; they are closed in order when the context ends."""
    async with AsyncExitStack() as stack:
        client, embedded = await stack.enter_async_context(opened_store(config, is_beside=options.is_beside))
        web = await stack.enter_async_context(ways_out(config))
        clock = options.clock
        functions = Functions(client)
        await functions.load()
        changed = asyncio.Event()
        chats = chats_of(config, client, options)
        for chat in chats.values():
            stack.push_async_callback(chat.close)

        rules, checks = settings.rules(config), settings.checks(config)
        owner = worker_id(config.fogbell.data)
        incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, owner)
        audit, leases = RedisAudit(client), RedisLeases(functions, owner)
        states = Shelf(client, keys.CHECKS, CheckState)
        tempo = tempo_of(config, rules, clock)
        ingest = Ingest(incidents, rules, clock, changed, tempo.saw)
        sweep = Sweep(incidents, outbox, ingest, clock, tempo.saw_all)
        silences = RedisSilences(client, sweep.wake_all)
        names = dict(rules.names)
        sources = watching(
            config, client, web,
            incidents=incidents, ingest=ingest, leases=leases, tempo=tempo, clock=clock, names=names,
        )  # fmt: skip
        await sources.monitoring.once()  # from the first word on, pages that were added have their titles
        voice = Voice(names=names, zone=ZoneInfo(config.fogbell.time_zone))
        courier = Courier(
            outbox, incidents, silences, chats, clock,
            voice=voice, audit=audit, limiter=RedisLimiter(functions), paces=options.paces, on_delivered=options.on_delivered,
        )  # fmt: skip
        dispatcher = Dispatcher(
            commands=COMMANDS, incidents=incidents, acknowledge=_acknowledge(ingest), silences=silences,
            sources=sources.reports, monitors=sources.monitors, detect=sources.detect, once=RedisOnce(client),
            audit=audit, clock=clock, rules=rules, names=names,
            drafts=draft.load(config.notices.templates, names_providers=config.notices.names_providers), zone=voice.zone,
        )  # fmt: skip
        overview = Overview(
            incidents, sources.reports, states, clock,
            services=rules.services, checks=checks, speed=options.speed, note=options.note,
        )  # fmt: skip
        probes = tuple(Probe(c, web.session, ingest, clock, states) for c in checks)
        loops: dict[str, Loop] = {
            "outbox": lambda: courier.run(changed),
            "sweep": sweep.run,
            "lag": lag.measure,
            **sources.loops,
            **{f"check:{probe.check.name}": probe.run for probe in probes},
            **({} if options.is_beside else listeners(config, chats, dispatcher, leases)),
            **({"store": embedded.watch} if embedded else {}),
        }
        app = App(
            config=config, rules=rules, clock=clock, pool=sources.pool, probes=probes, chats=chats, incidents=incidents,
            outbox=outbox, ingest=ingest, courier=courier, dispatcher=dispatcher, leases=leases, loops=loops,
            changed=changed,
        )  # fmt: skip
        loops["web"] = _web(config, app, chats, overview, hooks_of(sources, web, clock), options)
        yield app


def _web(
    config: Config,
    app: App,
    chats: Mapping[str, Chat],
    overview: Overview,
    hooks: Hooks,
    options: Options,
) -> Loop:
    console = chats["console"]
    if not isinstance(console, ConsoleChat):
        raise ConfigError(["console: the page needs the built-in console chat"])
    host, port = config.console.host, config.console.port
    web = build_app(
        console,
        app.dispatcher,
        overview,
        clock=app.clock,
        token=config.console.token.reveal() if config.console.token else None,
        bound_to_loopback=host in LOOPBACK_NAMES,
        examples=EXAMPLES,
        registry=telemetry.REGISTRY,
        is_alive=app.courier.is_turning,
        hooks=hooks,
    )

    def listening(bound: int) -> None:
        app.console_url = f"http://{f'[{host}]' if ':' in host else host}:{bound}/"
        options.on_ready(app)

    return lambda: serve(web, host, port, on_ready=listening)


def _acknowledge(ingest: Ingest) -> Acknowledge:
    async def acknowledge(incident_id: str, actor: Actor) -> Incident:
        return await ingest.acknowledge(incident_id, actor.name)

    return acknowledge
