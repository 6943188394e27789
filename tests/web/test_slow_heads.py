"""Who connects and never comes to a request is shown out: each such connection costs a file of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.chats.console.client import ConsoleChat
from bot.web.app import build_app, serve
from bot.web.quiet import QUIET
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import FakeDispatch, FakeState

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest_asyncio.fixture
async def port(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> AsyncIterator[int]:
    app = build_app(
        console,
        dispatch,
        state,
        clock=clock,
        token=None,
        bound_to_loopback=True,
        registry=CollectorRegistry(),
    )
    app.router.add_get("/slow", _slow)
    app[QUIET].head_s, app[QUIET].kept_s, app[QUIET].sweep_s = 0.2, 0.2, 0.05
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(serve(app, "127.0.0.1", 0, on_ready=found.set_result))
    yield await found
    task.cancel()
    await asyncio.wait({task})


async def _slow(request: web.Request) -> web.Response:
    await asyncio.sleep(0.8)
    return web.Response(text="at last")


@pytest.mark.parametrize(
    "start", [b"", HEAD, b"GET /" + b"a" * 100], ids=["nothing", "half a head", "half a line"]
)
async def test_a_connection_without_a_request_is_closed(port: int, start: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(start)

    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_request_that_takes_long_is_not_cut_off(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async with asyncio.timeout(5):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(7) == b"at last"
    writer.close()


async def test_half_a_second_request_is_not_waited_for_either(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"\r\n" + HEAD)

    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.count(b"200 OK") == 1
    writer.close()
