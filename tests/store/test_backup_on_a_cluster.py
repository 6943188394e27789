"""A backup from one server into a cluster and back, and the erasing of a person there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.decide import acknowledge
from bot.store import schema
from bot.store.erasing import Eraser
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from tests.build import at
from tests.fakes.store_servers import cluster
from tests.store.test_backup import LEASE, lived, put, read, taken

pytestmark = pytest.mark.slow


async def test_what_one_server_held_is_on_the_cluster_and_comes_back_alike(
    tmp_path: Path, redis_url: str
) -> None:
    one = connect(redis_url)
    await Functions(one).load()
    await lived(Functions(one))
    first, _ = read(await taken(one))
    async with cluster(tmp_path) as shared:
        many = connect(shared.url)
        functions = Functions(many)
        await functions.load()

        await put(many, await taken(one))
        await schema.take_up(many)
        second, contents = read(await taken(many))
        claimed = await RedisOutbox(functions, "bob").claim(at(10), 9, LEASE)
        await put(one, await taken(many), is_forced=True)

        incidents = RedisIncidents(functions)
        ledger = await incidents.read("acme")
        decision = acknowledge(ledger, "INC-1", "Ada Lovelace", at(11))
        assert decision is not None
        await incidents.commit(ledger, decision, at(11))
        erased = await Eraser(many, ["Ada Lovelace"], now=at(12)).erase(by="cli:root")
        named = (await RedisIncidents(functions).read("acme")).incidents["INC-1"].acknowledged
        await many.aclose()
    back = await RedisOutbox(Functions(one), "eve").claim(at(10), 9, LEASE)
    await one.aclose()

    assert contents.restless == 0
    assert _told(second) == _told(first)
    assert (
        sorted(c.talk.subject for c in claimed) == sorted(c.talk.subject for c in back) == ["INC-1", "INC-2"]
    )
    assert erased["acknowledgement"] == 1
    assert named is not None
    assert named.by == "someone"


def _told(entries: list[object]) -> dict[str, object]:
    """What is in a backup, but for what a restore resets."""
    from bot.store.backup import Entry

    found = [e for e in entries if isinstance(e, Entry)]
    resets = (":fence", ":due", ":leased", ":touched")
    return {e.key: e.value for e in found if not e.key.endswith(resets) and ":conversation:" not in e.key}
