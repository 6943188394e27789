"""Measures how late the event loop runs what is due: the one number that says whether something blocks it."""

from __future__ import annotations

import asyncio

from bot import telemetry

EVERY_SECONDS = 0.25


async def measure() -> None:
    """Measure until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        telemetry.LOOP_LAG.observe(max(0.0, loop.time() - due))
