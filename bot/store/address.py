"""What a store's address says: which servers, how to find the one that takes writes, and with which settings.

Pure: nothing is connected to here. `connecting` makes a client of it; the configuration asks it whether an address makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bot.errors import ConfigError

REDIS_PORT, SENTINEL_PORT = 6379, 26379
Host = tuple[str, int]


class Kind(StrEnum):
    """How the server that takes writes is found."""

    SINGLE = "single"  # it is the one named
    SENTINEL = "sentinel"  # the named ones know it
    CLUSTER = "cluster"  # there are several, each for a part of the keys


SCHEMES: Mapping[str, tuple[Kind, bool]] = {
    "redis": (Kind.SINGLE, False),
    "rediss": (Kind.SINGLE, True),
    "unix": (Kind.SINGLE, False),
    "redis+sentinel": (Kind.SENTINEL, False),
    "rediss+sentinel": (Kind.SENTINEL, True),
    "redis+cluster": (Kind.CLUSTER, False),
    "rediss+cluster": (Kind.CLUSTER, True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A store's address, taken apart. `settings` and `sentinel` are named as redis-py's connections name them.

    `hosts` are the servers, or the sentinels, or some nodes of the cluster; empty for a Unix socket, whose `path` is set.
    """

    kind: Kind
    hosts: tuple[Host, ...] = ()
    path: str = ""
    service: str = ""
    is_tls: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sentinel: Mapping[str, Any] = field(default_factory=dict, repr=False)


def _whether(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words[text.casefold()]


def _demand(text: str) -> Literal["none", "optional", "required"]:
    if text not in ("none", "optional", "required"):
        raise ValueError
    return text  # type: ignore[return-value]  # one of the three


_ANY: Mapping[str, Callable[[str], Any]] = {
    "db": int,
    "username": str,
    "password": str,
    "client_name": str,
    "max_connections": int,
    "health_check_interval": int,
    "socket_timeout": float,
    "socket_connect_timeout": float,
}
_TLS: Mapping[str, Callable[[str], Any]] = {
    "ssl_ca_certs": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_cert_reqs": _demand,
    "ssl_check_hostname": _whether,
    "ssl_ciphers": str,
}
_SENTINEL: Mapping[str, Callable[[str], Any]] = {"sentinel_username": str, "sentinel_password": str}


def address_of(url: str) -> Address:
    """The address that `url` gives. Raises ConfigError, which never shows user or password."""
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise _wrong("cannot be read as an address") from exc
    if parts.scheme not in SCHEMES:
        raise _wrong("is not a store's address: write one of " + ", ".join(f"{s}://" for s in SCHEMES))
    kind, is_tls = SCHEMES[parts.scheme]
    settings = _who(parts) | _options(parts, kind, is_tls)
    sentinel = {k.removeprefix("sentinel_"): settings.pop(k) for k in _SENTINEL if k in settings}
    if parts.scheme == "unix":
        if not parts.path:
            raise _wrong("names no socket: write unix:///run/redis.sock")
        return Address(kind=kind, path=unquote(parts.path), settings=settings)
    service, db = _place(parts, kind)
    return Address(
        kind=kind,
        hosts=_hosts(parts, SENTINEL_PORT if kind is Kind.SENTINEL else REDIS_PORT),
        service=service,
        is_tls=is_tls,
        settings=({} if db is None else {"db": db}) | settings,
        sentinel=sentinel,
    )


def _who(parts: SplitResult) -> dict[str, Any]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    named = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in named.items() if value}


def _options(parts: SplitResult, kind: Kind, is_tls: bool) -> dict[str, Any]:
    known = {**_ANY, **(_TLS if is_tls else {}), **(_SENTINEL if kind is Kind.SENTINEL else {})}
    found = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise _wrong(f"{_why_unknown(name, known)}")
        try:
            found[name] = known[name](value)
        except (ValueError, KeyError):
            raise _wrong(f'has a value for "{name}" that makes no sense') from None
    return found


def _why_unknown(name: str, known: Mapping[str, object]) -> str:
    if name in _TLS:
        return f'sets "{name}", which only means something with TLS: write rediss://'
    if name in _SENTINEL:
        return f'sets "{name}", which only means something with redis+sentinel://'
    near = get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else "known are " + ", ".join(known)
    return f'sets "{name[:40]}", which is unknown; {hint}'


def _hosts(parts: SplitResult, port: int) -> tuple[Host, ...]:
    hosts = []
    for one in parts.netloc.rpartition("@")[2].split(","):
        match = re.fullmatch(r"(\[[0-9a-fA-F:.%\w]+\]|[^\s:\[\]/]+)(?::(\d{1,5}))?", one)
        if match is None or not 0 < int(match[2] or port) < 65536:
            raise _wrong(f'names "{one[:60]}" where it should name a host, as in localhost:{port}')
        hosts.append((match[1].strip("[]"), int(match[2] or port)))
    if len(hosts) > 1 and SCHEMES[parts.scheme][0] is Kind.SINGLE:
        raise _wrong("names several hosts: write redis+sentinel:// or redis+cluster://")
    return tuple(hosts)


def _place(parts: SplitResult, kind: Kind) -> tuple[str, int | None]:
    """The name of the sentinels' service and the number of the database."""
    words = [unquote(word) for word in parts.path.strip("/").split("/") if word]
    service = ""
    if kind is Kind.SENTINEL:
        if not words:
            raise _wrong(
                "names no service: write redis+sentinel://host:26379/SERVICE, as the sentinels call it"
            )
        service = words.pop(0)
    if kind is Kind.CLUSTER and words not in ([], ["0"]):
        raise _wrong("names a database, and a cluster has only database 0")
    if len(words) > 1 or not all(word.isdecimal() for word in words):
        raise _wrong(f'ends with "{"/".join(words)[:40]}" where only the number of a database may stand')
    return service, int(words[0]) if words else None


def _wrong(words: str) -> ConfigError:
    return ConfigError([f"store.url: {words}"])
