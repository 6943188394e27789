"""Channels that take one message a second and answer 429 to more: thirty incidents at once for one, five hundred for ten.

Alertmanager stands beside with its default intervals, a message for each alert: it takes a 429 for the last word.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.delivery import pages
from benchmarks.delivery.stand import (
    TOKEN,
    Peer,
    Stand,
    Word,
    free_port,
    is_up,
    pushed,
    route,
    until_quiet,
)
from benchmarks.delivery.storm import incidents, is_critical
from benchmarks.measure import Row
from benchmarks.stage import WINDOW_S, NotHereError, wait_for

ONE, MANY, CHANNELS = 30, 500, 10
PEER_S = min(20.0, WINDOW_S)  # it waits for five minutes before it tries again


def run() -> Iterator[Row | str]:
    """How long, in how many messages, and what was refused; in the order of importance, and nothing lost."""
    with Stand() as stand:
        stand.order("rules", is_strict=True)
        port = free_port()
        routes = route(0, "C00000", '{ provider = "one" }') + "".join(
            route(n + 1, f"C{n + 1:05}", f'{{ provider = "many", component = "Part {n}" }}')
            for n in range(CHANNELS)
        )
        config = stand.slack() + pushed("one") + pushed("many") + routes
        worker = stand.worker(config, env=TOKEN, port=port)
        wait_for(lambda: is_up(port, worker), 30, "worker")
        peer_began, missing = _fired(stand)
        yield from _one(stand, port)
        yield from _many(stand, port)
        yield missing or _of_peer(stand, peer_began)


def _fired(stand: Stand) -> tuple[float, str]:
    try:
        peer: Peer = stand.alertmanager("am")
    except NotHereError as exc:
        return 0.0, f"  {exc}"
    began = time.monotonic()
    peer.fire(pages.mark("am", n) for n in range(ONE))
    return began, ""


def _of_peer(stand: Stand, began: float) -> str:
    """What the other one has told by the end of its time."""
    time.sleep(max(0.0, began + PEER_S - time.monotonic()))
    words = [word for word in stand.words() if word.verb == "hook"]
    told = {mark for word in words if word.is_message for mark in word.marks}
    refused = sum(word.status == 429 for word in words)
    return (
        f"  Alertmanager with its default intervals: {len(told)} of {ONE} alerts told within {PEER_S:.0f} s, "
        f"{len(words)} messages tried, {refused} of them refused"
    )


def _pushed(stand: Stand, port: int, source: str, body: bytes, quiet_s: float) -> tuple[float, list[Word]]:
    began = time.monotonic()
    stand.push(port, source, body)
    time.sleep(1.0)
    words = until_quiet(stand, quiet_s, 30)
    return began, [word for word in words if word.verb != "hook" and word.at >= began]


def _one(stand: Stand, port: int) -> Iterator[Row]:
    began, words = _pushed(stand, port, "one", incidents("one", ONE), 3)
    told = _first(words)
    took = max(told.values(), default=began) - began if len(told) == ONE else float("inf")
    name = f"{ONE} incidents, one channel of 1 message a second"
    yield Row(name=f"{name}: all", ours=took * 1e6, against="allowed", theirs=3e6, at_most=1)
    yield count_row("  messages", sum(word.is_message for word in words), 3)
    yield count_row("  refused by 429", sum(word.status == 429 for word in words), 0)


def _many(stand: Stand, port: int) -> Iterator[Row]:
    body = incidents("many", MANY, parts=CHANNELS, has_criticals=True)
    began, words = _pushed(stand, port, "many", body, 4)
    told = _first(words)
    took = max(told.values(), default=began) - began if len(told) == MANY else float("inf")
    name = f"{MANY} incidents, {CHANNELS} such channels"
    yield Row(name=f"{name}: all", ours=took * 1e6, against="allowed", theirs=5e6, at_most=1)
    yield count_row("  messages", sum(word.is_message for word in words), MANY / 5)
    yield count_row("  lost", MANY - len(told), 0)
    yield count_row("  criticals told after others", late_criticals(words), 0)
    yield count_row("  refused by 429", sum(word.status == 429 for word in words), 0)


def late_criticals(words: Sequence[Word]) -> int:
    """How many criticals their channel was told in a later message than one without any."""
    late, seen_others = 0, set()
    for word in sorted((w for w in words if w.is_message), key=lambda w: w.at):
        criticals = [m for m in word.marks if is_critical(int(m.rpartition("-")[2]), CHANNELS)]
        if word.channel in seen_others:
            late += len(criticals)
        if len(criticals) < len(word.marks):
            seen_others.add(word.channel)
    return late


def _first(words: Sequence[Word]) -> dict[str, float]:
    """When each mark was first told."""
    told: dict[str, float] = {}
    for word in words:
        if word.is_message:
            for mark in word.marks:
                told[mark] = min(word.at, told.get(mark, word.at))
    return told


def count_row(name: str, found: float, allowed: float) -> Row:
    """A row of a number that may not be exceeded; of none, the ratio is the number itself."""
    if not allowed:
        return Row(name=name, ours=found, against="none allowed", theirs=1, at_most=0, unit="")
    return Row(name=name, ours=found, against="allowed", theirs=allowed, at_most=1, unit="")


if __name__ == "__main__":
    for line in run():
        print(line)
