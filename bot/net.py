"""The one HTTP session, the guard for URLs from people and redirects, and network errors in plain words.

`bot.wiring` opens and closes the session; `bot.sources.fetch`, `bot.probes` and `bot.doctor` use it.
"""

from __future__ import annotations

import ipaddress
import socket
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Sequence
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from bot import __version__
from bot.errors import FetchError

CONNECT_S = 5.0
KEEPALIVE_S = 150.0  # more than twice the usual poll: aiohttp's own 15 s reconnect at nearly every poll
DNS_TTL_S = 300
PER_HOST = 2
IN_ALL = 100

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name as text. Raises OSError when there is none."""

_LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # the host agent of every Azure machine, public by number only
        "192.88.99.0/24",  # relays of 6to4, given up
        "64:ff9b:1::/48",  # NAT64 within one network
        "fec0::/10",  # site-local, given up
    )
)
_EMBEDS_IPV4 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))  # NAT64, IPv4-compatible


def open_session(*, contact: str = "", per_host: int = PER_HOST) -> aiohttp.ClientSession:
    """A session for feeds and checks: polite, and without cookies. Give each request `proxy=proxy_for(url)`.

    Needs a running loop. aiohttp asks DNS through aiodns where that is installed; resolving in threads
    would let a few dead names hold up every other feed.
    """
    about = f"Fogbell/{__version__}" + (f" (+{contact})" if contact else "")
    connector = aiohttp.TCPConnector(
        ttl_dns_cache=DNS_TTL_S, keepalive_timeout=KEEPALIVE_S, limit=IN_ALL, limit_per_host=per_host
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": about},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        trust_env=False,  # it would also read passwords from ~/.netrc, and use proxies for this machine itself
    )


def proxy_for(url: str) -> str | None:
    """The environment's proxy for a URL (ws:// too), unless NO_PROXY names its host or it is on this machine."""
    parts = URL(url)
    host = parts.host or ""
    if (
        _is_local_name(host)
        or (_literal(host) or "").startswith("127.")
        or host == "::1"
        or proxy_bypass(host)
    ):
        return None
    return getproxies().get(parts.scheme.replace("ws", "http"))


async def resolve(host: str) -> Sequence[str]:
    """The addresses of a host name, by the system's resolver."""
    found = await get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def check_public(url: str, resolve: Resolve = resolve) -> tuple[str, ...]:
    """The addresses behind a URL that a person gave, all of them public.

    The caller should connect to these and not resolve again: a name may answer differently the second time.
    Raises FetchError when the URL is not http(s), holds a password, cannot be resolved, or leads to any
    address that is not public.
    """
    host = _host(url)
    addresses = (literal,) if (literal := _literal(host)) else tuple(await _resolved(host, url, resolve))
    inside = [a for a in addresses if not is_public(a)]
    if inside:
        raise FetchError(f"{shown(url)} leads to {inside[0]}, which is not a public address")
    return addresses


def is_public(address: str) -> bool:
    """True when an IP address is of the open Internet: not private, loopback, metadata, multicast ..."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NEVER)


def shown(url: str) -> str:
    """A URL as it may be logged: without user, password, query and fragment, which may hold keys."""
    try:
        parsed = URL(url)
        bare = parsed.with_user(None) if parsed.host else parsed
    except ValueError:
        return "an invalid URL"
    query = "?..." if parsed.query_string else ""
    return f"{bare.with_query(None).with_fragment(None)}{query}"


def in_words(error: BaseException) -> str:
    """What a failed request means, in plain words that hold no URL."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return "the connection was refused"
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words
    return "the connection broke"


_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "its host name is not known to DNS"),
    ((aiohttp.ClientConnectorCertificateError,), "its certificate is not valid for it"),
    ((aiohttp.ClientSSLError,), "TLS could not be agreed on"),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), "the proxy did not let us through"),
    ((TimeoutError,), "it did not answer in time"),
    ((aiohttp.ClientConnectorError,), "no connection could be made"),
    ((aiohttp.ClientPayloadError,), "the answer was cut short or garbled"),
    ((aiohttp.ServerDisconnectedError, ConnectionResetError), "it hung up without an answer"),
    ((aiohttp.TooManyRedirects,), "it redirects in circles"),
    ((aiohttp.InvalidURL, ValueError), "the URL is not valid"),
    ((aiohttp.ClientResponseError,), "it does not speak proper HTTP"),
)


def _host(url: str) -> str:
    try:
        parsed = URL(url)
        host = parsed.host
    except ValueError as exc:
        raise FetchError("this is not a URL") from exc
    if parsed.scheme not in {"http", "https"} or not host:
        raise FetchError(f"{shown(url)} is not a web address: write http:// or https://")
    if parsed.user or parsed.password:
        raise FetchError(f"{shown(url)} holds a user name or password: leave them out")
    if _is_local_name(host):
        raise FetchError(f"{shown(url)} names a machine inside, which is not public")
    return host


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".").casefold()
    return name == "localhost" or name.endswith(_LOCAL_NAMES)


def _literal(host: str) -> str | None:
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


async def _resolved(host: str, url: str, resolve: Resolve) -> Sequence[str]:
    try:
        addresses = await resolve(host)
    except OSError as exc:
        raise FetchError(f"{shown(url)}: its host name is not known to DNS") from exc
    if not addresses:
        raise FetchError(f"{shown(url)}: its host name has no address")
    return addresses


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(ip in network for network in _EMBEDS_IPV4) and int(ip) > 1:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
