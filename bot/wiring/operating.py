"""What operators run Fogbell by, wired: the backlog behind `outbox`, its upkeep, the page's delivery log, and the pulse."""

from __future__ import annotations

from collections.abc import Callable

from bot.config import Config
from bot.pipeline import upkeep
from bot.pipeline.backlog import Backlog
from bot.pipeline.health import Health
from bot.pipeline.outbox import Delivered
from bot.pipeline.pulse import Pulse, Sign
from bot.pipeline.upkeep import Upkeep
from bot.ports import Audit
from bot.store.functions import Functions
from bot.store.pendings import RedisPendings
from bot.store.redis import translated
from bot.web.deliveries import Deliveries
from bot.wiring.app import App
from bot.wiring.sources import Web


def operating(app: App, functions: Functions, health: Health, audit: Audit, web: Web) -> Deliveries:
    """Give the app what operators need, and its page the delivery log."""
    backlog = Backlog(
        RedisPendings(functions, app.outbox), app.incidents, audit, app.clock, woken=app.changed.set
    )
    app.dispatcher.backlog = backlog
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
    app.loops["upkeep"] = looks.run
    app.loops["pulse"] = pulse.run
    return Deliveries(audit, backlog.entries, lambda: health.known, tuple(app.chats), app.clock)


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
