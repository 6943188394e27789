"""The cells of the fault matrix: what is said, what goes wrong meanwhile, and what people must be able to read in the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.observation import Observation
from bot.errors import StoreUnavailable
from tests.build import at, said, update
from tests.scenarios.matrix_chats import Read
from tests.scenarios.matrix_world import Died, Worker, World

WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
LAST = "zulu"
KINDS = ("headline", "update", "edit", "catch-up", "gathered")
JUMP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One case: `kind` is said while `fault` happens."""

    fault: str
    kind: str
    chat: str
    replicas: int

    @property
    def verb(self) -> str:
        """What the chat is asked for."""
        return "edit" if self.kind == "edit" else "post"

    def __str__(self) -> str:
        return f"{self.fault}, {self.kind}, {self.chat} x {self.replicas}"


def told(*words: str, name: str = "e1", title: str = "Trouble with widgets") -> Observation:
    """What the page says of an incident: an update for each word."""
    updates = tuple(update(f"{name}-{w}", n, f"The {w} part is broken.") for n, w in enumerate(words))
    return said(name, title=title, updates=updates, updated_at=at(len(words)))


def storm(*more: str) -> tuple[Observation, ...]:
    """Eight incidents at once; the first of them has more to say."""
    return tuple(
        told(word, *(more if word == WORDS[0] else ()), name=word, title=f"Trouble with {word}")
        for word in WORDS
    )


async def before(world: World, cell: Cell) -> None:
    """What was said before anything went wrong."""
    if cell.kind not in ("headline", "gathered"):
        await world.see(told(WORDS[0]))
        await world.calm()


async def now(world: World, cell: Cell) -> None:
    """The news that are said while it goes wrong."""
    match cell.kind:
        case "headline":
            await world.see(told(WORDS[0]))
        case "update":
            await world.see(told(*WORDS[:2]))
        case "edit":
            await world.see(told(WORDS[0], title="Trouble with gadgets"))
        case "catch-up":
            await world.see(told(*WORDS))
        case "gathered":
            await world.see(*storm())


async def afterwards(world: World, cell: Cell) -> None:
    """More news, when all is well again."""
    title = "Trouble with gadgets" if cell.kind == "edit" else "Trouble with widgets"
    if cell.kind == "gathered":
        await world.see(*storm(LAST))
    else:
        await world.see(told(*words_of(cell), title=title))
    await world.calm()


def words_of(cell: Cell) -> tuple[str, ...]:
    """The updates of the one incident, oldest first."""
    count = {"update": 2, "catch-up": len(WORDS)}.get(cell.kind, 1)
    return (*WORDS[:count], LAST)


# ---- faults -------------------------------------------------------------------------------------------------------------

Action = Callable[[Worker], Awaitable[None]]


async def dies(worker: Worker) -> None:
    """The worker is gone."""
    raise Died


async def store_is_gone(worker: Worker) -> None:
    """The store does not answer this once."""
    raise StoreUnavailable("the store does not answer")


async def another_takes_over(worker: Worker) -> None:
    """It took so long that the lease ran out, and another worker finished the work meanwhile."""
    world = worker.world
    await world.end_leases()
    other = next(w for w in (*world.others, *world.workers) if w is not worker)
    while await other.turn():
        pass


def clock_jumps(by: timedelta) -> Action:
    """The clock of the worker's host is set."""

    async def jump(worker: Worker) -> None:
        worker.clock.skew += by

    return jump


async def replica_stops_to_follow(worker: Worker) -> None:
    """What is written from now on will be lost with the master."""
    worker.world.held = await worker.world.snapshot()


async def headline_is_deleted(worker: Worker) -> None:
    """Somebody deletes the headline while something is said below it."""
    worker.world.delete(lambda text: True)


POINTS: dict[str, tuple[str, Action]] = {
    "crash before call": ("before {verb}", dies),
    "crash after call": ("after {verb}", dies),
    "lease lost before begin": ("before begin", another_takes_over),
    "lease lost before settle": ("before settle", another_takes_over),
    "store gone at claim": ("before claim", store_is_gone),
    "store gone at begin": ("before begin", store_is_gone),
    "store gone at settle": ("before settle", store_is_gone),
    "store gone at commit": ("after commit", store_is_gone),
    "store's reply lost at begin": ("after begin", store_is_gone),
    "store's reply lost at settle": ("after settle", store_is_gone),
    "clock 5 min ahead": ("before {verb}", clock_jumps(JUMP)),
    "clock 5 min behind": ("before {verb}", clock_jumps(-JUMP)),
}
OF_THE_CHAT = ("lost reply", "duplicate reply", "429", "500", "hang", "cut mid-body")
FAULTS = (*POINTS, *OF_THE_CHAT, "message deleted", "fail-over, begin lost", "fail-over, settle lost")


async def happen(world: World, cell: Cell) -> None:
    """The news are said, and it goes wrong."""
    match cell.fault:
        case "message deleted":
            await _deleted(world, cell)
        case "fail-over, begin lost":  # as without WAIT: the new master knows nothing of the message
            await now(world, cell)
            held = await world.snapshot()
            await world.calm()
            await world.fail_over(held)
        case "fail-over, settle lost":
            world.trap.point, world.trap.action = f"before {cell.verb}", replica_stops_to_follow
            await now(world, cell)
            await world.calm()
            await world.fail_over(world.held)
        case fault if fault in OF_THE_CHAT:
            world.side.fail_next(cell.verb, fault)
            await now(world, cell)
            await world.calm()
            assert not world.side.is_waiting(), "the fault was met"
        case fault:
            point, action = POINTS[fault]
            world.trap.point, world.trap.action = point.format(verb=cell.verb), action
            await now(world, cell)
    await world.calm()
    assert world.trap.sprung == (cell.fault in POINTS or bool(world.trap.point)), "it went wrong as planned"


async def _deleted(world: World, cell: Cell) -> None:
    if cell.kind in ("headline", "gathered"):
        await now(world, cell)
        await world.calm()
        world.delete(lambda text: True)
    else:
        world.trap.point, world.trap.action = f"before {cell.verb}", headline_is_deleted
        await now(world, cell)


# ---- what must be so in the end -----------------------------------------------------------------------------------------


def verdict(world: World, cell: Cell) -> list[str]:
    """What of the promise was not kept, in words."""
    reads = world.side.read()
    outcomes = {line["outcome"] for line in world.audit.lines if line.get("what") == "delivery"}
    wrong = ["it is marked maybe doubled, though the chat can be read"] if "maybe_doubled" in outcomes else []
    judge = _of_a_storm if cell.kind == "gathered" else _of_one
    return wrong + judge(world, cell, reads)


def _of_one(world: World, cell: Cell, reads: list[Read]) -> list[str]:
    words, wrong = words_of(cell), []
    heads = [m for m in reads if m.thread is None]
    replies = [sorted(_words(m.text), key=words.index) for m in reads if m.thread is not None]
    said = [w for found in replies for w in found]
    ever = {w for text in (*(m.ever for m in reads), *world.deleted) for w in _words(text)}
    # A headline that is posted again sums up what nobody was told before: the newest six updates.
    wanted = words[-6:] if (cell.fault, cell.kind) == ("message deleted", "catch-up") else words
    wrong += [f"{word} is lost" for word in wanted if word not in ever]
    wrong += [f"{word} is told {n} times" for word, n in Counter(said).items() if n > 1]
    if said != sorted(said, key=words.index):
        wrong.append(f"the order is {replies}")
    if WORDS[0] in said:
        wrong.append("the first word is told twice")
    if len(heads) != 1:
        wrong.append(f"there are {len(heads)} headlines")
    if heads and LAST not in heads[0].text:
        wrong.append(f"the headline is stale: {heads[0].text}")
    if cell.kind == "edit" and heads and "gadgets" not in heads[0].text:
        wrong.append("the headline is not edited")
    if sum(len(found) > 1 for found in replies) > 1:
        wrong.append("it caught up more than once")
    return wrong


def _of_a_storm(world: World, cell: Cell, reads: list[Read]) -> list[str]:
    """Each incident is told in one message, together or alone; the one with news has a headline of its own as well."""
    tops = [m for m in reads if m.thread is None]
    alone = Counter(t for m in tops for t in _titles(m.text) if len(_titles(m.text)) == 1)
    together = Counter(t for m in tops for t in _titles(m.text) if len(_titles(m.text)) > 1)
    gone = {t for text in world.deleted for t in _titles(text)}
    wrong = []
    for word in WORDS:
        if word not in gone and not alone[word] + together[word]:
            wrong.append(f"{word} is lost")
        most = 1 if word != WORDS[0] else 2
        if alone[word] > 1 or together[word] > 1 or alone[word] + together[word] > most:
            wrong.append(f"{word} is told alone {alone[word]} times, together {together[word]} times")
    heads = [m for m in tops if _titles(m.text) == {WORDS[0]}]
    if len(heads) != 1 or LAST not in heads[0].text:
        wrong.append(f"its news are told so: {[m.text for m in heads]}")
    said = [w for m in reads if m.thread is not None for w in _words(m.text)]
    if said not in ([], [LAST]):
        wrong.append(f"the replies are {said}")
    return wrong


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"The (\w+) part is broken", text)))


def _titles(text: str) -> set[str]:
    """Which incidents it is about; Slack shows a title twice, once for those who do not see."""
    return set(re.findall(r"Trouble with (\w+)", text))
