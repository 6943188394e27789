"""`make soak`: a storm on three workers, a store that fails over, and two chats; then the auditor counts.

The last line holds the counts; status 0 only when all are 0. The seed is printed: `SOAK_SEED=n` tells the same story again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.soak.audit import Verdict, audit
from tests.soak.chaos import Chaos
from tests.soak.story import Story
from tests.soak.town import Town, town

PAGES = 6
SETTLE_SECONDS = 480.0  # after the storm: edits of many headlines take their time at Slack's pace
CALM_SHARE = 0.85  # of the time there is trouble; then only the story goes on


async def main() -> int:
    """Storm, calm, audit."""
    seconds = float(os.environ.get("SOAK_SECONDS", "600"))
    seed = int(os.environ.get("SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
    workers = int(os.environ.get("SOAK_WORKERS", "3"))
    print(f"soak: seed {seed}, {seconds:.0f} s, {workers} workers; again with SOAK_SEED={seed}", flush=True)
    story, began = Story(seed, PAGES), time.monotonic()

    def say(words: str) -> None:
        print(f"  {time.monotonic() - began:7.1f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory(prefix="fogbell-soak-") as name:
        async with town(Path(name), story, workers) as there:
            chaos = Chaos(there, seed, say)
            trouble = asyncio.create_task(chaos.run())
            await _tell(there, story, began, seconds, trouble)
            say(f"calm: {sum(len(e.updates) for e in story.events)} updates of {len(story.events)} incidents")
            verdicts = await _settle(there, story, say)
            _report(there, story, chaos.done, verdicts)
            counts = _counts(verdicts)
            if any(counts.values()):
                _keep(Path(name))
    print(json.dumps({"seed": seed, "seconds": round(seconds), **counts}), flush=True)
    return int(any(counts.values()))


async def _tell(there: Town, story: Story, began: float, seconds: float, trouble: asyncio.Task[None]) -> None:
    """The story goes on to its end; the trouble stops a little before, and what it left broken is mended."""
    while (elapsed := time.monotonic() - began) < seconds:
        there.publish(story.turn(elapsed))
        if trouble.done() and not trouble.cancelled():
            trouble.result()
        for number in there.died():
            raise RuntimeError(f"worker {number} ended by itself; see its err.txt")
        await asyncio.sleep(0.2)
        if elapsed > seconds * CALM_SHARE and not trouble.done():
            trouble.cancel()
            await asyncio.gather(trouble, return_exceptions=True)
            await there.mend()
    story.end()
    there.publish(story.pages)


async def _settle(there: Town, story: Story, say: object) -> dict[str, Verdict]:
    """Wait until the auditor has nothing to say, or for long."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        verdicts = {channel: audit(story, channel, posts) for channel, posts in there.posts().items()}
        if not any(_counts(verdicts).values()) or time.monotonic() > until:
            return verdicts
        await asyncio.sleep(1)


def _counts(verdicts: dict[str, Verdict]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for verdict in verdicts.values():
        total.update(verdict.counts)
    return {name: total[name] for name in Verdict().counts}


def _report(there: Town, story: Story, done: Counter[str], verdicts: dict[str, Verdict]) -> None:
    print("troubles: " + ", ".join(f"{count} x {name}" for name, count in sorted(done.items())))
    for channel, posts in there.posts().items():
        gathered = sum(p.is_gathered for p in posts)
        print(f"{channel}: {len(posts)} messages, {gathered} of them for many incidents")
    for verdict in verdicts.values():
        for kind, faults in (
            ("lost", verdict.lost), ("doubled", verdict.doubled),
            ("wrong order", verdict.disordered), ("stale", verdict.stale),
        ):  # fmt: skip
            for fault in faults[:20]:
                print(f"  {kind}: {fault}")


def _keep(folder: Path) -> None:
    """The workers' words, for whoever looks for the reason."""
    kept = Path(tempfile.mkdtemp(prefix="fogbell-soak-kept-"))
    for path in folder.glob("worker-*/*.txt"):
        (kept / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    print(f"what the workers said is kept in {kept}")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
