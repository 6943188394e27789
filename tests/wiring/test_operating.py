"""A whole worker as operators see it: the sign of life, the outbox by command, the delivery log of its page, the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import load
from bot.domain.standing import State
from bot.pipeline.backlog import Order
from bot.pipeline.lanes import hourly
from bot.store.redis import Functions
from bot.store.sharing import RedisLimiter
from bot.tasks import end
from bot.wiring import App, Options
from bot.wiring.run import run
from tests.build import at, said, sighting, update

CONFIG = """
[console]
port = 0
[pulse]
url = {{ env = "PULSE_URL" }}
[[group]]
name = "ops"
channels = ["console:main", "terminal:main"]
[store]
url = "{store}"
[fogbell]
data = "{data}"
"""


@dataclass
class Stage:
    """A running worker, and a service that listens for its signs of life."""

    app: App
    session: aiohttp.ClientSession
    signs: list[str] = field(default_factory=list)

    async def ask(self, path: str) -> Any:
        async with self.session.get(f"{self.app.console_url.rstrip('/')}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json() if path.startswith("/api") else await answer.text()


@pytest.fixture
async def stage(tmp_path: Path, redis_url: str) -> AsyncIterator[Stage]:
    signs: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        signs.append(request.path)
        return web.Response()

    outside, stop, ready = web.Application(), asyncio.Event(), asyncio.Event()
    outside.router.add_get("/ping/{secret}", hear)
    apps: list[App] = []
    async with TestServer(outside) as server, aiohttp.ClientSession() as session:
        environ = {"PULSE_URL": str(server.make_url("/ping/s3cret"))}
        config = load(CONFIG.format(store=redis_url, data=tmp_path), environ, base=tmp_path)
        options = Options(terminal=StringIO(), on_ready=lambda app: (apps.append(app), ready.set())[0])
        working = asyncio.create_task(run(config, options, stop))
        async with asyncio.timeout(20):
            await ready.wait()
        yield Stage(app=apps[0], session=session, signs=signs)
        stop.set()
        await asyncio.wait([working], timeout=20)
        await end([working])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_a_worker_shows_life_and_what_it_said_and_what_it_was_told_not_to_say(stage: Stage) -> None:
    backlog = stage.app.dispatcher.backlog
    assert backlog is not None
    await stage.app.ingest.sighting(sighting(0, said(updates=(update("u1", 0),))))

    async def is_told() -> bool:
        return len((await stage.ask("/api/deliveries"))["deliveries"]) == 2

    await until(is_told)
    done = await backlog.park([("INC-1", "terminal:main")], Order(by="cli:ann", reason="they sleep"))
    await stage.app.ingest.sighting(
        sighting(5, said(updated_at=at(5), updates=(update("u1", 0), update("u2", 5))))
    )

    async def is_heard_where_it_may_be() -> bool:
        told = (await stage.ask("/api/deliveries?incident=1"))["deliveries"]
        return any((one["channel"], one["step"]) == ("console:main", "update") for one in told)

    await until(is_heard_where_it_may_be)
    waiting = (await stage.ask("/api/outbox"))["outbox"]

    assert done.changed == (("INC-1", "terminal:main"),)
    assert [(one["channel"], one["state"], one["why"]) for one in waiting] == [
        ("terminal:main", State.PUT_ASIDE, "they sleep")
    ]
    assert "they sleep" in await stage.ask("/deliveries")
    assert stage.signs == ["/ping/s3cret"]


async def test_the_numbers_of_the_outbox_are_measured_from_the_start(stage: Stage) -> None:
    async def is_measured() -> bool:
        numbers = await stage.ask("/metrics")
        return 'fogbell_chat_away{chat="console"} 0.0' in numbers and "fogbell_outbox_due 0.0" in numbers

    await until(is_measured)


async def test_routes_says_what_the_worker_left_of_the_limit_of_the_hour(stage: Stage) -> None:
    app = stage.app
    assert app.dispatcher.room_of is not None
    limiter = RedisLimiter(Functions(app.client))
    for _ in range(2):
        await limiter.take(*hourly("console:main", 3))

    room = await app.dispatcher.room_of("console:main", 3)

    assert room.left == 1
    assert timedelta(minutes=19) < room.more_at - app.clock.now() <= timedelta(minutes=20)
