"""Asking the AWS Health API, and writing its answers as one body for the format `aws-health-api`. Used by `sources.fetching`.

It is no web page: requests are signed by boto3 with the credentials that it finds by itself, and the endpoint that is active is
told by DNS (docs.aws.amazon.com/health/latest/ug/health-api.html, read 2026-11). From documentation, not tried on the service.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from bot.errors import FetchError
from bot.sources.payload import SourceSpec

NAME = "aws-health-api"
ACTIVE = "global.health.amazonaws.com"
SETTLED_SINCE = timedelta(days=14)
EVENTS_MAX = 200
ENTITIES_MAX = 50
_AT_ONCE = 10  # ARNs in a request
_TIMEOUT_S = 5
_ENDPOINT = re.compile(r"health\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_CATEGORIES = ["issue", "scheduledChange"]

Client = Any  # boto3 makes its classes at run time: describe_events, describe_event_details, describe_affected_entities
Connect = Callable[[str], Client]
Ask = Callable[..., Mapping[str, Any]]


def connect(region: str) -> Client:
    """A client of the Health API of a region. Raises FetchError when boto3 is not installed."""
    try:
        boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
    except ImportError as exc:
        raise FetchError("the AWS Health API needs boto3: install fogbell[aws]") from exc
    limits = config.Config(
        connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 2}
    )
    return boto3.session.Session().client("health", region_name=region, config=limits)


def active_region() -> str:
    """The region whose endpoint is active. Raises OSError when DNS does not say."""
    name, aliases, _ = socket.gethostbyname_ex(ACTIVE)
    found = next((m for alias in (*aliases, name) if (m := _ENDPOINT.fullmatch(alias))), None)
    return found[1] if found else "us-east-1"


class HealthApi:
    """The Health API as something to be fetched. Clients are kept: making one reads megabytes of descriptions."""

    def __init__(self, connect: Connect = connect, active_region: Callable[[], str] = active_region) -> None:
        self._connect = connect
        self._active_region = active_region
        self._clients: dict[str, Client] = {}

    async def body(self, spec: SourceSpec, now: datetime) -> bytes:
        """The events as JSON: {"events": [...], "details": {arn: text}, "entities": {arn: [value, ...]}}.

        The region is that of `spec.url`, where it names an endpoint. Raises FetchError, or OSError.
        """
        body = await asyncio.to_thread(self._body, spec, now)
        if len(body) > spec.body_max_bytes:
            raise FetchError(f"the AWS Health API sent more than {spec.body_max_bytes // 1024} KiB")
        return body

    def _body(self, spec: SourceSpec, now: datetime) -> bytes:
        named = _ENDPOINT.search(spec.url)
        region = named[1] if named and named[1] != "global" else self._active_region()
        try:
            if region not in self._clients:
                self._clients[region] = self._connect(region)
            told = compose(self._clients[region], now)
        except _failures() as exc:
            raise FetchError(f"the AWS Health API did not answer: {_reason(exc)}") from exc
        return json.dumps(told, default=_as_text, sort_keys=True).encode()


def compose(client: Client, now: datetime) -> dict[str, Any]:
    """What goes on or is announced, and what ended lately, with its texts and, for the former, what it hits of ours."""
    going_on = _events(client, {"eventStatusCodes": ["open", "upcoming"]})
    ended = _events(
        client, {"eventStatusCodes": ["closed"], "lastUpdatedTimes": [{"from": now - SETTLED_SINCE}]}
    )
    events = [*going_on, *ended]
    return {
        "events": events,
        "details": _details(client, [event["arn"] for event in events]),
        "entities": _entities(client, [event["arn"] for event in going_on]),
    }


def _events(client: Client, wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    wanted = {**wanted, "eventTypeCategories": _CATEGORIES}
    pages = _pages(client.describe_events, filter=wanted, maxResults=100)
    return list(islice((event for page in pages for event in page["events"]), EVENTS_MAX))


def _details(client: Client, arns: Sequence[str]) -> dict[str, str]:
    told = (client.describe_event_details(eventArns=some) for some in _batches(arns))
    return {
        one["event"]["arn"]: one.get("eventDescription", {}).get("latestDescription", "")
        for answer in told
        for one in answer["successfulSet"]
    }


def _entities(client: Client, arns: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for some in _batches(arns):
        pages = _pages(client.describe_affected_entities, filter={"eventArns": some}, maxResults=100)
        for entity in islice((entity for page in pages for entity in page["entities"]), EVENTS_MAX):
            values = found.setdefault(entity["eventArn"], [])
            if len(values) < ENTITIES_MAX:
                values.append(entity.get("entityValue", ""))
    return found


def _pages(ask: Ask, **wanted: Any) -> Iterator[Mapping[str, Any]]:
    while True:
        page = ask(**wanted)
        yield page
        if not page.get("nextToken"):
            return
        wanted["nextToken"] = page["nextToken"]


def _batches(arns: Iterable[str]) -> Iterator[list[str]]:
    left = iter(arns)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _failures() -> tuple[type[Exception], ...]:
    """What boto3 raises, and what an answer of another shape does."""
    try:
        errors = importlib.import_module("botocore.exceptions")
    except ImportError:
        return (KeyError, TypeError)
    return (errors.BotoCoreError, errors.ClientError, KeyError, TypeError)


def _reason(error: Exception) -> str:
    """AWS' code for it ("SubscriptionRequiredException"), which says what to do and holds no secret; else the error's name."""
    told = getattr(error, "response", None)
    code = told.get("Error", {}).get("Code") if isinstance(told, dict) else None
    needs = {"SubscriptionRequiredException": " (it needs AWS Business or Enterprise support)"}
    return f"{code}{needs.get(code, '')}" if isinstance(code, str) else type(error).__name__


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not known to JSON")
