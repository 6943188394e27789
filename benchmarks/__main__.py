"""Runs the benchmarks and prints one table. Which ones: those named on the command line, else all."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable

from benchmarks import burst, decide, holes, parse, policy, polling, scale, start
from benchmarks.delivery import commit, deliver, failover, kills, limits, restart, storm
from benchmarks.measure import Row
from benchmarks.stage import NotHereError

# A benchmark gives rows, and between them words about what could not be measured here.
BENCHMARKS: dict[str, Callable[[], Iterable[Row | str]]] = {
    "parse": parse.run,
    "decide": decide.run,
    "policy": policy.run,
    "start": start.run,
    "polling": polling.run,
    "burst": burst.run,
    "holes": holes.run,
    "many": scale.many,
    "sustained": scale.sustained,
    "deliver": deliver.run,
    "storm": storm.run,
    "limits": limits.run,
    "commit": commit.run,
    "kills": kills.run,
    "failover": failover.run,
    "restart": restart.run,
}


def main(names: list[str]) -> int:
    """Print the table; 1 when a row misses its limit, 2 when a name is unknown."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    start = time.perf_counter()
    about = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{about}; what each line says: docs/performance.md\n")
    print(f"{'what':<50} {'ours':>11}   {'against':<34} {'theirs':>11}   {'ratio':>7}   limit")
    missed = sum(_print(name, BENCHMARKS[name]) for name in names or BENCHMARKS)
    took = time.perf_counter() - start
    print(f"\n{took:.0f} s in all; ratio: ours / theirs, below 1 is faster; {missed} over their limit")
    return 1 if missed else 0


def _print(name: str, benchmark: Callable[[], Iterable[Row | str]]) -> int:
    """Print a benchmark's rows; gives how many missed their limit. One that breaks is one missed, and the next goes on."""
    missed = 0
    try:
        for row in benchmark():
            print(_line(row) if isinstance(row, Row) else row, flush=True)
            missed += isinstance(row, Row) and row.is_missed
    except NotHereError as exc:
        print(f"{name}: {exc}", flush=True)
    except (OSError, RuntimeError) as exc:
        print(f"{name}: broke: {exc}", flush=True)
        missed += 1
    return missed


def _line(row: Row) -> str:
    times = f"{_figure(row.ours, row.unit):>11}   {row.against:<34} {_figure(row.theirs, row.unit):>11}"
    return f"{row.name:<50} {times}   {row.ratio:>7.3f}   {_limit(row)}".rstrip()


def _limit(row: Row) -> str:
    if row.at_most is None:
        return ""
    return f"{row.at_most:.3f} {'MISSED' if row.is_missed else 'ok'}"


def _figure(value: float, unit: str) -> str:
    if unit == "µs" and value >= 1000:
        value, unit = value / 1000, "ms"
    return f"{value:,.{1 if value >= 100 else 2}f} {unit}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
