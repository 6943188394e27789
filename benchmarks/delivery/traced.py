"""The worker with a stop-watch at each of its stages: `python -m benchmarks.delivery.traced run --config FILE`.

When it is stopped it leaves in the file BENCH_TRACE spans of [stage, begin, end, what came of it] on the machine's
monotonic clock, and the times at which something was sent to the store.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.asyncio.connection import AbstractConnection

from benchmarks.delivery.unpaced import start
from bot.chats.slack.client import SlackChat
from bot.pipeline import ingest, watch
from bot.sources.fetching.fetch import Fetcher
from bot.store.desk import RedisSilences
from bot.store.outbox import RedisOutbox
from bot.store.redis import RedisIncidents
from bot.store.sharing import RedisLimiter
from bot.wiring import Options

SPANS: list[tuple[str, float, float, str]] = []
SENT: list[float] = []
STAGES: list[tuple[str, Any, str]] = [
    ("fetch", Fetcher, "fetch"),
    ("read", RedisIncidents, "read"),
    ("commit", RedisIncidents, "commit"),
    ("claim", RedisOutbox, "claim"),
    ("silences", RedisSilences, "active"),
    ("turn", RedisLimiter, "take"),
    ("begin", RedisOutbox, "begin"),
    ("post", SlackChat, "post"),
    ("settle", RedisOutbox, "settle"),
]


def _awaited(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        result = await call(*args, **kwargs)
        SPANS.append((stage, began, time.monotonic(), "nothing" if result == [] else "much"))
        return result

    return timed


def _called(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        result = call(*args, **kwargs)
        SPANS.append((stage, began, time.monotonic(), "much"))
        return result

    return timed


def _counted(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    async def counted(*args: Any, **kwargs: Any) -> Any:
        SENT.append(time.monotonic())
        return await call(*args, **kwargs)

    return counted


def main() -> None:
    """Run until stopped, and write down what was seen."""
    for stage, owner, name in STAGES:
        setattr(owner, name, _awaited(stage, getattr(owner, name)))
    watch.sighting_of = _called("parse", watch.sighting_of)
    ingest.decide = _called("decide", ingest.decide)  # type: ignore[attr-defined]
    AbstractConnection.send_packed_command = _counted(AbstractConnection.send_packed_command)  # type: ignore[method-assign]
    try:
        start(Options())
    finally:
        Path(os.environ["BENCH_TRACE"]).write_text(json.dumps({"spans": SPANS, "sent": SENT}))


if __name__ == "__main__":
    main()
