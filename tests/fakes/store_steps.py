"""The steps of a delivery as the store sees them, for tests of the store alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.conversation import Attempt, Step, StepKind
from bot.domain.decide import decide
from bot.domain.incident import Ledger
from bot.domain.observation import Observation
from bot.store.redis import RedisIncidents
from bot.telemetry import REGISTRY
from tests.build import RULES, at, said, sighting

LEASE = timedelta(seconds=30)


def attempt(key: str = "k") -> Attempt:
    """An intention to post a headline."""
    step = Step(kind=StepKind.HEADLINE, key=key, updates=("u1",), digest="d", revision=1, reason="why")
    return Attempt(step=step, at=at(0))


def unreplicated() -> float:
    """How many writes too few replicas had in time, so far."""
    return REGISTRY.get_sample_value("fogbell_store_unreplicated_total") or 0.0


async def committed(
    incidents: RedisIncidents, provider: str, *told: Observation, minutes: float = 0
) -> Ledger:
    """The provider's ledger after a look at its page; each of its incidents goes to one channel."""
    told = tuple(replace(one, provider=provider) for one in told or (said(),))
    seen = replace(sighting(minutes, *told, source=provider), provider=provider)
    ledger = await incidents.read(provider)
    decision = decide(ledger, seen, RULES)
    assert decision is not None
    await incidents.commit(ledger, decision, seen.seen_at)
    return await incidents.read(provider)
