"""The store as a cluster: every script on the node that has its keys, also after a node was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.chats.console.client import ConsoleChat
from bot.clock import SystemClock
from bot.domain.card import Card, Tone
from bot.domain.conversation import Receipt
from bot.domain.silences import Silence
from bot.errors import StoreError
from bot.store import keys
from bot.store.desk import RedisMonitors, RedisOnce, RedisSilences, Shelf
from bot.store.pendings import RedisPendings
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.sharing import RedisAudit, RedisLeases, RedisLimiter
from tests.build import at, said
from tests.fakes.store_servers import Shared, cluster, until
from tests.fakes.store_steps import LEASE, attempt, committed, unreplicated

pytestmark = pytest.mark.slow
PROVIDERS = [f"p{n}" for n in range(24)]


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with cluster(tmp_path, with_replicas=True) as found:
        yield found


@pytest.fixture
async def functions(shared: Shared) -> AsyncIterator[Functions]:
    client = connect(shared.url)
    functions = Functions(client)
    await functions.load()
    yield functions
    await client.aclose()


def _card(title: str) -> Card:
    return Card(title=title, tone=Tone.MAJOR, fallback=title)


async def _all_due(functions: Functions) -> None:
    for name in PROVIDERS:
        await committed(RedisIncidents(functions), name)


async def test_everything_that_the_store_does_works_on_a_cluster(functions: Functions) -> None:
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, "ada")
    await _all_due(functions)

    assert await incidents.providers() == tuple(sorted(PROVIDERS))
    assert await outbox.next_due() == at(0)
    claimed = await outbox.claim(at(0), 10, LEASE)
    assert sorted(one.talk.provider for one in claimed) == sorted(PROVIDERS)
    pendings = RedisPendings(functions, outbox)
    assert {p.talk.provider: p.due_at for p in await pendings.pending()} == dict.fromkeys(PROVIDERS)
    for one in claimed[:3]:
        await outbox.begin(one, attempt())
        await outbox.settle(one, one.talk, None)
    assert await outbox.give_back(at(1)) == len(PROVIDERS) - 3
    assert await outbox.recheck(at(1)) == len(PROVIDERS)
    await outbox.wake(claimed[0].talk, at(2))
    assert await pendings.claim_one(claimed[0].talk.provider, "INC-1", "nobody:1", LEASE) is not None
    assert (await incidents.find("INC-1")) is not None


async def test_the_small_things_and_the_console_work_on_a_cluster(functions: Functions) -> None:
    client = functions.client

    async def wake() -> None:
        pass

    silences = RedisSilences(client, wake)
    await silences.add(Silence(id="s", target="acme", until=at(5), by="Ada", why="known", created_at=at(0)))
    assert [s.id for s in await silences.active(at(1))] == ["s"]
    assert await RedisMonitors(client).all() == ()
    assert await RedisOnce(client).first("event", timedelta(hours=1))
    shelf: Shelf[Receipt] = Shelf(client, keys.MARKS, Receipt)
    await shelf.put_all({"a": Receipt(channel="c", message="m")})
    assert await shelf.drop("a") == 1
    audit = RedisAudit(functions)
    await audit.append({"n": "1"})
    assert len(await audit.tail(5)) == 1
    assert await RedisLimiter(functions).take("slack:C1", 1.0, 1) == timedelta()
    leases = RedisLeases(functions, "ada")
    assert await leases.hold("source:aws", LEASE)
    await leases.release_all()

    chat = ConsoleChat(client, clock=SystemClock())
    headline = await chat.post("ops", _card("Down"), key="k1")
    await chat.edit(headline, _card("Up"))
    await chat.post("ops", _card("More"), key="k2", thread=headline)
    assert [h.card.title for h in (await chat.snapshot("ops")).headlines] == ["Up"]
    assert (await chat.revisions())["ops"] == 3
    await chat.ping()


async def test_a_lost_primary_costs_its_shards_a_pause_and_the_others_nothing(
    shared: Shared, functions: Functions
) -> None:
    """Scripts came to the replica with the data, so that it knows them when it takes over."""
    await _all_due(functions)
    outbox = RedisOutbox(functions, "ada")
    shared.primaries[2].die()

    at_once = await outbox.claim(at(0), 10, LEASE)

    async def rest() -> bool:
        try:
            found.extend(await outbox.claim(at(0), 10, LEASE))
        except StoreError:
            return False
        return len(found) == len(PROVIDERS)

    found = list(at_once)
    await until(rest, within=25)
    assert 0 < len(at_once) < len(PROVIDERS)
    assert sorted(one.talk.provider for one in found) == sorted(PROVIDERS)
    for one in found:
        await outbox.begin(one, attempt())


async def test_writes_wait_for_the_replica_of_their_own_primary(shared: Shared, functions: Functions) -> None:
    functions.replicas = 1
    rounds = iter(range(100))

    async def all_reached() -> bool:
        """Replicas of a cluster that is seconds old do not answer at once."""
        before, n = unreplicated(), next(rounds)
        for name in PROVIDERS:
            await committed(RedisIncidents(functions), name, said(f"e{n}"), minutes=n)
        return unreplicated() == before

    await until(all_reached)
    for replica in shared.replicas:
        replica.die()
    before = unreplicated()
    await committed(RedisIncidents(functions), "late")

    assert unreplicated() - before == 1
