"""A row of the table, and how small things are measured: two in turns, in CPU time, so that a busy machine disturbs both alike.

Whole processes are measured by `stage`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
ROUND_SECONDS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what of ours against what else, in `unit`; `at_most` is the ratio that must hold.

    A limit that is no comparison is one with what is allowed: "50 ms allowed".
    """

    name: str
    ours: float
    against: str
    theirs: float
    at_most: float | None = None
    unit: str = "µs"

    @property
    def ratio(self) -> float:
        """Above 1: ours takes that many times as much."""
        return self.ours / self.theirs

    @property
    def is_missed(self) -> bool:
        """True when a limit was set and does not hold."""
        return self.at_most is not None and not self.ratio <= self.at_most  # nan is missed too


def compare(
    name: str,
    ours: Callable[[], object],
    against: str,
    theirs: Callable[[], object],
    *,
    at_most: float | None = None,
) -> Row:
    """Median CPU time of one call of each, measured in turns."""
    both = (ours, theirs)
    loops = [_loops(call) for call in both]
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for _ in range(ROUNDS):
        for call, count, seen in zip(both, loops, times, strict=True):
            seen.append(_seconds(call, count) / count)
    ours_us, theirs_us = (statistics.median(seen) * 1e6 for seen in times)
    return Row(name=name, ours=ours_us, against=against, theirs=theirs_us, at_most=at_most)


def _loops(call: Callable[[], object]) -> int:
    """How often a call fits into a round; it also warms up what it calls."""
    call()
    once = max(_seconds(call, 1), 1e-7)
    return max(1, int(ROUND_SECONDS / once))


def _seconds(call: Callable[[], object], count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        call()
    return time.process_time() - start
