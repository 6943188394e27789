"""`run` keeps the loops of a built worker alive until it is told to stop, and ends them in order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from functools import partial

from bot.config import Config
from bot.errors import BotError, StoreError
from bot.store import schema
from bot.tasks import end
from bot.telemetry import Event, log
from bot.wiring.app import App, Options
from bot.wiring.build import build
from bot.wiring.crew import Crew
from bot.wiring.reload import Reloader

DRAIN_SECONDS = 10.0  # what is being sent when we stop gets so long
UNBUILT_SECONDS = 2.0  # what was never whole gets so long to go
GOODBYE_SECONDS = 7.0  # and answers to people so long
RELEASE_SECONDS = 2.0  # and the store so long, to let others have our leases


async def run(config: Config, options: Options | None = None, stop: asyncio.Event | None = None) -> None:
    """Run a worker until SIGINT, SIGTERM or `stop`; then finish what is being sent, and let go of everything.

    Raises ConfigError for what only shows at start: a port or a data directory in use, a store that is too new; StoreError
    when there is no store to start with.
    """
    options = options or Options()
    stop, is_built, reload = stop or asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    heard = {signal.SIGINT: stop, signal.SIGTERM: stop, **({signal.SIGHUP: reload} if options.reread else {})}
    for number, event in heard.items():
        loop.add_signal_handler(number, event.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(_live(config, options, stop, reload, is_built))
            await stop.wait()
            if not is_built.is_set():
                # A store that does not answer would keep us for long.
                await end([life], again_after=UNBUILT_SECONDS)
    except* BotError as group:
        raise _first(group) from None
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


async def _live(
    config: Config, options: Options, stop: asyncio.Event, reload: asyncio.Event, is_built: asyncio.Event
) -> None:
    async with build(config, options) as app:
        is_built.set()
        await _run(app, options, stop, reload)
        if options.on_stopped:
            await options.on_stopped(app)
        if app.refusal:
            raise app.refusal


async def _until_newer(app: App, stop: asyncio.Event) -> None:
    """End in order once a newer Fogbell has taken the store over: we could not read what it writes."""
    app.refusal = await schema.until_newer(app.client)
    log().error(Event.STORE_NEWER, reason=str(app.refusal))
    stop.set()


async def _run(app: App, options: Options, stop: asyncio.Event, reload: asyncio.Event) -> None:
    await app.outbox.give_back(app.clock.now())
    log().info(Event.STARTED, sources=len(app.pool.watches), checks=len(app.probes), chats=sorted(app.chats))
    async with asyncio.TaskGroup() as tasks:
        crew = Crew(tasks)
        working = {name: crew.begin(name, loop) for name, loop in app.loops.items()}
        crew.begin("schema", partial(_until_newer, app, stop))
        if options.reread:
            crew.begin("reload", Reloader(app, crew, options.reread, reload).run)
        try:
            await stop.wait()
            log().info(Event.STOPPING)
            app.courier.stop()
            app.changed.set()
            await asyncio.wait([working["outbox"]], timeout=DRAIN_SECONDS)
        finally:
            await _end(crew, app)
    # Only a kindness to others: leases end by themselves.
    with suppress(StoreError, TimeoutError):
        async with asyncio.timeout(RELEASE_SECONDS):
            await app.leases.release_all()


async def _end(crew: Crew, app: App) -> None:
    """End all loops, those last that have people waiting for an answer."""
    orderly = {"web", *app.chats}
    await crew.end(*crew.others(orderly))
    await crew.end(*orderly, again_after=GOODBYE_SECONDS)


def _first(group: BaseExceptionGroup[BotError]) -> BotError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, BotError) else BotError(str(found))
