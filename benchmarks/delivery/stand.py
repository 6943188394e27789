"""What every benchmark of delivery stands on: the world with its chats, the worker's configuration, stores and Alertmanagers.

All that was started ends with the block, as on any stage.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stage import NotHereError, Stage, Subject, wait_for

TOKEN = {"BENCH_TOKEN": "xoxb-bench", "BENCH_PUSH": "push-me-for-a-benchmark-only-0123456789"}
ALERTMANAGER = "prometheus-alertmanager"
_ROUTE = '[[group]]\nname = "g{n}"\nchannels = ["slack:{channel}"]\n[[route]]\nto = ["g{n}"]\nwhen = {when}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Something that a chat was told: `verb` is post, reply, edit or hook; `at` when it was answered."""

    at: float
    verb: str
    channel: str
    key: str
    status: int
    marks: tuple[str, ...]

    @property
    def is_message(self) -> bool:
        """True for what the chat took and people were notified of."""
        return self.status == 200 and self.verb != "edit"


class Stand(Stage):
    """A stage with a chat to be told things."""

    def __init__(self) -> None:
        super().__init__("benchmarks.delivery.world", is_plain=True)

    def order(self, do: str, **words: Any) -> Any:
        """Tell the world to do something."""
        return self.tell(json.dumps({"do": do, **words}))

    def words(self) -> list[Word]:
        """All that the chats were told since the world forgot."""
        rows = self.order("log")
        return [
            Word(at=at, verb=verb, channel=channel, key=key, status=status, marks=tuple(marks))
            for at, verb, channel, key, status, marks in rows
        ]

    def told(self) -> dict[str, float]:
        """When each mark was first shown by a message."""
        found: dict[str, float] = {}
        for word in sorted(self.words(), key=lambda w: w.at):
            if word.is_message:
                for mark in word.marks:
                    found.setdefault(mark, word.at)
        return found

    def page(self, who: str, number: int) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.ports['http']}/{who}/{number}/api/v2/summary.json"

    def hook(self, name: str) -> str:
        """The address of a webhook that takes anything."""
        return f"http://127.0.0.1:{self.ports['http']}/hook/{name}"

    def slack(self) -> str:
        """The configuration's table for the Slack of this world."""
        api = f"http://127.0.0.1:{self.ports['http']}/api/"
        return f'[chat.slack]\nbot_token = {{ env = "BENCH_TOKEN" }}\napi_url = "{api}"\n'

    def sources(self, who: str, count: int, every: str) -> str:
        """The tables for pages, each a provider of its own."""
        return "".join(
            f'[[source]]\nname = "{who}{n}"\nurl = "{self.page(who, n)}"\nformat = "statuspage"\n'
            f'every = "{every}"\nlive_every = "{every}"\n'
            for n in range(count)
        )

    def alertmanager(
        self, name: str, *, settings: str = "", port: int = 0, folder: Path | None = None
    ) -> Peer:
        """Start Debian's, one message for each alert, to a webhook of this world that speaks as Slack's do."""
        if not shutil.which(ALERTMANAGER):
            raise NotHereError(f"{ALERTMANAGER}: not installed: apt install {ALERTMANAGER}")
        port, folder = port or free_port(), folder or self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "config.yml").write_text(
            f"route:\n  receiver: chat\n  group_by: ['...']\n  group_wait: 0s\n{settings}receivers:\n- name: chat\n"
            f"  slack_configs:\n  - api_url: {self.hook(name)}\n    channel: '#c'\n    send_resolved: false\n"
            "    title: '{{ .CommonLabels.alertname }}'\n    text: '{{ .CommonAnnotations.text }}'\n"
        )
        words = [
            ALERTMANAGER, f"--config.file={folder / 'config.yml'}", f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ]  # fmt: skip
        peer = Peer(subject=self.start(words), port=port, folder=folder)
        wait_for(lambda: peer.subject.is_well() and answers(peer.url("/-/ready")), 20, "Alertmanager")
        return peer

    def push(self, port: int, source: str, body: bytes) -> None:
        """Push a body to a worker. Raises OSError when it is refused."""
        post(f"http://127.0.0.1:{port}/hooks/{source}/{TOKEN['BENCH_PUSH']}", body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An Alertmanager."""

    subject: Subject
    port: int
    folder: Path

    def url(self, path: str) -> str:
        """One of its addresses."""
        return f"http://127.0.0.1:{self.port}{path}"

    def fire(self, marks: Iterable[str]) -> None:
        """Give it an alert for each mark, all in one request."""
        alerts = [{"labels": {"alertname": m}, "annotations": {"text": f"{m} Requests fail."}} for m in marks]
        post(self.url("/api/v2/alerts"), json.dumps(alerts).encode())


class Store:
    """A redis-server that writes to disk before it answers; it can be killed and started again."""

    def __init__(self, stage: Stage, *settings: str) -> None:
        if not shutil.which("redis-server"):
            raise NotHereError("redis-server: not installed: apt install redis-server")
        self._stage = stage
        self.port = free_port()
        self.folder = stage.folder / f"store-{self.port}"
        self.folder.mkdir()
        self._words = [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--unixsocket", str(self.folder / "s.sock"), *settings,
        ]  # fmt: skip
        self.socket = self.folder / "s.sock"
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        self.subject = self._stage.start(self._words)
        wait_for(lambda: self.subject.is_well() and says_pong(self.port), 20, "store")

    def kill(self) -> None:
        """kill -9, and gone."""
        self.subject.process.kill()
        self.subject.process.wait()


def route(number: int, channel: str, when: str = "{}") -> str:
    """A route to a Slack channel of its own group."""
    return _ROUTE.format(n=number, channel=channel, when=when)


def pushed(name: str, number: int = 0) -> str:
    """A source that is told, and hardly ever asked."""
    return (
        f'[[source]]\nname = "{name}"\nurl = "http://127.0.0.1:9/{name}/{number}/api/v2/summary.json"\n'
        'format = "statuspage"\nevery = "1h"\npush = { env = "BENCH_PUSH" }\n'
    )


def is_up(port: int, subject: Subject) -> bool:
    """True once a worker serves its page."""
    return subject.is_well() and answers(f"http://127.0.0.1:{port}/healthz")


def answers(url: str) -> bool:
    """True when there is an answer of any kind but a failure."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status < 500)
    except urllib.error.HTTPError as exc:
        return exc.code < 500
    except OSError:
        return False


def post(url: str, body: bytes) -> None:
    """POST, and be content with any success."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20):
            pass
    except urllib.error.HTTPError as exc:
        raise RuntimeError(f"{url.partition('?')[0]} said {exc.code}: {exc.read()[:200]!r}") from exc


def says_pong(port: int) -> bool:
    """True when a store answers on this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until_told(stand: Stand, marks: Iterable[str], within_s: float) -> None:
    """Return when messages have shown all of these, or time is up."""
    wanted, end = set(marks), time.monotonic() + within_s
    while wanted - stand.told().keys() and time.monotonic() < end:
        time.sleep(0.5)


def until_quiet(stand: Stand, seconds: float, within_s: float) -> list[Word]:
    """All that the chats were told, once no message came for so long."""
    end = time.monotonic() + within_s
    words = stand.words()
    while time.monotonic() < end:
        last = max((word.at for word in words if word.is_message), default=0.0)
        if words and time.monotonic() - last > seconds:
            break
        time.sleep(0.2)
        words = stand.words()
    return words
