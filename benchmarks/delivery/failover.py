"""The store's master dies under a Sentinel that calls it down after a second: how long until news are told again.

A page writes every quarter of a second all the while. What counts is the first message that tells of something written after
the kill.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.delivery import pages
from benchmarks.delivery.kills import PATIENCE_S, audit
from benchmarks.delivery.limits import count_row
from benchmarks.delivery.stand import (
    TOKEN,
    Stand,
    Store,
    free_port,
    is_up,
    route,
    says_pong,
    until_quiet,
    until_told,
)
from benchmarks.measure import Row
from benchmarks.stage import NotHereError, wait_for

PAGES = 12
EVERY_S = 0.1
BEFORE_S, AFTER_S = 4.0, 10.0
SENTINELS = 3


def run() -> Iterator[Row | str]:
    """Seconds from the kill to the first news, and what became of all others."""
    if not shutil.which("redis-sentinel"):
        raise NotHereError("redis-sentinel: not installed: apt install redis-sentinel")
    with Stand() as stand:
        master = Store(stand)
        replica = Store(stand, "--replicaof", f"127.0.0.1 {master.port}", "--repl-diskless-sync-delay", "0")
        sentinels = [_sentinel(stand, master.port) for _ in range(SENTINELS)]
        address = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in sentinels)}/main/0"
        routes = "".join(route(n, f"C{n:05}", f'{{ provider = "over{n}" }}') for n in range(PAGES))
        config = f'[store]\nurl = "{address}"\n' + stand.slack() + stand.sources("over", PAGES, "1s") + routes
        port = free_port()
        time.sleep(2)  # until the sentinels know of each other and of the replica
        worker = stand.worker(config, env=TOKEN, port=port)
        wait_for(lambda: is_up(port, worker), 30, "worker")
        wait_for(lambda: stand.order("asked", who="over") >= PAGES, 30, "poll of each page")
        yield from _over(stand, master, replica)


def _sentinel(stand: Stand, master: int) -> int:
    port = free_port()
    path = stand.folder / f"sentinel-{port}.conf"
    path.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {stand.folder}\nsentinel monitor main 127.0.0.1 {master} 2\n"
        "sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 10000\n"
    )
    subject = stand.start(["redis-sentinel", str(path)])
    wait_for(lambda: subject.is_well() and says_pong(port), 20, "sentinel")
    return port


def _over(stand: Stand, master: Store, replica: Store) -> Iterator[Row | str]:
    written: dict[str, list[str]] = defaultdict(list)
    at: dict[str, float] = {}
    began, killed_at, number = time.monotonic(), 0.0, 0
    while time.monotonic() < began + BEFORE_S + AFTER_S:
        page = number % PAGES
        mark = pages.mark(f"o{page}", number)
        written[f"C{page:05}"].append(mark)
        at[mark] = time.monotonic()
        stand.order("write", who="over", news=[(page, f"over{page}i", pages.text(f"o{page}", number))])
        number += 1
        time.sleep(EVERY_S)
        if not killed_at and time.monotonic() > began + BEFORE_S:
            killed_at = time.monotonic()
            master.kill()
    until_told(stand, at, PATIENCE_S)
    words = until_quiet(stand, 2, 10)
    told = stand.told()
    first = min((when for mark, when in told.items() if at.get(mark, 0) > killed_at), default=float("inf"))
    yield Row(
        name="master killed, Sentinel: until news are told again", ours=(first - killed_at) * 1e6,
        against="allowed", theirs=5e6, at_most=1,
    )  # fmt: skip
    found = audit(words, written)
    yield count_row(f"  {number} updates around it: lost", found.lost, 0)
    yield count_row("  doubled", found.doubled, 0)
    yield count_row("  out of order", found.disordered, 0)


if __name__ == "__main__":
    for line in run():
        print(line)
