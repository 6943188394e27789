"""A client for whatever the store is: one server, a master that sentinels know, or a cluster.

The classes of this package do not care which. What they must know, that another server answers now than before, is told by
`Home`. `translated` is the one seam to the library's errors.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import redis.asyncio as aioredis
from redis._parsers.commands import AsyncCommandsParser
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.errors import ConfigError, StoreError, StoreUnavailable
from bot.store.address import Address, Host, Kind, address_of

MAX_CONNECTIONS = 16
TIMEOUTS = {"socket_timeout": 10.0, "socket_connect_timeout": 5.0}
# Where another server may take over, one that hangs is given up sooner, and a fail-over is bridged: about 5 s.
TIMEOUTS_OF_MANY = {"socket_timeout": 5.0, "socket_connect_timeout": 2.0}
RETRIES, RETRIES_OF_MANY = 4, 12
SENTINEL_SECONDS = 1.0
_AWAY = (RedisConnectionError, RedisTimeoutError, ConnectionError, TimeoutError)
_ELSEWHERE = (ReadOnlyError, ClusterDownError, SlotNotCoveredError, TryAgainError)
# How a server says that it takes no writes for now: too few replicas, a full disk or memory, loading, waiting for a master.
_NOT_NOW = re.compile(r"\b(NOREPLICAS|MISCONF|OOM|READONLY|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b")
# What the library adds to an error of a pipeline: which command it was, with the beginning of what people said in it.
_COMMAND = re.compile(r"Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)
_NO_NODE = ("slots are not covered", "cannot be connected", "Too many targets", "No targets")


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turns the library's errors into ours: the one seam of this store."""
    try:
        yield
    except (RedisError, RedisClusterException, ConnectionError, TimeoutError) as exc:
        raise _ours(exc) from exc


def _ours(error: Exception) -> StoreError:
    """Whether waiting helps is what matters most: it does not against a wrong password, which the library calls a lost
    connection, or against a certificate that nobody vouches for."""
    below = _below(error)
    if refusal := next((e for e in below if isinstance(e, AuthenticationError)), None):
        return StoreError(f"the store refused our name or password: {refusal}; check [store] url")
    if doubt := next((e for e in below if isinstance(e, ssl.SSLCertVerificationError)), None):
        return StoreError(f"the store's certificate is not trusted: {doubt}; check [store] url")
    words = _COMMAND.sub("", str(error))
    if "Cluster mode is not enabled" in words:
        return StoreError("the store is no cluster; write redis:// in [store] url")
    if isinstance(error, _AWAY):
        return StoreUnavailable(f"the store does not answer: {words}")
    if isinstance(error, _ELSEWHERE) or _NOT_NOW.search(words) or any(w in words for w in _NO_NODE):
        return StoreUnavailable(f"the store takes no writes now: {words}")
    hint = "; Redis or Valkey 7.0 or later is needed" if "unknown command" in words else ""
    return StoreError(f"the store refused: {words}{hint}")


def _below(error: BaseException | None) -> list[BaseException]:
    """The error, and what led to it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


class Home:
    """Which server a client talks to. `life` becomes another object when that one changes, or began anew: its newest writes may
    be missing then."""

    def __init__(self) -> None:
        self.life = object()
        self.met: frozenset[str] = frozenset()

    def meet(self, run_ids: frozenset[str]) -> None:
        """Note who answers, by the servers' ids of their own lives."""
        if self.met and run_ids != self.met:
            self.leave()
        self.met = run_ids

    def leave(self) -> None:
        """It is not the server that it was."""
        self.life = object()


class Client(aioredis.Redis):
    """One server, or the master that sentinels know."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.home = Home()

    @classmethod
    def open(cls, address: Address) -> Client:
        """A client that sends nothing before its first command.

        A pool that waits instead of raising, and a few quick retries to bridge a restart: every script may safely run twice.
        """
        home = Home()
        is_one = address.kind is Kind.SINGLE
        settings = {
            "max_connections": MAX_CONNECTIONS,
            "health_check_interval": 30,
            "driver_info": None,  # two questions that an older server refuses, on each new connection
            **(TIMEOUTS if is_one else TIMEOUTS_OF_MANY),
            **_target(address, home),
            **address.settings,
        }
        pool = aioredis.BlockingConnectionPool(
            timeout=10, retry=_retry(is_one), retry_on_error=[RedisConnectionError, ReadOnlyError], **settings
        )
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.home = home
        return client

    async def follow(self) -> None:
        """Drop every connection, also those in use, when the sentinels name another master than the one connected to."""
        masters = self.connection_pool.connection_kwargs.get("masters")
        if isinstance(masters, Masters) and await masters.has_moved():
            await self.connection_pool.disconnect(inuse_connections=True)

    async def of_primaries(self, *sections: str) -> list[Mapping[str, Any]]:
        """What the server says of itself."""
        return [await self.info(*sections)]

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Let go of all connections, also those to the sentinels."""
        await super().aclose(close_connection_pool)
        masters = self.connection_pool.connection_kwargs.get("masters")
        if isinstance(masters, Masters):
            await masters.aclose()


class Cluster(RedisCluster):
    """Several primaries, each for a part of the keys."""

    is_cluster = True

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.home = Home()
        self.commands_parser = _Keys()

    @classmethod
    def open(cls, address: Address) -> Cluster:
        """A client that sends nothing before its first command."""
        settings = {"health_check_interval": 30, **TIMEOUTS_OF_MANY, **address.settings}
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        return cls(startup_nodes=nodes, ssl=address.is_tls, retry=_retry(is_one=True), **settings)

    async def follow(self) -> None:
        """Nothing: the library finds new primaries by itself when an old one does not answer."""

    async def of_primaries(self, *sections: str) -> list[Mapping[str, Any]]:
        """What each primary says of itself, always in the same order."""
        await self.initialize()
        nodes = sorted(self.get_primaries(), key=lambda node: str(node.name))
        return [await self.info(*sections, target_nodes=node) for node in nodes]


class _Keys(AsyncCommandsParser):
    """Knows where FCALL has its keys: the library would ask a server before each call."""

    async def get_keys(self, *args: Any) -> Any:
        """The keys of a command."""
        if str(args[0]).upper() == "FCALL":
            return args[3 : 3 + int(args[2])]
        return await super().get_keys(*args)


class Masters:
    """What the sentinels know: where the master is."""

    def __init__(self, address: Address) -> None:
        self._service = address.service
        self._known: Host | None = None
        tls = {k: v for k, v in address.settings.items() if k.startswith("ssl_")} | {"ssl": True}
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]  # the library does not type it
            list(address.hosts),
            sentinel_kwargs={
                "socket_timeout": SENTINEL_SECONDS,
                "socket_connect_timeout": SENTINEL_SECONDS,
                "retry": Retry(NoBackoff(), 0),
                **(tls if address.is_tls else {}),
                **address.sentinel,
            },
        )

    async def where(self) -> Host:
        """Host and port of the master. Raises the library's ConnectionError when no sentinel names one that is up."""
        host, port = await self._sentinel.discover_master(self._service)
        return str(host), int(port)

    async def has_moved(self) -> bool:
        """True when it is elsewhere than when this was last asked. False while nobody knows one."""
        before = self._known
        try:
            self._known = await self.where()
        except RedisConnectionError:
            return False
        return before not in (None, self._known)

    async def aclose(self) -> None:
        """Let go of the connections to the sentinels."""
        await self._sentinel.aclose()


class _ToMaster(Connection):
    """Asks the sentinels each time before it connects."""

    def __init__(self, *, masters: Masters, **kwargs: Any) -> None:
        self._masters = masters
        super().__init__(**kwargs)

    async def _connect(self) -> None:
        self.host, self.port = await self._masters.where()
        await super()._connect()  # type: ignore[no-untyped-call]


class _ToMasterByTls(_ToMaster, SSLConnection):
    """The same, with TLS."""


def connect(url: str) -> aioredis.Redis:
    """A client for `url`; nothing is sent before the first command. Raises ConfigError for an address that makes no sense.

    A cluster's client is a class of its own with the same commands, so that it is typed as the other one.
    """
    address = address_of(url)
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"):
        path = address.settings.get(name)
        if path is not None and not os.access(path, os.R_OK):
            raise ConfigError([f"store.url: {name} names {path}, which cannot be read"])
    if address.kind is Kind.CLUSTER:
        return cast(aioredis.Redis, Cluster.open(address))
    return Client.open(address)


def home_of(client: aioredis.Redis) -> Home:
    """Which server this client talks to. Asked by name, for the client may be a stand-in that hands calls on."""
    found: Home = client.home  # type: ignore[attr-defined]
    return found


def node_of(client: aioredis.Redis, key: str) -> dict[str, Any]:
    """What a command without a key must be given to go where the key lives: nothing, but in a cluster."""
    if not getattr(client, "is_cluster", False):
        return {}
    return {"target_nodes": cast(Cluster, client).get_node_from_key(key)}


async def send_apart(client: aioredis.Redis, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What FCALLs give that need not all succeed, without those that did not. Raises the library's error when none did."""
    if len(calls) == 1:
        return [await client.fcall(*calls[0])]
    if not getattr(client, "is_cluster", False):
        async with client.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.fcall(*call)
            return list(await pipe.execute())
    answers = await asyncio.gather(*(client.fcall(*call) for call in calls), return_exceptions=True)
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if len(errors) == len(answers) or any("Function not found" in str(error) for error in errors):
        raise errors[0]
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _retry(is_one: bool) -> Retry:
    return Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES if is_one else RETRIES_OF_MANY)


def _target(address: Address, home: Home) -> dict[str, Any]:
    """The settings of a pool that say what its connections connect to."""
    if address.path:
        return {"connection_class": UnixDomainSocketConnection, "path": address.path}
    introduced = {"redis_connect_func": _introducing(home)}
    if address.kind is Kind.SENTINEL:
        kind = _ToMasterByTls if address.is_tls else _ToMaster
        return {"connection_class": kind, "masters": Masters(address), **introduced}
    (host, port), *_ = address.hosts
    return {
        "connection_class": SSLConnection if address.is_tls else Connection,
        "host": host,
        "port": port,
        **introduced,
    }


def _introducing(home: Home) -> Any:
    """What a new connection does first: log in, and ask who answers. Before anything else is read from another server than
    the last one, `home` knows."""

    async def introduced(connection: AbstractConnection) -> None:
        await connection.on_connect()
        await connection.send_command("INFO", "server", check_health=False)
        try:
            text = await connection.read_response()
        except ResponseError:  # this name may not ask: the watch over the store has other ways
            return
        for line in bytes(text).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name == b"run_id":
                home.meet(frozenset({value.decode()}))

    return introduced
