"""Two versions on one store: neither loses what the other wrote, and what cannot be read is refused in words.

The next version is played by fields and a schema that this one does not know.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog

from bot.domain.conversation import Attempt, Limits, Receipt, Step, settled
from bot.domain.decide import acknowledge, decide
from bot.domain.delivery import plan
from bot.domain.incident import Incident
from bot.domain.observation import Place
from bot.domain.services import Service, parse_need
from bot.domain.words import Impact
from bot.errors import ConfigError, StoreError
from bot.ports import Monitor
from bot.store import codec, keys, redis, schema
from bot.store.codec import Codec
from bot.store.desk import RedisMonitors, Shelf
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from tests.build import RULES, World, at, said, sighting, update

LEASE = timedelta(seconds=30)
FIELD = "i:INC-1"


async def seen(incidents: RedisIncidents, minutes: float, *what: Any) -> None:
    """A look at the feed, decided and committed."""
    ledger = await incidents.read("acme")
    decision = decide(ledger, sighting(minutes, *what), RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, at(minutes))


async def held(functions: Functions, key: str, field: str) -> dict[str, Any]:
    """The raw JSON in a hash."""
    found: Any = functions.client.hget(key, field)
    value: dict[str, Any] = json.loads(await found)
    return value


async def rewritten(functions: Functions, key: str, field: str, **added: Any) -> None:
    """What the next version writes there: the same, with fields of its own."""
    raw = {**await held(functions, key, field), **added}
    revised: Any = functions.client.hset(key, field, json.dumps(raw))
    await revised


async def next_writes(functions: Functions) -> None:
    """The next version commits the incident with fields of its own, at the top and within an update."""
    ledger = keys.ledger("acme")
    raw = await held(functions, ledger, FIELD)
    raw["updates"][1]["audience"] = {"customers": True}
    await rewritten(functions, ledger, FIELD, updates=raw["updates"], duty="night shift")
    grown: Any = functions.client.hincrby(ledger, "revision", 1)
    await grown


async def test_a_field_of_the_next_version_is_still_there_after_this_one_changed_the_incident(
    functions: Functions,
) -> None:
    incidents = RedisIncidents(functions)
    await seen(incidents, 0, said(updates=(update("u1", 0), update("u2", 1))))
    await next_writes(functions)

    await seen(incidents, 5, said(updates=(update("u2", 1), update("u3", 4)), impact=Impact.CRITICAL))

    raw = await held(functions, keys.ledger("acme"), FIELD)
    assert (raw["impact"], raw["duty"]) == ("critical", "night shift")
    assert [u.get("audience") for u in raw["updates"]] == [None, {"customers": True}, None]


async def test_a_field_goes_with_the_update_that_it_belongs_to() -> None:
    codec_ = Codec(Incident)
    incident = _incident()
    raw = json.loads(codec_.write(incident))
    raw["updates"][0]["audience"] = "all"

    value, aside = codec_.read(json.dumps(raw).encode())

    assert value == incident
    assert json.loads(codec_.write(value, aside)) == raw
    assert b"audience" not in codec_.write(_incident("u9"), aside)


def test_a_field_at_any_depth_comes_back_where_it_was() -> None:
    """In every object of a rich incident at once: places, services hit, claims with what was said, updates."""
    places = tuple(Place(provider="acme", component=c, region=r) for c in ("db", "api") for r in ("eu", None))
    services = tuple(Service(name=n, needs=(parse_need("acme/db"),)) for n in ("shop", "till"))
    world = World(replace(RULES, services=services))
    for source in ("first", "second"):
        seen = said("e1", updates=(update("u1", 0), update("u2", 1)), places=places)
        world.see(sighting(0, said("old"), source=source))
        world.see(sighting(1, seen, said("old"), source=source))
    incident = next(i for i in world.ledger.incidents.values() if i.updates)
    raw = json.loads(Codec(Incident).write(incident))
    count = _add_everywhere(raw)

    value, aside = Codec(Incident).read(json.dumps(raw).encode())

    assert value == incident
    assert len(aside) == count > 12
    assert json.loads(Codec(Incident).write(value, aside)) == raw


def _add_everywhere(raw: Any) -> int:
    """Put a field of the next version into each object; gives how many there are."""
    if isinstance(raw, list):
        return sum(map(_add_everywhere, raw))
    if not isinstance(raw, dict):
        return 0
    count = sum(map(_add_everywhere, list(raw.values())))
    raw["of_tomorrow"] = {"n": count}
    return count + 1


def _incident(*names: str) -> Incident:
    """An incident with updates of these names."""
    world = World()
    world.see(sighting(0, said(updates=tuple(update(n, 0) for n in names or ("u1", "u2"))), source="second"))
    (incident,) = world.ledger.incidents.values()
    return incident


async def test_a_field_in_a_conversation_outlives_a_step_of_this_version(functions: Functions) -> None:
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    await seen(incidents, 0, said(updates=(update("u1", 0),)))
    incident = (await incidents.read("acme")).incidents["INC-1"]
    (claimed,) = await outbox.claim(at(0), 9, LEASE)
    step = plan(incident, claimed.talk, Limits())
    assert isinstance(step, Step)
    talk = settled(claimed.talk, step, Receipt(channel="ops", message="m1"))
    await outbox.settle(claimed, talk, at(1))
    key = keys.conversation("acme", "INC-1", incident.channels[0])
    raw = await held(functions, key, "state")
    await rewritten(functions, key, "state", tone="calm", messages=[{**raw["messages"][0], "pinned": True}])

    (again,) = await outbox.claim(at(2), 9, LEASE)
    await outbox.begin(again, Attempt(step=step, at=at(2)))
    await outbox.settle(again, again.talk, None)

    raw = await held(functions, key, "state")
    assert (raw["tone"], raw["messages"][0]["pinned"]) == ("calm", True)
    assert again.talk == talk


async def test_a_shelf_keeps_a_field_with_a_value_that_goes_on_but_not_with_a_new_one(
    functions: Functions,
) -> None:
    shelf: Shelf[Receipt] = Shelf(functions.client, keys.MARKS, Receipt)
    monitors = RedisMonitors(functions.client)
    monitor = Monitor(
        name="a", provider="a", url="https://a/rss", format="rss", every_s=60, by="Ada", added_at=at(0)
    )
    await shelf.put("a", Receipt(channel="C1", message="1"))
    await monitors.add(monitor)
    await rewritten(functions, keys.MARKS, "a", new=1)
    await rewritten(functions, keys.MONITORS, "a", new=1)

    assert await shelf.get("a") == Receipt(channel="C1", message="1")
    assert await monitors.all() == (monitor,)
    await shelf.put("a", Receipt(channel="C1", message="2"))
    await monitors.add(monitor)

    assert await held(functions, keys.MARKS, "a") == {"channel": "C1", "message": "2", "new": 1}
    assert "new" not in await held(functions, keys.MONITORS, "a")


def test_an_old_record_is_lifted_step_by_step() -> None:
    """Schema 2 calls the title "name", schema 3 writes it in capitals; only what an older one wrote is lifted."""

    def named(kind: str, raw: codec.Raw) -> codec.Raw:
        assert kind == "Incident"
        return {**{k: v for k, v in raw.items() if k != "name"}, "title": raw["name"]}

    third = Codec(
        Incident, schema=3, upcasts={1: named, 2: lambda _, raw: {**raw, "title": raw["title"].upper()}}
    )
    incident = _incident()
    first = json.loads(Codec(Incident).write(incident))
    first["name"] = first.pop("title")

    lifted, _ = third.read(json.dumps(first).encode())

    assert lifted.title == incident.title.upper()
    assert third.write(lifted).startswith(b"3{")
    assert third.read(third.write(lifted)) == (lifted, ())


def test_a_record_of_a_newer_schema_is_refused_in_words() -> None:
    newer = Codec(Incident, schema=2).write(_incident())

    with pytest.raises(StoreError, match=r"newer Fogbell \(schema 2, this one knows 1\): upgrade"):
        codec.incident_of(newer)


async def test_a_conversation_that_cannot_be_read_keeps_none_of_the_others_waiting(
    functions: Functions,
) -> None:
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    await seen(incidents, 0, said("e1"), said("e2"))
    channel = (await incidents.read("acme")).incidents["INC-1"].channels[0]
    spoilt: Any = functions.client.hset(
        keys.conversation("acme", "INC-1", channel), "state", '{"subject": 1}'
    )
    await spoilt

    with structlog.testing.capture_logs() as lines:
        claimed = await outbox.claim(at(0), 9, LEASE)

    assert [one.talk.subject for one in claimed] == ["INC-2"]
    assert [line["event"] for line in lines] == ["store.unreadable"]


async def test_scripts_of_two_versions_live_side_by_side(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older worker loads its own again and again: the newer one's must stay."""
    ours, text = redis.library()
    theirs = text.replace(ours, "0ther").replace("return tonumber(following)", "return 77")
    older, newer = functions, Functions(functions.client)
    await functions.client.function_load(theirs, replace=True)
    await older.load()

    first = await older.call("fogbell_commit", _keys_of_commit(), 0, 0, 0, 0, 0, 0)
    theirs_said = await functions.client.fcall(
        "fogbell_commit_0ther", 3, *_keys_of_commit(), str(first), "0", "0", "0", "0", "0"
    )
    written = int(await functions.client.hget(keys.ledger("acme"), "revision") or 0)
    last = await newer.call("fogbell_commit", _keys_of_commit(), written, 0, 0, 0, 0, 0)

    assert theirs_said == 77
    assert 0 < first < written < last


def _keys_of_commit() -> list[str]:
    n = keys.shard("acme")
    return [keys.ledger("acme"), keys.due(n), keys.leased(n)]


async def test_a_store_marked_by_a_newer_schema_is_refused_and_the_mark_never_shrinks(
    functions: Functions,
) -> None:
    await schema.take_up(functions.client, 2)
    await schema.take_up(functions.client, 3)

    with pytest.raises(ConfigError, match=r"schema 3, this one knows 2\): upgrade this one, or restore"):
        await schema.take_up(functions.client, 2)

    assert await functions.client.get(keys.SCHEMA_KEY) == b"3"


async def test_a_running_worker_learns_that_a_newer_one_took_over(functions: Functions) -> None:
    await schema.take_up(functions.client, 1)
    watching = asyncio.create_task(schema.until_newer(functions.client, 1, every=0.01))
    await asyncio.sleep(0.05)
    was_calm = not watching.done()

    await schema.take_up(functions.client, 2)
    reason = await asyncio.wait_for(watching, 5)

    assert was_calm
    assert "schema 2, this one knows 1" in str(reason)


async def test_somebody_acknowledges_on_the_older_worker_and_the_newer_ones_field_stays(
    functions: Functions,
) -> None:
    incidents = RedisIncidents(functions)
    await seen(incidents, 0, said(updates=(update("u1", 0), update("u2", 1))))
    await next_writes(functions)
    ledger = await incidents.read("acme")
    decision = acknowledge(ledger, "INC-1", "Ada", at(2))
    assert decision is not None

    await incidents.commit(ledger, decision, at(2))

    raw = await held(functions, keys.ledger("acme"), FIELD)
    assert (raw["acknowledged"]["by"], raw["duty"]) == ("Ada", "night shift")
