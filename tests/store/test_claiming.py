"""Which conversations are claimed, in which order, and what a claim says after the store was another one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.decide import CLOCK, decide
from bot.domain.observation import Sighting
from bot.domain.words import Impact, Status
from bot.errors import LeaseLost
from bot.store import keys
from bot.store.connecting import home_of
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.watching import StoreWatch
from tests.build import RULES, at, said
from tests.fakes.store_steps import LEASE, attempt, committed


async def test_only_the_shards_asked_for_are_claimed(functions: Functions) -> None:
    for name in ("acme", "other"):
        await committed(RedisIncidents(functions), name)
    assert keys.shard("acme") != keys.shard("other")

    found = await RedisOutbox(functions).claim(at(0), 10, LEASE, shards={keys.shard("acme")})

    assert [one.talk.provider for one in found] == ["acme"]
    assert await RedisOutbox(functions).claim(at(0), 10, LEASE, shards=()) == []
    assert len(await RedisOutbox(functions).claim(at(0), 10, LEASE)) == 1


async def test_of_a_crowd_the_urgent_are_claimed_first(functions: Functions) -> None:
    """Also when they became due last."""
    minor = [said(f"e{n}", impact=Impact.MINOR) for n in range(40)]
    await committed(RedisIncidents(functions), "acme", *minor)
    await committed(RedisIncidents(functions), "acme", *minor, said("bad", impact=Impact.CRITICAL), minutes=5)

    first = await RedisOutbox(functions).claim(at(5), 8, LEASE)

    assert first[0].talk.subject == "INC-41"
    assert len({one.talk.subject for one in first}) == 8


async def test_what_is_no_longer_critical_goes_with_the_others(functions: Functions) -> None:
    incidents = RedisIncidents(functions)
    minor = [said(f"e{n}", impact=Impact.MINOR) for n in range(20)]
    await committed(incidents, "acme", said("bad", impact=Impact.CRITICAL), *minor)
    await committed(incidents, "acme", said("bad", impact=Impact.MINOR, updated_at=at(1)), *minor, minutes=1)

    talk = keys.conversation("acme", "INC-1", "console:ops")

    assert not await functions.client.hexists(talk, "urgent")


async def test_a_token_is_never_given_twice_even_when_the_counter_goes_back(functions: Functions) -> None:
    """A replica that takes over may not know the last ones."""
    await committed(RedisIncidents(functions), "acme")
    outbox = RedisOutbox(functions)
    (old,) = await outbox.claim(at(0), 10, timedelta(milliseconds=1))
    await functions.client.set(keys.fence(keys.shard("acme")), 5)
    await asyncio.sleep(0.01)

    (new,) = await outbox.claim(at(0), 10, LEASE)

    assert new.token > old.token
    with pytest.raises(LeaseLost):
        await outbox.settle(old, old.talk, None)


async def _settled(functions: Functions, outbox: RedisOutbox) -> None:
    """A conversation in which all was said a moment ago."""
    await committed(RedisIncidents(functions), "acme")
    (claimed,) = await outbox.claim(at(0), 10, LEASE)
    await outbox.begin(claimed, attempt())
    await outbox.settle(claimed, claimed.talk, None)


async def test_after_a_change_of_server_what_was_touched_must_be_looked_up(functions: Functions) -> None:
    outbox = RedisOutbox(functions, "ada")
    await _settled(functions, outbox)
    other = RedisOutbox(functions, "bob")  # it never wrote: what it knows, it knows from the store
    assert await other.claim(at(1), 10, LEASE) == []

    home_of(functions.client).leave()
    await other.claim(at(1), 10, LEASE)
    (claimed,) = await other.claim(at(1), 10, LEASE)

    assert claimed.must_look
    await other.settle(claimed, claimed.talk, at(1))  # it had nothing to post, and so nothing to look for
    (still,) = await other.claim(at(1), 10, LEASE)
    assert still.must_look
    await other.settle(replace(still, must_look=False), still.talk, at(1))
    (again,) = await other.claim(at(1), 10, LEASE)
    assert not again.must_look


async def test_what_was_woken_after_the_lease_ran_out_stays_due_when_the_late_worker_settles(
    functions: Functions,
) -> None:
    """Nobody else claimed it yet, so that its token is still the newest."""
    await committed(RedisIncidents(functions), "acme")
    outbox = RedisOutbox(functions, "ada")
    (claimed,) = await outbox.claim(at(0), 10, LEASE)
    await outbox.give_back(at(0))
    await outbox.wake(claimed.talk, at(0))

    await outbox.settle(claimed, claimed.talk, None)

    assert len(await outbox.claim(at(0), 10, LEASE)) == 1


async def test_a_worker_remembers_what_it_touched_though_the_store_lost_it(functions: Functions) -> None:
    outbox = RedisOutbox(functions, "ada")
    await _settled(functions, outbox)
    n = keys.shard("acme")
    await functions.client.delete(keys.touched(n), keys.conversation("acme", "INC-1", "console:ops"))

    marked = await outbox.recheck(at(1))

    assert marked == 1
    assert [one.must_look for one in await outbox.claim(at(1), 10, LEASE)] == [True]


async def test_a_mark_that_comes_while_a_conversation_is_in_work_outlives_its_settling(
    functions: Functions,
) -> None:
    await committed(RedisIncidents(functions), "acme")
    outbox = RedisOutbox(functions, "ada")
    (claimed,) = await outbox.claim(at(0), 10, LEASE)

    await outbox.recheck(at(1))
    await outbox.settle(claimed, claimed.talk, None)

    assert [one.must_look for one in await outbox.claim(at(1), 10, LEASE)] == [True]


async def test_what_was_touched_long_ago_is_left_alone(functions: Functions) -> None:
    outbox = RedisOutbox(functions, "ada")
    await _settled(functions, outbox)
    ago_ms = keys.TOUCHED_FOR.total_seconds() * 1000 + 1
    await functions.client.zincrby(keys.touched(keys.shard("acme")), -ago_ms, "acme|INC-1|console:ops")

    assert await RedisOutbox(functions, "bob").recheck(at(1)) == 0


async def test_a_worker_that_was_away_learns_at_its_start_that_the_store_changed(
    functions: Functions,
) -> None:
    await StoreWatch(functions, None).start()
    outbox = RedisOutbox(functions, "ada")
    await _settled(functions, outbox)
    await functions.client.set(keys.HOME, "the server before")
    told: list[bool] = []

    outbox = RedisOutbox(functions, "ada")
    watch = StoreWatch(functions, None, on_change=lambda: told.append(True))
    await watch.start()
    await outbox.claim(at(1), 10, LEASE)

    assert [one.must_look for one in await outbox.claim(at(1), 10, LEASE)] == [True]
    await watch.look()
    assert told == [True]


async def test_conversations_of_a_forgotten_incident_live_a_day(functions: Functions) -> None:
    """Nothing will be said in them again, and most of the store is conversations."""
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    await _settled(functions, outbox)
    await committed(incidents, "acme", said(status=Status.RESOLVED), minutes=1)
    talk = keys.conversation("acme", "INC-1", "console:ops")
    before = await functions.client.pttl(talk)

    late = at(0) + RULES.remember_for + timedelta(days=60)
    ledger = await incidents.read("acme")
    decision = decide(ledger, Sighting(provider="acme", source=CLOCK, seen_at=late, observations=()), RULES)
    assert decision is not None
    assert decision.forgotten
    await incidents.commit(ledger, decision, late)

    assert before > keys.FORGOTTEN_TTL.total_seconds() * 1000
    assert 0 < await functions.client.pttl(talk) <= keys.FORGOTTEN_TTL.total_seconds() * 1000
