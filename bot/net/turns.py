"""When a request may go: never more in any second than the budget allows, and never two to one host at the same instant.

Waiting here is not the server's fault, so no deadline runs meanwhile. Used by `sources.fetching`; one for the whole process.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

PER_SECOND = 200
HOST_GAP_S = 0.05
_HOSTS_MAX = 10_000  # names that redirects invent must not fill the memory


class Turns:
    """Turns for requests, first come first served. `per_second` bounds any second, `host_gap_s` lies between two to a host."""

    def __init__(
        self,
        per_second: int = PER_SECOND,
        *,
        host_gap_s: float = HOST_GAP_S,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap_s = host_gap_s
        self._now = now
        self._sleep = sleep
        self._sent: deque[float] = deque(maxlen=per_second)  # never falling, for all come here in order
        self._free_at: dict[str, float] = {}

    async def take(self, host: str | None) -> None:
        """Return when a request may go to `host`; None is a host that needs no gaps: this machine."""
        if host is not None and (wait := self._until_host(host)) > 0:
            await self._sleep(wait)
        if (wait := self._until_budget()) > 0:
            await self._sleep(wait)

    def _until_host(self, host: str) -> float:
        now = self._now()
        at = max(now, self._free_at.get(host, now))
        if len(self._free_at) >= _HOSTS_MAX:
            self._free_at = {name: free for name, free in self._free_at.items() if free > now}
        self._free_at[host] = at + self._gap_s
        return at - now

    def _until_budget(self) -> float:
        """The newest turn is a second behind the one that was taken as many turns ago as fit in a second."""
        now = self._now()
        is_full = len(self._sent) == self._sent.maxlen
        at = max(now, self._sent[0] + 1.0) if is_full else now
        self._sent.append(at)
        return at - now
