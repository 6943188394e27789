"""The real clock. The demo's fast one is in `bot.demo.clock`; tests bring their own. `wiring` chooses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """A `ports.Clock` that tells the machine's time."""

    def now(self) -> datetime:
        """The present: aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of real time; at once when that is not positive."""
        await asyncio.sleep(max(0.0, seconds))
