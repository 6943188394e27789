"""What happened on the demo's day, as data read from `day.toml`. Pure.

What a provider's page held at a given moment is made from it in `aws` and `statuspage`; `feeds` serves that.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Literal

from pydantic import TypeAdapter

Stage = Literal["investigating", "identified", "monitoring"]
Weight = Literal["none", "minor", "major", "critical"]
Health = Literal["operational", "degraded_performance", "partial_outage", "major_outage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post on AWS's dashboard. `hits` and `recovers` name services by their slug in `Aws.names`.

    `level` is AWS's own count, 1 to 3; `next_by` is the latest moment it promises the next post for.
    """

    at: datetime
    level: int
    text: str
    next_by: datetime | None = None
    hits: tuple[str, ...] = ()
    recovers: tuple[str, ...] = ()
    resolves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """The one AWS event of the day. `ended_at` is the end that its last post states, earlier than that post."""

    true_start: datetime
    ended_at: datetime
    arn: str
    service: str
    service_name: str
    region_name: str
    headline: str
    names: Mapping[str, str]
    posts: tuple[Post, ...]

    @property
    def first_post_at(self) -> datetime:
        """When customers could first read of it."""
        return self.posts[0].at

    @property
    def lag(self) -> timedelta:
        """How long customers suffered before the first post."""
        return self.first_post_at - self.true_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of a vendor's status page."""

    id: str
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """From `at` on, an update reads `body` instead; its id stays."""

    at: datetime
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """From `at` on, the incident has this impact."""

    at: datetime
    impact: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorUpdate:
    """One update of a vendor's incident; `leaves` is the state that it leaves the incident's components in."""

    id: str
    at: datetime
    status: Stage
    leaves: Health
    body: str
    edit: Edit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorIncident:
    """What a vendor's page lists from its first update until `gone_at`; it never says "resolved" there."""

    id: str
    name: str
    impact: Weight
    components: tuple[str, ...]
    updates: tuple[VendorUpdate, ...]
    turns: tuple[Turn, ...]
    gone_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorMaintenance:
    """Announced work, listed all day and not begun on it."""

    id: str
    name: str
    body: str
    components: tuple[str, ...]
    created_at: datetime
    scheduled_for: datetime
    scheduled_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A downstream vendor with a Statuspage. `true_start` is None where the vendor never told."""

    slug: str
    name: str
    url: str
    page_id: str
    components: tuple[Component, ...]
    incident: VendorIncident
    maintenance: VendorMaintenance | None = None
    true_start: datetime | None = None
    is_fictional: bool = False

    @property
    def first_post_at(self) -> datetime:
        """When its users could first read of it."""
        return self.incident.updates[0].at

    @property
    def lag(self) -> timedelta | None:
        """How long its users suffered before the first post, or None when nobody knows."""
        return self.first_post_at - self.true_start if self.true_start else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """While our own endpoint answers 503, and what it says then."""

    since: datetime
    until: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Our own service's health endpoint."""

    service: str
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The whole day. `starts_at` and `ends_at` bound the demo; Jira's page stays open beyond its end."""

    title: str
    starts_at: datetime
    ends_at: datetime
    checkout: Checkout
    aws: Aws
    vendors: tuple[Vendor, ...]

    @property
    def quiet_at(self) -> datetime:
        """When the last page has nothing open any more."""
        return max(self.aws.posts[-1].at, *(vendor.incident.gone_at for vendor in self.vendors))

    def vendor(self, slug: str) -> Vendor:
        """The vendor of that slug. Raises KeyError for an unknown one."""
        return {vendor.slug: vendor for vendor in self.vendors}[slug]


def load_day() -> Day:
    """The day as `day.toml` tells it."""
    text = files("bot.demo").joinpath("day.toml").read_text(encoding="utf-8")
    return TypeAdapter(Day).validate_python(tomllib.loads(text))


def checkout_health(day: Day, at: datetime) -> tuple[int, str]:
    """The status and the JSON text with which our own checkout answers its health check."""
    failure = next((f for f in day.checkout.failures if f.since <= at < f.until), None)
    if failure is None:
        return 200, json.dumps({"service": day.checkout.service, "status": "ok"})
    return 503, json.dumps({"service": day.checkout.service, "status": "failing", "detail": failure.detail})
