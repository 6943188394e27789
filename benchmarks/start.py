"""From starting the worker to its first request, with data of an earlier run; and what it imports for that."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.stage import Stage, Subject, sources, wait_for

TURNS = 5
_CHATS = re.compile(r"\| +(slack_bolt|slack_sdk|discord)$", re.MULTILINE)


def run() -> Iterator[Row]:
    """The quickest of some starts against bare aiohttp's, and against what is allowed."""
    with Stage() as stage:
        config = sources([stage.url("fogbell").format(n=0)], "30s")
        data = stage.folder / "data"
        _first_s(stage, "fogbell", stage.worker(config, data=data))
        ours, theirs = [], []
        for _ in range(TURNS):
            ours.append(_first_s(stage, "fogbell", stage.worker(config, data=data)))
            theirs.append(_first_s(stage, "bare", _bare(stage)))
        took, bare = min(ours) * 1e6, min(theirs) * 1e6  # the least disturbed ones
        yield Row(name="start to first poll, warm", ours=took, against="bare aiohttp", theirs=bare)
        yield Row(name="start to first poll, warm", ours=took, against="allowed", theirs=1.5e6, at_most=1)
        yield Row(
            name="  chat libraries imported, none configured", ours=_chats_imported(stage, config, data),
            against="none allowed", theirs=1, at_most=0, unit="",
        )  # fmt: skip


def _first_s(stage: Stage, who: str, subject: Subject) -> float:
    """Seconds from its start to its first request; it is stopped then."""
    stage.tell("forget")
    wait_for(lambda: bool(stage.log().asked.get(who)), 30, f"request of {who}")
    took = stage.log().asked[who][0][1] - subject.started_at
    subject.stop()
    return took


def _bare(stage: Stage) -> Subject:
    words = ["benchmarks.bare", stage.url("bare"), "--count", "1", "--every", "30"]
    return stage.start([sys.executable, "-m", *words])


def _chats_imported(stage: Stage, config: str, data: Path) -> int:
    """How many of the chats' libraries the worker has imported a second after its first poll."""
    worker = stage.worker(config, data=data, env={"PYTHONPROFILEIMPORTTIME": "1"})
    stage.tell("forget")
    wait_for(lambda: bool(stage.log().asked.get("fogbell")), 30, "request of fogbell")
    time.sleep(1)
    worker.stop()
    return len(set(_CHATS.findall(worker.said("stderr"))))
