"""All together: `build` makes the parts from the configuration, in one straight line, and `run` keeps their loops alive.

Nothing else chooses an implementation. Chats' libraries are imported only where the configuration names the chat.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import redis.asyncio as aioredis

from bot import config as settings
from bot import telemetry
from bot.chats.console.client import ConsoleChat
from bot.chats.terminal import TerminalChat
from bot.clock import SystemClock
from bot.commands import COMMANDS
from bot.commands.context import Acknowledge
from bot.commands.dispatch import Dispatcher
from bot.commands.spec import Actor
from bot.config import Config
from bot.domain.checks import CheckState
from bot.domain.incident import Incident
from bot.domain.rules import Rules
from bot.domain.trust import SourceReport
from bot.errors import BotError, ConfigError, StoreError
from bot.net import open_session
from bot.notices import draft
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Delivered, Pace, Voice
from bot.pipeline.probe import Probe
from bot.pipeline.reports import Reports
from bot.pipeline.supervise import supervise
from bot.pipeline.sweep import Sweep
from bot.pipeline.watch import Watch
from bot.ports import Chat, Clock
from bot.sources.fetch import Fetcher, Marks
from bot.store import keys
from bot.store.desk import RedisOnce, RedisSilences, Shelf
from bot.store.embedded import EmbeddedStore, running
from bot.store.lock import DirectoryLock, unusable
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect, translated
from bot.store.sharing import RedisAudit, RedisLeases, RedisLimiter
from bot.tasks import end
from bot.telemetry import Event, log
from bot.web.app import build_app, serve
from bot.web.overview import Overview
from bot.web.security import LOOPBACK_NAMES

DRAIN_SECONDS = 10.0  # what is being sent when we stop gets so long
SPREAD_SECONDS = 0.02  # first looks, one source after another: 1,000 sources within 20 s
GOODBYE_SECONDS = 7.0  # and answers to people so long
RELEASE_SECONDS = 2.0  # and the store so long, to let others have our leases
# By chat and verb. Slack: 1 message a second and channel, chat.update 50 a minute and workspace (its rate-limits page, read
# 2026-11). Discord says its own limits in each answer's headers; in practice 5 in 5 s for a channel.
PACES = {
    ("slack", "post"): Pace(per_second=1.0, burst=1),
    ("slack", "edit"): Pace(per_second=50 / 60, burst=20, is_shared=True),
    ("discord", "post"): Pace(per_second=1.0, burst=5),
    ("discord", "edit"): Pace(per_second=1.0, burst=5),
}
EXAMPLES = ("status", "list", "help")

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
    watches: tuple[Watch, ...]
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


@asynccontextmanager
async def opened_store(
    config: Config, *, is_beside: bool = False
) -> AsyncIterator[tuple[aioredis.Redis, EmbeddedStore | None]]:
    """A client of the configured store, or of an embedded server that lives as long as this context.

    `is_beside` is for commands: they use the running worker's server where there is one.
    """
    embedded: EmbeddedStore | None = None
    url = config.store.url.reveal() if config.store.url else None
    if url is None and is_beside:
        url = await running(config.fogbell.data)
    async with AsyncExitStack() as stack:
        if url is None:
            embedded = EmbeddedStore(config.fogbell.data)
            stack.push_async_callback(embedded.stop)
            await embedded.start()
            url = embedded.url
        elif not is_beside:
            lock = DirectoryLock(config.fogbell.data)
            lock.take()  # two workers of one name would take each other's leases for their own
            stack.callback(lock.release)
        client = connect(url)
        stack.push_async_callback(client.aclose)
        await _check_schema(client)
        yield client, embedded


async def _check_schema(client: aioredis.Redis) -> None:
    """Refuse a store that a newer Fogbell wrote; mark an empty one as ours."""
    async with translated():
        written = await client.get(keys.SCHEMA_KEY)
        if written is None:
            await client.set(keys.SCHEMA_KEY, keys.SCHEMA)
    if written is not None and int(written) > keys.SCHEMA:
        raise ConfigError(
            [
                f"store: written by a newer Fogbell (schema {int(written)}, this one knows {keys.SCHEMA}); upgrade this one"
            ]
        )


@asynccontextmanager
async def build(config: Config, options: Options) -> AsyncIterator[App]:
    """Every part, wired; they are closed in order when the context ends."""
    async with AsyncExitStack() as stack:
        client, embedded = await stack.enter_async_context(opened_store(config, is_beside=options.is_beside))
        session = await stack.enter_async_context(open_session(contact=config.fogbell.contact))
        clock = options.clock
        functions = Functions(client)
        await functions.load()
        changed = asyncio.Event()
        chats = _chats(config, client, options)
        for chat in chats.values():
            stack.push_async_callback(chat.close)

        rules = settings.rules(config)
        sources, checks = settings.sources(config), settings.checks(config)
        owner = worker_id(config.fogbell.data)
        incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, owner)
        audit, leases = RedisAudit(client), RedisLeases(functions, owner)
        reports, states = Shelf(client, keys.SOURCES, SourceReport), Shelf(client, keys.CHECKS, CheckState)
        ingest = Ingest(incidents, rules, clock, changed)
        sweep = Sweep(incidents, outbox, ingest, clock)
        silences = RedisSilences(client, sweep.wake_all)
        seen = Reports(sources, reports, incidents, clock)
        voice = Voice(names=dict(rules.names), zone=ZoneInfo(config.fogbell.time_zone))
        courier = Courier(
            outbox, incidents, silences, chats, clock,
            voice=voice, audit=audit, limiter=RedisLimiter(functions), paces=options.paces, on_delivered=options.on_delivered,
        )  # fmt: skip
        dispatcher = Dispatcher(
            commands=COMMANDS, incidents=incidents, acknowledge=_acknowledge(ingest), silences=silences, sources=seen,
            once=RedisOnce(client), audit=audit, clock=clock, rules=rules,
            drafts=draft.load(config.notices.templates, names_providers=config.notices.names_providers), zone=voice.zone,
        )  # fmt: skip
        overview = Overview(
            incidents, seen, states, clock,
            services=rules.services, checks=checks, speed=options.speed, note=options.note,
        )  # fmt: skip
        fetcher, marks = Fetcher(session), Shelf(client, keys.MARKS, Marks)
        spread = SPREAD_SECONDS * len(sources)
        watches = tuple(
            Watch(s, fetcher, ingest, clock, leases, marks, reports, spread_seconds=spread) for s in sources
        )
        probes = tuple(Probe(c, session, ingest, clock, states) for c in checks)
        loops: dict[str, Loop] = {
            "outbox": lambda: courier.run(changed),
            "sweep": sweep.run,
            **{f"source:{watch.source.name}": watch.run for watch in watches},
            **{f"check:{probe.check.name}": probe.run for probe in probes},
            **({} if options.is_beside else _listeners(config, chats, dispatcher, leases)),
            **({"store": embedded.watch} if embedded else {}),
        }
        app = App(
            config=config, rules=rules, clock=clock, watches=watches, probes=probes, chats=chats, incidents=incidents,
            outbox=outbox, ingest=ingest, courier=courier, dispatcher=dispatcher, leases=leases, loops=loops,
            changed=changed,
        )  # fmt: skip
        loops["web"] = _web(config, app, chats, overview, options)
        yield app


def _chats(config: Config, client: aioredis.Redis, options: Options) -> dict[str, Chat]:
    """The chats by name: the built-in ones always, the others where they are configured."""
    channels = [c for group in settings.rules(config).groups for c in group.channels]
    boards = [c.partition(":")[2] for c in channels if c.startswith("console:")]
    chats: dict[str, Chat] = {
        "console": ConsoleChat(client, clock=options.clock, channels=dict.fromkeys(boards)),
        "terminal": TerminalChat(options.terminal, clock=options.clock),
    }
    if options.is_beside:
        return chats
    if slack := config.chat.slack:
        from bot.chats.slack.client import SlackChat

        chats["slack"] = SlackChat(token=slack.bot_token.reveal(), api_url=slack.api_url)
    if discord := config.chat.discord:
        from bot.chats.discord.client import DiscordChat

        chats["discord"] = DiscordChat(token=discord.token.reveal(), api_url=discord.api_url)
    return chats


def _listeners(
    config: Config, chats: Mapping[str, Chat], dispatcher: Dispatcher, leases: RedisLeases
) -> dict[str, Loop]:
    """What takes commands from the chats: Slack's socket on every replica, Discord's gateway on one."""
    loops: dict[str, Loop] = {}
    slack, discord = config.chat.slack, config.chat.discord
    if slack and slack.app_token:
        from bot.chats.slack import listen as slack_listen
        from bot.chats.slack.client import SlackChat

        chat, app_token = chats["slack"], slack.app_token.reveal()
        if isinstance(chat, SlackChat):
            loops["slack"] = lambda: slack_listen.listen(
                dispatcher, chat=chat, app_token=app_token, command=slack.command
            )
    if discord:
        from bot.chats.discord import listen as discord_listen

        def gateway() -> Coroutine[Any, Any, None]:
            return discord_listen.listen(
                dispatcher,
                token=discord.token.reveal(),
                api_url=discord.api_url,
                gateway_url=discord.gateway_url,
            )

        loops["discord"] = lambda: leases.while_held("discord-gateway", gateway)
    return loops


def _web(config: Config, app: App, chats: Mapping[str, Chat], overview: Overview, options: Options) -> Loop:
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
    )

    def listening(bound: int) -> None:
        app.console_url = f"http://{f'[{host}]' if ':' in host else host}:{bound}/"
        options.on_ready(app)

    return lambda: serve(web, host, port, on_ready=listening)


def _acknowledge(ingest: Ingest) -> Acknowledge:
    async def acknowledge(incident_id: str, actor: Actor) -> Incident:
        return await ingest.acknowledge(incident_id, actor.name)

    return acknowledge


def worker_id(data: Path) -> str:
    """This worker's name, the same after a restart, so that it need not wait for leases of its own. Raises ConfigError."""
    path = data / "worker-id"
    try:
        if not (path.exists() and path.read_text().strip()):  # a crash may have left it empty
            data.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(8))
        return path.read_text().strip()
    except OSError as exc:
        raise unusable(data, exc) from exc


async def run(config: Config, options: Options | None = None, stop: asyncio.Event | None = None) -> None:
    """Run a worker until SIGINT, SIGTERM or `stop`; then finish what is being sent, and let go of everything.

    Raises ConfigError for what only shows at start: a port or a data directory in use, a store that is too new; StoreError
    when there is no store to start with.
    """
    stop, is_built = stop or asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(_live(config, options or Options(), stop, is_built))
            await stop.wait()
            if not is_built.is_set():
                # A store that does not answer would keep us for long.
                await end([life], again_after=GOODBYE_SECONDS)
    except* BotError as group:
        raise _first(group) from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _live(config: Config, options: Options, stop: asyncio.Event, is_built: asyncio.Event) -> None:
    async with build(config, options) as app:
        is_built.set()
        await _run(app, stop)
        if options.on_stopped:
            await options.on_stopped(app)


async def _run(app: App, stop: asyncio.Event) -> None:
    await app.outbox.give_back(app.clock.now())
    log().info(Event.STARTED, sources=len(app.watches), checks=len(app.probes), chats=sorted(app.chats))
    async with asyncio.TaskGroup() as tasks:
        loops = {name: tasks.create_task(supervise(name, loop)) for name, loop in app.loops.items()}
        try:
            await stop.wait()
            log().info(Event.STOPPING)
            app.courier.stop()
            app.changed.set()
            await asyncio.wait([loops["outbox"]], timeout=DRAIN_SECONDS)
        finally:
            await _end(loops)
    # Only a kindness to others: leases end by themselves.
    with suppress(StoreError, TimeoutError):
        async with asyncio.timeout(RELEASE_SECONDS):
            await app.leases.release_all()


async def _end(loops: Mapping[str, asyncio.Task[None]]) -> None:
    """End all loops, those last that have people waiting for an answer."""
    orderly = {"web", "slack", "discord"} & loops.keys()
    await end(task for name, task in loops.items() if name not in orderly)
    await end((loops[name] for name in orderly), again_after=GOODBYE_SECONDS)


def _first(group: BaseExceptionGroup[BotError]) -> BotError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, BotError) else BotError(str(found))
