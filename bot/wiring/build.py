"""`build` makes the parts from the configuration, in one straight line. Nothing else chooses an implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

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
from bot.pipeline.ingest import COURTESY_S, Ingest
from bot.pipeline.probe import Probe
from bot.pipeline.sweep import Sweep
from bot.pipeline.wake import Wake
from bot.ports import Chat
from bot.store import keys
from bot.store.desk import RedisOnce, RedisSilences, Shelf
from bot.store.redis import Functions, RedisIncidents
from bot.store.sharing import RedisAudit
from bot.web.app import build_app, serve
from bot.web.deliveries import Deliveries
from bot.web.hooks import Hooks
from bot.web.overview import Overview
from bot.web.security import GUARD, LOOPBACK_NAMES
from bot.wiring import standby as standing_by
from bot.wiring.app import App, Loop, Options
from bot.wiring.chats import listeners, open_chats
from bot.wiring.delivery import delivery
from bot.wiring.operating import operating
from bot.wiring.sources import hooks_of, tempo_of, watching, ways_out
from bot.wiring.store import watching_store, worker_id

EXAMPLES = ("status", "list", "help")


@asynccontextmanager
async def build(config: Config, options: Options) -> AsyncIterator[App]:
    """Every part, wired; they are closed in order when the context ends."""
    async with AsyncExitStack() as stack:
        client, embedded, standby = await stack.enter_async_context(standing_by.opened(config, options))
        web = await stack.enter_async_context(ways_out(config))
        clock, changed = options.clock, Wake()
        functions = Functions(client)
        await functions.load()
        chats = await stack.enter_async_context(open_chats(config, client, options))

        rules, checks = settings.rules(config), settings.checks(config)
        incidents, audit = RedisIncidents(functions), RedisAudit(functions)
        outbox, leases = standing_by.ports_of(functions, worker_id(config.fogbell.data), standby)
        states = Shelf(client, keys.CHECKS, CheckState)
        tempo = tempo_of(config, rules, clock)
        ingest = Ingest(incidents, rules, clock, changed, tempo.saw, courtesy_s=COURTESY_S)
        sweep = Sweep(incidents, outbox, ingest, clock, tempo.saw_all, changed)
        silences = RedisSilences(client, sweep.wake_all)
        names = dict(rules.names)
        sources = watching(
            config, client, web,
            incidents=incidents, ingest=ingest, leases=leases, tempo=tempo, clock=clock, names=names,
        )  # fmt: skip
        await sources.monitoring.once()  # from the first word on, pages that were added have their titles
        speaking = delivery(
            config, options, client,
            chats=chats, incidents=incidents, outbox=outbox, silences=silences, audit=audit, ingest=ingest, sweep=sweep,
            names=names, changed=changed,
        )  # fmt: skip
        dispatcher = Dispatcher(
            commands=COMMANDS, incidents=incidents, acknowledge=_acknowledge(ingest), silences=silences, audit=audit,
            sources=sources.reports, monitors=sources.monitors, detect=sources.detect, once=RedisOnce(client), names=names,
            clock=clock, rules=rules, drafts=drafts_of(config), zone=speaking.voice.zone, usable=speaking.health.as_all_know,
        )  # fmt: skip
        overview = Overview(
            incidents, sources.reports, states, clock, services=rules.services, checks=checks,
            speed=options.speed, note=options.note)  # fmt: skip
        probe_of = partial(Probe, session=web.session, ingest=ingest, clock=clock, states=states, leases=leases)  # fmt: skip
        probes = tuple(probe_of(check) for check in checks)
        loops: dict[str, Loop] = {
            **speaking.loops,
            "sweep": sweep.run,
            "lag": lag.measure,
            "retention": lambda: audit.trim_hourly(lambda: app.config.rules.audit_for),
            **sources.loops,
            **{f"check:{probe.check.name}": probe.run for probe in probes},
            **({} if options.is_beside else listeners(config, chats, dispatcher, leases)),
            **({"store": embedded.watch} if embedded else {}),
            **standing_by.loops_of(standby, incidents, ingest, sweep, sources.pool),
            **await watching_store(functions, embedded, config, options, sources.pool),
        }
        app = App(
            config=config, rules=rules, clock=clock, pool=sources.pool, probes=probes, chats=chats, incidents=incidents,
            outbox=outbox, ingest=ingest, courier=speaking.courier, dispatcher=dispatcher, leases=leases, loops=loops,
            changed=changed, client=client, sweep=sweep, tempo=tempo, overview=overview, sources=sources, standby=standby,
            names=names, hears=not options.is_beside, probe_of=probe_of,
        )  # fmt: skip
        log = operating(app, functions, speaking.health, audit, web)
        loops["web"] = _web(config, app, chats, overview, hooks_of(sources, web, clock), options, log)
        yield app


def _web(
    config: Config,
    app: App,
    chats: Mapping[str, Chat],
    overview: Overview,
    hooks: Hooks,
    options: Options,
    deliveries: Deliveries,
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
        deliveries=deliveries,
    )

    def use_token(token: str | None) -> None:
        web[GUARD].token = token

    app.use_console_token = use_token

    def listening(bound: int) -> None:
        app.console_url = f"http://{f'[{host}]' if ':' in host else host}:{bound}/"
        options.on_ready(app)

    return lambda: serve(web, host, port, on_ready=listening)


def drafts_of(config: Config) -> draft.Drafts:
    """The texts for customers. Raises ConfigError for templates that cannot be used."""
    return draft.load(config.notices.templates, names_providers=config.notices.names_providers)


def _acknowledge(ingest: Ingest) -> Acknowledge:
    async def acknowledge(incident_id: str, actor: Actor) -> Incident:
        return await ingest.acknowledge(incident_id, actor.name)

    return acknowledge
