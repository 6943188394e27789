"""Five hundred pages change in the same second: how long from the poll that sees it to the chat's yes, and does the loop stall.

Each page's news goes to a Slack channel of its own, so that Slack's limit of one message a second and channel holds up
nobody's first message. A poll starts here when its request reaches the server.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmarks import scrape
from benchmarks.measure import Row
from benchmarks.stage import Log, Stage, all_asked, percentile, sources, wait_for

PAGES = 500
EVERY_S = 30
_SLACK = '[chat.slack]\nbot_token = {{ env = "BENCH_TOKEN" }}\napi_url = "http://127.0.0.1:{port}/api/"\n'
_ROUTE = '[[group]]\nname = "g{n}"\nchannels = ["slack:C{n}"]\n[[route]]\nto = ["g{n}"]\nwhen = {{ provider = "s{n}" }}\n'


def run() -> Iterator[Row | str]:
    """The median and the slowest of a hundred, and the loop's lag meanwhile."""
    with Stage() as stage:
        pages = sources((stage.url("fogbell").format(n=n) for n in range(PAGES)), f"{EVERY_S}s")
        routes = "".join(_ROUTE.format(n=n) for n in range(PAGES))
        chat = _SLACK.format(port=stage.ports["chat"])
        worker = stage.worker(chat + pages + routes, env={"BENCH_TOKEN": "xoxb-bench"})
        all_asked(stage, "fogbell", worker, PAGES)
        lag = scrape.buckets(worker, scrape.LAG)
        stage.tell("forget")
        stage.tell("change")
        try:
            wait_for(lambda: len(stage.log().posts) >= PAGES, 2 * EVERY_S, "post of each page", look_s=1)
        except TimeoutError as exc:
            yield f"  {exc}: only {len(stage.log().posts)}"
        took = _took_us(stage.log())
        name = f"{PAGES} pages change at once: poll to post"
        yield Row(name=f"{name}, p50", ours=percentile(took, 0.5), against="allowed", theirs=50_000)
        yield Row(
            name=f"{name}, p99", ours=percentile(took, 0.99), against="allowed", theirs=50_000, at_most=1
        )
        p99 = scrape.p99_us(lag, scrape.buckets(worker, scrape.LAG))
        yield Row(name="  loop lag p99, at most", ours=p99, against="allowed", theirs=20_000, at_most=1)


def _took_us(log: Log) -> list[float]:
    """From the first request for each changed page to its first post; endless for what was never posted."""
    began: dict[int, float] = {}
    for page, at in log.asked["fogbell"]:
        began.setdefault(page, at)
    posted: dict[str, float] = {}
    for channel, at in log.posts:
        posted.setdefault(channel, at)
    return [(posted.get(f"C{n}", math.inf) - began.get(n, 0.0)) * 1e6 for n in range(PAGES)]
