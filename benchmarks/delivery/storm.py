"""Five hundred incidents in one push, to a chat that knows no limits, beside Alertmanager with as many alerts in one request.

Alertmanager is told to send a message for each alert. We gather: what waits together becomes one message of up to twenty
incidents. So what is compared is how soon people can read of each, not how many messages are sent in a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.delivery import pages
from benchmarks.delivery.stand import TOKEN, Peer, Stand, free_port, is_up, pushed, route
from benchmarks.measure import Row
from benchmarks.stage import NotHereError, percentile, wait_for

INCIDENTS = 500
ROUNDS = 5
WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What became of one: when each incident was told, after it began; how many messages that took."""

    took: Sequence[float]
    messages: int

    @property
    def each_us(self) -> float:
        """Microseconds for each incident, endless when one is missing."""
        return max(self.took) / INCIDENTS * 1e6 if len(self.took) == INCIDENTS else float("inf")

    @property
    def p99_us(self) -> float:
        """The time within which 99 of 100 were told."""
        return percentile(self.took, 0.99) * 1e6


def run() -> Iterator[Row | str]:
    """Medians of interleaved rounds."""
    with Stand() as stand:
        port = free_port()
        config = stand.slack() + "".join(pushed(f"storm{n}") for n in range(ROUNDS + 1)) + route(0, "C00000")
        worker = stand.worker(config, env=TOKEN, module="benchmarks.delivery.unpaced", port=port)
        wait_for(lambda: is_up(port, worker), 30, "worker")
        peer, missing = _peer(stand)
        ours, theirs = [], []
        for n in range(ROUNDS + 1):
            ours.append(_burst(stand, _pushing(stand, port, n), f"us{n}"))
            if peer:
                theirs.append(_burst(stand, peer.fire, f"am{n}"))
        yield from _rows(ours[1:], theirs[1:])  # the first of each warms up
        if missing:
            yield missing


def is_critical(n: int, parts: int) -> bool:
    """Of which impact one of `incidents` is: one in ten of each part."""
    return n // parts % 10 == 0


def incidents(tag: str, count: int, *, parts: int = 1, has_criticals: bool = False) -> bytes:
    """A page's body with so many open incidents of its parts in turns, each with one update."""
    at, found = pages.stamp(), []
    for n in range(count):
        mark = pages.mark(tag, n)
        impact = "critical" if has_criticals and is_critical(n, parts) else "major"
        found.append(
            pages.incident(
                tag,
                f"{tag}i{n}",
                f"{mark} fails",
                [(pages.text(tag, n), at)],
                impact=impact,
                part=f"Part {n % parts}",
            )
        )
    return pages.summary(tag, found)


def _pushing(stand: Stand, port: int, n: int) -> Callable[[Sequence[str]], None]:
    def push(marks: Sequence[str]) -> None:
        tag = marks[0].split("-")[1]
        stand.push(port, f"storm{n}", incidents(tag, len(marks)))

    return push


def _burst(stand: Stand, send: Callable[[Sequence[str]], None], tag: str) -> Burst:
    """Send one, and wait until all was told."""
    marks = [pages.mark(tag, n) for n in range(INCIDENTS)]
    stand.order("forget")
    began = time.monotonic()
    send(marks)
    while len(told := stand.told()) < INCIDENTS and time.monotonic() < began + WITHIN_S:
        time.sleep(0.05)
    took = [told[mark] - began for mark in marks if mark in told]
    return Burst(took=took, messages=sum(word.is_message for word in stand.words()))


def _peer(stand: Stand) -> tuple[Peer | None, str]:
    try:
        return stand.alertmanager("am"), ""
    except NotHereError as exc:
        return None, f"  {exc}"


def _rows(ours: Sequence[Burst], theirs: Sequence[Burst]) -> Iterator[Row | str]:
    name, messages = f"{INCIDENTS} incidents in one push", median(b.messages for b in ours)
    for what, figure in (("time for each", "each_us"), ("p99", "p99_us")):
        mine = median(getattr(b, figure) for b in ours)
        if theirs:
            yield Row(
                name=f"{name}: {what}", ours=mine, against="Alertmanager, a message each",
                theirs=median(getattr(b, figure) for b in theirs), at_most=1,
            )  # fmt: skip
        else:
            yield Row(
                name=f"{name}: {what}",
                ours=mine,
                against="allowed",
                theirs=1_000 if "each" in what else 400_000,
            )
    rates = [1e6 / median(b.each_us for b in bursts) for bursts in (ours, theirs) if bursts]
    yield f"  told a second: {' against '.join(f'{rate:,.0f}' for rate in rates)}; ours in {messages:.0f} messages of up to 20"


if __name__ == "__main__":
    for line in run():
        print(line)
