"""One reading of a room for all who look there, by itself: a room is a list of times, and asking costs a page."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chats.reading import Page, Reading, Readings, Stretch, Told
from bot.errors import RateLimited

PAGE = 10


@dataclass
class Room:
    """Ours are those with even times, by the key of their time; `on_page` is called before each page is read."""

    times: list[int]
    pages: int = 0
    on_page: Callable[[], None] = field(default=lambda: None)

    async def ask(self, stretch: Stretch) -> Page:
        self.pages += 1
        await asyncio.sleep(0)
        self.on_page()
        until = float(stretch.cursor) if stretch.cursor else stretch.until or float("inf")
        asked = [t for t in sorted(self.times, reverse=True) if stretch.after < t < until]
        page = asked[:PAGE]
        return Page(
            ours=[Told(message=str(t), key=str(t), at=t) for t in page if t % 2 == 0],
            count=len(page),
            newest=max(page, default=0),
            oldest=min(page, default=0),
            cursor=str(page[-1]) if len(asked) > PAGE else "",
        )


def found(reading: Reading | None, key: int) -> bool | None:
    return None if reading is None else str(key) in reading.ours


async def test_what_makes_no_end_is_read_on_a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    room, readings = Room(list(range(1, 101))), Readings(most=30, margin=1)
    first = [found(await readings.look("r", key="2", since=0, ask=room.ask), 2) for _ in range(5)]
    pages = room.pages
    monkeypatch.setattr("bot.chats.reading.TOO_LONG_FOR_S", 0)
    for reading in readings._rooms.values():
        reading._too_long_until = 0

    then = found(await readings.look("r", key="2", since=0, ask=room.ask), 2)

    assert [None] * 5 == first
    assert then is True
    assert pages == 3 + 4  # each who asks again reads what is new


async def test_who_looks_less_far_back_than_makes_no_end_is_answered() -> None:
    room, readings = Room(list(range(1, 101))), Readings(most=30, margin=1)
    assert await readings.look("r", key="none", since=0, ask=room.ask) is None

    assert found(await readings.look("r", key="none", since=80, ask=room.ask), 99) is False


async def test_those_who_come_back_after_a_limit_share_the_page_that_it_allows() -> None:
    """Where one page is allowed at a time, one for each of them would never come to an end."""
    room, readings, loop = Room([2, 4]), Readings(most=30, margin=0), asyncio.get_running_loop()
    open_at = loop.time() + 0.1

    def one_page_each_while() -> None:
        nonlocal open_at
        if loop.time() < open_at:
            raise RateLimited("chat", "r", timedelta(seconds=open_at - loop.time()))
        open_at = loop.time() + 0.3

    room.on_page = one_page_each_while

    async def patiently() -> bool | None:
        while True:
            try:
                return found(await readings.look("r", key="none", since=0, ask=room.ask), 2)
            except RateLimited as exc:
                await asyncio.sleep(exc.after.total_seconds() + random.uniform(0, 0.1))

    assert await asyncio.gather(*(patiently() for _ in range(100))) == [True] * 100
    assert room.pages <= 5


async def test_a_reading_that_holds_too_much_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chats.reading.OURS_KEPT", 20)
    room, readings = Room(list(range(1, 101))), Readings(most=1_000, margin=0)
    await readings.look("r", key="none", since=0, ask=room.ask)

    reading = await readings.look("r", key="none", since=90, ask=room.ask)

    assert reading is not None
    assert len(reading.ours) == 5


@given(
    looks=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=12),
    new=st.integers(0, 25),
    failing=st.sets(st.integers(0, 20)),
)
def test_whoever_looks_and_whatever_fails_what_is_there_is_found(
    looks: list[tuple[int, int]], new: int, failing: set[int]
) -> None:
    """Messages come while it is read, calls fail, and each looks from another moment on."""
    room, readings = Room(list(range(1, 41))), Readings(most=10_000, margin=1)
    asked = 0

    def goes_on() -> None:
        nonlocal asked
        asked += 1
        if len(room.times) < 40 + new:
            room.times.append(len(room.times) + 1)
        if asked in failing:
            raise RateLimited("chat", "r", timedelta())

    room.on_page = goes_on

    async def look(since: int, key: int) -> None:
        key *= 2
        was_there = key in room.times
        while True:
            try:
                reading = await readings.look("r", key=str(key), since=since, ask=room.ask)
                break
            except RateLimited:
                was_there = key in room.times
        assert found(reading, key) or not was_there or key <= since

    async def all_look() -> None:
        await asyncio.gather(*(look(*each) for each in looks))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.chats.reading.GATHER_S", 0)
        asyncio.run(all_look())
