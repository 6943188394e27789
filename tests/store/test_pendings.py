"""The outbox as operators see it: all that waits, read in one piece, and one conversation taken out of turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.conversation import Attempt, Conversation, Step, StepKind
from bot.errors import LeaseLost
from bot.store import keys
from bot.store.pendings import IN_ONE_GO, RedisPendings
from bot.store.redis import Functions, RedisOutbox
from tests.build import at

LEASE = timedelta(seconds=30)
TALK = Conversation(subject="INC-1", provider="acme", channel="slack:C1")
STEP = Step(kind=StepKind.HEADLINE, key="k", updates=(), digest="", revision=1, reason="")


@pytest.fixture
def outbox(functions: Functions) -> RedisOutbox:
    return RedisOutbox(functions, "worker")


@pytest.fixture
def pendings(functions: Functions, outbox: RedisOutbox) -> RedisPendings:
    return RedisPendings(functions, outbox)


async def test_what_is_due_and_what_is_in_work_is_pending_in_all_shards(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    talks = [replace(TALK, provider=f"p{n}", subject=f"INC-{n}") for n in range(2 * IN_ONE_GO + 1)]
    for talk in talks:
        await outbox.wake(talk, at(5))
    await outbox.wake(TALK, at(0))
    (claimed,) = await outbox.claim(at(1), 10, LEASE)

    found = {p.talk.subject + p.talk.provider: p for p in await pendings.pending()}

    assert len(found) == len(talks) + 1
    assert found["INC-1acme"].due_at is None
    assert {p.due_at for p in found.values()} == {None, at(5)}
    assert claimed.talk == TALK


async def test_it_is_read_as_it_was_settled_with_its_attempt(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    await outbox.wake(TALK, at(0))
    (claimed,) = await outbox.claim(at(1), 10, LEASE)
    attempt = Attempt(step=STEP, at=at(1))
    await outbox.begin(claimed, attempt)
    after = replace(TALK, failures=2, parked="no", attempt=attempt)
    await outbox.settle(claimed, after, at(9))

    (pending,) = await pendings.pending()

    assert (pending.talk, pending.due_at) == (after, at(9))


async def test_what_has_nothing_to_say_is_not_pending_and_can_be_taken_all_the_same(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    await outbox.wake(TALK, at(0))
    (claimed,) = await outbox.claim(at(1), 10, LEASE)
    await outbox.settle(claimed, replace(TALK, failures=1), None)
    before = await pendings.pending()

    one = await pendings.claim_one("acme", "INC-1", "slack:C1", LEASE)

    assert before == []
    assert one is not None
    assert one.talk.failures == 1
    assert one.token > claimed.token


async def test_what_a_worker_has_is_not_taken_and_what_is_taken_no_worker_gets(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    await outbox.wake(TALK, at(0))
    (claimed,) = await outbox.claim(at(1), 10, LEASE)
    refused = await pendings.claim_one("acme", "INC-1", "slack:C1", LEASE)
    await outbox.settle(claimed, TALK, at(0))
    taken = await pendings.claim_one("acme", "INC-1", "slack:C1", LEASE)

    assert refused is None
    assert taken is not None
    assert await outbox.claim(at(1), 10, LEASE) == []
    with pytest.raises(LeaseLost):
        await outbox.settle(claimed, TALK, at(0))


async def test_what_changes_while_an_operator_has_it_is_due_afterwards(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    taken = await pendings.claim_one("acme", "INC-1", "slack:C1", LEASE)
    assert taken is not None
    await outbox.wake(TALK, at(3))
    await pendings.settle(taken, TALK, None)

    (pending,) = await pendings.pending()
    assert pending.due_at == at(3)


async def test_an_operator_who_vanishes_leaves_it_due(outbox: RedisOutbox, pendings: RedisPendings) -> None:
    await pendings.claim_one("acme", "INC-1", "slack:C1", timedelta())

    assert len(await outbox.claim(at(1), 10, LEASE)) == 1


async def test_a_mark_that_the_chat_must_be_asked_outlives_an_operator(
    outbox: RedisOutbox, pendings: RedisPendings
) -> None:
    """Nobody has asked the chat: whoever sends next must."""
    await outbox.wake(TALK, at(0))
    await outbox.recheck(at(0))
    taken = await pendings.claim_one("acme", "INC-1", "slack:C1", LEASE)
    assert taken is not None
    await pendings.settle(taken, TALK, at(0))

    (claimed,) = await outbox.claim(at(1), 10, LEASE)
    assert claimed.must_look


@pytest.mark.parametrize("field", ["state", "attempt"])
async def test_what_this_version_cannot_read_does_not_hide_the_rest(
    functions: Functions, outbox: RedisOutbox, pendings: RedisPendings, field: str
) -> None:
    await outbox.wake(TALK, at(0))
    await outbox.wake(replace(TALK, channel="slack:C2"), at(0))
    key = keys.conversation("acme", "INC-1", "slack:C2")
    await functions.client.hset(key, field, b'9{"a newer": "one"}')

    assert [p.talk.channel for p in await pendings.pending()] == ["slack:C1"]
