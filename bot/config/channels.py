"""The models of [[route]], [[calendar]] and [[channel]]: who hears of what, when and how. All other tables are in `models`."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from bot.config.fields import (
    Channel,
    LeastImpact,
    LeastSeverity,
    Listed,
    Name,
    Names,
    Something,
    TimeZone,
)
from bot.config.speaking import (
    Days,
    Language,
    Mentions,
    SeverityFloor,
    SeverityKey,
    Spans,
    Tiers,
    WallClock,
    WallClocks,
)
from bot.config.table import Table
from bot.domain.words import Impact, Kind, Severity


class When(Table):
    """What a route speaks of; what is left out matches everything."""

    severity: LeastSeverity | None = None
    impact: Annotated[Impact, LeastImpact] | None = None
    provider: Annotated[Names, Something] = ()
    component: Annotated[Names, Something] = ()
    region: Annotated[Names, Something] = ()
    service: Annotated[Names, Something] = ()
    tier: Tiers = ()
    kind: Annotated[tuple[Kind, ...], Listed, Something] = ()


class RouteTable(Table):
    """[[route]]: which incidents go to which groups, how loudly, and who is called."""

    when: When = When()
    unless: When | None = None
    to: Annotated[Names, Field(min_length=1)]
    digest: bool = False
    stop: bool = False
    mention: dict[SeverityKey, Mentions] = Field(default_factory=dict)


class SpanTable(Table):
    """Part of a week, by the wall clock: without times whole days, without days every day."""

    days: Days = frozenset(range(7))
    start: WallClock = Field(default=time(0), alias="from")
    end: WallClock = Field(default=time(0), alias="to")


class CalendarTable(Table):
    """[[calendar]]: spans with a name, for several channels."""

    name: Name
    spans: Annotated[tuple[SpanTable, ...], Spans, Field(min_length=1)]


class QuietTable(SpanTable):
    """One span of quiet, or the name of a calendar."""

    calendar: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """A text stands for the calendar of that name."""
        return {"calendar": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.calendar is not None and self.model_fields_set != {"calendar"}:
            raise ValueError("has a calendar and times of its own: write two entries")
        return self


class ChannelTable(Table):
    """[[channel]]: how one channel wants to be spoken to."""

    id: Channel
    language: Language | None = None
    time_zone: TimeZone | None = None
    quiet: Annotated[tuple[QuietTable, ...], Spans] = ()
    speaks_from: SeverityFloor = Severity.SEV1
    digest_at: WallClocks = (time(9),)
    posts_per_hour: int | None = Field(default=None, ge=1)
    mentions_per_hour: int = Field(default=6, ge=0)
    pins: bool = True
