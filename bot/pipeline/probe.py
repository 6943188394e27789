"""Running our own checks: one loop for each; hysteresis decides, and a change of mind becomes an Observation like any other."""

from __future__ import annotations

import random
from datetime import timedelta

import aiohttp

from bot import telemetry
from bot.domain.checks import Check, CheckState, as_observation, judge
from bot.domain.observation import SELF, Sighting
from bot.pipeline.ingest import Ingest
from bot.pipeline.pool import JITTER
from bot.ports import Clock, Leases
from bot.probes import PROBES
from bot.store.desk import Shelf
from bot.telemetry import Event, log

LEASE = timedelta(seconds=30)  # the least time after which another worker takes a check over


class Probe:
    """One check's loop."""

    def __init__(
        self,
        check: Check,
        session: aiohttp.ClientSession,
        ingest: Ingest,
        clock: Clock,
        states: Shelf[CheckState],
        leases: Leases,
    ) -> None:
        self.check = check
        self._session = session
        self._ingest = ingest
        self._clock = clock
        self._states = states
        self._leases = leases

    async def run(self) -> None:
        """Check, at its pace, until cancelled; of all workers one does."""
        every = self.check.every.total_seconds()
        lease = max(LEASE, 3 * self.check.every)
        while True:
            if await self._leases.hold(f"check:{self.check.name}", lease):
                await self.once()
            await self._clock.sleep(every * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - jitter, not a secret

    async def once(self) -> None:
        """One run. What it means is committed before the state is kept, so that a crash in between repeats it."""
        state = await self._states.get(self.check.name) or CheckState()
        result = await PROBES[self.check.kind](self.check, self._session, self._clock.now())
        after = judge(state, self.check, result)
        said = as_observation(self.check, after)
        if said is not None and after.is_failing != state.is_failing:
            await self._ingest.sighting(
                Sighting(
                    provider=SELF, source=f"check:{self.check.name}", seen_at=result.at, observations=(said,)
                )
            )
            log().warning(
                Event.CHECK_FLIPPED,
                check=self.check.name,
                is_failing=after.is_failing,
                detail=result.detail[:200],
            )
        await self._states.put(self.check.name, after)
        telemetry.CHECK_UP.labels(self.check.name).set(not after.is_failing)
