"""What operators run Fogbell by, wired: the backlog behind `outbox`, its upkeep, the page's delivery log, and the pulse."""

from __future__ import annotations

from collections.abc import Callable

from bot.commands.context import RoomOf
from bot.config import Config
from bot.domain.checks import CheckState
from bot.domain.explain import Room
from bot.domain.observation import SELF
from bot.domain.trust import SourceReport
from bot.pipeline import upkeep
from bot.pipeline.backlog import Backlog
from bot.pipeline.health import Health
from bot.pipeline.lanes import hourly
from bot.pipeline.outbox import Delivered
from bot.pipeline.pulse import Pulse, Sign
from bot.pipeline.unwatched import CHECK, MISSED_FOR, MISSED_FOR_ALONE, Unwatched
from bot.pipeline.upkeep import Upkeep
from bot.ports import Audit, Clock
from bot.sources.fetching.fetch import Marks
from bot.store import keys
from bot.store.desk import Shelf
from bot.store.functions import Functions
from bot.store.pendings import RedisPendings
from bot.store.redis import translated
from bot.store.sharing import RedisLimiter
from bot.web.deliveries import Deliveries
from bot.wiring.app import App
from bot.wiring.sources import Web


def operating(app: App, functions: Functions, health: Health, audit: Audit, web: Web) -> Deliveries:
    """Give the app what operators need, and its page the delivery log."""
    backlog = Backlog(
        RedisPendings(functions, app.outbox), app.incidents, audit, app.clock, woken=app.changed.set
    )
    app.dispatcher.backlog = backlog
    app.dispatcher.room_of = _room_of(RedisLimiter(functions), app.clock)
    looks = Upkeep(
        backlog, app.incidents, app.ingest, app.clock, app.leases, app.changed,
        usable=lambda: {name: name in health.usable() for name in app.chats},
    )  # fmt: skip

    async def store_answers() -> None:
        async with translated():
            await app.client.ping()

    pulse = Pulse(
        lambda: sign_of(app.config),
        web.session,
        is_turning=app.courier.is_turning,
        store_answers=store_answers,
    )
    app.sweep.unwatched = _unwatched(app).of
    app.loops["upkeep"] = looks.run
    app.loops["pulse"] = pulse.run
    return Deliveries(audit, backlog.entries, lambda: health.known, tuple(app.chats), app.clock)


def _room_of(limiter: RedisLimiter, clock: Clock) -> RoomOf:
    async def room_of(channel: str, most: int) -> Room:
        left, wait = await limiter.left(*hourly(channel, most))
        return Room(left=left, more_at=clock.now() + wait)

    return room_of


def _unwatched(app: App) -> Unwatched:
    async def known() -> set[tuple[str, str]]:
        sources = {(spec.provider, spec.name) for spec in app.pool.specs}
        added = {(monitor.provider, monitor.name) for monitor in await app.sources.monitors.all()}
        return sources | added | {(SELF, f"{CHECK}{probe.check.name}") for probe in app.probes}

    return Unwatched(
        known,
        Shelf(app.client, keys.SOURCES, SourceReport),
        Shelf(app.client, keys.MARKS, Marks),
        Shelf(app.client, keys.CHECKS, CheckState),
        app.leases,
        MISSED_FOR if app.config.store.url else MISSED_FOR_ALONE,
    )


def sign_of(config: Config) -> Sign | None:
    """The sign of life that the configuration asks for, as it is now."""
    pulse = config.pulse
    return Sign(url=pulse.url.reveal(), every=pulse.every, method=pulse.method) if pulse.url else None


def also_timed(then: Callable[[Delivered], None] | None) -> Callable[[Delivered], None]:
    """What is told of each delivery: how long it took is measured, and then `then` hears of it."""

    def on_delivered(delivered: Delivered) -> None:
        upkeep.timed(delivered)
        if then is not None:
            then(delivered)

    return on_delivered
