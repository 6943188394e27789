"""URLs of people and redirects to other hosts: what is checked is what is connected to. Here 127.0.0.1 counts as public."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from bot import net
from bot.errors import FetchError
from bot.net import Guard
from bot.sources.fetching.auth import Header
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.fetching.way import Place, Way
from bot.sources.payload import SourceSpec
from tests.fakes.wire import WireServer, good, says, self_signed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
OUTSIDE = Guard(networks=(ip_network("127.0.0.1/32"),))


class Names:
    """A resolver whose answers change: each name has a list of them, the last one stays."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): list(answer) for name, answer in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        left = self.answers[host]
        return (left.pop(0) if len(left) > 1 else left[0]).split()


@pytest_asyncio.fixture
async def inside() -> AsyncIterator[WireServer]:
    async with WireServer(good, host="127.0.0.2") as server:
        yield server


def typed(url: str, **changes: object) -> SourceSpec:
    return SourceSpec(name="acme", provider="acme", url=url, is_from_people=True, **changes)  # type: ignore[arg-type]


async def refusal(spec: SourceSpec, names: Names, guard: Guard = OUTSIDE) -> str:
    async with net.open_session() as session:
        fetcher = Fetcher(session, guard=guard, resolve=names)
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(spec, Marks(), NOON)
    return str(caught.value)


async def test_a_persons_url_is_fetched_from_the_address_that_was_checked_under_its_own_name() -> None:
    names = Names(status_acme_example=["127.0.0.1"])
    async with WireServer(good) as server, net.open_session(contact="ops@shop.example") as session:
        found = await Fetcher(session, guard=OUTSIDE, resolve=names).fetch(
            typed(server.url(host="status.acme.example")), Marks(), NOON
        )

        assert found is not None
        assert f"Host: status.acme.example:{server.port}".encode() in server.heads[0]
        assert b"(+ops@shop.example)" in server.heads[0]


async def test_tls_asks_for_the_name_and_not_for_the_address(tmp_path: Path) -> None:
    seen: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path))
    tls.sni_callback = lambda _socket, name, _context: seen.append(name)
    async with WireServer(good, tls=tls) as server:
        words = await refusal(
            typed(server.url(host="status.acme.example")), Names(status_acme_example=["127.0.0.1"])
        )

    assert seen == ["status.acme.example"]
    assert "its certificate is not valid" in words


@pytest.mark.parametrize(
    "host",
    ["127.0.0.2", "2130706434", "0x7f000002", "127.2", "[::1]", "[::ffff:127.0.0.2]", "169.254.169.254"],
)
async def test_a_number_inside_is_refused_before_anything_is_asked(inside: WireServer, host: str) -> None:
    names = Names()

    assert "not a public address" in await refusal(typed(inside.url(host=host)), names)
    assert (names.asked, inside.connections) == ([], 0)


async def test_a_name_that_leads_inside_is_refused_even_among_public_addresses(inside: WireServer) -> None:
    names = Names(status_acme_example=["127.0.0.1 127.0.0.2"])

    words = await refusal(typed(inside.url(host="status.acme.example")), names)

    assert words == "acme: status.acme.example leads to 127.0.0.2, which is not a public address"
    assert inside.connections == 0


async def test_a_name_that_changes_its_answer_is_not_connected_to(inside: WireServer) -> None:
    """DNS rebinding: public when the command is typed, inside when it is fetched."""
    names = Names(status_acme_example=["127.0.0.1", "127.0.0.2"])
    spec = typed(inside.url(host="status.acme.example"))
    async with WireServer(good, port=inside.port), net.open_session() as session:
        fetcher = Fetcher(session, guard=OUTSIDE, resolve=names)
        assert await fetcher.fetch(spec, Marks(), NOON) is not None
        with pytest.raises(FetchError, match=r"leads to 127\.0\.0\.2"):
            await fetcher.fetch(spec, Marks(), NOON)

    assert inside.connections == 0


async def test_a_name_that_changes_its_answer_between_two_fetches_gains_nothing(inside: WireServer) -> None:
    names = Names(status_acme_example=["127.0.0.1", "127.0.0.2"])
    hangs_up = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    async with (
        WireServer(hangs_up, port=inside.port) as outside,
        net.open_session() as session,
        net.open_session(guard=OUTSIDE, resolve=names) as guarded,
    ):
        fetcher = Fetcher(session, guarded=guarded, guard=OUTSIDE)
        for _ in range(2):
            await fetcher.fetch(typed(outside.url(host="status.acme.example")), Marks(), NOON)

        assert (outside.connections, inside.connections) == (2, 0)


async def test_a_persons_url_never_rides_on_a_connection_of_the_operators(inside: WireServer) -> None:
    """The operator watches a page inside; the open connection to it must not serve whoever types the same address."""
    async with net.open_session() as session:
        fetcher = Fetcher(session, guard=OUTSIDE)
        await fetcher.fetch(SourceSpec(name="ours", provider="ours", url=inside.url()), Marks(), NOON)
        with pytest.raises(FetchError, match="not a public address"):
            await fetcher.fetch(typed(inside.url()), Marks(), NOON)

    assert len(inside.heads) == 1


@pytest.mark.parametrize("is_from_people", [True, False])
async def test_every_redirect_is_checked_again(inside: WireServer, is_from_people: bool) -> None:
    names = Names(a_example=["127.0.0.1"], b_example=["127.0.0.2"])
    onward = f"http://b.example:{inside.port}/feed".encode()
    answer = says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + onward + b"\r\n\r\n")
    async with WireServer(answer) as server:
        spec = SourceSpec(name="acme", provider="acme", url=server.url(), is_from_people=is_from_people)

        words = await refusal(spec, names)

    assert words == "acme: redirected, but b.example leads to 127.0.0.2, which is not a public address"
    assert inside.connections == 0


async def test_networks_that_the_operator_allows_may_be_reached_by_name_and_number(
    inside: WireServer,
) -> None:
    guard = Guard(networks=(ip_network("127.0.0.0/8"),))
    async with net.open_session() as session:
        fetcher = Fetcher(session, guard=guard, resolve=Names(status_internal=["127.0.0.2"]))
        for host in ("127.0.0.2", "status.internal"):
            assert await fetcher.fetch(typed(inside.url(host=host)), Marks(), NOON) is not None


async def test_behind_a_proxy_a_persons_url_is_refused_unless_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proxy would find out where the name leads, and may reach what we may not."""
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    spec = typed("http://status.acme.example/feed")
    async with WireServer(good) as proxy, net.open_session() as session:
        monkeypatch.setenv("http_proxy", proxy.url("/"))
        words = await refusal(spec, Names())
        refused = len(proxy.heads)
        await Fetcher(session, guard=Guard(by_proxy=True)).fetch(spec, Marks(), NOON)

        assert "people_urls_by_proxy" in words
        assert (refused, len(proxy.heads)) == (0, 1)
        with pytest.raises(FetchError, match="not a public"):
            await Fetcher(session, guard=Guard(by_proxy=True)).fetch(typed("http://10.0.0.1/"), Marks(), NOON)


async def test_a_secret_is_not_sent_to_another_host() -> None:
    """Only the source's own origin gets it; the host that it redirects to is another's."""
    secret = Header(name="X-Key", value="hunter2")
    async with (
        WireServer(good, host="127.0.0.2") as other,
        WireServer(good) as own,
        net.open_session() as session,
    ):
        fetcher = Fetcher(session)
        spec = SourceSpec(name="a", provider="a", url=own.url(), auth=secret, allow_private=True)
        await fetcher.fetch(spec, Marks(), NOON)
        own.answer = says(
            b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + other.url().encode() + b"\r\n\r\n"
        )
        await fetcher.fetch(spec, Marks(), NOON)

    assert all(b"X-Key: hunter2" in head for head in own.heads)
    assert other.heads
    assert not [head for head in other.heads if b"hunter2" in head]


@pytest.mark.parametrize(
    ("own", "target", "expected"),
    [
        ("https://a.example/f", "https://a.example/g", True),
        ("http://a.example/f", "https://a.example/g", True),
        ("https://a.example:8443/f", "https://a.example:8443/g", True),
        ("https://a.example/f", "http://a.example/g", False),
        ("https://a.example/f", "https://a.example:8443/g", False),
        ("https://a.example/f", "https://b.example/g", False),
        ("https://a.example/f", "https://a.example.evil/g", False),
    ],
)
def test_a_secret_stays_at_its_own_origin(own: str, target: str, expected: bool) -> None:
    way = Way(Place.of(own), Place.of(own), Marks())
    way.redirect(Place.of(target), 301)

    assert expected == way.is_at_home


async def test_no_failure_shows_a_secret(inside: WireServer) -> None:
    spec = SourceSpec(
        name="acme",
        provider="acme",
        url=inside.url("/feed?token=hunter2"),
        auth=Header(name="X-Key", value="hunter3"),
    )
    marks = Marks(moved_to="http://x.example/?token=hunter2", place="abc")
    inside.answer = says(b"HTTP/1.1 500 hunter2\r\nContent-Length: 0\r\n\r\n")
    async with net.open_session() as session:
        with pytest.raises(FetchError) as caught:
            await Fetcher(session).fetch(spec, Marks(), NOON)

    assert "hunter" not in str(caught.value)
    assert "hunter" not in repr((spec.auth, marks))
