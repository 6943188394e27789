"""A WebSub hub's whole way: it asks, we answer only for what we asked for, and it pushes what it has signed."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest

from bot.sources.fetching.websub import address_token
from bot.web.hooks import Hooks
from tests.fakes.store_fakes import FakeClock
from tests.pipeline.test_websub import ATOM, SECRET, SOURCE, TOPIC, Bench, feed
from tests.web.conftest import BEGIN, Client, MakeClient
from tests.web.test_hooks import STATUSPAGE, Intake

ADDRESS = f"/hooks/acme/{address_token(SECRET, 'acme')}"
QUESTION = {
    "hub.mode": "subscribe",
    "hub.topic": TOPIC,
    "hub.challenge": "c-123",
    "hub.lease_seconds": "7200",
}


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock=clock)


@pytest.fixture
def intake(clock: FakeClock) -> Intake:
    return Intake(clock, secrets={"acme": SECRET})


@pytest.fixture
async def hooked(make_client: MakeClient, intake: Intake, bench: Bench, clock: FakeClock) -> Client:
    worker = bench.worker()
    await worker.offered(SOURCE, feed())
    await worker.ask_due()
    return await make_client(hooks=Hooks(pushes=intake, clock=clock, subscriptions=worker))


def signed(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Hub-Signature": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


async def test_a_hub_that_we_asked_hears_its_challenge(hooked: Client) -> None:
    answer = await hooked.get(ADDRESS, params=QUESTION, headers={"Host": "fogbell.example"})

    assert (answer.status, await answer.text(), answer.content_type) == (200, "c-123", "text/plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"hub.topic": "https://evil.example/feed"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": "publish"},
        {"hub.challenge": "x" * 3_000},
    ],
)
async def test_nothing_else_is_repeated(hooked: Client, changes: dict[str, str]) -> None:
    answer = await hooked.get(ADDRESS, params=QUESTION | changes)

    assert answer.status == 404


@pytest.mark.parametrize("path", [f"/hooks/acme/{SECRET}", "/hooks/acme/x", "/hooks/nobody/x"])
async def test_a_hub_is_answered_at_its_own_address_alone(hooked: Client, path: str) -> None:
    assert (await hooked.get(path, params=QUESTION)).status == 404


async def test_what_a_hub_signed_is_taken(hooked: Client, bench: Bench, intake: Intake) -> None:
    await hooked.get(ADDRESS, params=QUESTION)

    answer = await hooked.post(
        ADDRESS, data=STATUSPAGE, headers=signed(STATUSPAGE, bench.shelf.held["acme"].secret)
    )

    assert answer.status == 202
    assert [payload.fetched_at for payload in intake.payloads] == [BEGIN]


async def test_what_a_hub_did_not_sign_is_refused(hooked: Client, bench: Bench, intake: Intake) -> None:
    """Its address is known to others than us, unlike the one with the source's secret."""
    secret = bench.shelf.held["acme"].secret
    early = await hooked.post(ADDRESS, data=STATUSPAGE, headers=signed(STATUSPAGE, secret))
    await hooked.get(ADDRESS, params=QUESTION)

    for headers in ({}, signed(STATUSPAGE, SECRET), signed(STATUSPAGE + b" ", secret)):
        assert (await hooked.post(ADDRESS, data=STATUSPAGE, headers=headers)).status == 403
    assert (early.status, intake.payloads) == (403, [])


async def test_after_the_lease_a_hub_is_not_heard(hooked: Client, bench: Bench, clock: FakeClock) -> None:
    await hooked.get(ADDRESS, params=QUESTION)
    clock.at += timedelta(hours=3)

    answer = await hooked.post(
        ADDRESS, data=STATUSPAGE, headers=signed(STATUSPAGE, bench.shelf.held["acme"].secret)
    )

    assert answer.status == 403


async def test_without_subscriptions_the_hubs_address_is_closed(
    make_client: MakeClient, intake: Intake, clock: FakeClock
) -> None:
    client = await make_client(hooks=Hooks(pushes=intake, clock=clock))

    assert (await client.get(ADDRESS, params=QUESTION)).status == 404
    assert (await client.post(ADDRESS, data=ATOM, headers=signed(ATOM.encode(), SECRET))).status == 403
