"""Decide and commit with fifty open incidents at the provider, against redis-benchmark sending the same script.

The words that redis-benchmark sends are those of a real commit, but for a new ledger each time: the script refuses a second
commit on one revision. Then replicas on one provider, each a process that has news without end.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

import redis.asyncio as aioredis
import uvloop

from benchmarks.decide import OPEN_INCIDENTS, RULES, sighting_at
from benchmarks.delivery.pages import text
from benchmarks.delivery.stand import Stand, Store
from benchmarks.measure import Row
from benchmarks.stage import SUBJECT_CORE, WINDOW_S, WORLD_CORE, NotHereError
from bot import telemetry
from bot.clock import SystemClock
from bot.domain.decide import Decision, decide
from bot.domain.incident import Ledger
from bot.domain.observation import Sighting
from bot.errors import Conflict
from bot.pipeline.ingest import COURTESY_S, Ingest
from bot.pipeline.wake import Wake
from bot.store import keys
from bot.store.functions import library
from bot.store.redis import Functions, RedisIncidents, connect

ROUNDS = 3
SECONDS = 1.0
AT_ONCE = 32
LIMITS = {1: 1 / 0.5, AT_ONCE: 1 / 0.3}
CALLS = {1: 4_000, AT_ONCE: 12_000}  # of redis-benchmark in a round; each leaves a ledger
REPLICAS = 4
LEAST_SHARE = 0.15
_PER_SECOND = re.compile(r"([\d.]+) requests per second")


class Recording(Functions):
    """Functions that remember the last words sent, and what each ledger's last commit gave."""

    def __init__(self, client: aioredis.Redis) -> None:
        super().__init__(client)
        self.last: tuple[str, list[str]] = ("", [])
        self.revisions: dict[str, int] = {}

    async def call_durably(self, name: str, keys_: Sequence[str], *args: Any) -> Any:
        """What the script gives."""
        self.last = (name, [*map(_plain, (len(keys_), *keys_, *args))])
        answer = await super().call_durably(name, keys_, *args)
        self.revisions[keys_[0]] = int(answer)
        return answer


def run() -> Iterator[Row | str]:
    """One at a time, many in flight, and replicas."""
    if not shutil.which("redis-benchmark"):
        raise NotHereError("redis-benchmark: not installed: apt install redis-tools")
    with Stand() as stand:
        store = Store(stand)
        for at_once in (1, AT_ONCE):
            yield from _against(store, at_once)
        yield from _replicas(stand, store)


def _against(store: Store, at_once: int) -> Iterator[Row | str]:
    """Microseconds of the wall for a commit, in interleaved rounds."""
    commits, wholes, theirs = [], [], []
    for _ in range(ROUNDS):
        each, whole, words = uvloop.run(_commits(store.socket.as_posix(), at_once))
        commits.append(each)
        wholes.append(whole)
        theirs.append(_benchmarked(store, words, at_once))
    yield Row(
        name=f"a commit, {OPEN_INCIDENTS} open, {at_once} in flight", ours=median(commits),
        against="redis-benchmark, same script", theirs=median(theirs), at_most=LIMITS[at_once],
    )  # fmt: skip
    rates = f"{1e6 / median(commits):,.0f} a second against {1e6 / median(theirs):,.0f}"
    yield f"  {rates}; with reading the ledger and deciding {1e6 / median(wholes):,.0f}"


async def _commits(socket: str, at_once: int) -> tuple[float, float, list[str]]:
    """Microseconds for a commit, for read, decide and commit together, and the words of the last commit."""
    client = connect(f"unix://{socket}")
    functions = Recording(client)
    await functions.load()
    incidents = RedisIncidents(functions)
    names = [f"acme{n}" for n in range(at_once)]
    await _seeded(incidents, names)
    end = time.perf_counter() + SECONDS / 2
    began, counts = time.perf_counter(), await asyncio.gather(*(_whole(incidents, n, end) for n in names))
    whole = (time.perf_counter() - began) / sum(counts) * 1e6
    ready = [[await _decided(incidents, name, 10_000 + k) for k in range(2)] for name in names]
    end = time.perf_counter() + SECONDS
    began = time.perf_counter()
    counts = await asyncio.gather(*(_again(incidents, functions, two, end) for two in ready))
    each = (time.perf_counter() - began) / sum(counts) * 1e6
    await client.aclose()
    name, words = functions.last
    return each, whole, [f"{name}_{library()[0]}", *words]


async def _whole(incidents: RedisIncidents, name: str, end: float) -> int:
    """Read, decide and commit until `end`; gives how often."""
    count = 0
    while time.perf_counter() < end:
        ledger, decision = await _decided(incidents, name, count)
        await incidents.commit(ledger, decision, datetime.now(UTC))
        count += 1
    return count


async def _again(
    incidents: RedisIncidents, functions: Recording, ready: Sequence[tuple[Ledger, Decision]], end: float
) -> int:
    """Commit one and the other decision in turns until `end`, each on the revision before; gives how often."""
    count, ledger = 0, ready[0][0]
    while time.perf_counter() < end:
        await incidents.commit(ledger, ready[count % 2][1], datetime.now(UTC))
        ledger = replace(ledger, revision=functions.revisions[keys.ledger(ledger.provider)])
        count += 1
    return count


async def _seeded(incidents: RedisIncidents, names: Sequence[str]) -> None:
    for name in names:
        ledger = await incidents.read(name)
        decision = decide(ledger, _page(name, 0), RULES)
        if decision is not None:
            await incidents.commit(ledger, decision, datetime.now(UTC))


async def _decided(incidents: RedisIncidents, name: str, count: int) -> tuple[Ledger, Decision]:
    ledger = await incidents.read(name)
    decision = decide(ledger, _news(name, count), RULES)
    if decision is None:
        raise AssertionError("an edited update must change its incident")
    return ledger, decision


@cache
def _page(name: str, minute: int) -> Sighting:
    """What a provider's page says, made once: making it is not what is measured."""
    seen = sighting_at(minute)
    said = tuple(replace(one, provider=name, places=()) for one in seen.observations)
    return replace(seen, provider=name, source=name, observations=said)


def _news(name: str, count: int, of: int = 0) -> Sighting:
    """One more update, the same each time but for its text: what is written does not grow from commit to commit."""
    seen = _page(name, 1)
    said = list(seen.observations)
    before, last = said[of].updates[:-1], said[of].updates[-1]
    said[of] = replace(said[of], updates=(*before, replace(last, text=text("commit", count) * 3)))
    return replace(seen, observations=tuple(said), seen_at=seen.seen_at + timedelta(seconds=count))


def _benchmarked(store: Store, words: Sequence[str], at_once: int) -> float:
    """Microseconds for a call, by redis-benchmark in a database of its own, which is emptied."""
    function, count, _, *rest = words
    keys_, args = rest[: int(count) - 1], rest[int(count) - 1 :]
    call = [function, count, "fogbell:{s00}:ledger:__rand_int__", *keys_, "0", *args[1:]]
    about = [
        "-s",
        str(store.socket),
        "--dbnum",
        "1",
        "-r",
        "1000000000",
        "-n",
        str(CALLS[at_once]),
        "-c",
        str(at_once),
    ]
    said = subprocess.run(
        ["redis-benchmark", *about, "FCALL", *call],
        capture_output=True,
        text=True,
        check=True,
        errors="replace",
    ).stdout
    found = _PER_SECOND.search(said) or re.search(r"throughput summary: ([\d.]+)", said)
    if found is None or "rror" in said:
        raise RuntimeError(f"redis-benchmark said {said[-300:]!r}")
    subprocess.run(
        ["redis-cli", "-s", str(store.socket), "-n", "1", "FLUSHDB"], capture_output=True, check=True
    )
    return 1e6 / float(found[1])


def _replicas(stand: Stand, store: Store) -> Iterator[Row | str]:
    """What each of some replicas gets done when all have news of one provider."""
    seconds = min(4.0, WINDOW_S)
    words = [sys.executable, "-m", "benchmarks.delivery.commit", str(store.socket), str(seconds)]
    cores = (WORLD_CORE, SUBJECT_CORE)
    started = [stand.start([*words, str(n)], core=cores[n % 2]) for n in range(REPLICAS)]
    for one in started:
        one.process.wait(60)
    found = [json.loads(one.said() or "{}") for one in started]
    if not all(found):
        raise RuntimeError(started[0].said("stderr")[-500:])
    commits, conflicts = sum(f["commits"] for f in found), sum(f["conflicts"] for f in found)
    share = min(f["commits"] for f in found) / max(commits, 1)
    yield Row(
        name=f"{REPLICAS} replicas, one provider: least share wanted", ours=LEAST_SHARE * 100, against="had",
        theirs=share * 100, at_most=1, unit="%",
    )  # fmt: skip
    yield (
        f"  {commits / seconds:,.0f} commits a second in all, {conflicts / max(commits, 1):.2f} conflicts for each, "
        f"{sum(f['given_up'] for f in found)} given up"
    )


async def _replica(socket: str, seconds: float, number: int) -> None:
    """One replica: as many sightings as it can take in."""
    client = connect(f"unix://{socket}")
    functions = Functions(client)
    await functions.load()
    ingest = Ingest(RedisIncidents(functions), RULES, SystemClock(), Wake(), courtesy_s=COURTESY_S)
    commits = given_up = count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        count += 1
        seen = replace(_news("acme0", count * REPLICAS + number, of=number), seen_at=datetime.now(UTC))
        try:
            commits += bool(await ingest.sighting(seen))
        except Conflict:
            given_up += 1
    await client.aclose()
    conflicts = telemetry.CONFLICTS._value.get()  # the library has no public way
    print(json.dumps({"commits": commits, "conflicts": conflicts, "given_up": given_up}))


def _plain(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        telemetry.set_up_logging("text", 50)
        uvloop.run(_replica(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
    else:
        for line in run():
            print(line)
