"""Two workers and one ledger: whoever commits second reads again, and nothing is lost or made twice."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from bot.domain.decide import Decision
from bot.domain.incident import Incident, Ledger
from bot.errors import Conflict, NotFound
from bot.pipeline import ingest as module
from bot.pipeline.ingest import Ingest
from bot.pipeline.wake import Wake
from bot.store.redis import Functions, RedisIncidents
from tests.build import RULES, at, said, sighting
from tests.fakes.store_fakes import FakeClock


class Late(RedisIncidents):
    """A store in which somebody else is always faster by one commit, `times` times."""

    def __init__(self, functions: Functions, other: Ingest, times: int) -> None:
        super().__init__(functions)
        self._other = other
        self.left = times

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        if self.left:
            self.left -= 1
            await self._other.sighting(sighting(0, said("e1"), said(f"other-{self.left}")))
        return await super().commit(ledger, decision, now)


def ingest(incidents: RedisIncidents, changed: asyncio.Event | None = None) -> Ingest:
    return Ingest(incidents, RULES, FakeClock(at(0)), changed or Wake())


async def test_whoever_finds_a_newer_ledger_decides_again_on_it(functions: Functions) -> None:
    other = ingest(RedisIncidents(functions))
    late = ingest(Late(functions, other, times=2))

    written = await late.sighting(sighting(1, said("e1"), said("e2")))

    ledger = await RedisIncidents(functions).read("acme")
    keys = sorted(key for incident in ledger.incidents.values() for key in incident.keys)
    assert keys == ["e1", "e2", "other-0", "other-1"]
    assert [incident.keys for incident in written if incident.revision == 1] == [("e2",)]


async def test_a_ledger_that_never_stands_still_is_given_up_with_a_conflict(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 3)  # the pauses between ten of them take seconds
    late = ingest(Late(functions, ingest(RedisIncidents(functions)), times=99))

    with pytest.raises(Conflict, match="3 commits in a row"):
        await late.sighting(sighting(1, said("e2")))


async def test_what_changes_nothing_wakes_nobody(functions: Functions) -> None:
    changed = Wake()
    desk = ingest(RedisIncidents(functions), changed)

    await desk.sighting(sighting(0, said()))
    was_woken = changed.is_set()
    changed.clear()
    again = await desk.sighting(sighting(1, said()))

    assert (was_woken, again, changed.is_set()) == (True, (), False)


async def test_the_first_who_takes_an_incident_on_stays(functions: Functions) -> None:
    desk = ingest(RedisIncidents(functions))
    (incident,) = await desk.sighting(sighting(0, said()))

    await desk.acknowledge(incident.id, "Ann")
    after = await desk.acknowledge(incident.id, "Bob")

    assert after.acknowledged is not None
    assert (after.acknowledged.by, after.revision) == ("Ann", 2)


async def test_an_incident_that_does_not_exist_cannot_be_taken_on(functions: Functions) -> None:
    with pytest.raises(NotFound, match="INC-7"):
        await ingest(RedisIncidents(functions)).acknowledge("INC-7", "Ann")
