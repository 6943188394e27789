"""A text is decoded once: who lost a race must not fall behind the winner by reading all of the ledger anew."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.decide import decide
from bot.domain.observation import Listing
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents
from tests.build import RULES, said, sighting, update


async def committed(incidents: RedisIncidents, minute: int, *names: str) -> None:
    seen = sighting(minute, *(said(k, updates=(update(f"{k}{minute}", minute),)) for k in names))
    seen = replace(seen, listing=Listing.PART)  # what is not in it stays as it was
    ledger = await incidents.read("acme")
    decision = decide(ledger, seen, RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, seen.seen_at)


async def test_only_what_another_worker_changed_is_decoded_again(functions: Functions) -> None:
    ours, theirs = RedisIncidents(functions), RedisIncidents(functions)
    await committed(ours, 0, "e1", "e2")
    before = await ours.read("acme")
    await committed(theirs, 1, "e2")
    after = await ours.read("acme")

    assert after == await RedisIncidents(functions).read("acme")
    assert after.incidents["INC-1"] is before.incidents["INC-1"]
    assert after.incidents["INC-2"].revision == 2


async def test_what_we_wrote_need_not_be_decoded_to_be_known(functions: Functions) -> None:
    ours, theirs = RedisIncidents(functions), RedisIncidents(functions)
    await committed(ours, 0, "e1", "e2")
    await committed(ours, 1, "e1")
    written = (await ours.read("acme")).incidents["INC-1"]
    await committed(theirs, 2, "e2")

    assert (await ours.read("acme")).incidents["INC-1"] is written


async def test_a_text_that_came_back_is_taken_for_what_it_is(functions: Functions) -> None:
    """As after a restore: the ledger moved on, and an incident in it is as it was before our last look."""
    ours, key = RedisIncidents(functions), keys.ledger("acme")
    await committed(ours, 0, "e1")
    before, text = await ours.read("acme"), await functions.client.hget(key, "i:INC-1")
    await committed(ours, 1, "e1")
    await functions.client.hset(key, "i:INC-1", text)
    await functions.client.hincrby(key, "revision", 1)

    assert (await ours.read("acme")).incidents == before.incidents
