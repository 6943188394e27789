"""Slack's rate limits, for a fake that enforces them: tiers by method and workspace, and one message a second and channel.

Figures: docs.slack.dev, rate limits (read 2026-11). "20+" is taken as 20: whoever counts on the plus is refused here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

PER_MINUTE = {
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "conversations.history": 50,
    "conversations.replies": 50,
    "pins.add": 20,
    "pins.remove": 20,
    "apps.connections.open": 10,  # Slack: 1+; a listener that begins anew asks twice in a minute, and is let in
}
POSTS_PER_SECOND = 1.0
POSTS_BURST = 2  # "short bursts are tolerated"


@dataclass(slots=True)
class _Bucket:
    """Tokens, and when they were last counted."""

    tokens: float
    at: float


class Tiers:
    """What each method and channel may still do. `refused` counts the calls that were too many, by method."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.refused: Counter[str] = Counter()
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, method: str, channel: str) -> int:
        """Zero when the call may be made now, else the seconds of Retry-After."""
        if method == "chat.postMessage":
            return self._take(method, f"{method}:{channel}", POSTS_PER_SECOND, POSTS_BURST)
        if per_minute := PER_MINUTE.get(method):
            return self._take(method, method, per_minute / 60, per_minute)
        return 0

    def _take(self, method: str, name: str, per_second: float, burst: float) -> int:
        now = self._now()
        bucket = self._buckets.setdefault(name, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0
        self.refused[method] += 1
        return math.ceil((1 - bucket.tokens) / per_second)
