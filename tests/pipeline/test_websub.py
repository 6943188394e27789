"""Subscriptions with hubs: asked for once, confirmed only when asked for, renewed at half the lease."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from bot.errors import FetchError
from bot.net import Guard
from bot.pipeline.websub import ASK_AGAIN, LEASE_MAX, LEASE_MIN, HubCaller, Subscription, Subscriptions
from bot.sources.fetching.websub import address_token
from bot.sources.payload import Payload, SourceSpec
from bot.store.desk import Shelf
from bot.store.redis import connect
from tests.fakes.store_fakes import FakeClock
from tests.fakes.wire import WireServer, says

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
SECRET = "part-of-an-address"
HUB, TOPIC = "https://hub.example/", "https://status.acme.example/history.atom"
SOURCE = SourceSpec(name="acme", provider="acme", url=TOPIC, push_secret=SECRET)
ATOM = f'<feed><link rel="hub" href="{HUB}"/><link rel="self" href="{TOPIC}"/></feed>'


@dataclass
class FakeShelf:
    """`Subscribed` in a dict, and how often it was asked."""

    held: dict[str, Subscription] = field(default_factory=dict)
    reads: int = 0

    async def get(self, name: str) -> Subscription | None:
        self.reads += 1
        return self.held.get(name)

    async def put(self, name: str, value: Subscription) -> None:
        self.held[name] = value

    async def all(self) -> dict[str, Subscription]:
        return dict(self.held)

    async def drop(self, *names: str) -> None:
        for name in names:
            self.held.pop(name, None)


@dataclass
class FakeHub:
    """Remembers the forms, and refuses them where a test says so."""

    forms: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    trouble: FetchError | None = None

    async def __call__(self, hub: str, form: Mapping[str, str], *, allow_private: bool) -> None:
        self.forms.append((hub, form))
        if self.trouble:
            raise self.trouble


@dataclass
class FakeLeases:
    is_ours: bool = True

    async def hold(self, name: str, lease: timedelta) -> bool:
        return self.is_ours

    async def release_all(self) -> None:
        pass


@dataclass
class Bench:
    """One worker's subscriptions with everything around them."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    shelf: FakeShelf = field(default_factory=FakeShelf)
    hub: FakeHub = field(default_factory=FakeHub)
    leases: FakeLeases = field(default_factory=FakeLeases)
    secrets: dict[str, str] = field(default_factory=lambda: {"acme": SECRET})
    public_url: str | None = "https://fogbell.example"

    def worker(self) -> Subscriptions:
        return Subscriptions(
            self.shelf,
            self.hub,
            self.clock,
            self.leases,
            public_url=self.public_url,
            secret_of=self.secrets.get,
        )

    async def subscribed(self, lease_s: str = "1000000") -> Subscriptions:
        """A worker whose one subscription the hub has confirmed."""
        worker = self.worker()
        await worker.offered(SOURCE, feed())
        await worker.ask_due()
        assert await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s=lease_s)
        return worker


def feed(body: str = ATOM) -> Payload:
    return Payload(body=body.encode(), fetched_at=NOON)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_feed_with_a_hub_is_subscribed_to(bench: Bench) -> None:
    worker = bench.worker()

    await worker.offered(SOURCE, feed())
    await worker.ask_due()

    ((hub, form),) = bench.hub.forms
    assert hub == HUB
    assert form["hub.mode"] == "subscribe"
    assert form["hub.topic"] == TOPIC
    assert form["hub.callback"] == f"https://fogbell.example/hooks/acme/{address_token(SECRET, 'acme')}"
    assert form["hub.secret"] == bench.shelf.held["acme"].secret
    assert len(form["hub.secret"]) == 64


async def test_the_hub_is_never_told_the_secret_of_the_source(bench: Bench) -> None:
    await bench.subscribed()

    assert SECRET not in repr(bench.hub.forms)
    assert bench.shelf.held["acme"].secret not in repr(bench.shelf.held)


@pytest.mark.parametrize(
    ("source", "public_url"),
    [(replace(SOURCE, push_secret=None), "https://fogbell.example"), (SOURCE, None)],
)
async def test_without_a_secret_or_an_address_nothing_is_asked(
    bench: Bench, source: SourceSpec, public_url: str | None
) -> None:
    bench.public_url = public_url
    worker = bench.worker()

    await worker.offered(source, feed())

    assert (bench.shelf.held, bench.shelf.reads) == ({}, 0)


async def test_a_body_that_names_the_same_hub_costs_the_store_nothing(bench: Bench) -> None:
    worker = bench.worker()
    for _ in range(5):
        await worker.offered(SOURCE, feed())

    assert bench.shelf.reads == 1


async def test_a_restart_keeps_the_subscription(bench: Bench) -> None:
    await bench.subscribed()
    before = bench.shelf.held["acme"]

    worker = bench.worker()
    await worker.offered(SOURCE, feed())
    await worker.ask_due()

    assert (bench.shelf.held["acme"], len(bench.hub.forms)) == (before, 1)


async def test_a_new_hub_is_a_new_subscription_and_no_hub_is_none(bench: Bench) -> None:
    worker = await bench.subscribed()
    old = bench.shelf.held["acme"].secret

    await worker.offered(SOURCE, feed(ATOM.replace(HUB, "https://other.example/")))
    assert (bench.shelf.held["acme"].hub, bench.shelf.held["acme"].ends_at) == (
        "https://other.example/",
        None,
    )
    assert bench.shelf.held["acme"].secret != old

    await worker.offered(SOURCE, feed("<feed/>"))
    assert bench.shelf.held == {}


@pytest.mark.parametrize(
    ("mode", "topic"),
    [("subscribe", TOPIC + "/other"), ("unsubscribe", TOPIC), ("", TOPIC), ("subscribe", "")],
)
async def test_a_subscription_that_was_not_asked_for_is_not_confirmed(
    bench: Bench, mode: str, topic: str
) -> None:
    worker = bench.worker()
    await worker.offered(SOURCE, feed())
    assert not await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s="1")  # not yet asked

    await worker.ask_due()

    assert not await worker.confirmed("acme", mode=mode, topic=topic, lease_s="1000")
    assert not await worker.confirmed("other", mode="subscribe", topic=TOPIC, lease_s="1000")


async def test_an_answer_that_comes_much_too_late_is_none(bench: Bench) -> None:
    worker = await bench.subscribed()
    bench.clock.at += timedelta(hours=2)

    assert not await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s="1000")


async def test_a_hub_that_lost_our_answer_may_ask_again(bench: Bench) -> None:
    worker = await bench.subscribed()

    assert await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s="1000000")


async def test_signatures_count_from_the_confirmation_to_the_end_of_the_lease(bench: Bench) -> None:
    worker = bench.worker()
    await worker.offered(SOURCE, feed())
    await worker.ask_due()
    assert await worker.signing_secret("acme") is None

    await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s="7200")
    assert await worker.signing_secret("acme") == bench.shelf.held["acme"].secret

    bench.clock.at += timedelta(hours=3)
    assert await worker.signing_secret("acme") is None
    assert await worker.signing_secret("other") is None


async def test_a_lease_is_renewed_at_its_half_with_the_same_secret(bench: Bench) -> None:
    worker = await bench.subscribed(lease_s="86400")

    bench.clock.at += timedelta(hours=11)
    await worker.ask_due()
    assert len(bench.hub.forms) == 1

    bench.clock.at += timedelta(hours=1)
    await worker.ask_due()
    assert len(bench.hub.forms) == 2
    assert bench.hub.forms[0] == bench.hub.forms[1]
    assert await worker.signing_secret("acme") is not None  # the old lease still runs

    await worker.confirmed("acme", mode="subscribe", topic=TOPIC, lease_s="86400")
    assert bench.shelf.held["acme"].ends_at == bench.clock.at + timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "lease"),
    [
        ("1", LEASE_MIN),
        ("99999999999", LEASE_MAX),
        ("", timedelta(days=5)),
        ("-1", timedelta(days=5)),
        ("٣", timedelta(days=5)),
    ],
)
async def test_a_hub_cannot_make_us_ask_without_end_or_never_again(
    bench: Bench, said: str, lease: timedelta
) -> None:
    await bench.subscribed(lease_s=said)

    assert bench.shelf.held["acme"].ends_at == NOON + lease


async def test_a_hub_that_fails_is_asked_again_hours_later(bench: Bench) -> None:
    bench.hub.trouble = FetchError("hub.example answered 500")
    worker = bench.worker()
    await worker.offered(SOURCE, feed())

    with capture_logs() as logs:
        await worker.ask_due()
        await worker.ask_due()
    assert [entry["event"] for entry in logs] == ["push.unconfirmed"]

    bench.clock.at += ASK_AGAIN
    await worker.ask_due()
    assert len(bench.hub.forms) == 2


async def test_a_hub_that_denies_ends_the_subscription_for_a_day(bench: Bench) -> None:
    worker = await bench.subscribed()

    assert await worker.confirmed("acme", mode="denied", topic=TOPIC, lease_s="")
    assert await worker.signing_secret("acme") is None

    await worker.ask_due()
    assert len(bench.hub.forms) == 1


async def test_a_source_that_is_gone_is_not_renewed(bench: Bench) -> None:
    worker = await bench.subscribed()
    bench.secrets.clear()

    await worker.ask_due()

    assert bench.shelf.held == {}


async def test_the_shelf_of_the_store_keeps_subscriptions(redis_url: str) -> None:
    client = connect(redis_url)
    shelf = Shelf(client, "fogbell:websub", Subscription)
    held = Subscription(hub=HUB, topic=TOPIC, secret="s", due_at=NOON, ends_at=NOON)

    await shelf.put("acme", held)

    assert (await shelf.get("acme"), await shelf.all()) == (held, {"acme": held})
    await client.aclose()


@pytest.fixture
async def hub_server() -> AsyncIterator[tuple[TestServer, list[dict[str, str]]]]:
    """A hub on loopback: /ok takes, /moved redirects, /no refuses."""
    taken: list[dict[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        taken.append({str(k): str(v) for k, v in (await request.post()).items()})
        return web.Response(status=202)

    async def move(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/ok"})

    app = web.Application()
    app.add_routes([web.post("/ok", take), web.post("/moved", move)])
    server = TestServer(app)
    await server.start_server()
    yield server, taken
    await server.close()


async def test_a_form_is_posted_to_the_hub_and_refusals_are_errors(
    hub_server: tuple[TestServer, list[dict[str, str]]],
) -> None:
    server, taken = hub_server
    call = HubCaller()
    await call(str(server.make_url("/ok")), {"hub.mode": "subscribe"}, allow_private=True)

    for path, words in (("/moved", "answered 307"), ("/no", "answered 404")):
        with pytest.raises(FetchError, match=words):
            await call(str(server.make_url(path)), {"hub.mode": "subscribe"}, allow_private=True)

    assert taken == [{"hub.mode": "subscribe"}]


@pytest.mark.parametrize(
    "hub",
    [
        "http://hub.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://hub.internal/",
        "ftp://x/",
    ],
)
async def test_a_hub_inside_or_without_tls_is_not_called(hub: str) -> None:
    """The address comes from a feed, and the form holds secrets."""

    async def resolve(host: str) -> list[str]:
        return ["10.0.0.1"]

    with pytest.raises(FetchError):
        await HubCaller(resolve=resolve)(hub, {}, allow_private=False)


async def test_a_proxy_inside_is_used_where_hubs_may_go_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator chose the proxy, so that only the hub's own address is looked at."""
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with WireServer(says(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url("/", host="localhost"))
        with pytest.raises(FetchError, match="the proxy did not let us through"):
            await HubCaller(Guard(by_proxy=True))("https://hub.example/", {}, allow_private=False)

    assert proxy.heads[0].startswith(b"CONNECT hub.example:443 ")
