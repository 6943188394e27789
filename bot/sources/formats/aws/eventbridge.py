"""AWS Health events as EventBridge delivers them: pushed, one by one, bare, as PutEvents entries or inside an SNS notification.

Each message is one event's newest state and nothing else, so absence means nothing. `Detail` and SNS' `Message` are JSON
within a text. The same event comes from two regions, and once more for each page of its resources.
https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html (tested against vendor's samples)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bot.domain.observation import Listing, Observation
from bot.errors import ParseError
from bot.sources.formats.aws.health_event import HealthEvent, observation
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, names, read_each, record
from bot.sources.reading.shapes import value_with
from bot.sources.reading.text import ident, load_json
from bot.sources.reading.times import when

NAME = "aws-eventbridge"
_DEPTH_MAX = 4  # a list of records, each an envelope around an event with its detail: deeper is nobody's


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The event, or events, of a message. An SNS subscription's confirmation is refused: it tells of no event."""
    body = load_json(payload)
    if isinstance(body, dict) and body.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise ParseError("this is SNS asking about a subscription, not an event")
    found = list(_events(body))
    if not found and body != []:
        raise ParseError("the body holds no AWS Health event")
    return read_each(found, lambda raw: _observation(raw, payload, spec), spec, "event")


def recognises(payload: Payload) -> bool:
    """True for a body that holds an AWS Health event, however wrapped."""
    if not any(mark in payload.body for mark in (b"AWS Health", b"aws.health")):
        return False
    return next(_events(value_with(payload)), None) is not None


def _events(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """The events within a list, SNS envelopes or PutEvents entries."""
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        for item in value:
            yield from _events(item, depth + 1)
    elif isinstance(value, dict):
        if _is_event(value):
            yield value
        elif isinstance(value.get("Message"), str):
            yield from _events(_inner(value["Message"]), depth + 1)
        else:
            for field in ("Entries", "Records", "Sns"):
                yield from _events(value.get(field), depth + 1)


def _is_event(value: Mapping[str, object]) -> bool:
    kind = ident(value.get("detail-type") or value.get("DetailType"))
    return kind.startswith("AWS Health") and ("detail" in value or "Detail" in value)


def _inner(text: object) -> object:
    """JSON within a text; None where it is none."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return None


def _observation(raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation:
    detail = record(_inner(raw.get("detail") or raw.get("Detail")), "its detail")
    is_whole = ident(detail.get("totalPages")) in (
        "",
        "1",
    )  # a page holds some of the resources, the next one others
    event = HealthEvent(
        raw=detail,
        arn=ident(detail.get("eventArn") or detail.get("arn")),
        region=ident(detail.get("eventRegion") or detail.get("region")),
        text=_text(detail),
        resources=tuple(names(detail.get("affectedEntities"), "entityValue")) if is_whole else (),
        told_at=when(raw.get("time") or raw.get("Time")),
        seen_at=payload.fetched_at,
    )
    return observation(event, NAME, spec)


def _text(detail: Mapping[str, object]) -> str:
    """The description in English, else in the first language that there is."""
    texts = {
        ident(each.get("language")): _as_written(each.get("latestDescription"))
        for each in members(detail.get("eventDescription"))
        if isinstance(each, dict)
    }
    return texts.get("en_US") or next((text for text in texts.values() if text), "")


def _as_written(value: object) -> str:
    """A text as it is; literal backslash-n, which some senders write, becomes a line's end."""
    return value.replace("\\n", "\n") if isinstance(value, str) else ""


FORMAT = Format(
    name=NAME,
    listing=Listing.PART,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("AWS Health by EventBridge, directly or through SNS (pushed)",),
        identity="`eventArn`, the same as in `aws-currentevents`; an update: arn and `lastUpdatedTime`",
        resolution="`statusCode` is `closed`, or an issue has an `endTime` that has passed",
        lost="earlier texts: each message holds the newest alone; severity is never given",
        tested="vendor's samples",
    ),
)
