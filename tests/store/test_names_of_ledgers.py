"""Where ledgers and incidents are listed: cheap for each commit, and never missing."""

from __future__ import annotations

from bot.domain.decide import decide
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents
from tests.build import RULES, said, sighting, update


async def committed(incidents: RedisIncidents, minute: int, *keys_: str) -> None:
    seen = sighting(minute, *(said(k, updates=(update(f"{k}{minute}", minute),)) for k in keys_))
    ledger = await incidents.read("acme")
    decision = decide(ledger, seen, RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, seen.seen_at)


async def calls_of(functions: Functions, command: str) -> int:
    stats = await functions.client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


async def test_a_ledger_is_listed_by_its_first_commit_alone(functions: Functions) -> None:
    """A round trip less for every later one."""
    incidents = RedisIncidents(functions)
    await committed(incidents, 0, "e1")
    before = await calls_of(functions, "sadd")
    await committed(incidents, 1, "e1")

    assert await calls_of(functions, "sadd") == before
    assert await incidents.providers() == ("acme",)


async def test_a_ledger_is_listed_again_after_the_store_lost_all(functions: Functions) -> None:
    incidents = RedisIncidents(functions)
    await committed(incidents, 0, "e1")
    await functions.client.flushall()
    await committed(incidents, 1, "e1")

    assert await incidents.providers() == ("acme",)


async def test_a_ledger_is_listed_again_on_another_server(functions: Functions) -> None:
    """It may have missed the name, and on a cluster it need not have missed the ledger with it."""
    incidents = RedisIncidents(functions)
    await committed(incidents, 0, "e1")
    await functions.client.delete(keys.PROVIDERS)
    functions.client.home.life = object()  # type: ignore[attr-defined]  # as after a fail-over
    await committed(incidents, 1, "e1")

    assert await incidents.providers() == ("acme",)


async def test_all_incidents_of_one_commit_are_found_by_their_numbers(functions: Functions) -> None:
    incidents = RedisIncidents(functions)
    await committed(incidents, 0, *(f"e{n}" for n in range(30)))

    found = [await incidents.find(f"INC-{n}") for n in range(1, 31)]

    assert sorted(i.keys[0] for i in found if i) == sorted(f"e{n}" for n in range(30))
