"""AWS Health API: the body that our own client composes of DescribeEvents, their descriptions and their affected resources.

`{"events": [...], "details": {arn: text}, "entities": {arn: [resource, ...]}}`. It lists open, upcoming and recently closed
events, so absence means nothing; `statusCode` says what is over.
https://docs.aws.amazon.com/health/latest/APIReference/API_Event.html. From documentation, not tested against a capture.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation
from bot.sources.formats.aws.health_event import HealthEvent, observation
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import names, read_each, record
from bot.sources.reading.shapes import body_of, list_of, object_with
from bot.sources.reading.text import ident

NAME = "aws-health-api"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The events of the composed body."""
    body = body_of(payload)
    details, entities = _object(body, "details"), _object(body, "entities")
    return read_each(
        list_of(body, "events"),
        lambda item: _observation(record(item, "it"), details, entities, payload, spec),
        spec,
        "event",
    )


def recognises(payload: Payload) -> bool:
    """True for the three parts that the client composes, empty or not."""
    body = object_with(payload, b'"events"', b'"details"', b'"entities"')
    return (
        isinstance(body.get("events"), list)
        and isinstance(body.get("details"), dict)
        and isinstance(body.get("entities"), dict)
    )


def _object(body: Mapping[str, object], field: str) -> Mapping[str, object]:
    found = body.get(field)
    return found if isinstance(found, dict) else {}


def _observation(
    raw: Mapping[str, object],
    details: Mapping[str, object],
    entities: Mapping[str, object],
    payload: Payload,
    spec: Spec,
) -> Observation:
    arn = ident(raw.get("arn"))
    said = details.get(arn)
    event = HealthEvent(
        raw=raw,
        arn=arn,
        region=ident(raw.get("region")),
        text=said if isinstance(said, str) else "",
        resources=tuple(names(entities.get(arn))),
        told_at=None,
        seen_at=payload.fetched_at,
    )
    return observation(event, NAME, spec)


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    body_max_bytes=8 * 1024 * 1024,
    about=About(
        vendors=("AWS Health API, by `fogbell[aws]`; needs a support plan of AWS",),
        identity="`arn`, the same as in `aws-currentevents`; an update: arn and `lastUpdatedTime`",
        resolution="`statusCode` is `closed`",
        lost="earlier texts: only the latest description is kept; severity is never given",
    ),
)
