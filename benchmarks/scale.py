"""More pages, and sooner: five thousand at the usual pace, and fifteen hundred polls a second on one core."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import scrape
from benchmarks.measure import Row
from benchmarks.stage import WINDOW_S, Seen, Stage, Subject, all_asked, sources, watch

MANY, MANY_EVERY_S = 5000, 30
FAST, FAST_EVERY_S = 3000, 2
LEAST_SHARE = 0.97  # of the polls that the pace promises; what ends within the window is not what began in it


def many() -> Iterator[Row]:
    """What 5,000 pages every 30 s take of a core."""
    with Stage() as stage:
        worker = _worker(stage, MANY, MANY_EVERY_S)
        late = scrape.buckets(worker, scrape.LATENESS)
        seen = watch(stage, {"fogbell": worker}, WINDOW_S * 2 / 3)
        yield _core(f"{MANY:,} pages @{MANY_EVERY_S} s: of one core", seen, allowed=25)
        yield _lateness(late, scrape.buckets(worker, scrape.LATENESS))
        rss = worker.rss_mib()
        yield Row(name="  resident", ours=rss, against="5 x that of 1,000 pages", theirs=5 * 220, unit="MiB")


def sustained() -> Iterator[Row]:
    """Whether 1,500 polls a second are made, by how much of a core, and whether they come later and later."""
    with Stage() as stage:
        worker = _worker(stage, FAST, FAST_EVERY_S)
        first = watch(stage, {"fogbell": worker}, WINDOW_S / 2)
        late = scrape.buckets(worker, scrape.LATENESS)
        second = watch(stage, {"fogbell": worker}, WINDOW_S / 2)
        later = scrape.buckets(worker, scrape.LATENESS)
    wanted, made, earlier = FAST / FAST_EVERY_S, _per_second(second), _per_second(first)
    name = f"{FAST:,} pages @{FAST_EVERY_S} s: polls wanted"
    yield Row(name=name, ours=wanted, against="made", theirs=made, at_most=1 / LEAST_SHARE, unit="/s")
    yield Row(
        name="  made before", ours=earlier, against="made at the end", theirs=made, at_most=1.03, unit="/s"
    )
    poll = second.cpu_us("fogbell")
    yield Row(
        name="  CPU of a poll", ours=poll, against="a core's, shared by 1,500", theirs=1e6 / wanted, at_most=1
    )
    yield _lateness(late, later)


def _worker(stage: Stage, pages: int, every_s: int) -> Subject:
    """A worker that has looked at each of its pages."""
    urls = (stage.url("fogbell").format(n=n) for n in range(pages))
    worker = stage.worker(sources(urls, f"{every_s}s"), about="requests_per_second = 10000")
    all_asked(stage, "fogbell", worker, pages)
    return worker


def _core(name: str, seen: Seen, *, allowed: float) -> Row:
    share = seen.cpu_s["fogbell"] / seen.seconds * 100
    return Row(name=name, ours=share, against="allowed", theirs=allowed, at_most=1, unit="%")


def _lateness(before: scrape.Buckets, after: scrape.Buckets) -> Row:
    p99 = scrape.p99_us(before, after)
    return Row(name="  lateness p99, at most", ours=p99, against="allowed", theirs=50_000, at_most=1)


def _per_second(seen: Seen) -> float:
    return len(seen.log.asked["fogbell"]) / seen.seconds
