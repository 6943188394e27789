"""A loopback server below HTTP: each test writes the bytes that it answers with, however wrong they are."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def says(text: bytes, *, then_hangs: bool = False) -> Answer:
    """An answer of exactly these bytes; then the connection is closed, or nothing more comes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        if then_hangs:
            await asyncio.Event().wait()
        writer.close()

    return answer


def goes_on(head: bytes, piece: bytes, *, times: int, pause_s: float = 0.0) -> Answer:
    """An answer that begins with `head` and repeats `piece`."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)
        writer.close()

    return answer


async def good(writer: asyncio.StreamWriter) -> None:
    """A small body, on a connection that stays open."""
    writer.write(GOOD)
    await writer.drain()


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key, in one file. Skips the test without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    both = folder / "both.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 -days 2"
    made = subprocess.run([*words.split(), "-keyout", "-"], check=True, capture_output=True, timeout=30)
    both.write_bytes(made.stdout)
    return both


@dataclass
class WireServer:
    """Answers each request head by `answer`. `connections` counts those accepted, `heads` holds what was asked.

    `host` is any address of 127.0.0.0/8; use as `async with WireServer(good) as server:`.
    """

    answer: Answer = good
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None] | None] = field(default_factory=set)

    def url(self, path: str = "/feed", *, host: str | None = None) -> str:
        """The URL of a path, by address or by another name for it."""
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, ssl=self.tls, backlog=1000
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(t for t in self._tasks if t is not None), return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                    await self.answer(writer)
        finally:
            writer.close()
            self._tasks.discard(task)
