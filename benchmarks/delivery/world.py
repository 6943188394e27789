"""What delivery is played against: pages that change on demand, a Slack that keeps what it is told, and a webhook. One process.

Driven by JSON lines on its stdin, one answer each; `stand` starts it. It speaks just enough HTTP/1.1 to be cheap, and writes
down what it was told when, on the machine's monotonic clock. A page is /<who>/<n>/api/v2/summary.json.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvloop

from benchmarks.delivery import pages

NEWS_APART_S = 2.0  # of one page while news drip: so that no channel's pace holds anything up
GIVE_UP_S = 5.0


@dataclass(slots=True)
class Page:
    """A page's incidents, by key."""

    name: str
    incidents: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    version: int = 0
    news_at: float = 0.0
    _body: bytes = b""
    _body_of: int = -1

    def write(self, key: str, text: str) -> None:
        """A new update of an incident, or a new incident."""
        self.texts.setdefault(key, []).append((text, pages.stamp()))
        self.incidents[key] = pages.incident(
            self.name, key, f"Requests fail in {key}", self.texts[key], part="Part 1"
        )
        self.version += 1

    def body(self) -> bytes:
        """Its summary, compressed."""
        if self._body_of != self.version:
            self._body = gzip.compress(pages.summary(self.name, list(self.incidents.values())), 1)
            self._body_of = self.version
        return self._body


@dataclass(slots=True)
class Drip:
    """News that come one at a time, each on the next poll of whose turn it is; the next one when the last was told."""

    whose: list[str] = field(default_factory=list)
    left: int = 0
    gap: float = 0.05
    waiting: str = ""
    began: float = 0.0
    told_at: float = 0.0
    number: int = 0
    took: list[tuple[str, str, float, float]] = field(default_factory=list)  # who, kind, began, told

    def polled(self, who: str, page: Page) -> None:
        """Write news on this page, if it is its turn."""
        now = time.monotonic()
        if self.waiting and now - self.began > GIVE_UP_S:
            self._done(float("inf"))
        is_turn = self.left > 0 and not self.waiting and who == self.whose[self.number % len(self.whose)]
        if not is_turn or now < self.told_at + self.gap or now < page.news_at + NEWS_APART_S:
            return
        page.news_at = self.began = now
        self.waiting = pages.mark("drip", self.number)
        round_number = self.number // len(self.whose)
        is_further = round_number % 2 == 1 and bool(page.incidents)
        self._kind = "update" if is_further else "incident"
        key = next(reversed(page.incidents)) if is_further else f"{page.name}i{self.number}"
        page.write(key, pages.text("drip", self.number))

    def told(self, found: list[str]) -> None:
        """Something was posted."""
        if self.waiting and self.waiting in found:
            self._done(time.monotonic())

    def _done(self, told_at: float) -> None:
        who = self.whose[self.number % len(self.whose)]
        self.took.append((who, self._kind, self.began, told_at))
        self.told_at, self.waiting = time.monotonic(), ""
        self.number += 1
        self.left -= 1

    _kind: str = ""


class World:
    """Pages, channels, and the log: [time, verb, channel, key, status, marks] of each word to a chat."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: dict[str, set[str]] = defaultdict(set)
        self.log: list[tuple[float, str, str, str, int, list[str]]] = []
        self.channels: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.drip = Drip()
        self.delay_s = 0.0
        self.is_strict = False
        self._last: dict[str, float] = {}
        self._ts = time.time()
        self.orders: dict[str, Callable[..., Any]] = {
            "log": lambda: self.log,
            "forget": self.forget,
            "asked": lambda who: len(self.asked[who]),
            "write": self.write,
            "drip": self.begin,
            "dripped": lambda: {"left": self.drip.left, "took": self.drip.took},
            "rules": self.rules,
        }

    def forget(self) -> None:
        """Begin a new log, and let go of who asked."""
        self.log.clear()
        self.asked.clear()

    def rules(self, *, delay_s: float = 0.0, is_strict: bool = False) -> None:
        """How the chats answer from now on: how late, and whether more than a message a second and channel is refused."""
        self.delay_s, self.is_strict = delay_s, is_strict

    def write(self, who: str, news: list[tuple[int, str, str]]) -> None:
        """News on some pages: number, the incident's key, text."""
        for number, key, text in news:
            self.page(who, str(number)).write(key, text)

    def begin(self, whose: list[str], events: int, gap: float) -> None:
        """Let news drip."""
        self.drip = Drip(whose=whose, left=events * len(whose), gap=gap)

    def page(self, who: str, number: str) -> Page:
        """A page, made when it is first asked for."""
        path = f"{who}/{number}"
        if path not in self.pages:
            self.pages[path] = Page(f"{who}{number}")
        return self.pages[path]

    def answer(self, path: str, head: str, body: bytes) -> tuple[int, str, bytes, float]:
        """Status, further headers, body, and after how many seconds."""
        first, *rest = path.strip("/").split("/")
        if first == "api":
            method, _, query = rest[0].partition("?")
            return self._slack(method, head, body or query.encode())
        if first == "hook":
            return self._told("hook", rest[0], "", body, lambda: b"ok")
        return self._feed(first, rest[0], head)

    def _feed(self, who: str, number: str, head: str) -> tuple[int, str, bytes, float]:
        page = self.page(who, number)
        self.asked[who].add(number)
        self.drip.polled(who, page)
        etag = f'ETag: W/"{page.name}-{page.version}"\r\n'
        if f'w/"{page.name}-{page.version}"' in head:
            return 304, etag, b"", 0
        return 200, f"{etag}Content-Encoding: gzip\r\n", page.body(), 0

    def _slack(self, method: str, head: str, body: bytes) -> tuple[int, str, bytes, float]:
        if "application/json" in head:
            said = json.loads(body)
        else:
            said = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        channel = said.get("channel", "")
        if method == "chat.postMessage":
            key = said.get("metadata", {}).get("event_payload", {}).get("key", "")
            verb = "reply" if said.get("thread_ts") else "post"
            return self._told(verb, channel, key, body, lambda: self._keep(channel, said))
        if method == "chat.update":
            return self._told("edit", channel, "", body, lambda: self._change(channel, said))
        reply: dict[str, Any] = {"user_id": "U0", "bot_id": "B0"}
        if method in {"conversations.history", "conversations.replies"}:
            reply |= {"messages": self._history(said), "has_more": False}
        return 200, "", _ok(reply), 0

    def _told(
        self, verb: str, channel: str, key: str, body: bytes, keep: Callable[[], bytes]
    ) -> tuple[int, str, bytes, float]:
        now, found = time.monotonic(), pages.marks_in(body)
        is_early = verb != "edit" and self.is_strict and now < self._last.get(channel, 0.0) + 1
        if is_early:
            self.log.append((now, verb, channel, key, 429, found))
            return 429, "Retry-After: 1\r\n", b'{"ok":false,"error":"ratelimited"}', 0
        if verb != "edit":
            self._last[channel] = now
            self.drip.told(found)
        self.log.append((now + self.delay_s, verb, channel, key, 200, found))
        return 200, "", keep(), self.delay_s

    def _keep(self, channel: str, said: dict[str, Any]) -> bytes:
        self._ts += 0.000_1
        ts = f"{max(self._ts, time.time()):.6f}"
        self._ts = float(ts)
        kept: dict[str, Any] = {
            name: said[name] for name in ("thread_ts", "metadata", "text") if name in said
        }
        self.channels[channel].append({"ts": ts, "user": "U0", **kept})
        return _ok({"channel": channel, "ts": ts, "message": {"user": "U0"}})

    def _change(self, channel: str, said: dict[str, Any]) -> bytes:
        return _ok({"channel": channel, "ts": said["ts"]})

    def _history(self, said: dict[str, Any]) -> list[dict[str, Any]]:
        thread, oldest = said.get("ts"), float(said.get("oldest", 0))
        return [
            message
            for message in self.channels[said["channel"]]
            if message.get("thread_ts") == thread and float(message["ts"]) >= oldest
        ]


def _ok(reply: dict[str, Any]) -> bytes:
    return json.dumps({"ok": True, **reply}).encode()


class Host(asyncio.Protocol):
    """One connection."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            first, _, rest = self._waiting[:end].decode("latin-1").partition("\r\n")
            head = rest.lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
            if len(self._waiting) < end + 4 + length:
                return
            body, self._waiting = self._waiting[end + 4 : end + 4 + length], self._waiting[end + 4 + length :]
            self._answer(first.split(" ", 2)[1], head, body)

    def _answer(self, path: str, head: str, body: bytes) -> None:
        status, headers, said, after_s = self._world.answer(path, head, body)
        about = f"Content-Type: application/json\r\nContent-Length: {len(said)}\r\n"
        whole = f"HTTP/1.1 {status} X\r\n{headers}{about if status != 304 else ''}\r\n".encode() + said
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._write, whole)
        else:
            self._write(whole)

    def _write(self, whole: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(whole)


async def main() -> None:
    """Serve until stdin ends; the first line printed names the port."""
    world, loop = World(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Host(world), "127.0.0.1", 0, backlog=4096)
    print(json.dumps({"http": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        print(json.dumps(world.orders[order.pop("do")](**order)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
