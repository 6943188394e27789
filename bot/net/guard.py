"""The guard for addresses that nobody of ours chose: URLs that people type, and other hosts that a server redirects to.

It looks at what is really connected to: `PublicOnly` is the resolver of a session of its own (`bot.net.open_session`), so that
a name which answers differently the second time gains nothing. Used by `sources.fetching` and for hubs that feeds name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import FetchError, Inside

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name as text. Raises OSError when there is none."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # the host agent of every Azure machine, public by number only
        "192.0.0.0/24",  # of protocols; Oracle's older cloud keeps its metadata there
        "192.88.99.0/24",  # relays of 6to4, given up
        "64:ff9b:1::/48",  # NAT64 within one network
        "3fff::/20",  # for examples
        "5f00::/16",  # segment routing within one network
        "fec0::/10",  # site-local, given up
    )
)
_EMBEDS_IPV4 = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")  # NAT64, IPv4-compatible, IPv4-translated
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Where such a URL may lead: to public addresses, and into the `networks` that the operator allows.

    `by_proxy` permits them to go through an HTTP proxy, where it is the proxy that finds out where a name leads.
    """

    networks: tuple[Network, ...] = ()
    by_proxy: bool = False

    def permits(self, address: str) -> bool:
        """True when an IP address may be connected to."""
        return is_public(address) or any(_core(address) in network for network in self.networks)

    def check(self, url: URL | str) -> str:
        """The host of a URL that is fit to be asked for: http(s), no password, and neither its name nor its number is inside.

        DNS is not asked. Raises FetchError.
        """
        host = _host(url)
        if not self.networks and is_local_name(host):
            raise Inside(f"{shown(url)} names a machine inside, which is not public")
        if number := literal(host):
            self.check_addresses(shown(url), [number])
        return host

    def check_addresses(self, what: str, addresses: Sequence[str]) -> None:
        """Return when every address is permitted. Raises FetchError that says `what` leads where."""
        inside = [address for address in addresses if not self.permits(address)]
        if inside:
            raise Inside(f"{what} leads to {inside[0]}, which is not a public address")


class PublicOnly(AbstractResolver):
    """A resolver that gives only what a guard permits: aiohttp connects to exactly these addresses, and keeps them in mind."""

    def __init__(self, guard: Guard | None, find: Resolve | None = None) -> None:
        self._guard = guard
        self._find = find or resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises FetchError when one of them is not permitted, OSError when there is none."""
        addresses = await self._find(host)
        if not addresses:
            raise OSError(None, "the name has no address")
        if self._guard is not None:
            self._guard.check_addresses(host, addresses)
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


async def resolve(host: str) -> Sequence[str]:
    """The addresses of a host name, through aiodns where that is installed."""
    resolver = aiohttp.DefaultResolver()
    try:
        return [found["host"] for found in await resolver.resolve(host, 0, socket.AF_UNSPEC)]
    finally:
        await resolver.close()


def is_public(address: str) -> bool:
    """True when an IP address is of the open Internet: not private, loopback, metadata, multicast ..."""
    ip = _core(address)
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NEVER)


def is_local_name(host: str) -> bool:
    """True for names that only machines nearby answer to."""
    name = host.rstrip(".").casefold()
    return name == "localhost" or name.endswith(_LOCAL_NAMES)


def literal(host: str) -> str | None:
    """The address that a host is, also in the forms that C libraries take: 127.1, 0x7f000001, 2130706433."""
    bare = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare))
    except OSError:
        return None


def shown(url: URL | str) -> str:
    """A URL as it may be logged: without user, password, query and fragment, which may hold keys."""
    try:
        parsed = URL(url)
        bare = parsed.with_user(None) if parsed.host else parsed
    except ValueError:
        return "an invalid URL"
    query = "?..." if parsed.query_string else ""
    return f"{bare.with_query(None).with_fragment(None)}{query}"


def _host(url: URL | str) -> str:
    try:
        parsed = URL(url)
        host = parsed.host
    except ValueError as exc:
        raise FetchError("this is not a URL") from exc
    if parsed.scheme not in {"http", "https"} or not host:
        raise FetchError(f"{shown(url)} is not a web address: write http:// or https://")
    if parsed.user or parsed.password:
        raise FetchError(f"{shown(url)} holds a user name or password: leave them out")
    return host


def _core(address: str) -> Address:
    """An address without its zone, and as the IPv4 address that it wraps, if it wraps one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _embedded(ip)
    return inner or ip


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(ip in network for network in _EMBEDS_IPV4) and int(ip) > 1:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
