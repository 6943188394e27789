"""One message for many incidents, on Slack, when the store forgot that it was said: each finds it, and nobody is told twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.domain.conversation import Conversation, StepKind
from tests.scenarios.matrix_cells import LAST, WORDS, storm, told
from tests.scenarios.matrix_chats import Read, SlackSide
from tests.scenarios.matrix_world import World


@pytest.fixture
async def side() -> AsyncIterator[SlackSide]:
    async with SlackSide() as slack:
        yield slack


@pytest.fixture
async def world(side: SlackSide, redis_url: str) -> AsyncIterator[World]:
    world = World(side)
    await world.open(redis_url, 1)
    yield world
    await world.close()


async def forgets(world: World) -> None:
    """What is said now is said, and another server takes over that knows of the news and of nothing that was said since."""
    held = await world.snapshot()
    await world.calm()
    await world.fail_over(held)
    await world.calm()


async def talks(world: World) -> list[Conversation]:
    ledger = await world.workers[0].incidents.read("acme")
    outbox = world.workers[0].outbox
    return [talk for one in ledger.incidents.values() for talk in await outbox.conversations(one)]


def tops(side: SlackSide) -> list[Read]:
    return [m for m in side.read() if m.thread is None]


async def test_all_its_members_know_it_again_with_all_the_others(world: World, side: SlackSide) -> None:
    await world.see(*storm())

    await forgets(world)

    (message,) = tops(side)
    known = [m for talk in await talks(world) for m in talk.messages]
    assert {(StepKind.GATHERED, message.id, len(WORDS))} == {
        (m.kind, m.receipt.message, len(m.members)) for m in known
    }
    assert len(WORDS) == len(known)
    assert len({(m.key, m.members) for m in known}) == 1


async def test_one_of_them_can_be_corrected_and_the_others_keep_their_lines(
    world: World, side: SlackSide
) -> None:
    await world.see(*storm())
    await forgets(world)

    await world.see(*storm()[1:])  # the first one is over
    await world.calm()

    (message,) = tops(side)
    assert all(f"Trouble with {word}" in message.text for word in WORDS)


async def test_replies_that_became_one_message_are_not_told_again_in_their_threads(
    world: World, side: SlackSide
) -> None:
    """A reply is looked for in its thread, and a message for many is in the channel."""
    for count in range(1, len(WORDS) + 1):
        await world.see(*storm()[:count])
        await world.calm()
    await world.see(*(told(word, LAST, name=word, title=f"Trouble with {word}") for word in WORDS))

    await forgets(world)

    assert len(tops(side)) == len(WORDS) + 1
    assert [m.text for m in side.read() if m.thread] == []


async def test_what_is_known_already_is_not_taken_for_the_headline_that_comes_next(
    world: World, side: SlackSide
) -> None:
    """Both would have been told alone by the same key."""
    await world.see(*storm())
    await world.calm()
    await world.see(*storm(LAST))

    await world.fail_over(await world.snapshot())
    await world.calm()

    assert len(tops(side)) == 2


async def test_a_headline_that_came_after_it_is_found_for_itself(world: World, side: SlackSide) -> None:
    await world.see(*storm())
    await world.calm()
    await world.see(*storm(LAST))

    await forgets(world)

    assert len(tops(side)) == 2
