"""The fault matrix: every fault, while each kind of message is said, on both chats, with one worker and with three.

Real slack_sdk and discord.py, fakes that keep state and refuse what the platforms refuse, the real store, virtual time. In each
cell the promise must hold: nothing lost, nothing doubled, in order, no stale headline, at most one catch-up.
"""

from __future__ import annotations

import pytest

from tests.scenarios.matrix_cells import FAULTS, KINDS, Cell, afterwards, before, happen, verdict
from tests.scenarios.matrix_chats import SIDES
from tests.scenarios.matrix_world import World

pytestmark = pytest.mark.slow

REPLICAS = (1, 3)

# Cells that make no sense, each with the reason.
NO_SENSE = {
    ("duplicate reply", kind, "slack"): (
        "Slack knows no idempotency key: whoever repeats a POST on the way to it doubles the message, and nobody before or"
        " behind can help it. Our own client never repeats one (tests/chats/test_slack_client.py)."
    )
    for kind in ("headline", "update", "catch-up", "gathered")
} | {
    ("fail-over, begin lost", "gathered", "discord"): (
        "When even the intentions are lost (no WAIT), only a roll of its members would find the message, and Discord has no"
        " place for one that people do not see; when the same incidents meet again within minutes, its nonce helps."
    )
}

ALL = [
    Cell(fault=fault, kind=kind, chat=chat, replicas=replicas)
    for fault in FAULTS
    for kind in KINDS
    for chat in SIDES
    for replicas in REPLICAS
]
CELLS = [cell for cell in ALL if (cell.fault, cell.kind, cell.chat) not in NO_SENSE]


def test_the_matrix_is_whole() -> None:
    """21 faults x 5 kinds x 2 chats x 2 numbers of workers; what is left out is named above."""
    assert (len(ALL), len(NO_SENSE) * len(REPLICAS), len(CELLS)) == (420, 10, 410)


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_the_promise_is_kept(cell: Cell, redis_url: str) -> None:
    async with SIDES[cell.chat]() as side:
        world = World(side)
        await world.open(redis_url, cell.replicas)
        try:
            await before(world, cell)
            await happen(world, cell)
            await afterwards(world, cell)
            wrong = verdict(world, cell)
        finally:
            await world.close()

    assert not wrong, "\n".join([str(cell), *wrong, *(m.text for m in side.read())])


async def test_a_matrix_that_could_not_see_a_double_would_prove_nothing(redis_url: str) -> None:
    """With a chat that never finds anything, the cell of a lost reply must show two headlines."""
    cell = Cell(fault="lost reply", kind="headline", chat="slack", replicas=1)
    async with SIDES["slack"]() as side:
        world = World(side)
        await world.open(redis_url, 1)
        world.is_blind = True
        try:
            await happen(world, cell)
            await afterwards(world, cell)
            wrong = verdict(world, cell)
        finally:
            await world.close()

    assert "there are 2 headlines" in wrong
