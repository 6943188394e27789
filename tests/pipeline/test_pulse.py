"""The sign of life: sent while everything turns, withheld when not; what goes wrong with it neither hurts nor tells secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from bot.errors import StoreUnavailable
from bot.pipeline.pulse import Pulse, Sign
from bot.tasks import end


@dataclass
class Listener:
    """The service outside: remembers what came, and answers what a test wants."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append((request.method, request.path_qs))
        self.came.set()
        return web.Response(status=self.status)


@dataclass
class Worker:
    """What the pulse is asked to show."""

    turns: bool = True
    store_is_there: bool = True

    async def ask_store(self) -> None:
        if not self.store_is_there:
            raise StoreUnavailable("the store does not answer")


class Desk:
    def __init__(self, session: aiohttp.ClientSession, url: str, listener: Listener) -> None:
        self.listener, self.worker = listener, Worker()
        self.sign = Sign(url=url, every=timedelta(milliseconds=10))
        self.wanted: Sign | None = self.sign
        self.pulse = Pulse(
            lambda: self.wanted,
            session,
            is_turning=lambda: self.worker.turns,
            store_answers=self.worker.ask_store,
        )


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    listener = Listener()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", listener.answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Desk(session, str(server.make_url("/ping/s3cret?status=up")), listener)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_sign_goes_out_as_it_was_asked_for(desk: Desk, method: str) -> None:
    sign = Sign(url=desk.sign.url, every=timedelta(minutes=1), method=method)

    assert await desk.pulse.once(sign)
    assert desk.listener.heard == [(method, "/ping/s3cret?status=up")]


async def test_nothing_is_shown_where_the_delivery_hangs_or_the_store_is_away(desk: Desk) -> None:
    """Its silence must mean that nobody is told anything."""
    desk.worker.turns = False
    with capture_logs() as logs:
        for _ in range(3):
            assert not await desk.pulse.once(desk.sign)
        desk.worker.turns, desk.worker.store_is_there = True, False
        assert not await desk.pulse.once(desk.sign)
        desk.worker.store_is_there = True
        assert await desk.pulse.once(desk.sign)

    assert len(desk.listener.heard) == 1
    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("pulse.withheld", "the delivery does not turn"),
        ("pulse.withheld", "the store does not answer"),
        ("pulse.back", None),
    ]


async def test_a_service_that_fails_is_said_once_and_without_the_address(desk: Desk) -> None:
    desk.listener.status = 404
    nowhere = Sign(url="http://127.0.0.1:1/ping/s3cret", every=timedelta(minutes=1))
    with capture_logs() as logs:
        for sign in (desk.sign, desk.sign, nowhere, nowhere):
            assert not await desk.pulse.once(sign)

    assert [(line["event"], line["reason"]) for line in logs] == [
        ("pulse.failed", "it answered 404"),
        ("pulse.failed", "the connection was refused"),
    ]
    assert "s3cret" not in str(logs)


async def test_it_goes_on_by_itself_and_begins_where_a_reload_brings_an_address(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.pipeline.pulse.LOOK_AGAIN_S", 0.01)
    desk.wanted = None
    running = asyncio.create_task(desk.pulse.run())
    await asyncio.sleep(0.03)
    before = len(desk.listener.heard)
    desk.wanted = desk.sign

    async with asyncio.timeout(5):
        while len(desk.listener.heard) < 3:
            desk.listener.came.clear()
            await desk.listener.came.wait()
    await end([running])
    assert before == 0
