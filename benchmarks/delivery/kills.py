"""kill -9 of the worker and of its store, in turns, while forty pages write; then what the chat holds is held against what was
written: lost, doubled, out of order.

Then the worker and Alertmanager are each given five hundred incidents in three requests, a slow chat, and a kill -9 right
after each yes. Alertmanager keeps alerts in memory: whoever sends them must send them again.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.delivery import pages
from benchmarks.delivery.limits import count_row
from benchmarks.delivery.stand import (
    ALERTMANAGER,
    TOKEN,
    Stand,
    Store,
    Word,
    free_port,
    is_up,
    pushed,
    route,
    until_quiet,
    until_told,
)
from benchmarks.delivery.storm import incidents
from benchmarks.measure import Row
from benchmarks.stage import NotHereError, Subject, wait_for

PAGES = 40
UPDATES = 9  # of each page
KILLS = 6  # of each, worker and store
APART_S = 1.8
SLOW_S = 0.05
BURSTS, OF_ALL = 3, 500
VERY_SLOW_S, KILLED_AFTER_S = 0.3, 0.05
CHANNELS = 10
SEED = 7
PATIENCE_S = 90.0  # what was not told by then counts as lost


@dataclass(slots=True, kw_only=True)
class Victim:
    """A worker that is started again as it was."""

    stand: Stand
    config: str
    data: Path
    port: int
    subject: Subject

    @classmethod
    def start(cls, stand: Stand, config: str) -> Victim:
        """Return when it serves its page."""
        data, port = stand.folder / f"data-{free_port()}", free_port()
        subject = stand.worker(config, env=TOKEN, data=data, port=port)
        wait_for(lambda: is_up(port, subject), 30, "worker")
        return cls(stand=stand, config=config, data=data, port=port, subject=subject)

    def kill(self) -> None:
        """kill -9, and gone."""
        self.subject.process.kill()
        self.subject.process.wait()

    def again(self) -> None:
        """Start it again; returns at once."""
        self.subject = self.stand.worker(self.config, env=TOKEN, data=self.data, port=self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an auditor finds in the channels."""

    lost: int
    doubled: int
    disordered: int


def run() -> Iterator[Row | str]:
    """The three counts, and those of both after their bursts."""
    with Stand() as stand:
        yield from _under_load(stand)
    with Stand() as stand:
        stand.order("rules", delay_s=VERY_SLOW_S)
        yield from _bursts_of_ours(stand)
        yield from _bursts_of_theirs(stand)


def _under_load(stand: Stand) -> Iterator[Row | str]:
    stand.order("rules", delay_s=SLOW_S)
    store = Store(stand)
    routes = "".join(route(n, f"C{n:05}", f'{{ provider = "kill{n}" }}') for n in range(PAGES))
    address = f'[store]\nurl = "{store.url}"\n'
    victim = Victim.start(stand, address + stand.slack() + stand.sources("kill", PAGES, "1s") + routes)
    wait_for(lambda: stand.order("asked", who="kill") >= PAGES, 30, "poll of each page", look_s=0.2)
    written = _written_amid_kills(stand, victim, store)
    ended = time.monotonic()
    wanted = {mark for marks in written.values() for mark in marks}
    until_told(stand, wanted, PATIENCE_S)
    words = until_quiet(stand, 2, 10)
    found = audit(words, written)
    name = f"{KILLS} kills each of worker and store, {len(wanted)} updates"
    yield count_row(f"{name}: lost", found.lost, 0)
    yield count_row("  doubled", found.doubled, 0)
    yield count_row("  out of order", found.disordered, 0)
    told = stand.told()
    late = max((told.get(mark, float("inf")) for mark in wanted), default=0.0) - ended
    yield f"  all was told {late:.1f} s after the last kill, in {sum(w.is_message for w in words)} messages"


def _written_amid_kills(stand: Stand, victim: Victim, store: Store) -> dict[str, list[str]]:
    """Let pages write while things die; gives the marks of each channel in the order they were written."""
    dice = random.Random(SEED)
    turns = [n for n in range(PAGES) for _ in range(UPDATES)]
    dice.shuffle(turns)
    written: dict[str, list[str]] = defaultdict(list)
    seconds = 2 * KILLS * APART_S
    began = time.monotonic()
    kills = 0
    for number, page in enumerate(turns):
        at = began + seconds * number / len(turns)
        time.sleep(max(0.0, at - time.monotonic()))
        written[f"C{page:05}"].append(pages.mark(f"k{page}", number))
        stand.order("write", who="kill", news=[(page, f"kill{page}i", pages.text(f"k{page}", number))])
        if time.monotonic() > began + (kills + 0.5) * APART_S:
            _kill(victim, store, kills)
            kills += 1
    while kills < 2 * KILLS:
        _kill(victim, store, kills)
        kills += 1
        time.sleep(APART_S)
    return written


def _kill(victim: Victim, store: Store, number: int) -> None:
    if number % 2:
        store.kill()
        store.start()
    else:
        victim.kill()
        victim.again()


def audit(words: Sequence[Word], written: dict[str, list[str]]) -> Verdict:
    """Hold what the channels were told against what was written, each in its order."""
    lost = doubled = disordered = 0
    for channel, wanted in written.items():
        messages = [w for w in sorted(words, key=lambda w: w.at) if w.channel == channel and w.is_message]
        told = [mark for word in messages for mark in word.marks]
        shown = set(told) | {m for w in words if w.channel == channel and w.verb == "edit" for m in w.marks}
        lost += len(set(wanted) - shown)
        keys = [word.key for word in messages if word.key]
        doubled += len(told) - len(set(told)) + len(keys) - len(set(keys))
        places = [[wanted.index(m) for m in word.marks if m in wanted] for word in messages]
        places = [place for place in places if place]
        disordered += sum(max(a) > min(b) for a, b in pairwise(places))
    return Verdict(lost=lost, doubled=doubled, disordered=disordered)


def _bursts_of_ours(stand: Stand) -> Iterator[Row | str]:
    routes = "".join(route(n, f"C{n:05}", f'{{ component = "Part {n}" }}') for n in range(CHANNELS))
    store = Store(stand)
    config = (
        f'[store]\nurl = "{store.url}"\n'
        + stand.slack()
        + "".join(pushed(f"burst{n}") for n in range(BURSTS))
        + routes
    )
    victim = Victim.start(stand, config)

    def send(number: int, count: int) -> list[str]:
        tag = f"b{number}"
        stand.push(victim.port, f"burst{number}", incidents(tag, count, parts=CHANNELS))
        return [pages.mark(tag, n) for n in range(count)]

    def restart() -> None:
        victim.kill()
        victim.again()
        wait_for(lambda: is_up(victim.port, victim.subject), 30, "worker")

    yield from _bursts(stand, "ours", send, restart, is_held=True)


def _bursts_of_theirs(stand: Stand) -> Iterator[Row | str]:
    try:
        peer = stand.alertmanager("am")
    except NotHereError as exc:
        yield f"  {exc}"
        return

    def send(number: int, count: int) -> list[str]:
        marks = [pages.mark(f"am{number}", n) for n in range(count)]
        peer.fire(marks)
        return marks

    def restart() -> None:
        nonlocal peer
        peer.subject.process.kill()
        peer.subject.process.wait()
        peer = stand.alertmanager("am", port=peer.port, folder=peer.folder)

    yield from _bursts(stand, ALERTMANAGER, send, restart, is_held=False)


def _bursts(
    stand: Stand,
    who: str,
    send: Callable[[int, int], list[str]],
    restart: Callable[[], None],
    *,
    is_held: bool,
) -> Iterator[Row | str]:
    stand.order("forget")
    accepted: list[str] = []
    for number in range(BURSTS):
        accepted += send(number, OF_ALL // BURSTS + (number < OF_ALL % BURSTS))
        time.sleep(KILLED_AFTER_S)
        restart()
    if is_held:
        until_told(stand, accepted, PATIENCE_S)
    words = until_quiet(stand, 5, 40)
    told = [mark for word in words if word.is_message for mark in word.marks]
    lost, doubled = len(set(accepted) - set(told)), len(told) - len(set(told))
    name = f"{len(accepted)} accepted, {BURSTS} kills, slow chat"
    if is_held:
        yield count_row(f"{name}: lost", lost, 0)
        yield count_row("  doubled", doubled, 0)
    else:
        yield f"  {who}, the same: {lost} of {len(accepted)} lost, {doubled} doubled"


if __name__ == "__main__":
    for line in run():
        print(line)
