"""A fifth of the pages hang instead of failing, each in one of three ways: are the others looked at in time.

A third of them has names that DNS never answers for (this needs root: the worker gets a resolv.conf of its own), a third a host
that greets and says nothing, a third one that does not even greet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import pairwise

from benchmarks import scrape
from benchmarks.measure import Row
from benchmarks.stage import Log, Stage, all_asked, percentile, sources, watch

PAGES = 500
EVERY_S = 10
HOLES = 5  # one page in so many
JITTER = 0.1


def run() -> Iterator[Row | str]:
    """How late polls are, by the worker's own account and by the server's; and whether all were made."""
    kinds = ["greeting", "full"]
    with Stage() as stage:
        has_dns = os.geteuid() == 0 and shutil.which("unshare") is not None
        if has_dns:
            kinds.append("dns")
        else:
            yield "  names that DNS never answers for: left out, they need root and unshare"
        urls = [_url(stage, n, kinds) for n in range(PAGES)]
        worker = stage.worker(sources(urls, f"{EVERY_S}s"), is_without_dns=has_dns)
        reached = PAGES - PAGES // HOLES
        all_asked(stage, "fogbell", worker, reached)
        late = scrape.buckets(worker, scrape.LATENESS)
        seen = watch(stage, {"fogbell": worker})
        p99 = scrape.p99_us(late, scrape.buckets(worker, scrape.LATENESS))
    name = f"{PAGES} pages @{EVERY_S} s, a fifth hangs"
    yield Row(name=f"{name}: lateness p99, at most", ours=p99, against="allowed", theirs=50_000, at_most=1)
    over = percentile(_over_s(seen.log), 0.99) * 1e6
    yield Row(
        name="  the others: over the longest pace, p99",
        ours=over,
        against="allowed",
        theirs=50_000,
        at_most=1,
    )
    promised = reached * seen.seconds / EVERY_S
    made = len(seen.log.asked["fogbell"])
    yield Row(
        name="  the others: polls promised", ours=promised, against="made", theirs=made, at_most=1.03, unit=""
    )


def _url(stage: Stage, number: int, kinds: list[str]) -> str:
    """The page's address, or that of a hole."""
    if number % HOLES:
        return stage.url("fogbell").format(n=number)
    match kinds[number // HOLES % len(kinds)]:
        case "dns":
            return f"https://s{number}.bench.invalid/summary.json"
        case kind:
            return stage.url("fogbell", port=kind).format(n=number)


def _over_s(log: Log) -> list[float]:
    """By how much each gap between two polls of a page exceeds what pace and jitter allow."""
    times: dict[int, list[float]] = {}
    for page, at in log.asked["fogbell"]:
        times.setdefault(page, []).append(at)
    gaps = [later - before for asked in times.values() for before, later in pairwise(asked)]
    return [max(0.0, gap - EVERY_S * (1 + JITTER)) for gap in gaps]
