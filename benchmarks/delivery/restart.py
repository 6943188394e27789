"""A worker with a thousand sources and two hundred open incidents dies and is started again: how long until it tells news.

The news were written while it was away. Its store starts with it, libraries are imported, sources are looked at one by one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.delivery import pages
from benchmarks.delivery.kills import Victim
from benchmarks.delivery.stand import Stand, is_up, route
from benchmarks.measure import Row
from benchmarks.stage import wait_for

SOURCES, OPEN, CHANNELS = 1000, 200, 20
TURNS = 3


def run() -> Iterator[Row | str]:
    """The median of some starts."""
    with Stand() as stand:
        routes = "".join(route(n, f"C{n:05}", f"{{ provider = {_providers(n)} }}") for n in range(CHANNELS))
        _write(stand, 0)
        victim = Victim.start(stand, stand.slack() + stand.sources("back", SOURCES, "30s") + routes)
        wait_for(lambda: stand.order("asked", who="back") >= SOURCES, 90, "poll of each page", look_s=0.5)
        wait_for(lambda: len(stand.told()) >= OPEN, 30, "word of each incident", look_s=0.5)
        took = []
        for turn in range(1, TURNS + 1):
            victim.kill()
            _write(stand, turn)
            stand.order("forget")
            began = time.monotonic()
            victim.again()
            took.append(_first_news(stand, turn) - began)
            wait_for(lambda: is_up(victim.port, victim.subject), 30, "worker")
        yield Row(
            name=f"restart, {SOURCES:,} sources, {OPEN} open: first news", ours=sorted(took)[TURNS // 2] * 1e6,
            against="allowed", theirs=3e6, at_most=1,
        )  # fmt: skip


def _first_news(stand: Stand, turn: int) -> float:
    """When the first of this turn's news was told."""

    def told() -> list[float]:
        return [at for mark, at in stand.told().items() if mark.startswith(f"zz-r{turn}x-")]

    wait_for(lambda: bool(told()), 30, "news", look_s=0.02)
    return min(told())


def _write(stand: Stand, turn: int) -> None:
    """Every page with an incident has news."""
    news = [(n, f"back{n}i", pages.text(f"r{turn}x", n + turn * OPEN)) for n in range(OPEN)]
    stand.order("write", who="back", news=news)


def _providers(channel: int) -> list[str]:
    """Those whose news go to a channel."""
    return [f"back{n}" for n in range(SOURCES) if n % CHANNELS == channel]


if __name__ == "__main__":
    for line in run():
        print(line)
