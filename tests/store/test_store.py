"""The store on a real server: what is atomic, what is fenced, what survives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.conversation import Attempt, Limits, Receipt, Step, StepKind, settled
from bot.domain.decide import decide
from bot.domain.delivery import plan
from bot.domain.incident import Ledger
from bot.domain.observation import Sighting
from bot.errors import Conflict, LeaseLost, StoreError, StoreUnavailable
from bot.ports import Claimed, Monitor
from bot.store import keys
from bot.store.desk import RedisMonitors, RedisOnce, RedisSilences, Shelf
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, translated
from bot.store.sharing import RedisAudit, RedisLeases, RedisLimiter
from tests.build import RULES, at, said, sighting, update

LEASE = timedelta(seconds=30)


async def committed(incidents: RedisIncidents, seen: Sighting) -> Ledger:
    ledger = await incidents.read(seen.provider)
    decision = decide(ledger, seen, RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, seen.seen_at)
    return await incidents.read(seen.provider)


async def test_a_ledger_reads_back_as_it_was_written(functions: Functions) -> None:
    written = await committed(RedisIncidents(functions), sighting(0, said(updates=(update("u1", 0),))))

    assert await RedisIncidents(functions).read("acme") == written


async def test_an_incident_is_found_by_its_number_alone(functions: Functions) -> None:
    incidents = RedisIncidents(functions)
    await committed(incidents, sighting(0, said()))

    found = await incidents.find("INC-1")

    assert found is not None
    assert (found.provider, found.keys) == ("acme", ("e1",))
    assert await incidents.find("INC-99") is None
    assert await incidents.providers() == ("acme",)


async def test_of_two_commits_on_one_revision_the_second_is_refused(functions: Functions) -> None:
    first, second = RedisIncidents(functions), RedisIncidents(functions)
    ledger = await first.read("acme")
    one, other = (decide(ledger, sighting(0, said(key)), RULES) for key in ("e1", "e2"))
    assert one is not None
    assert other is not None
    await first.commit(ledger, one, at(0))

    with pytest.raises(Conflict):
        await second.commit(ledger, other, at(0))

    assert [i.keys for i in (await second.read("acme")).incidents.values()] == [("e1",)]


async def test_eight_writers_racing_lose_nothing(functions: Functions) -> None:
    async def write(n: int) -> None:
        incidents = RedisIncidents(functions)
        for key in range(5):
            seen = sighting(n, said(f"e{n}-{key}"), source=f"s{n}")
            while True:
                ledger = await incidents.read("acme")
                decision = decide(ledger, replace(seen, listing=seen.listing), RULES)
                if decision is None:
                    break
                try:
                    await incidents.commit(ledger, decision, at(n))
                    break
                except Conflict:
                    continue

    await asyncio.gather(*(write(n) for n in range(8)))

    ledger = await RedisIncidents(functions).read("acme")
    assert len(ledger.incidents) == 40
    assert len({i.id for i in ledger.incidents.values()}) == 40


async def test_a_due_conversation_is_claimed_by_one_worker_only(functions: Functions) -> None:
    await committed(RedisIncidents(functions), sighting(0, *(said(f"e{n}") for n in range(30))))
    outboxes = [RedisOutbox(functions) for _ in range(8)]

    claims = await asyncio.gather(*(outbox.claim(at(0), 10, LEASE) for outbox in outboxes))

    subjects = [one.talk.subject for claim in claims for one in claim]
    assert sorted(subjects) == sorted(f"INC-{n}" for n in range(1, 31))


async def test_nothing_is_due_before_its_time(functions: Functions) -> None:
    await committed(RedisIncidents(functions), sighting(10, said()))
    outbox = RedisOutbox(functions)

    assert await outbox.claim(at(9), 10, LEASE) == []
    assert await outbox.next_due() == at(10)


async def test_a_claim_tells_the_revision_of_each_ledger(functions: Functions) -> None:
    """Who has that one in memory need not ask for it."""
    incidents = RedisIncidents(functions)
    for provider in ("acme", "other"):
        await committed(incidents, replace(sighting(0, said("e1"), source=provider), provider=provider))
    await committed(incidents, sighting(1, said("e1"), said("e2")))

    claimed = await RedisOutbox(functions).claim(at(9), 10, LEASE)

    newest = {name: (await incidents.read(name)).revision for name in ("acme", "other")}
    assert {one.talk.provider: one.revision for one in claimed} == newest


async def test_the_ledger_in_memory_serves_only_for_its_revision(functions: Functions) -> None:
    mine, theirs = RedisIncidents(functions), RedisIncidents(functions)
    await committed(mine, sighting(0, said("e1")))
    old = (await mine.read("acme")).revision
    await committed(theirs, sighting(1, said("e1"), said("e2")))
    new = (await theirs.read("acme")).revision

    assert [(await mine.read("acme", revision)).revision for revision in (old, new, old)] == [old, new, new]


class Refusing(Functions):
    """Scripts on a server that is away."""

    async def call_durably(self, name: str, keys_: Sequence[str], *args: object) -> object:
        raise StoreUnavailable("the store does not answer")


@pytest.mark.parametrize("count", [1, 9])
async def test_a_store_that_is_away_says_so_in_the_same_way_when_replicas_are_waited_for(
    functions: Functions, count: int
) -> None:
    """Whoever catches a StoreError would let a group of them pass."""
    for n in range(count):
        seen = replace(sighting(0, said("e1"), source=f"s{n}"), provider=f"acme{n}")
        await committed(RedisIncidents(functions), seen)
    claimed = await RedisOutbox(functions).claim(at(0), 10, LEASE)
    away = Refusing(functions.client)
    away.replicas = 1

    with pytest.raises(StoreUnavailable):
        await RedisOutbox(away).settle_all([(one, one.talk, None) for one in claimed])


async def test_an_incident_that_we_remember_is_found_in_one_question(functions: Functions) -> None:
    """An operator may retry hundreds of conversations at once, and there may be a thousand ledgers."""
    incidents = RedisIncidents(functions)
    for n in range(20):
        seen = replace(sighting(0, said("e1"), source=f"s{n}"), provider=f"acme{n}")
        await committed(incidents, seen)
    await functions.client.config_resetstat()

    found = [await incidents.find(f"INC-{n + 1}") for n in range(20)]

    stats = await functions.client.info("commandstats")
    assert [one and one.provider for one in found] == [f"acme{n}" for n in range(20)]
    assert "cmdstat_hexists" not in stats


async def test_an_incident_is_found_in_whichever_ledger_it_is(functions: Functions) -> None:
    incidents = RedisIncidents(functions)
    assert await incidents.find("INC-1") is None
    for provider in ("acme", "other"):
        await committed(incidents, replace(sighting(0, said("e1"), source=provider), provider=provider))

    found = [await RedisIncidents(functions).find(name) for name in ("INC-1", "INC-2", "INC-3")]

    assert [one and one.provider for one in found] == ["acme", "other", None]


async def one_claim(functions: Functions, lease: timedelta = LEASE) -> Claimed:
    (claimed,) = await RedisOutbox(functions).claim(at(60), 10, lease)
    return claimed


async def test_a_worker_whose_lease_ran_out_can_write_nothing_more(functions: Functions) -> None:
    await committed(RedisIncidents(functions), sighting(0, said()))
    outbox = RedisOutbox(functions)
    old = await one_claim(functions, timedelta(milliseconds=1))
    await asyncio.sleep(0.01)
    new = await one_claim(functions)

    with pytest.raises(LeaseLost):
        await outbox.begin(old, _attempt())
    with pytest.raises(LeaseLost):
        await outbox.settle(old, old.talk, None)

    await outbox.begin(new, _attempt())
    await outbox.settle(new, new.talk, None)


def _attempt() -> Attempt:
    step = Step(kind=StepKind.HEADLINE, key="k", updates=("u1",), digest="d", revision=1, reason="why")
    return Attempt(step=step, at=at(0))


async def test_an_attempt_is_handed_to_whoever_claims_next(functions: Functions) -> None:
    await committed(RedisIncidents(functions), sighting(0, said()))
    outbox = RedisOutbox(functions)
    first = await one_claim(functions, timedelta(milliseconds=1))
    await outbox.begin(first, _attempt())
    await asyncio.sleep(0.01)

    assert (await one_claim(functions)).talk.attempt == _attempt()


async def test_a_worker_that_starts_again_need_not_wait_for_its_old_leases(functions: Functions) -> None:
    await committed(RedisIncidents(functions), sighting(0, said()))
    await RedisOutbox(functions, "ada").claim(at(0), 10, LEASE)

    others = await RedisOutbox(functions, "bob").give_back(at(1))
    own = await RedisOutbox(functions, "ada").give_back(at(1))

    assert (others, own) == (0, 1)
    assert len(await RedisOutbox(functions, "ada").claim(at(1), 10, LEASE)) == 1


async def test_what_changes_while_a_conversation_is_in_work_makes_it_due_again(functions: Functions) -> None:
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    await committed(incidents, sighting(0, said(updated_at=at(0))))
    claimed = await one_claim(functions)
    await committed(incidents, sighting(5, said(updated_at=at(5), title="Changed")))

    in_work = await outbox.claim(at(60), 10, LEASE)
    await outbox.settle(claimed, claimed.talk, None)

    assert in_work == []
    assert len(await outbox.claim(at(60), 10, LEASE)) == 1


async def test_settling_again_after_a_lost_reply_undoes_nothing_that_came_meanwhile(
    functions: Functions,
) -> None:
    """The client repeats a call whose connection broke, and the script may have run."""
    await committed(RedisIncidents(functions), sighting(0, said()))
    outbox = RedisOutbox(functions)
    claimed = await one_claim(functions)
    await committed(RedisIncidents(functions), sighting(5, said(title="New")))

    for _ in range(2):
        await outbox.settle(claimed, claimed.talk, None)

    assert await outbox.next_due() == at(5)


async def test_a_settled_conversation_reads_back_as_it_was_written(functions: Functions) -> None:
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    ledger = await committed(incidents, sighting(0, said(updates=(update("u1", 0),))))
    incident = ledger.incidents["INC-1"]
    claimed = await one_claim(functions)
    step = plan(incident, claimed.talk, Limits())
    assert isinstance(step, Step)
    talk = settled(claimed.talk, step, Receipt(channel="ops", message="m1", at=at(1)))

    await outbox.settle(claimed, talk, at(2))

    assert (await one_claim(functions)).talk == talk
    assert await outbox.conversations(incident) == (talk,)


async def test_scripts_are_loaded_again_after_the_store_lost_everything(functions: Functions) -> None:
    await functions.client.flushall()
    await functions.client.function_flush()

    assert (await RedisIncidents(functions).read("acme")).revision == 0
    await committed(RedisIncidents(functions), sighting(0, said()))


async def test_a_bucket_gives_its_burst_and_then_its_rate(functions: Functions) -> None:
    limiter = RedisLimiter(functions)

    waits = [await limiter.take("slack:C1", 1.0, 2) for _ in range(3)]

    assert waits[:2] == [timedelta(), timedelta()]
    assert timedelta(milliseconds=500) < waits[2] <= timedelta(seconds=1)


async def test_what_a_bucket_holds_can_be_asked_without_taking_any(functions: Functions) -> None:
    limiter = RedisLimiter(functions)

    untouched = await limiter.left("cap:slack:C1", 0.01, 3)
    await limiter.take("cap:slack:C1", 0.01, 3)
    after = [await limiter.left("cap:slack:C1", 0.01, 3) for _ in range(2)]

    assert untouched[0] == 3
    assert [left for left, _ in after] == [2, 2]
    assert all(timedelta(seconds=95) < wait <= timedelta(seconds=100) for _, wait in after)


async def test_a_lease_has_one_owner_who_may_come_back_to_it(functions: Functions) -> None:
    ada, bob = RedisLeases(functions, "ada"), RedisLeases(functions, "bob")

    assert await ada.hold("source:aws", LEASE)
    assert not await bob.hold("source:aws", LEASE)
    assert await RedisLeases(functions, "ada").hold("source:aws", LEASE)
    await ada.release_all()
    assert await bob.hold("source:aws", LEASE)


async def test_something_runs_once(functions: Functions) -> None:
    once = RedisOnce(functions.client)

    assert [await once.first("event-1", timedelta(hours=1)) for _ in range(2)] == [True, False]


async def test_the_audit_gives_the_newest_line_first(functions: Functions) -> None:
    audit = RedisAudit(functions)
    for n in range(3):
        await audit.append({"n": str(n)})

    assert [line["n"] for line in await audit.tail(2)] == ["2", "1"]


async def test_the_audit_forgets_what_is_older_than_it_may_keep(functions: Functions) -> None:
    audit, now_ms = RedisAudit(functions), int(time.time() * 1000)
    day_ms = 24 * 3_600_000
    for days in (91, 89):
        await functions.client.xadd(keys.AUDIT, {"n": str(days)}, id=f"{now_ms - days * day_ms}-0")
    await audit.append({"n": "now"})

    assert await audit.trim(timedelta(days=90)) == 1
    assert [line["n"] for line in await audit.tail(9)] == ["now", "89"]


async def test_ended_silences_are_gone(functions: Functions) -> None:
    from bot.domain.silences import Silence

    woken: list[bool] = []

    async def wake() -> None:
        woken.append(True)

    silences = RedisSilences(functions.client, wake)
    for name, minutes in (("long", 60), ("short", 5)):
        await silences.add(
            Silence(id=name, target="acme", until=at(minutes), by="Ada", why="known", created_at=at(0))
        )

    assert [s.id for s in await silences.active(at(1))] == ["short", "long"]
    assert [s.id for s in await silences.active(at(10))] == ["long"]
    assert woken == [True, True]


async def test_monitors_are_kept_by_name_until_they_are_removed(functions: Functions) -> None:
    monitors = RedisMonitors(functions.client)
    first = Monitor(
        name="b", provider="b", url="https://b/rss", format="rss", every_s=60, by="Ada", added_at=at(0)
    )
    for monitor in (first, replace(first, name="a"), replace(first, every_s=30)):
        await monitors.add(monitor)

    assert await monitors.all() == (replace(first, name="a"), replace(first, every_s=30))
    assert [await monitors.remove("a"), await monitors.remove("a")] == [True, False]
    assert await monitors.all() == (replace(first, every_s=30),)


async def test_a_shelf_keeps_values_of_its_type(functions: Functions) -> None:
    shelf: Shelf[Receipt] = Shelf(functions.client, keys.MARKS, Receipt)
    value = Receipt(channel="C1", message="1", at=at(0))

    await shelf.put("a", value)

    assert await shelf.get("a") == value
    assert await shelf.all() == {"a": value}
    assert await shelf.get("b") is None


def test_every_key_of_a_conversation_is_on_the_shard_of_its_ledger() -> None:
    n = keys.shard("aws")

    assert keys.tag(n) in keys.ledger("aws")
    assert keys.conversation("aws", "INC-1", "slack:C1").startswith(keys.conversation_prefix(n))


async def test_what_is_in_a_command_is_not_in_the_error_of_its_pipeline(functions: Functions) -> None:
    """The library puts the beginning of the command there, and with it what people said."""
    await functions.client.set("fogbell:a", "words")

    async def write() -> None:
        async with translated(), functions.client.pipeline(transaction=False) as pipe:
            pipe.hset("fogbell:a", "field", "a secret plan")
            pipe.get("fogbell:a")
            await pipe.execute()

    with pytest.raises(StoreError) as caught:
        await write()

    assert "WRONGTYPE" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "Command" not in str(caught.value)
