"""The HTTP sessions, the environment's proxies, and network errors in plain words.

`bot.wiring` opens and closes the sessions; `sources.fetching`, `bot.probes` and `bot.doctor` use them. Where URLs that are not
ours may lead is in `guard`, when requests may go in `turns`, how long a server wants us to wait in `wishes`.
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from bot import __version__
from bot.net.guard import (
    Guard,
    PublicOnly,
    Resolve,
    is_local_name,
    is_public,
    literal,
    resolve,
    shown,
)
from bot.net.interim import BoundedConnector
from bot.net.turns import Turns

__all__ = [
    "Guard",
    "Resolve",
    "Turns",
    "in_words",
    "is_public",
    "lift_file_limit",
    "open_session",
    "proxy_for",
    "resolve",
    "shown",
]

CONNECT_S = 5.0
KEEPALIVE_S = 150.0  # more than twice the usual poll: aiohttp's own 15 s reconnect at nearly every poll
DNS_TTL_S = 300
DNS_NAMES = 20_000  # aiohttp's own 1,000 would forget names that are asked for all the time
PER_HOST = 2
HEADER_MAX_BYTES = 16 * 1024  # content security policies outgrow aiohttp's own 8 KiB


def open_session(
    *,
    contact: str = "",
    per_host: int = PER_HOST,
    guard: Guard | None = None,
    resolve: Resolve | None = None,
) -> aiohttp.ClientSession:
    """A session for feeds and checks: polite, and without cookies. Give each request `proxy=proxy_for(url)`.

    With a `guard`, names that lead where it does not permit are not connected to; ask `guard.check(url)` first, for numbers.
    Needs a running loop. aiohttp asks DNS through aiodns where that is installed; resolving in threads would let a few dead
    names hold up every other feed.
    """
    about = f"Fogbell/{__version__}" + (f" (+{contact})" if contact else "")
    is_own = guard is not None or resolve is not None
    connector = BoundedConnector(
        resolver=PublicOnly(guard, resolve) if is_own else None,
        ttl_dns_cache=DNS_TTL_S,
        dns_cache_max_size=DNS_NAMES,
        keepalive_timeout=KEEPALIVE_S,
        limit=0,  # a limit would let dead hosts, waiting for their deadline, hold up the others
        limit_per_host=per_host,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": about},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        trust_env=False,  # it would also read passwords from ~/.netrc, and use proxies for this machine itself
        max_field_size=HEADER_MAX_BYTES,
        max_line_size=HEADER_MAX_BYTES,
    )


def proxy_for(url: str) -> str | None:
    """The environment's proxy for a URL (ws:// too), unless NO_PROXY names its host or network, or it is on this machine."""
    parts = URL(url)
    host = parts.host or ""
    proxies = getproxies()
    if (
        is_this_machine(host)
        or is_local_name(host)
        or proxy_bypass(host)
        or _is_within(host, proxies.get("no", ""))
    ):
        return None
    proxy = proxies.get(parts.scheme.replace("ws", "http"))
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _is_within(host: str, networks: str) -> bool:
    """True for a number that is in one of the networks among the words of NO_PROXY."""
    number = literal(host)
    if number is None:
        return False
    for word in networks.split(","):
        with suppress(ValueError):  # names are among them
            if ip_address(number) in ip_network(word.strip(), strict=False):
                return True
    return False


def is_this_machine(host: str) -> bool:
    """True for the loopback addresses and "localhost"."""
    return host == "::1" or host == "localhost" or (literal(host) or "").startswith("127.")


def lift_file_limit() -> None:
    """Let this process hold as many connections as it may: the usual soft limit of 1,024 files is less than one each."""
    import resource  # not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems promise more than they give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
