"""Many conversations must look on Discord, as the store forgot what was said: they come to an end within its limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.chats.discord.client import DiscordChat
from bot.domain.card import Card, Tone
from bot.ports import Chat
from tests.scenarios.matrix_cells import told
from tests.scenarios.matrix_chats import DiscordSide
from tests.scenarios.matrix_world import World

MANY = 120
PAGES = 2
LIMIT = (2, 0.4)  # pages, in so many seconds
WORDS = [f"part{n}" for n in range(MANY)]


class PatientSide(DiscordSide):
    """With clients that may wait for a turn."""

    def client(self) -> Chat:
        return DiscordChat(
            token=self.fake.token, api_url=f"{self._way.url}/api/v10", timeout=timedelta(seconds=5)
        )


@pytest.fixture
async def side() -> AsyncIterator[DiscordSide]:
    async with PatientSide() as discord:
        yield discord


@pytest.fixture
async def world(side: DiscordSide, redis_url: str) -> AsyncIterator[World]:
    world = World(side)
    await world.open(redis_url, 2)
    yield world
    await world.close()


async def chatter(side: DiscordSide) -> None:
    """What else is in the channel."""
    client = DiscordChat(token=side.fake.token, api_url=side.fake.api_url, per_second=10_000)
    for number in range(PAGES * 100):
        side.fake.clock = lambda ago=600 - number: time.time() - ago  # type: ignore[misc]
        await client.post(
            side.address,
            Card(title=f"{number}", tone=Tone.INFO, fallback=f"{number}"),
            key=f"chatter {number}",
        )
    side.fake.clock = time.time
    await client.close()


async def in_true_time(world: World) -> None:
    """What `calm` does, but that a wait of the limit's takes as long as it is."""
    for _ in range(300):
        if sum(await asyncio.gather(*(worker.turn() for worker in world.workers))):
            continue
        due = await world.workers[0].outbox.next_due()
        if due is None:
            return
        await asyncio.sleep(min(0.5, (due - world.clock.now()).total_seconds()))
        world.clock.set(due)
    raise AssertionError("it does not come to rest")


async def test_they_come_to_rest_with_few_pages_read(world: World, side: DiscordSide) -> None:
    await chatter(side)
    await world.see(*(told(word, name=word, title=f"Trouble with {word}") for word in WORDS))
    held = await world.snapshot()
    await world.calm()
    side.fake.calls.clear()
    side.fake.limit("list_messages", *LIMIT)

    await world.fail_over(held)
    with capture_logs() as logs:
        await in_true_time(world)

    read = "\n".join(message.text for message in side.read())
    assert [word for word in WORDS if f"Trouble with {word}" not in read] == []
    assert PAGES < side.fake.calls["list_messages"] < 40
    assert 0 < len([line for line in logs if line["event"] == "delivery.later"]) < 40
