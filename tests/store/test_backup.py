"""A backup holds everything, goes into any store, and leaves nobody holding anything."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis.asyncio as aioredis

from bot.domain.conversation import Attempt, Limits, Step
from bot.domain.decide import decide
from bot.domain.delivery import plan
from bot.errors import BackupError, ConfigError, LeaseLost, NotEmpty, StoreError
from bot.ports import Claimed
from bot.store import backup, keys, restoring, schema
from bot.store.backup import Contents, Entry
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit, RedisLeases
from tests.build import RULES, at, said, sighting, update

LEASE = timedelta(seconds=30)


async def lived(functions: Functions) -> Claimed:
    """A store with two incidents, one of which somebody is about to speak of."""
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, "ada")
    for minutes, key in ((0, "e1"), (5, "e2")):
        ledger = await incidents.read("acme")
        decision = decide(ledger, sighting(minutes, said(key, updates=(update("u1", 0),)), said("e1")), RULES)
        assert decision is not None
        await incidents.commit(ledger, decision, at(minutes))
    (claimed,) = await outbox.claim(at(0), 1, LEASE)
    step = plan((await incidents.read("acme")).incidents[claimed.talk.subject], claimed.talk, Limits())
    assert isinstance(step, Step)
    await outbox.begin(claimed, Attempt(step=step, at=at(0)))
    await RedisAudit(functions).append({"what": "delivery", "odd": "é"})
    return claimed


async def taken(client: aioredis.Redis) -> bytes:
    out = io.BytesIO()
    await backup.take(client, out, now=at(6), progress=lambda words: None)
    return out.getvalue()


def read(raw: bytes) -> tuple[list[Entry], Contents]:
    contents = Contents()
    return list(backup.read(io.BytesIO(raw), contents)), contents


async def put(client: aioredis.Redis, raw: bytes, *, is_forced: bool = False) -> None:
    entries, contents = read(raw)
    await restoring.check(client, contents, is_forced=is_forced)
    await restoring.restore(client, entries, now=at(10), progress=lambda words: None)


async def test_what_was_backed_up_is_there_again_and_due(functions: Functions) -> None:
    await lived(functions)
    before = await RedisIncidents(functions).read("acme")
    raw = await taken(functions.client)
    await functions.client.flushall()

    await put(functions.client, raw)

    outbox = RedisOutbox(functions, "bob")
    claimed = await outbox.claim(at(10), 9, LEASE)
    assert await RedisIncidents(functions).read("acme") == before
    assert await RedisIncidents(functions).find("INC-2") == before.incidents["INC-2"]
    assert sorted(c.talk.subject for c in claimed) == ["INC-1", "INC-2"], "what was leased is due as well"
    assert [c.talk.attempt is not None for c in sorted(claimed, key=lambda c: c.talk.subject)] == [
        True,
        False,
    ]
    assert all(c.must_look for c in claimed), "more may have been said after the backup"


async def test_it_says_what_is_in_it(functions: Functions) -> None:
    await lived(functions)

    _, contents = read(await taken(functions.client))

    assert contents.taken_at == "2025-10-20T07:06:00+00:00"
    assert contents.counts["incidents"] == contents.counts["open incidents"] == 2
    assert (contents.counts["ledgers"], contents.counts["audit lines"], contents.restless) == (1, 1, 0)


async def test_whoever_held_something_before_can_write_nothing_afterwards(functions: Functions) -> None:
    """A worker that was frozen while the store was replaced."""
    claimed = await lived(functions)
    raw = await taken(functions.client)
    await functions.client.flushall()
    await put(functions.client, raw)
    frozen = RedisOutbox(functions, "ada")

    with pytest.raises(LeaseLost):
        await frozen.settle(claimed, claimed.talk, None)

    new = await RedisOutbox(functions, "bob").claim(at(10), 9, LEASE)
    assert min(c.token for c in new) > claimed.token


async def test_counters_never_go_back(functions: Functions) -> None:
    await lived(functions)
    raw = await taken(functions.client)
    ahead = 10**16
    await functions.client.set(keys.NUMBER, 40)
    await functions.client.set(keys.fence(keys.shard("acme")), ahead)

    await put(functions.client, raw, is_forced=True)
    counters = [await functions.client.get(key) for key in (keys.NUMBER, keys.fence(keys.shard("acme")))]
    await functions.client.flushall()
    await put(functions.client, raw)

    assert counters == [b"40", str(ahead).encode()]
    assert await functions.client.get(keys.NUMBER) == b"2"


async def test_a_store_with_something_in_it_is_replaced_only_when_asked(functions: Functions) -> None:
    await lived(functions)
    raw = await taken(functions.client)
    await functions.client.set("fogbell:other", "1")
    await functions.client.set("somebody:elses", "1")

    with pytest.raises(NotEmpty, match="--force"):
        await put(functions.client, raw)
    await put(functions.client, raw, is_forced=True)

    assert await functions.client.exists("fogbell:other") == 0
    assert await functions.client.exists("somebody:elses") == 1


async def test_a_worker_in_the_store_keeps_a_restore_away(functions: Functions) -> None:
    raw = await taken(functions.client)
    leases = RedisLeases(functions, "ada")
    await leases.hold("sources:1", LEASE)

    with pytest.raises(StoreError, match="stop it first"):
        await put(functions.client, raw, is_forced=True)

    await leases.release_all()
    await put(functions.client, raw, is_forced=True)


async def test_a_restore_that_broke_off_keeps_workers_away_until_one_succeeds(functions: Functions) -> None:
    await lived(functions)
    raw = await taken(functions.client)
    entries, _ = read(raw)

    def broken() -> Any:
        yield from entries[:3]
        raise BackupError("the disk is gone")

    with pytest.raises(BackupError):
        await restoring.restore(functions.client, broken(), now=at(10), progress=lambda words: None)
    with pytest.raises(ConfigError, match="restore --force"):
        await schema.take_up(functions.client)
    await put(functions.client, raw, is_forced=True)
    await schema.take_up(functions.client)


async def test_a_backup_of_a_newer_schema_is_refused(functions: Functions) -> None:
    await functions.client.set(keys.SCHEMA_KEY, keys.SCHEMA + 1)
    raw = await taken(functions.client)
    await functions.client.flushall()

    with pytest.raises(ConfigError, match="newer Fogbell"):
        await put(functions.client, raw)


async def test_every_type_of_value_comes_back_byte_by_byte_with_its_life(functions: Functions) -> None:
    client: Any = functions.client
    await client.set("fogbell:a", b"\x00\xff\xc3\xa9", px=90_000)
    await client.hset("fogbell:b", mapping={b"\xfe": b"{}"})
    await client.zadd("fogbell:c", {b"m\xff": 1.7e12, "n": -1.5})
    await client.sadd("fogbell:d", b"\xff", "x")
    await client.rpush("fogbell:e", "2", "1")
    first = await client.xadd("fogbell:f", {"k": b"\xff"})
    second = await client.xadd("fogbell:f", {"k": "v"})
    raw = await taken(client)
    await client.flushall()

    await put(client, raw)

    assert await client.get("fogbell:a") == b"\x00\xff\xc3\xa9"
    assert 60_000 < await client.pttl("fogbell:a") <= 90_000
    assert await client.hgetall("fogbell:b") == {b"\xfe": b"{}"}
    assert await client.zrange("fogbell:c", 0, -1, withscores=True) == [(b"n", -1.5), (b"m\xff", 1.7e12)]
    assert await client.smembers("fogbell:d") == {b"\xff", b"x"}
    assert await client.lrange("fogbell:e", 0, -1) == [b"2", b"1"]
    assert await client.xrange("fogbell:f") == [(first, {b"k": b"\xff"}), (second, {b"k": b"v"})]


async def test_a_backup_taken_while_many_work_is_a_moment_of_each_shard(functions: Functions) -> None:
    """Every incident has its conversation in the backup, or is due or leased in it: none was said and is not known."""
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        for n in range(3):
            tasks.create_task(work(functions, n, stop))
        await asyncio.sleep(0.3)
        raws = [await taken(functions.client) for _ in range(5)]
        stop.set()

    still = [entries for entries, contents in map(read, raws) if not contents.restless]
    assert still, "a quiet moment is found"
    for entries in still:
        held = {e.key for e in entries}
        waiting = {m for e in entries if e.key.endswith((":due", ":leased")) for m, _ in e.value}
        talks = {t for e in entries if ":ledger:" in e.key for t in talks_of(e)}
        assert talks
        assert {m for m, key in talks if m not in waiting and key not in held} == set()


async def work(functions: Functions, n: int, stop: asyncio.Event) -> None:
    """A worker of a provider of its own: something new happens all the time, and is settled."""
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions, f"w{n}")
    for turn in range(10_000):
        if stop.is_set():
            return
        ledger = await incidents.read(f"p{n}")
        seen = replace(sighting(turn, said(f"e{turn}", provider=f"p{n}"), source=f"s{n}"), provider=f"p{n}")
        decision = decide(ledger, seen, RULES)
        if decision is not None:
            await incidents.commit(ledger, decision, at(0))
        for claimed in await outbox.claim(at(0), 2, LEASE):
            with suppress(LeaseLost):
                await outbox.settle(claimed, claimed.talk, None)
        await asyncio.sleep(0.01)


def talks_of(ledger: Entry) -> set[tuple[str, str]]:
    """Members and keys of the conversations that a ledger's incidents have."""
    incidents = [json.loads(text) for name, text in ledger.value.items() if name.startswith("i:")]
    names = [(i["provider"], i["id"], channel) for i in incidents for channel in i.get("channels", ())]
    return {(keys.member(*name), keys.conversation(*name)) for name in names}


@pytest.mark.parametrize("spoil", ["cut", "flipped", "half a line", "another file", "empty", "text", "newer"])
async def test_a_damaged_file_is_called_that(functions: Functions, spoil: str) -> None:
    await lived(functions)
    raw = await taken(functions.client)
    lines = gzip.decompress(raw).splitlines(keepends=True)
    spoilt = {
        "cut": raw[: len(raw) // 2],
        "flipped": gzip.compress(b"".join(lines).replace(b"INC-1", b"INC-7", 1)),
        "half a line": gzip.compress(b"".join(lines[:-1])),
        "another file": gzip.compress(b'{"hello": 1}\n'),
        "empty": b"",
        "text": b"hello",
        "newer": gzip.compress(lines[0].replace(b'"format":1', b'"format":2') + b"".join(lines[1:])),
    }[spoil]

    with pytest.raises(BackupError):
        read(spoilt)
