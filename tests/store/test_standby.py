"""Who goes on while the store is away, with what, and what the store holds afterwards. On real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.conversation import Conversation, Limits, Receipt, Step, StepKind, settled
from bot.domain.decide import Decision, decide
from bot.domain.delivery import plan
from bot.domain.incident import Incident
from bot.domain.observation import Listing, Sighting
from bot.domain.routing import Group
from bot.errors import LeaseLost, StoreUnavailable
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.standby import Patience, Standby, StandbyLeases, StandbyOutbox, Word
from bot.store.standby.mirror import Mirror, talks_of
from bot.tasks import end
from bot.telemetry import Event
from tests.build import RULES, at, said, sighting, update
from tests.fakes.outage import Store

QUICK = Patience(
    tick=0.05, ask=0.5, copy=0.5, lease=2.0, shut=0.3, alone=0.6, grace=1.5, drain=2.0, look_for=60.0
)
ROUTED = replace(RULES, groups=(Group(name="everywhere", channels=("slack:C1", "console:ops")),))
LEASE = timedelta(seconds=30)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with Store() as store:
        yield store


class Worker:
    """What a worker has of the store, with its standby running."""

    def __init__(self, standby: Standby, name: str) -> None:
        self.standby = standby
        functions = Functions(standby.client)
        self.incidents = RedisIncidents(functions)
        self.outbox = StandbyOutbox(functions, name, standby)
        self.leases = StandbyLeases(functions, name, standby)
        self.told: list[Word] = []

    async def tell(self, word: Word, since: datetime) -> None:
        self.told.append(word)
        for provider in await self.incidents.providers():
            for incident in (await self.incidents.read(provider)).incidents.values():
                for channel in incident.channels:
                    talk = Conversation(subject=incident.id, provider=provider, channel=channel)
                    await self.outbox.wake(talk, at(0))

    async def sees(self, minutes: float, *names: str, key: str = "e1", provider: str = "acme") -> Incident:
        """The provider says these updates."""
        updates = tuple(update(n, m) for m, n in enumerate(names))
        seen = sighting(minutes, said(key, updates=updates), listing=Listing.PART)
        return await self.ingested(replace(seen, provider=provider), key)

    async def ingested(self, seen: Sighting, key: str) -> Incident:
        ledger = await self.incidents.read(seen.provider)
        decision = decide(ledger, seen, ROUTED)
        if decision is not None:
            await self.incidents.commit(ledger, decision, seen.seen_at)
        ledger = await self.incidents.read(seen.provider)
        return next(i for i in ledger.incidents.values() if key in i.keys)

    async def says(self, minutes: float = 60) -> list[tuple[str, Step]]:
        """Deliver to Slack all that is due, without a Slack; gives what was said."""
        said_: list[tuple[str, Step]] = []
        while claimed := await self.outbox.claim(at(minutes), 10, LEASE):
            for one in claimed:
                incident = (await self.incidents.read("acme")).incidents[one.talk.subject]
                step = plan(incident, one.talk, Limits()) if one.talk.chat == "slack" else None
                if not isinstance(step, Step):
                    await self.outbox.settle(one, one.talk, None)
                    continue
                if step.kind is not StepKind.EDIT:  # which may be done twice
                    said_.append((incident.id, step))
                receipt = Receipt(channel="C1", message=f"m{len(one.talk.messages)}")
                await self.outbox.settle(one, settled(one.talk, step, receipt), at(minutes))
        return said_

    async def talk(self, incident: Incident) -> Conversation:
        found = await self.outbox.conversations(incident)
        return next(t for t in found if t.chat == "slack")


@asynccontextmanager
async def worker(
    store: Store, data: Path, name: str = "w1", patience: Patience = QUICK
) -> AsyncIterator[Worker]:
    data.mkdir(exist_ok=True)
    client = connect(store.url)
    standby = Standby(client, data, name, patience)
    await standby.open()
    one = Worker(standby, name)
    loop = asyncio.create_task(standby.run(one.incidents, one.tell))
    try:
        yield one
    finally:
        await end([loop])
        await standby.close()
        await client.aclose()
        assert loop.cancelled(), loop.exception()


async def until(holds: Callable[[], bool], within: float = 10.0) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it never came"
        await asyncio.sleep(0.02)


async def copied(one: Worker, incident: Incident) -> None:
    """Wait until the worker's own store holds this revision, and what was said of it."""
    own = RedisIncidents(Functions(one.standby._own))
    talks = RedisOutbox(Functions(one.standby._own))
    there = [t for t in await one.outbox.conversations(incident) if t.chat == "slack"]
    async with asyncio.timeout(10):
        while True:
            held = (await own.read("acme")).incidents.get(incident.id)
            number = await one.standby._own.get(keys.NUMBER)  # of the slower part of the copy
            if held == incident and number and list(await talks.conversations(incident)) == there:
                return
            await asyncio.sleep(0.02)


async def test_the_leader_goes_on_where_it_was_and_brings_it_home(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        assert [step.kind for _, step in await one.says()] == ["headline"]
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)

        second = await one.sees(2, "a", "b")
        assert [(i, s.updates) for i, s in await one.says()] == [("INC-1", ("b",))]
        born = await one.sees(3, "x", key="e2")
        assert [step.kind for _, step in await one.says()] == ["headline"]
        await store.back()
        await until(lambda: not one.standby.is_away)

        async with worker(store, tmp_path / "b", "w2") as other:
            ledger = await other.incidents.read("acme")
            assert (await other.talk(second)).told == {"a", "b"}
            assert (await other.talk(born)).told == {"x"}
            assert ledger.incidents[second.id] == second
            assert await other.incidents.find(born.id) == born
            assert await other.says() == []
            later = await other.sees(4, "x", "y", key="e2")
            assert [(i, s.updates) for i, s in await other.says()] == [(born.id, ("y",))]
            third = await other.sees(5, "z", key="e3")
            assert int(third.id.removeprefix("INC-")) > int(later.id.removeprefix("INC-"))
        assert one.told == [Word.AWAY, Word.BACK]


async def test_numbers_given_while_away_cannot_be_those_of_others(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        await copied(one, await one.sees(1, "a"))
        await store.kill()
        await until(lambda: one.standby.is_away)

        born = await one.sees(3, "x", key="e2")

    assert born.id == "INC-1002"


@pytest.mark.parametrize("empty", [True, False])
async def test_a_store_that_comes_back_empty_is_filled_again(
    store: Store, tmp_path: Path, empty: bool
) -> None:
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)

        await store.back(empty=empty)
        await until(lambda: not one.standby.is_away)

        assert await one.incidents.find("INC-1") == first
        assert (await one.talk(first)).told == {"a"}
        assert await one.says() == []


async def test_a_store_that_lost_its_newest_writes_gets_them_back(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        await one.sees(1, "a")
        await one.says()
        await store.remember()
        second = await one.sees(2, "a", "b")
        born = await one.sees(3, "x", key="e2")
        await one.says()
        await copied(one, second)
        await copied(one, born)
        await store.kill()
        await until(lambda: one.standby.is_away)

        await store.back(older=True)
        await until(lambda: not one.standby.is_away)

        ledger = await one.incidents.read("acme")
        assert (ledger.incidents[second.id], ledger.incidents[born.id]) == (second, born)
        assert await one.says() == []


async def test_what_others_said_meanwhile_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    """A partition: this worker alone could not reach the store."""
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        store.freeze()
        await until(lambda: one.standby.is_away)
        await one.sees(2, "a", "b")
        store.thaw()
        client = connect(store.url)
        others = RedisIncidents(Functions(client))
        ledger = await others.read("acme")
        seen = sighting(2, said(updates=tuple(update(n, m) for m, n in enumerate("acd"))))
        decision = decide(ledger, seen, ROUTED)
        assert isinstance(decision, Decision)
        await others.commit(ledger, decision, at(2))

        await until(lambda: not one.standby.is_away)
        stored = (await others.read("acme")).incidents["INC-1"]
        await client.aclose()

    assert [u.id for u in stored.updates] == ["a", "c", "d"]


async def test_who_is_not_the_leader_says_nothing_and_waits_for_the_leader(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a") as leader:
        await until(lambda: leader.standby._leader_at is not None)
        async with worker(store, tmp_path / "b", "w2") as other:
            assert await other.leases.hold("sources:1", LEASE)
            first = await leader.sees(1, "a")
            await copied(leader, first)
            await copied(other, first)
            await store.kill()
            await until(lambda: leader.standby.is_away and other.standby.is_shut)
            await asyncio.sleep(0.5)
            assert not other.standby.is_away
            with pytest.raises(StoreUnavailable):
                await other.says()
            assert await other.leases.hold("sources:1", LEASE)
            with pytest.raises(StoreUnavailable):
                await other.leases.hold("discord-gateway", LEASE)
            assert [i for i, _ in await leader.says()] == ["INC-1"]

            await store.back()
            await until(lambda: not other.standby.is_shut)

            assert not leader.standby.is_away
            assert await other.says() == []
            assert (await other.talk(first)).told == {"a"}
        assert other.told == [Word.AGAIN]


async def test_after_an_outage_everybody_looks_before_posting(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        await one.sees(1, "a")
        (claimed, _) = await one.outbox.claim(at(2), 10, timedelta(seconds=1))
        assert not claimed.must_look
        await store.kill()
        await until(lambda: one.standby.is_shut)
        await store.back()
        await until(lambda: not one.standby.is_shut and not one.standby.is_away)

        await one.sees(3, "a", "b")
        with pytest.raises(LeaseLost):
            await one.outbox.settle(replace(claimed, token=1), claimed.talk, None)
        async with asyncio.timeout(40):
            while not (again := await one.outbox.claim(at(99), 10, timedelta(seconds=1))):
                await asyncio.sleep(0.1)

    assert all(c.must_look for c in again)


async def test_a_moment_of_silence_turns_nobody(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a", patience=replace(QUICK, shut=5.0, alone=9.0)) as one:
        await one.sees(1, "a")
        await store.kill()
        await asyncio.sleep(0.3)
        await store.back()

        assert (await one.sees(2, "a", "b")).revision == 2
        assert one.told == []


async def test_calls_that_hang_are_given_up_when_the_worker_turns(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        await one.sees(1, "a")
        store.freeze()
        began = time.monotonic()

        with pytest.raises(StoreUnavailable):
            await one.incidents.read("acme")

        assert time.monotonic() - began < 5


async def test_a_killed_leader_goes_on_where_it_was_while_the_store_is_still_away(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)
        second = await one.sees(2, "a", "b")
        await one.says()

    async with worker(store, tmp_path / "a") as again:
        assert again.standby.is_away
        assert await again.says() == []
        assert (await again.talk(second)).told == {"a", "b"}
        await store.back()
        await until(lambda: not again.standby.is_away)
        assert (await again.talk(second)).told == {"a", "b"}
        await until(lambda: again.told == [Word.AWAY, Word.BACK])


async def test_a_copy_that_dies_with_the_worker_is_on_its_disk(store: Store, tmp_path: Path) -> None:
    """kill -9 of the worker and of its server."""
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)
        second = await one.sees(2, "a", "b")
        await one.says()
        server = one.standby.server._process
        assert server is not None
        server.kill()
        await asyncio.to_thread(server.wait, 10)

    async with worker(store, tmp_path / "a") as again:
        assert (await again.talk(second)).told == {"a", "b"}


async def test_what_was_done_long_ago_is_brought_home_and_nothing_is_said_from_it(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)
        second = await one.sees(2, "a", "b")
        long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        await asyncio.sleep(0.2)
        await one.standby._own.hset(keys.STANDBY, "leader_at", long_ago)

    client = connect(store.url)
    alone = Standby(client, tmp_path / "a", "w1", QUICK)
    await alone.open()
    assert not await alone.resume(datetime.now(UTC))
    await alone.close()
    await client.aclose()
    await store.back()
    async with worker(store, tmp_path / "a") as again:
        assert await again.says() == []
        await until(lambda: not again.standby.is_away)
        assert await again.incidents.find("INC-1") == second


async def test_an_old_copy_stays_silent_also_when_it_cannot_be_brought_home(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a") as one:
        first = await one.sees(1, "a")
        await one.says()
        await copied(one, first)
        await store.kill()
        await until(lambda: one.standby.is_away)
        await one.sees(2, "a", "b")  # and is not said
        await asyncio.sleep(0.2)
        long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        await one.standby._own.hset(keys.STANDBY, "leader_at", long_ago)
    await store.back()
    client = connect(store.url)
    await client.rename(keys.ledger("acme"), "aside")
    await client.set(keys.ledger("acme"), "no ledger")

    with capture_logs() as logs:
        async with worker(store, tmp_path / "a") as again:
            await until(lambda: any(line["event"] == Event.STANDBY_STAYS for line in logs))
            await asyncio.sleep(QUICK.tick / 2)
            assert (await again.says(), again.standby.is_away) == ([], True)

            await client.rename("aside", keys.ledger("acme"))
            await until(lambda: not again.standby.is_away)
            assert [step.updates for _, step in await again.says()] == [("b",)]
    await client.aclose()


async def test_with_no_store_to_start_with_only_who_was_leader_lately_begins(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a") as one:
        await copied(one, await one.sees(1, "a"))
    await store.kill()
    client = connect(store.url)
    now = datetime.now(UTC)

    async def begins(noted: dict[str, str]) -> bool:
        standby = Standby(client, tmp_path / "a", "w1", QUICK)
        await standby.open()
        if noted:
            await standby._own.hset(keys.STANDBY, mapping=noted)
        try:
            return await standby.resume(now)
        finally:
            await standby.close()

    assert not await begins({})  # it ended in order
    assert not await begins({"leader_at": (now - timedelta(hours=2)).isoformat()})
    assert await begins({"leader_at": (now - timedelta(minutes=2)).isoformat()})
    await client.aclose()


async def test_the_copy_costs_little_when_nothing_changes(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a", patience=replace(QUICK, tick=60.0)) as one:
        await one.sees(1, "a")
        mirror = Mirror(one.standby._store, one.standby._own, one.incidents)
        assert await mirror.copy(at(2)) == 1
        await one.says()

        assert await mirror.copy(at(2)) == 1
        assert await mirror.copy(at(2)) == 0


async def test_silences_and_the_audit_come_home_too(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a") as one:
        await copied(one, await one.sees(1, "a"))
        await store.kill()
        await until(lambda: one.standby.is_away)
        await one.standby.client.hset(keys.SILENCES, "s1", "{}")
        await one.standby.client.xadd(keys.AUDIT, {"what": "delivery"})

        await store.back()
        await until(lambda: not one.standby.is_away)

        assert await one.standby.client.hgetall(keys.SILENCES) == {b"s1": b"{}"}
        assert [f for _, f in await one.standby.client.xrange(keys.AUDIT)] == [{b"what": b"delivery"}]


async def test_a_leader_that_cannot_bring_its_copy_home_says_why(store: Store, tmp_path: Path) -> None:
    """It never went on alone, and asks nothing of a store that answers: that must not pass in silence."""
    patience = replace(QUICK, alone=60.0)
    async with worker(store, tmp_path / "a", patience=patience) as one:
        await copied(one, await one.sees(1, "a"))
        client = connect(store.url)  # before the outage: afterwards it would be a race with the worker
        await client.rename(keys.ledger("acme"), "aside")
        await client.set(keys.ledger("acme"), "no ledger")
        with capture_logs() as logs:
            await store.kill()
            await until(lambda: one.standby.is_shut)
            (away,) = [line for line in logs if line["event"] == Event.STORE_AWAY]
            assert "answer" in away["reason"]
            await store.back()

            await until(lambda: any(line["event"] == Event.STANDBY_STAYS for line in logs))
            assert one.standby.is_shut

            await client.rename("aside", keys.ledger("acme"))
            await until(lambda: not one.standby.is_shut)
            await client.aclose()


async def test_one_ledger_that_the_store_refuses_keeps_nobody_away(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a", patience=replace(QUICK, refused=0.5)) as one:
        await copied(one, await one.sees(1, "a"))
        client = connect(store.url)
        await store.kill()
        await until(lambda: one.standby.is_away)
        grown = await one.sees(2, "a", "b")
        await one.sees(2, "x", key="e2", provider="broken")
        await store.back()
        await client.set(keys.ledger("broken"), "no ledger")

        with capture_logs() as logs:
            await until(lambda: not one.standby.is_away)

        (left,) = [line for line in logs if line["event"] == Event.STANDBY_LEFT]
        assert (left["provider"], left["log_level"]) == ("broken", "error")
        assert "backup" in left["remedy"]
        assert [line for line in logs if line["event"] == Event.STANDBY_STAYS]  # it was tried more than once
        assert await one.incidents.find(grown.id) == grown
        assert one.standby.left == ("broken",)
        ((_, audited),) = await client.xrange(keys.AUDIT)
        assert (audited[b"actor"], b"broken" in audited[b"command"]) == (b"fogbell", True)
        assert audited[b"outcome"].startswith(b"given up: ")
        await client.aclose()


async def test_a_store_that_refuses_every_ledger_is_waited_for(store: Store, tmp_path: Path) -> None:
    async with worker(store, tmp_path / "a", patience=replace(QUICK, refused=0.1)) as one:
        await copied(one, await one.sees(1, "a"))
        client = connect(store.url)
        await store.kill()
        await until(lambda: one.standby.is_away)
        await store.back(empty=True)
        await client.set(keys.ledger("acme"), "no ledger")

        with capture_logs() as logs:
            await until(lambda: sum(line["event"] == Event.STANDBY_STAYS for line in logs) > 3)
            assert one.standby.is_away

        await client.delete(keys.ledger("acme"))
        await until(lambda: not one.standby.is_away)
        await client.aclose()


async def test_a_ledger_that_cannot_be_read_does_not_cost_the_copies_of_others(
    store: Store, tmp_path: Path
) -> None:
    async with worker(store, tmp_path / "a", patience=replace(QUICK, tick=60.0)) as one:
        names = ("a", "b", "c", "d")
        for name in names:
            await one.sees(1, "x", key=f"e-{name}", provider=name)
        await one.standby.client.hset(keys.ledger("b"), mapping={"revision": 99, "i:INC-2": b"9{}"})
        mirror = Mirror(one.standby._store, one.standby._own, one.incidents)

        await mirror.copy_ledgers()

        own = RedisIncidents(Functions(one.standby._own))
        held = [bool((await own.read(name)).incidents) for name in names if name != "b"]
        assert held == [True, True, True]


async def test_the_copy_forgets_what_the_ledger_lets_go_of(store: Store, tmp_path: Path) -> None:
    """Else it would grow for as long as the worker lives, and on its disk for a year."""
    async with worker(store, tmp_path / "a", patience=replace(QUICK, tick=60.0)) as one:
        incident = await one.sees(1, "a")
        await one.says()
        mirror = Mirror(one.standby._store, one.standby._own, one.incidents)
        await mirror.copy(at(2))
        (talk,) = talks_of(incident)
        assert await one.standby._own.exists(talk)
        ledger = await one.incidents.read("acme")
        over = Decision(provider="acme", on_revision=ledger.revision, forgotten=(incident.id,))
        await one.incidents.commit(ledger, over, at(3))

        await mirror.copy(at(3))

        assert not await one.standby._own.exists(talk)
        assert talk not in mirror._seen
