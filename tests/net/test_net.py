"""The session's settings and the guard for URLs that come from people."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_network

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import net
from bot.errors import FetchError
from bot.net.guard import Guard, PublicOnly


def answering(*addresses: str) -> net.Resolve:
    async def resolve(host: str) -> Sequence[str]:
        return addresses

    return resolve


async def unknown(host: str) -> Sequence[str]:
    raise OSError("no such name")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carrier NAT
        "100.100.100.200",  # metadata of Alibaba
        "169.254.169.254",  # metadata of most clouds
        "168.63.129.16",  # host agent of Azure
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",  # metadata of AWS over IPv6
        "fec0::1",
        "ff02::1",
        "192.0.0.192",  # metadata of Oracle's older cloud
        "3fff::1",  # for examples
        "5f00::1",  # segment routing, within one network
        "::ffff:127.0.0.1",  # IPv4 in disguise, six ways
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not net.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert net.is_public(address)


@given(st.ip_addresses())
def test_every_address_has_a_verdict(address: object) -> None:
    assert net.is_public(str(address)) in {True, False}


async def test_a_public_name_gives_the_addresses_to_connect_to() -> None:
    found = await PublicOnly(Guard(), answering("8.8.8.8", "2001:4860:4860::8888")).resolve("a.example", 443)

    assert [(f["host"], f["port"], f["family"]) for f in found] == [
        ("8.8.8.8", 443, socket.AF_INET),
        ("2001:4860:4860::8888", 443, socket.AF_INET6),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://１２７.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://metadata.google.internal/",
        "http://printer.local/",
        "http://user:secret@status.acme.example/",
        "ftp://status.acme.example/",
        "file:///etc/passwd",
        "//status.acme.example/",
        "status.acme.example",
        "http:///nothing",
        "http://a:99999/",
        "",
    ],
)
def test_a_url_that_leads_inside_or_nowhere_is_refused_without_asking_dns(url: str) -> None:
    with pytest.raises(FetchError):
        Guard().check(url)


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(FetchError, match=r"10\.0\.0\.7, which is not a public"):
        await PublicOnly(Guard(), answering("8.8.8.8", "10.0.0.7")).resolve("status.acme.example")


@pytest.mark.parametrize("resolve", [unknown, answering()])
async def test_a_name_that_dns_does_not_know_is_an_error_of_the_system(resolve: net.Resolve) -> None:
    with pytest.raises(OSError, match="name"):
        await PublicOnly(Guard(), resolve).resolve("status.acme.example")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", True),
        ("192.168.1.1", False),
        ("fd00::1", True),
    ],
)
def test_an_operator_may_allow_networks(address: str, expected: bool) -> None:
    guard = Guard(networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))

    assert expected == guard.permits(address)


def test_names_of_this_network_are_left_to_dns_where_a_network_is_allowed() -> None:
    guard = Guard(networks=(ip_network("10.0.0.0/8"),))

    assert guard.check("http://status.internal/feed") == "status.internal"
    with pytest.raises(FetchError):
        guard.check("http://169.254.169.254/")


def test_a_refusal_never_repeats_the_secrets_of_a_url() -> None:
    with pytest.raises(FetchError) as caught:
        Guard().check("http://ann:hunter2@127.0.0.1/x?token=abc#def")

    assert not [secret for secret in ("hunter2", "token", "abc", "def") if secret in str(caught.value)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/feed?key=1", "https://a.example/feed?..."),
        ("https://u:p@a.example:8443/feed#x", "https://a.example:8443/feed"),
        ("https://a.example", "https://a.example"),
        ("http://a:99999/", "an invalid URL"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, expected: str) -> None:
    assert expected == net.shown(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/feed", "http://proxy.example:3128"),
        ("wss://a.example/socket", "http://proxy.example:3128"),
        ("http://a.example/feed", None),
        ("https://b.inside.example/feed", None),
        ("https://10.1.2.3:8443/health", None),
        ("https://11.1.2.3/feed", "http://proxy.example:3128"),
        ("https://127.0.0.1/feed", None),
        ("https://localhost:8443/feed", None),
        ("https://[::1]/feed", None),
    ],
)
def test_the_environments_proxy_is_used_but_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: str | None
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example, 10.0.0.0/8")

    assert expected == net.proxy_for(url)


def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """As other programs take it; else every feed would be told to have an invalid URL."""
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example:3128")

    assert net.proxy_for("https://a.example/feed") == "http://proxy.example:3128"


async def test_the_session_is_polite_and_keeps_connections_beyond_a_poll() -> None:
    """aiohttp closes idle connections after 15 s by itself: with a 60 s poll, every request would connect anew."""
    async with net.open_session(contact="ops@acme.example") as session:
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)

        assert session.headers["User-Agent"].startswith("Fogbell/")
        assert session.headers["User-Agent"].endswith("(+ops@acme.example)")
        assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
        assert (connector.limit, connector.limit_per_host) == (0, 2)
        assert connector._keepalive_timeout >= 150


async def test_dns_does_not_use_the_thread_pool() -> None:
    """A few black-holed names in the pool of threads delay every other feed by seconds."""
    async with net.open_session() as session:
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        assert isinstance(connector._resolver, aiohttp.AsyncResolver)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), "it did not answer in time"),
        (aiohttp.ServerDisconnectedError(), "it hung up without an answer"),
        (aiohttp.ClientPayloadError("secret"), "the answer was cut short or garbled"),
        (aiohttp.InvalidURL("http://secret"), "the URL is not valid"),
        (OSError("secret"), "the connection broke"),
        (asyncio.IncompleteReadError(b"", 1), "the connection broke"),
    ],
)
def test_network_errors_become_plain_words_without_details(error: Exception, expected: str) -> None:
    assert expected == net.in_words(error)
