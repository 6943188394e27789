"""Runs the benchmarks and prints one table. Which ones: those named on the command line, else all."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Iterable

from benchmarks import decide, parse
from benchmarks.measure import Row

BENCHMARKS: dict[str, Callable[[], Iterable[Row]]] = {
    "parse": parse.run,
    "decide": decide.run,
}


def main(names: list[str]) -> int:
    """Print the table; 2 when a name is unknown."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    start = time.perf_counter()
    print(
        f"CPU time of one call, Python {platform.python_version()} on {platform.machine()}; medians, measured in turns\n"
    )
    print(f"{'what':<42} {'ours':>11}   {'against':<34} {'theirs':>11}   {'ratio':>7}")
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            print(_line(row), flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s in all; ratio: ours / theirs, below 1 is faster")
    return 0


def _line(row: Row) -> str:
    return f"{row.name:<42} {_time(row.ours_us):>11}   {row.against:<34} {_time(row.theirs_us):>11}   {row.ratio:>7.3f}"


def _time(us: float) -> str:
    return f"{us / 1000:,.2f} ms" if us >= 1000 else f"{us:,.1f} µs"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
