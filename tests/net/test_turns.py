"""The budget of requests and the gap between two to one host, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import net
from bot.net.turns import Turns
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import SourceSpec
from tests.fakes.wire import WireServer, good


class Hours:
    """A clock on which sleeping takes no time: whoever sleeps wakes when all who wake earlier have run."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        woken = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + seconds, self._count, woken))
        await woken

    async def run(self, *work: asyncio.Task[None]) -> None:
        while not all(task.done() for task in work):
            await asyncio.sleep(0)
            if self._waiting and not any(w[2].done() for w in self._waiting):
                self._waiting.sort(key=lambda w: w[:2])
                at, _, woken = self._waiting.pop(0)
                self.now = max(self.now, at)
                woken.set_result(None)


async def times_of(
    hosts: list[str | None], *, per_second: int, gap_s: float, starts: list[float] | None = None
) -> list[float]:
    hours, seen = Hours(), list[float]()
    turns = Turns(per_second, host_gap_s=gap_s, now=hours.time, sleep=hours.sleep)

    async def ask(host: str | None, start: float) -> None:
        if start:
            await hours.sleep(start)
        await turns.take(host)
        seen.append(hours.now)

    due = starts or [0.0] * len(hosts)
    await hours.run(*(asyncio.create_task(ask(h, s)) for h, s in zip(hosts, due, strict=True)))
    return [at - 1000.0 for at in seen]


def busiest_second(times: list[float]) -> int:
    ordered = sorted(times)
    return max(bisect_left(ordered, at + 1.0 - 1e-9) - n for n, at in enumerate(ordered))


async def test_no_second_ever_holds_more_requests_than_the_budget() -> None:
    times = await times_of([f"h{n}" for n in range(1000)], per_second=200, gap_s=0)

    assert busiest_second(times) == 200
    assert max(times) == pytest.approx(4.0)  # and none is wasted


@given(
    starts=st.lists(st.floats(min_value=0.001, max_value=5), min_size=1, max_size=80),
    per_second=st.integers(min_value=1, max_value=20),
)
def test_whenever_requests_come_the_budget_holds(starts: list[float], per_second: int) -> None:
    hosts: list[str | None] = [f"h{n % 3}" for n in range(len(starts))]

    times = asyncio.run(times_of(hosts, per_second=per_second, gap_s=0.05, starts=starts))

    assert busiest_second(times) <= per_second
    assert len(times) == len(starts)


async def test_a_hundred_sources_on_one_host_are_spread_and_another_host_does_not_wait_for_them() -> None:
    crowd: list[str | None] = ["a.example"] * 100
    times = await times_of([*crowd, "b.example", None], per_second=200, gap_s=0.05)

    assert sorted(times)[:3] == [0.0, 0.0, 0.0]
    assert max(times) == pytest.approx(99 * 0.05)


async def test_this_machine_gets_no_gaps() -> None:
    assert max(await times_of([None] * 100, per_second=200, gap_s=0.05)) == 0.0


async def test_names_that_redirects_invent_do_not_fill_the_memory() -> None:
    turns = Turns(10**6, host_gap_s=0.0)
    for n in range(25_000):
        await turns.take(f"h{n}.example")

    assert len(turns._free_at) <= 10_001


async def test_waiting_for_a_turn_does_not_count_as_the_servers_slowness() -> None:
    async with WireServer(good) as server, net.open_session() as session:
        fetcher = Fetcher(session, total_s=0.5, turns=Turns(1))
        spec = SourceSpec(name="acme", provider="acme", url=server.url())
        both = [fetcher.fetch(spec, Marks(), datetime(2026, 11, 1, tzinfo=UTC)) for _ in range(2)]

        assert None not in await asyncio.gather(*both)
