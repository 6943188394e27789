"""An idle system and one news at a time: from the poll that meets it to the chat's yes, beside a straw man without guarantees.

The world writes the next news when a page is polled whose turn it is, and only after the last one was told: nothing waits for
a poll, for another message or for a channel's pace. The turns alternate, so that whatever disturbs one disturbs the other.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.delivery.stand import TOKEN, Stand, Store, route
from benchmarks.measure import Row
from benchmarks.stage import Subject, percentile, wait_for

PAGES = 24
EVENTS = 120  # of each
TRACED = 60
GAP_S = 0.03
AT_MOST = 3.0
STAGES = ("parse", "decide", "commit", "claim", "turn", "begin", "post")

Took = list[tuple[str, str, float, float]]
Span = tuple[str, float, float, str]


def run() -> Iterator[Row | str]:
    """Both percentiles against the straw man's, those of first words and further ones apart, and where the time goes."""
    with Stand() as stand:
        _all_polled(stand, "fogbell", _fogbell(stand, "fogbell"))
        _all_polled(stand, "straw", _straw(stand))
        yield from _rows(_dripped(stand, ["fogbell", "straw"], EVENTS))
        path = stand.folder / "trace.json"
        traced = _fogbell(stand, "traced", module="benchmarks.delivery.traced", trace=path)
        _all_polled(stand, "traced", traced)
        took = _dripped(stand, ["traced"], TRACED)
        traced.stop()
        yield from _where(took, path)


def _fogbell(stand: Stand, who: str, *, module: str = "bot", trace: Path | None = None) -> Subject:
    routes = "".join(
        route(n, f"C{who[0].upper()}{n:05}", f'{{ provider = "{who}{n}" }}') for n in range(PAGES)
    )
    config = stand.slack() + stand.sources(who, PAGES, "1s") + routes
    return stand.worker(config, env={**TOKEN, "BENCH_TRACE": str(trace)}, module=module)


def _straw(stand: Stand) -> Subject:
    url = stand.page("straw", 0).replace("/straw/0/", "/straw/{n}/")
    words = ["benchmarks.delivery.strawman", url, "--count", str(PAGES), "--every", "1"]
    api = f"http://127.0.0.1:{stand.ports['http']}/api/"
    return stand.start([sys.executable, "-m", *words, "--socket", str(Store(stand).socket), "--api", api])


def _all_polled(stand: Stand, who: str, subject: Subject) -> None:
    def ready() -> bool:
        return subject.is_well() and stand.order("asked", who=who) >= PAGES

    wait_for(ready, 60, f"polls of {who}", look_s=0.5)


def _dripped(stand: Stand, whose: Sequence[str], events: int) -> Took:
    stand.order("drip", whose=whose, events=events, gap=GAP_S)
    wait_for(lambda: stand.order("dripped")["left"] == 0, 60, "end of the news", look_s=0.5)
    return [tuple(row) for row in stand.order("dripped")["took"]]


def _rows(took: Took) -> Iterator[Row]:
    """The ratios of all, and of each kind of news."""
    for kind in ("", "incident", "update"):
        ours, theirs = (
            [(told - began) * 1e6 for one, what, began, told in took if one == who and kind in (what, "")]
            for who in ("fogbell", "straw")
        )
        what = {
            "": "one news, idle: poll to post",
            "incident": "  first words",
            "update": "  further updates",
        }[kind]
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            if kind and share > 0.5:
                continue
            yield Row(
                name=f"{what}, {name}", ours=percentile(ours, share), against="straw man without guarantees",
                theirs=percentile(theirs, share), at_most=None if kind else AT_MOST,
            )  # fmt: skip


def _where(took: Took, path: Path) -> Iterator[str]:
    """Where the time goes, stage by stage, and how often the store is asked."""
    seen = json.loads(path.read_text())
    each: dict[str, list[float]] = {}
    for _, _, began, told in took:
        for stage, spent in _stages(seen["spans"], began, told).items():
            each.setdefault(stage, []).append(spent * 1e3)
    trips = [sum(began <= at <= told for at in seen["sent"]) for _, _, began, told in took]
    shares = ", ".join(f"{stage} {statistics.median(spent):.2f}" for stage, spent in each.items())
    yield f"  where it goes, traced, median ms: {shares}"
    yield f"  asked of the store before the post: {statistics.median(trips):.0f} times"


def _stages(spans: Sequence[Span], began: float, told: float) -> dict[str, float]:
    """Seconds spent in each stage of one news; what is in none of them is `between`."""
    fetches = [end for stage, start, end, _ in spans if stage == "fetch" and start <= began <= end]
    spent = {"fetch": max(fetches, default=began) - began}
    at = began
    for wanted in STAGES:
        found = [
            (start, end)
            for stage, start, end, came in spans
            if stage == wanted and came == "much" and at < end and start < told
        ]
        if found:
            start, end = min(found)
            spent[wanted] = min(end, told) - max(start, at)
            at = end
    spent["between"] = told - began - sum(spent.values())
    return spent


if __name__ == "__main__":
    for line in run():
        print(line)
