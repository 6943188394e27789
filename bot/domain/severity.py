"""What an incident means for us: the impact of the provider, weighed by the tier of our services that it hits."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.services import Affected
from bot.domain.words import Impact, Severity

# Impact against a tier-1 service. Each lower tier, a soft need and an uncertain hit weigh one step less.
_TIER_ONE = {
    Impact.CRITICAL: Severity.SEV1,
    Impact.MAJOR: Severity.SEV2,
    Impact.MINOR: Severity.SEV3,
    Impact.MAINTENANCE: Severity.SEV4,
    Impact.NONE: Severity.SEV4,
}


def grade(impact: Impact, hits: Iterable[Affected]) -> Severity | None:
    """The worst severity over the affected services, or None when no service of ours is hit."""
    grades = [_weigh(impact, hit) for hit in hits]
    return min(grades) if grades else None


def _weigh(impact: Impact, hit: Affected) -> Severity:
    steps = (hit.tier - 1) + hit.is_soft + (not hit.is_certain)
    return Severity(min(_TIER_ONE[impact] + steps, Severity.SEV4))
