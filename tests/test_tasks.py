"""Tasks end, even those that overhear the first request; two things are done at a time."""

from __future__ import annotations

import asyncio
import gc

import pytest

from bot.tasks import beside, end


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    """As asyncio.wait_for does on Python 3.11 when its result arrives together with the cancellation."""
    heard: list[int] = []

    async def deaf_once() -> None:
        for n in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append(n)
                if n:
                    raise

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)

    await end([task], again_after=0.01)

    assert (task.cancelled(), heard) == (True, [0, 1])


async def test_two_things_at_a_time_give_both_results() -> None:
    began: list[str] = []

    async def named(name: str) -> str:
        began.append(name)
        await asyncio.sleep(0.01)
        began.append(name)
        return name

    assert await beside(named("a"), named("b")) == ("a", "b")
    assert began == ["a", "b", "a", "b"]


async def test_when_the_first_of_two_fails_the_other_is_ended() -> None:
    was_ended = False

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("first")

    async def lasts() -> None:
        nonlocal was_ended
        try:
            await asyncio.sleep(60)
        finally:
            was_ended = True

    with pytest.raises(KeyError, match="first"):
        await beside(fails(), lasts())
    assert was_ended


async def test_when_both_of_two_fail_the_second_failure_is_not_left_for_asyncio_to_complain_of() -> None:
    """A store that goes away fails both, in each lane: a traceback for each would bury what matters."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(str(said["message"])))

    async def fails(name: str, after: float) -> None:
        await asyncio.sleep(after)
        raise KeyError(name)

    with pytest.raises(KeyError, match="first"):
        await beside(fails("first", 0.01), fails("other", 0))
    gc.collect()

    assert complaints == []
