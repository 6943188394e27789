"""A master that dies, hangs or steps down: work goes on with the next one, and what was lost on the way is not said twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.decide import acknowledge
from bot.errors import Conflict, LeaseLost, StoreError
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.watching import StoreWatch
from bot.tasks import end
from tests.build import at, said
from tests.fakes.store_servers import Door, Server, Watched, freeze, servers, until, wake, watched
from tests.fakes.store_steps import LEASE, attempt, committed, unreplicated

pytestmark = pytest.mark.slow
RESUMES_WITHIN = 5.0


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Watched]:
    async with watched(tmp_path) as found:
        yield found


@asynccontextmanager
async def worker(url: str) -> AsyncIterator[Functions]:
    """A client with its scripts, and the watch over its store running."""
    client = connect(url)
    functions = Functions(client)
    await functions.load()
    watch = StoreWatch(functions, None)
    await watch.look()
    running = asyncio.create_task(watch.run())
    try:
        yield functions
    finally:
        await end([running])
        await client.aclose()


async def _round(functions: Functions, n: int) -> None:
    """All that one delivery asks of the store."""
    outbox = RedisOutbox(functions, "ada")
    await committed(RedisIncidents(functions), "acme", said(f"e{n}"), minutes=n)
    for one in await outbox.claim(at(n), 10, LEASE):
        await outbox.begin(one, attempt())
        await outbox.settle(one, one.talk, None)


async def _rounds_until_it_works(functions: Functions, since: float) -> float:
    """Seconds until a whole round went through."""
    n = 100
    while True:
        n += 1
        try:
            await _round(functions, n)
        except (StoreError, AssertionError):
            await asyncio.sleep(0.1)
            continue
        return time.monotonic() - since


async def test_work_goes_on_within_5_seconds_after_the_master_is_killed(hosts: Watched) -> None:
    async with worker(hosts.url) as functions:
        await _round(functions, 1)
        old = await hosts.master()

        old.die()
        took = await asyncio.wait_for(_rounds_until_it_works(functions, time.monotonic()), 20)

        print(f"killed master: a whole delivery {took:.2f} s later")
        assert await hosts.master() is not old
        assert len((await RedisIncidents(functions).read("acme")).incidents) >= 2
    assert took < RESUMES_WITHIN


async def test_a_master_that_hangs_holds_nobody_for_longer(hosts: Watched) -> None:
    """Its connections stay open, so that only the sentinels' word ends the wait for its answers."""
    async with worker(hosts.url) as functions:
        await _round(functions, 1)
        old = await hosts.master()

        freeze(old)
        asked = [asyncio.create_task(functions.call("fogbell_take", [f"bucket:{n}"], 1, 1)) for n in range(8)]
        took = await asyncio.wait_for(_rounds_until_it_works(functions, time.monotonic()), 20)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        wake(old)

        print(f"hanging master: a whole delivery {took:.2f} s later; calls in flight gave {answers}")
    assert took < RESUMES_WITHIN
    assert answers == [0] * 8


async def test_a_master_that_steps_down_is_left_at_once(hosts: Watched) -> None:
    """It takes writes for some seconds more, which will be lost, and later answers that it takes none."""
    async with worker(hosts.url) as functions:
        await _round(functions, 1)
        old = await hosts.master()

        await hosts.sentinels[0].asks("SENTINEL", "FAILOVER", "main")
        await until(lambda: _another(hosts, old))
        since = time.monotonic()
        await until(lambda: _has_left(functions, old))
        took = await asyncio.wait_for(_rounds_until_it_works(functions, since), 20)

        print(f"stepped down: a whole delivery {took:.2f} s after the sentinels named another one")
    assert took < RESUMES_WITHIN


async def _another(hosts: Watched, old: Server) -> bool:
    return await hosts.master() is not old


async def _has_left(functions: Functions, old: Server) -> bool:
    return int((await functions.client.info("server"))["tcp_port"]) != old.port


async def test_a_master_that_became_a_replica_is_left_though_it_answers(hosts: Watched) -> None:
    """Without the watch: what refuses writes is not asked again."""
    client = connect(hosts.url)
    functions = Functions(client)
    await functions.load()
    await _round(functions, 1)
    old = await hosts.master()
    await hosts.sentinels[0].asks("SENTINEL", "FAILOVER", "main")
    await until(lambda: _is_replica(old))

    await _round(functions, 2)

    assert await _has_left(functions, old)
    await client.aclose()


async def _is_replica(server: Server) -> bool:
    return (await server.info("replication")).get("role") == "slave"


async def test_writes_wait_for_a_replica_where_there_is_one(hosts: Watched) -> None:
    async with worker(hosts.url) as functions:
        before = unreplicated()
        await _round(functions, 1)
        with_replicas = unreplicated() - before
        for server in hosts.data[1:]:
            freeze(server)
        await _round(functions, 2)
        without = unreplicated() - before - with_replicas
        for server in hosts.data[1:]:
            wake(server)

        assert functions.replicas == 1
        assert (with_replicas, without) == (0, 5)  # a commit, and begin and settle of two conversations


async def test_a_master_without_replicas_is_waited_for(tmp_path: Path) -> None:
    """With min-replicas-to-write, a new master refuses writes until the others have found it."""
    async with servers(tmp_path, 2, "--repl-diskless-sync-delay", "0") as (master, replica):
        client = connect(f"redis://127.0.0.1:{master.port}")
        functions = Functions(client)
        await functions.load()
        await committed(RedisIncidents(functions), "acme")
        outbox = RedisOutbox(functions, "ada")
        await master.asks("CONFIG", "SET", "min-replicas-to-write", "1")

        claiming = asyncio.create_task(outbox.claim(at(0), 10, LEASE))
        await asyncio.sleep(0.3)
        waited = not claiming.done()
        await replica.asks("REPLICAOF", "127.0.0.1", str(master.port))
        (claimed,) = await claiming

        assert waited
        await outbox.begin(claimed, attempt())
        await client.aclose()


async def test_what_a_lagging_replica_never_got_is_looked_up_before_it_is_posted_again(
    tmp_path: Path,
) -> None:
    """The settle of a message is lost: by the new master's word it was never said."""
    async with servers(tmp_path, 2, "--repl-diskless-sync-delay", "0") as (master, replica):
        await replica.asks("REPLICAOF", "127.0.0.1", str(master.port))
        await until(lambda: _has_link(replica))
        async with Door(master.port) as door:
            client = connect(f"redis://127.0.0.1:{door.port}")
            functions = Functions(client)
            await functions.load()
            incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, "ada")
            kept = await committed(incidents, "acme", said("e1"))
            (first,) = await outbox.claim(at(0), 10, LEASE)
            await outbox.settle(first, first.talk, at(0))
            await until(lambda: _has_state(replica, first.talk.channel))
            await replica.asks("REPLICAOF", "NO", "ONE")  # from here on it misses everything
            (lost,) = await outbox.claim(at(1), 10, LEASE)
            await outbox.begin(lost, attempt())
            await outbox.settle(lost, lost.talk, None)
            ahead = await committed(incidents, "acme", said("e1", title="New"), minutes=2)
            door.lead_to(replica.port)

            found = await outbox.claim(at(3), 10, LEASE)

            assert [(one.talk.subject, one.must_look) for one in found] == [("INC-1", True)]
            assert found[0].token > lost.token
            with pytest.raises(LeaseLost):
                await outbox.settle(lost, lost.talk, None)
            others = RedisIncidents(functions)
            assert (await others.read("acme")).revision == kept.revision
            await committed(others, "acme", said("e1", title="Newer"), minutes=4)
            decision = acknowledge(ahead, "INC-1", "Ada", at(5))
            assert decision is not None
            with pytest.raises(Conflict):  # its revision was lost, and is not given a second time
                await incidents.commit(ahead, decision, at(5))
            await client.aclose()


async def _has_link(replica: Server) -> bool:
    return (await replica.info("replication")).get("master_link_status") == "up"


async def _has_state(replica: Server, channel: str) -> bool:
    return bool(await replica.asks("HGET", keys.conversation("acme", "INC-1", channel), "state"))
