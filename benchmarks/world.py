"""What the subjects talk to: status pages by the thousand over HTTPS, and a chat. One process, driven by lines on its stdin.

It speaks just enough HTTP/1.1 to be cheap, and writes down when it was asked for what. `benchmarks.stage` starts it. A page's
address is https://s<n>.bench.localhost:<port>/<who>/<n>/api/v2/summary.json: `who` tells the subjects apart.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import uvloop

from benchmarks.certificates import DOMAIN

COMPONENTS = 30
# What a CDN in front of a status page sends along: a poll that changes nothing still carries a kilobyte of headers.
_HEADERS = (
    "Server: edge\r\nVary: Accept-Encoding\r\nCache-Control: max-age=0, private, must-revalidate\r\n"
    "Strict-Transport-Security: max-age=259200\r\nX-Frame-Options: SAMEORIGIN\r\nX-XSS-Protection: 0\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Download-Options: noopen\r\nX-Permitted-Cross-Domain-Policies: none\r\n"
    "Referrer-Policy: strict-origin-when-cross-origin\r\nAccess-Control-Allow-Origin: *\r\n"
    "X-Request-Id: 3f0d9a52-6a5c-4c1e-9a4c-0c6f5b1d7e21\r\nX-Runtime: 0.041377\r\nX-Cache: Hit from edge\r\n"
    "Via: 1.1 0123456789abcdef0123456789abcdef.edge (edge)\r\nX-Pop: FRA56-P4\r\nAge: 12\r\n"
    f"Content-Security-Policy: default-src 'self'; img-src * data:; report-uri /csp?{'x' * 300}\r\n"
)


class Pages:
    """The pages' bodies, and the log of who asked for which, when (on the machine's monotonic clock)."""

    def __init__(self) -> None:
        self.asked: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.handshakes: dict[str, int] = defaultdict(int)
        self.posts: list[tuple[str, float]] = []
        self._changed_at: str | None = None
        self._bodies: dict[int, bytes] = {}

    def forget(self) -> None:
        """Begin a new log."""
        self.asked.clear()
        self.handshakes.clear()
        self.posts.clear()

    def change(self) -> None:
        """An incident begins on every page, now."""
        self._changed_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._bodies.clear()

    def etag(self) -> str:
        """Alike for all pages: what differs is the time of the change."""
        return f'W/"{self._changed_at or "calm"}"'

    def body(self, number: int) -> bytes:
        """A page's summary, compressed."""
        if number not in self._bodies:
            self._bodies[number] = gzip.compress(json.dumps(_summary(number, self._changed_at)).encode(), 6)
        return self._bodies[number]


class Host(asyncio.Protocol):
    """One connection of a subject to a page."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._is_new = True
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head, self._waiting = self._waiting[:end].decode("latin-1"), self._waiting[end + 4 :]
            self._answer(head)

    def _answer(self, head: str) -> None:
        now = time.monotonic()
        _, who, number, *_ = head.split(" ", 2)[1].split("/")
        pages = self._pages
        pages.asked[who].append((int(number), now))
        if self._is_new:
            self._is_new = False
            pages.handshakes[who] += 1
        if f"if-none-match: {pages.etag().lower()}" in head.lower():
            self._transport.write(
                f"HTTP/1.1 304 Not Modified\r\nETag: {pages.etag()}\r\n{_HEADERS}\r\n".encode()
            )
            return
        body = pages.body(int(number))
        about = f"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n"
        head = f"HTTP/1.1 200 OK\r\nETag: {pages.etag()}\r\n{about}{_HEADERS}\r\n"
        self._transport.write(head.encode() + body)


class Chat(asyncio.Protocol):
    """One connection to a Slack that takes everything at once."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
            if len(self._waiting) < end + 4 + length:
                return
            body, self._waiting = self._waiting[end + 4 : end + 4 + length], self._waiting[end + 4 + length :]
            self._answer(head.split(" ", 2)[1], body)

    def _answer(self, path: str, body: bytes) -> None:
        reply: dict[str, Any] = {
            "ok": True,
            "user_id": "U0",
            "bot_id": "B0",
            "messages": [],
            "has_more": False,
        }
        if path.endswith("chat.postmessage"):
            said = json.loads(body)
            reply |= {"channel": said["channel"], "ts": f"{time.time():.6f}"}
            if not said.get("thread_ts"):
                self._pages.posts.append((said["channel"], time.monotonic()))
        text = json.dumps(reply)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        self._transport.write((head + text).encode())


def _summary(number: int, changed_at: str | None) -> dict[str, Any]:
    name = f"s{number}"
    parts = [
        {
            "id": f"{name}c{n:09}", "name": f"Part {n}", "status": "operational", "position": n, "group": False,
            "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2025-01-01T00:00:00.000Z", "page_id": name,
            "description": "What this part of the service does for those who use it.", "only_show_if_degraded": False,
        }
        for n in range(COMPONENTS)
    ]  # fmt: skip
    page = {"id": name, "name": name, "url": f"https://{name}.{DOMAIN}", "time_zone": "Etc/UTC"}
    incidents = [_incident(name, parts[0], changed_at)] if changed_at else []
    return {"page": page, "components": parts, "incidents": incidents, "scheduled_maintenances": []}


def _incident(name: str, part: dict[str, Any], at: str) -> dict[str, Any]:
    update = {
        "id": f"{name}u1", "status": "investigating", "body": "We are looking into failing requests.",
        "incident_id": f"{name}i1", "created_at": at, "updated_at": at, "display_at": at, "affected_components": None,
    }  # fmt: skip
    return {
        "id": f"{name}i1", "name": "Requests fail", "status": "investigating", "impact": "major", "created_at": at,
        "updated_at": at, "started_at": at, "resolved_at": None, "shortlink": f"https://{name}.{DOMAIN}/i1",
        "page_id": name, "incident_updates": [update], "components": [part],
    }  # fmt: skip


def _deaf() -> dict[str, socket.socket]:
    """Those who never answer: one lets the kernel greet callers, one is too full even for that, one is asked for names."""
    greeting = socket.create_server(("127.0.0.1", 0), backlog=4096)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    mute = socket.socket(type=socket.SOCK_DGRAM)
    mute.bind(("127.0.0.1", 0))
    for _ in range(4):
        caller = socket.socket()
        caller.setblocking(False)
        caller.connect_ex(full.getsockname())
        _KEPT.append(caller)
    _KEPT.extend((greeting, full, mute))
    return {"greeting": greeting, "full": full, "mute": mute}


_KEPT: list[socket.socket] = []


async def _obey(pages: Pages) -> None:
    """Read orders, one JSON line each, and answer each with one; ends with the input."""
    orders: dict[str, Callable[[], Any]] = {
        "forget": pages.forget,
        "change": pages.change,
        "log": lambda: {"asked": pages.asked, "handshakes": pages.handshakes, "posts": pages.posts},
    }
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        answer = orders[line.decode().strip()]()
        print(json.dumps(answer), flush=True)


async def main(chain: str, key: str) -> None:
    """Serve until stdin ends; the first line printed names the ports."""
    pages, loop = Pages(), asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    hosts = await loop.create_server(lambda: Host(pages), "127.0.0.1", 0, ssl=context, backlog=4096)
    chat = await loop.create_server(lambda: Chat(pages), "127.0.0.1", 0)
    ports = {"https": hosts, "chat": chat}
    found = {name: server.sockets[0].getsockname()[1] for name, server in ports.items()}
    found |= {name: heard.getsockname()[1] for name, heard in _deaf().items()}
    print(json.dumps(found), flush=True)
    await _obey(pages)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:3]))
