"""One event of AWS Health as an observation: the words that EventBridge and the Health API share.

The arn names an event, for both and for the public list of current events, so their claims join. The text is always the
newest one, whole: a later `lastUpdatedTime` makes it a new update. Called by `eventbridge` and `health_api`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.observation import Observation, Place, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.formats.aws import HOME, component_of, region_of
from bot.sources.payload import Spec
from bot.sources.reading.text import ident, line, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note

RESOURCES_SHOWN_MAX = 10  # an event may name thousands of volumes
_PLANNED = "scheduledchange"
_IMPACTS = {
    "issue": Impact.MAJOR,
    "investigation": Impact.MINOR,
    "accountnotification": Impact.NONE,  # it announces; nothing is down
    _PLANNED: Impact.MAINTENANCE,
}
_STATES = {"open": Status.INVESTIGATING, "upcoming": Status.INVESTIGATING, "closed": Status.RESOLVED}
_PLANNED_STATES = {
    "open": Status.IN_PROGRESS,
    "upcoming": Status.SCHEDULED,
    "closed": Status.COMPLETED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvent:
    """An event with its parts found: `raw` is what AWS says of it, `region` its own word for where, `at` when it was told."""

    raw: Mapping[str, object]
    arn: str
    region: str
    text: str
    resources: tuple[str, ...]
    told_at: datetime | None
    seen_at: datetime


def observation(event: HealthEvent, format_name: str, spec: Spec) -> Observation:
    """The event as an observation. Raises ParseError for one without an arn."""
    raw = event.raw
    if not event.arn:
        raise ParseError(f'"{line(raw.get("eventTypeCode"), max_chars=60)}" has no arn')
    unknown: list[str] = []
    category = _folded(raw.get("eventTypeCategory"))
    kind = Kind.MAINTENANCE if category == _PLANNED else Kind.INCIDENT
    impact = _IMPACTS.get(category)
    if impact is None:
        note(unknown, "eventTypeCategory", raw.get("eventTypeCategory"))
    status = _status(raw, kind, event.seen_at, unknown)
    place = _place(event, spec.provider)
    updated_at = when(raw.get("lastUpdatedTime")) or event.told_at
    update = _update(event, updated_at, status)
    return Observation(
        provider=spec.provider,
        format=format_name,
        key=event.arn,
        is_native=True,
        title=_title(raw, place),
        status=status,
        impact=impact or Impact.CRITICAL,
        kind=kind,
        began_at=when(raw.get("startTime")),
        ended_at=when(raw.get("endTime")) if status.is_over else None,
        updated_at=updated_at,
        url=HOME,
        places=(place,),
        updates=(update,) if update.text else (),
        unknown_words=tuple(unknown),
    )


def _status(raw: Mapping[str, object], kind: Kind, seen_at: datetime, unknown: list[str]) -> Status:
    """By `statusCode`; events of before 2023 have none, there an end and the clock decide."""
    starts_at, ends_at = when(raw.get("startTime")), when(raw.get("endTime"))
    has_ended = ends_at is not None and ends_at <= seen_at
    states = _PLANNED_STATES if kind is Kind.MAINTENANCE else _STATES
    said = raw.get("statusCode")
    status = states.get(_folded(said))
    if status is None and said:
        note(unknown, "statusCode", said)
    if kind is Kind.INCIDENT and has_ended:  # "open" with an end was seen in samples
        return Status.RESOLVED
    if status:
        return status
    if kind is Kind.INCIDENT:
        return Status.INVESTIGATING
    if has_ended:
        return Status.COMPLETED
    return Status.SCHEDULED if starts_at and starts_at > seen_at else Status.IN_PROGRESS


def _title(raw: Mapping[str, object], place: Place) -> str:
    """The type's code in words, as "AWS Lambda: operational issue", since an event has no title."""
    service = ident(raw.get("service")).removeprefix("AWS_")
    code = ident(raw.get("eventTypeCode")).removeprefix("AWS_").removeprefix(f"{service}_")
    words = " ".join(code.replace("_", " ").casefold().split()) or "event"
    return line(f"{place.component or service or 'AWS'}: {words}")


def _place(event: HealthEvent, provider: str) -> Place:
    service = ident(event.raw.get("service")).removeprefix("AWS_")
    region = event.region or _region_of_arn(event.arn)
    return Place(
        provider=provider,
        component=component_of(re.sub(r"[^a-z0-9-]", "", service.casefold())) if service else None,
        region=region if region == "global" else region_of(region),
    )


def _region_of_arn(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 and parts[0] == "arn" else ""


def _update(event: HealthEvent, at: datetime | None, status: Status) -> Update:
    text = plain(event.text)
    if event.resources:
        shown = ", ".join(event.resources[:RESOURCES_SHOWN_MAX])
        more = len(event.resources) - RESOURCES_SHOWN_MAX
        text = f"{text}\n\nAffected: {shown}{f' and {more} more' if more > 0 else ''}".strip()
    return Update(
        id=f"{event.arn}@{stamp(at or when(event.raw.get('startTime')))}",
        text=plain(text),
        posted_at=at,
        status=status if status.is_over else None,
    )


def _folded(word: object) -> str:
    return folded(word).replace("_", "")
