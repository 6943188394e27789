"""A person is taken out of everything that is kept, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.chats.console.client import ConsoleChat
from bot.domain.card import Card, Tone
from bot.domain.decide import acknowledge, decide
from bot.domain.silences import silence
from bot.errors import UsageError
from bot.ports import Monitor
from bot.store import keys
from bot.store.desk import RedisMonitors, RedisSilences
from bot.store.erasing import Eraser
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit
from tests.build import RULES, at, said, sighting
from tests.fakes.store_fakes import FakeClock

ADA = ["Ada Lovelace", "slack:U012AB3CD"]


def card(title: str) -> Card:
    """A card that says this."""
    return Card(title=title, tone=Tone.INFO, fallback=title)


async def nobody() -> None:
    """Nobody is woken."""


async def lived(functions: Functions) -> None:
    """Ada Lovelace was here, and Bob."""
    client, incidents = functions.client, RedisIncidents(functions)
    ledger = await incidents.read("acme")
    decision = decide(ledger, sighting(0, said("e1"), said("e2")), RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, at(0))
    for name, who in (("INC-1", "Ada Lovelace"), ("INC-2", "Bob")):
        ledger = await incidents.read("acme")
        taken = acknowledge(ledger, name, who, at(1))
        assert taken is not None
        await incidents.commit(ledger, taken, at(1))
    silences, monitors, audit = RedisSilences(client, nobody), RedisMonitors(client), RedisAudit(functions)
    why = "ADA LOVELACE and <@U012AB3CD> know; Ada Lovelaces does not"
    await silences.add(silence("aws", lasts=timedelta(days=1), by="Bob", why=why, now=at(0)))
    monitor = Monitor(
        name="b", provider="b", url="https://b/rss", format="rss", every_s=60, by="Bob", added_at=at(0)
    )
    await monitors.add(monitor)
    await monitors.add(replace(monitor, name="a", by="Ada Lovelace"))
    for actor in ("slack:U012AB3CD", "slack:U999", "slack:U012AB3CD"):
        await audit.append({"actor": actor, "command": "ack INC-1", "outcome": "done"})
    console = ConsoleChat(client, clock=FakeClock(at(0)))
    for key, who in (("k1", "Ada Lovelace"), ("k2", "Bob")):
        await console.post("main", card(f"{who} is on it"), key=key)


async def everything(functions: Functions) -> str:
    """All values in the store, as one text."""
    client: Any = functions.client
    found = []
    async for key in client.scan_iter(match="fogbell:*"):
        match await client.type(key):
            case b"hash":
                found.append(await client.hgetall(key))
            case b"stream":
                found.append(await client.xrange(key))
    return repr(found)


async def test_she_is_nowhere_any_more_and_everybody_else_still_is(functions: Functions) -> None:
    await lived(functions)

    found = await Eraser(functions.client, ADA, now=at(5)).erase(by="cli:root")

    text = await everything(functions)
    assert dict(found) == {
        "acknowledgement": 1, "silence": 1, "added page": 1, "audit line": 2, "console message": 1,
    }  # fmt: skip
    assert "Ada Lovelace" not in text.replace("Ada Lovelaces", "")
    assert "U012AB3CD" not in text
    assert "ADA" not in text
    assert "U999" in text
    assert text.count("Bob") == 5


async def test_the_chats_are_told_by_the_outbox(functions: Functions) -> None:
    await lived(functions)
    outbox = RedisOutbox(functions)
    for claimed in await outbox.claim(at(2), 9, timedelta(seconds=30)):
        await outbox.settle(claimed, claimed.talk, None)

    await Eraser(functions.client, ADA, now=at(5)).erase(by="cli:root")

    due = await outbox.claim(at(5), 9, timedelta(seconds=30))
    incident = (await RedisIncidents(functions).read("acme")).incidents["INC-1"]
    assert [claimed.talk.subject for claimed in due] == ["INC-1"]
    assert incident.acknowledged is not None
    assert (incident.acknowledged.by, incident.acknowledged.at) == ("someone", at(1))


async def test_the_audit_keeps_its_order_its_ids_and_grows_on(functions: Functions) -> None:
    await lived(functions)
    client: Any = functions.client
    before = await client.xrange(keys.AUDIT)

    await Eraser(functions.client, ADA, now=at(5)).erase(by="cli:root")

    after = await client.xrange(keys.AUDIT)
    assert [id_ for id_, _ in after[:-1]] == [id_ for id_, _ in before]
    assert [line[b"actor"] for _, line in after] == [b"someone", b"slack:U999", b"someone", b"cli:root"]


async def test_a_dry_run_counts_the_same_and_changes_nothing(functions: Functions) -> None:
    await lived(functions)
    before = await everything(functions)

    counted = await Eraser(functions.client, ADA, now=at(5), is_dry_run=True).erase(by="cli:root")
    unchanged = await everything(functions)
    found = await Eraser(functions.client, ADA, now=at(5)).erase(by="cli:root")

    assert unchanged == before
    assert counted == found


async def test_a_name_with_marks_of_json_is_found(functions: Functions) -> None:
    console = ConsoleChat(functions.client, clock=FakeClock(at(0)))
    await console.post("main", card('Zoë "Zed" Müller is on it'), key="k")

    await Eraser(functions.client, ['Zoë "Zed" Müller'], now=at(5)).erase(by="cli:root")

    (posted,) = (await console.snapshot("main")).headlines
    assert posted.card.title == "someone is on it"


async def test_a_name_that_is_too_short_is_refused(functions: Functions) -> None:
    with pytest.raises(UsageError, match="too short"):
        Eraser(functions.client, ["Al"], now=at(0))
