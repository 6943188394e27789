"""A loopback server that takes messages as Mattermost, ntfy, Gotify, generic JSON and webhooks do, and goes wrong on demand.

It keeps each request and which of them it accepted. What a request must look like is the caller's `accepts`.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from aiohttp import web

from tests.chats.contract import RETRY_AFTER, Fault

Kind = Callable[["Taken"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def text(self) -> str:
        """All that people could read: every text in the body, a JSON object or a form, one a line."""
        is_form = "form" in self.headers.get("Content-Type", "")
        return "\n".join(_texts(parse_qs(self.body.decode()) if is_form else self.json))


@dataclass
class SinkServer:
    """`kind_of` sorts requests, so that a fault can be meant for one sort of them; `accepts` gives the status of the answer."""

    kind_of: Kind = lambda taken: "post"
    accepts: Callable[[Taken], int] = lambda taken: 200
    answer: Mapping[str, object] = field(default_factory=dict)
    arrived: list[Taken] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    url: str = ""
    _faults: dict[str, deque[Fault | int]] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    def fail_next(self, kind: str, *faults: Fault | int) -> None:
        """Let the next requests of this kind fail, each once; a number is a status."""
        self._faults.setdefault(kind, deque()).extend(faults)

    def count(self, kind: str) -> int:
        """How many requests of this kind have arrived."""
        return sum(self.kind_of(taken) == kind for taken in self.arrived)

    @property
    def netloc(self) -> str:
        """ "127.0.0.1:port"."""
        return self.url.removeprefix("http://")

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        taken = Taken(path=request.path, headers=dict(request.headers), body=await request.read())
        self.arrived.append(taken)
        waiting = self._faults.get(self.kind_of(taken))
        fault = waiting.popleft() if waiting else None
        status = self.accepts(taken)
        if status < 300 and fault in {None, Fault.CUT_AFTER, Fault.GARBLED}:
            self.taken.append(taken)
        match fault:
            case None:
                return web.json_response(dict(self.answer), status=status)
            case Fault.CUT_BEFORE | Fault.CUT_AFTER:
                return _cut(request, b"")
            case Fault.GARBLED:
                return _cut(request, b"this is no HTTP\r\n\r\n")
            case Fault.HANG:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)
                return web.Response()
            case Fault.RATE_LIMIT:
                return web.Response(status=429, headers={"Retry-After": f"{RETRY_AFTER.total_seconds():.0f}"})
            case Fault.SERVER_ERROR:
                return web.Response(status=500)
        return web.Response(status=int(fault), headers={"Location": f"{self.url}/elsewhere"})


def _cut(request: web.Request, words: bytes) -> web.StreamResponse:
    """The connection ends after `words`."""
    assert isinstance(request.transport, asyncio.Transport)
    request.transport.write(words)
    request.transport.close()
    return web.Response()


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _texts(item)]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
    return []


@dataclass
class SmtpServer:
    """Takes mail on loopback. `refusal` is a line that it answers to DATA with, such as "451 later"."""

    refusal: str = ""
    mails: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 fake\r\n")
        while line := (await reader.readline()).decode().strip():
            if line.upper() == "DATA":
                writer.write(b"354 go on\r\n")
                mail = (await reader.readuntil(b"\r\n.\r\n")).decode()
                if not self.refusal:
                    self.mails.append(mail)
                writer.write(f"{self.refusal or '250 taken'}\r\n".encode())
            elif line.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fake\r\n")
        writer.close()
