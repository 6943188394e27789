"""The closed vocabularies: statuses, impacts, severities, kinds, roles.

Every one is ordered or complete on purpose, so that `match` can be exhaustive. Provider words are turned into these by
`bot.sources.reading.vocabulary`; what a provider says that we do not know becomes the worst plausible word there.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What a record is: something that broke, something that was announced, or something that we cannot see."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    BLINDNESS = "blindness"


class Status(StrEnum):
    """Where an incident stands, in Statuspage's words; `suspected` is for what only our own signals say."""

    SUSPECTED = "suspected"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """True when nothing is going on any more."""
        return self in _OVER

    @property
    def words(self) -> str:
        """The status as people read it: "in progress"."""
        return self.value.replace("_", " ")


_OVER = frozenset({Status.RESOLVED, Status.POSTMORTEM, Status.COMPLETED, Status.CANCELLED})


class Impact(StrEnum):
    """What the provider says about the weight of it; `rank` orders them."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for none up to 4 for critical."""
        return _RANKS[self]


_RANKS = {impact: rank for rank, impact in enumerate(Impact)}


class Severity(IntEnum):
    """What it means for us: SEV1 is the worst. Computed from the affected services."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4

    @property
    def words(self) -> str:
        """ "SEV2"."""
        return self.name


class Role(IntEnum):
    """What a person may do; each role includes the ones below it."""

    VIEWER = 1
    RESPONDER = 2
    APPROVER = 3
    ADMIN = 4
