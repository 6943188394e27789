"""A clock that runs a day in minutes: the demo's implementation of `ports.Clock`."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta


class FastClock:
    """Starts at `start` when it is made and runs `speed` times as fast as the machine's clock."""

    def __init__(self, start: datetime, speed: float) -> None:
        if start.tzinfo is None or speed <= 0:
            raise ValueError(f"FastClock needs an aware start and a speed above 0, not {start} and {speed}")
        self._start = start
        self._speed = speed
        self._began = time.monotonic()

    def now(self) -> datetime:
        """The virtual present, in the zone of `start`."""
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of virtual time; at once when that is not positive."""
        await asyncio.sleep(max(0.0, seconds) / self._speed)
