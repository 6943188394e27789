"""How the benchmarks measure: two things in turns, in CPU time, so that a busy machine disturbs both alike."""

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
    """One line of the table: what of ours, in microseconds, against what else."""

    name: str
    ours_us: float
    against: str
    theirs_us: float

    @property
    def ratio(self) -> float:
        """Above 1: ours takes that many times as long."""
        return self.ours_us / self.theirs_us


def compare(name: str, ours: Callable[[], object], against: str, theirs: Callable[[], object]) -> Row:
    """Median CPU time of one call of each, measured in turns."""
    both = (ours, theirs)
    loops = [_loops(call) for call in both]
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for _ in range(ROUNDS):
        for call, count, seen in zip(both, loops, times, strict=True):
            seen.append(_seconds(call, count) / count)
    ours_us, theirs_us = (statistics.median(seen) * 1e6 for seen in times)
    return Row(name=name, ours_us=ours_us, against=against, theirs_us=theirs_us)


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
