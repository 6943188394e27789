"""What the store holds in memory, measured: the figures in docs/operations.md, "How much memory", are those of this test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.domain.conversation import Conversation, Limits, Receipt, Step, settled
from bot.domain.delivery import plan
from bot.domain.incident import Incident
from bot.domain.observation import Update
from bot.domain.words import Status
from bot.store import keys
from bot.store.redis import Functions, RedisIncidents, RedisOutbox
from bot.store.sharing import RedisAudit
from tests.build import START, at, said
from tests.fakes.store_steps import LEASE, committed

INCIDENTS = 300
TEXT = "We continue to investigate elevated error rates for requests to this service. " * 4  # 312 characters
SLACK = 1.5  # the server rounds sizes up; the figures are of Redis 7, and Valkey 9 needs up to 27 % less


def documented(repo: Path, what: str) -> int:
    """The bytes that the documentation gives for something."""
    text = (repo / "docs" / "operations.md").read_text()
    found = re.search(rf"^\| {re.escape(what)} \|.*\| ([\d,]+) bytes \|$", text, flags=re.M)
    assert found, f"docs/operations.md has no figure for {what!r}"
    return int(found[1].replace(",", ""))


async def used(functions: Functions) -> int:
    """The bytes that all keys take, with the server's own bookkeeping of them."""
    total = 0
    async for key in functions.client.scan_iter(count=1000):
        total += int(await functions.client.memory_usage(key, samples=0) or 0)
    return total


def news(updates: int, status: Status = Status.INVESTIGATING) -> list[object]:
    """Incidents of one provider, each with that many updates of 312 characters."""
    return [
        said(
            f"e{n}",
            status=status,
            updated_at=at(updates),
            updates=tuple(
                Update(id=f"u{n}-{k}", text=f"{chr(97 + k) * 9} {TEXT}", posted_at=at(k))
                for k in range(updates)
            ),
        )
        for n in range(INCIDENTS)
    ]


async def ledgers(functions: Functions, updates: int, status: Status = Status.INVESTIGATING) -> float:
    """Bytes that an incident takes with so many updates, without its conversations."""
    await functions.client.flushall()
    await committed(RedisIncidents(functions), "acme", *news(updates))  # type: ignore[arg-type]
    if status is not Status.INVESTIGATING:
        await committed(RedisIncidents(functions), "acme", *news(updates, status), minutes=99)  # type: ignore[arg-type]
    await functions.client.delete(keys.due(keys.shard("acme")))
    return await used(functions) / INCIDENTS


async def test_an_incident_and_its_texts_take_what_is_documented(functions: Functions, repo: Path) -> None:
    bare, full = await ledgers(functions, 0), await ledgers(functions, 10)
    closed = await ledgers(functions, 10, Status.RESOLVED)
    per_update = (full - bare) / 10
    print(
        f"incident {bare:.0f}, closed {closed - 10 * per_update:.0f}, update {per_update:.0f} with {len(TEXT)} of text"
    )

    assert bare < documented(repo, "an incident") < bare * SLACK
    assert closed - 10 * per_update < documented(repo, "an incident") * SLACK
    assert per_update - len(TEXT) < documented(repo, "one of its updates") < (per_update - len(TEXT)) * SLACK


async def test_a_conversation_and_its_messages_take_what_is_documented(
    functions: Functions, repo: Path
) -> None:
    async def conversations(updates: int) -> float:
        await functions.client.flushall()
        ledger = await committed(RedisIncidents(functions), "acme", *news(updates))  # type: ignore[arg-type]
        before = await used(functions)
        await _deliver(RedisOutbox(functions), ledger.incidents)
        return (await used(functions) - before) / INCIDENTS

    bare, full = await conversations(1), await conversations(5)
    per_message = (full - bare) / 4
    print(f"conversation {bare:.0f} with its headline, message {per_message:.0f}")

    assert bare < documented(repo, "a conversation") < bare * SLACK
    assert per_message < documented(repo, "one of its messages") < per_message * SLACK


async def _deliver(outbox: RedisOutbox, incidents: Mapping[str, Incident]) -> None:
    """Say everything: one message for each update, named as Slack names them."""
    while claimed := await outbox.claim(at(999), 100, LEASE):
        for one in claimed:
            await outbox.settle(one, _told(incidents[one.talk.subject], one.talk), None)


def _told(incident: Incident, talk: Conversation) -> Conversation:
    receipt = Receipt(channel="C0123456789", message="1760944800.123456", at=START)
    for count in range(len(incident.updates) + 1):
        so_far = replace(incident, updates=incident.updates[:count])
        for _ in range(3):  # a reply, and the headline's edit
            step = plan(so_far, talk, Limits())
            if isinstance(step, Step):
                talk = settled(talk, step, receipt)
    return talk


async def test_the_audit_is_full_at_what_is_documented(functions: Functions, repo: Path) -> None:
    audit = RedisAudit(functions)
    line = {
        "at": START.isoformat(timespec="milliseconds"), "what": "delivery", "incident": "INC-12345",
        "channel": "slack:C0123456789", "step": "headline", "revision": "12", "reason": "first word (fresh)",
        "outcome": "sent",
    }  # fmt: skip
    for _ in range(2_000):
        await audit.append(line)

    full = await used(functions) / 2_000 * keys.AUDIT_MAX_LINES
    print(f"audit, full: {full:.0f}")

    assert full < documented(repo, "the audit, full") < full * SLACK


async def test_every_key_has_a_life_or_is_one_of_those_that_need_none(functions: Functions) -> None:
    """What has no TTL is bounded by the configuration, by what is open, or by being one."""
    incidents, outbox = RedisIncidents(functions), RedisOutbox(functions)
    await committed(incidents, "acme", *news(2))  # type: ignore[arg-type]
    await _deliver(outbox, (await incidents.read("acme")).incidents)
    await committed(incidents, "acme", said("late"), minutes=1)
    await outbox.recheck(at(2))
    await RedisAudit(functions).append({"n": "1"})

    lasting = set()
    async for key in functions.client.scan_iter(count=1000):
        if await functions.client.pttl(key) < 0:
            lasting.add(re.sub(r"^fogbell:\{s\d\d\}:", "", key.decode()))

    assert lasting == {
        "ledger:acme", "due", "fence", keys.NUMBER, keys.PROVIDERS, keys.AUDIT, keys.SCHEMA_KEY,
    } - ({keys.SCHEMA_KEY} - lasting)  # fmt: skip
