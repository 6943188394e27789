"""https://health.aws.amazon.com/public/currentevents: AWS' open events, as UTF-16 JSON with stable ids.

Only current events, the resolved ones for a while longer. Updates are appended to `event_log` and have no id: they are known
by the event and their time. (Facts from recorded bodies of March to September 2026.)
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.observation import Listing, Observation, Place, Update
from bot.domain.words import Status
from bot.errors import ParseError
from bot.sources.formats.aws import HOME, component_of, headline, impact_of, is_resolved, region_of
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import PLACES_MAX, members, read_each, record, timeline
from bot.sources.reading.text import decode, ident, load_json, plain
from bot.sources.reading.times import stamp, when

NAME = "aws-currentevents"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The current events of a list."""
    body = load_json(payload)
    if not isinstance(body, list):
        raise ParseError("the body is not a list of events")
    return read_each(body, lambda item: _observation(record(item, "it"), spec), spec, "event")


def recognises(payload: Payload) -> bool:
    """True for a list of events with arn and log; an empty list is AWS' when it is UTF-16, as only theirs is."""
    try:
        body = load_json(payload)
    except ParseError:
        return False
    if not isinstance(body, list):
        return False
    if not body:
        return payload.body[:2] in (b"\xfe\xff", b"\xff\xfe") and decode(payload).strip() == "[]"
    return any(isinstance(item, dict) and {"arn", "event_log"} <= item.keys() for item in body)


def _observation(raw: Mapping[str, object], spec: Spec) -> Observation:
    arn = ident(raw.get("arn"))
    if not arn:
        raise ParseError(f'"{headline(raw.get("summary"))[:60]}" has no arn')
    unknown: list[str] = []
    impact = impact_of(raw.get("status"), unknown)
    ended_at = when(raw.get("end_time"))
    is_over = is_resolved(raw.get("summary")) or ended_at is not None or str(raw.get("status")).strip() == "0"
    updates = [_update(item, arn) for item in members(raw.get("event_log")) if isinstance(item, dict)]
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=arn,
        is_native=True,
        title=headline(raw.get("summary")),
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=impact,
        began_at=when(raw.get("date")),
        ended_at=ended_at if is_over else None,
        updated_at=max((u.posted_at for u in updates if u.posted_at), default=None),
        url=HOME,
        places=_places(raw, arn, spec.provider),
        updates=timeline(updates, newest_first=False, derived_ids=True),
        unknown_words=tuple(unknown),
    )


def _update(raw: Mapping[str, object], arn: str) -> Update:
    posted_at = when(raw.get("timestamp"))
    return Update(
        id=f"{arn}@{stamp(posted_at, raw.get('timestamp'))}",
        text=plain(raw.get("message")) or plain(raw.get("summary")),
        posted_at=posted_at,
        # The log's own numbers are weights, not states; only the title of an entry says that it is the last.
        status=Status.RESOLVED if is_resolved(raw.get("summary")) else None,
    )


def _places(raw: Mapping[str, object], arn: str, provider: str) -> tuple[Place, ...]:
    """Each service still impacted, in its region: all that ever were once none is; the event's own where none is listed."""
    at = _region(raw, arn)
    impacted = raw.get("impacted_services")
    listed = impacted if isinstance(impacted, dict) else {}
    found = dict.fromkeys(
        Place(
            provider=provider,
            component=component_of(
                ident(slug), details.get("service_name") if isinstance(details, dict) else ""
            ),
            region=region_of(ident(slug)) or at,
        )
        for slug, details in ({s: d for s, d in listed.items() if not _has_recovered(d)} or listed).items()
    )
    if 0 < len(found) <= PLACES_MAX:
        return tuple(found)
    own = None if found else component_of(ident(raw.get("service")), raw.get("service_name"))
    return (Place(provider=provider, component=own, region=at),)


def _has_recovered(details: object) -> bool:
    return isinstance(details, dict) and ident(details.get("current")) == "0"


def _region(raw: Mapping[str, object], arn: str) -> str | None:
    """From the service id, else from the arn, which says "global" for global services."""
    parts = arn.split(":")
    from_arn = parts[3] if len(parts) > 3 and parts[0] == "arn" else ""
    return region_of(ident(raw.get("service"))) or (from_arn if from_arn == "global" else region_of(from_arn))


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    body_max_bytes=8 * 1024 * 1024,
    about=About(
        vendors=("AWS, `health.aws.amazon.com/public/currentevents`, UTF-16",),
        identity="the `arn`; an update is known by the event and its time",
        resolution="status 0, `[RESOLVED]` and an end time; later it is gone",
        lost="what has been: it lists current events only",
        tested="captures of 2026",
    ),
)
