"""Microsoft 365 service health, as Microsoft Graph gives it: a list of issues, one issue, or services with their issues.

A window, open and closed together, unless the address asks for open ones alone. The id is Microsoft's; a post has none and is
known by issue and time, for the same sentence is posted again and again. Posts are HTML without any line breaks.
(Facts from bodies of 2020 and 2021; the list of statuses is from documentation.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import members, places_of, read_each, record, timeline
from bot.sources.reading.shapes import first_of, object_with, own_id, value_with
from bot.sources.reading.text import line, load_json, plain
from bot.sources.reading.times import stamp, when
from bot.sources.reading.vocabulary import folded, note

NAME = "m365-graph"
HOME = "https://admin.microsoft.com/#/servicehealth"
_STATUSES = {  # in any case and spelling; 2020 wrote "ServiceRestored"
    **dict.fromkeys(
        ("investigating", "reported", "servicedegradation", "serviceinterruption", "investigationsuspended"),
        Status.INVESTIGATING,
    ),
    **dict.fromkeys(("confirmed", "restoringservice"), Status.IDENTIFIED),
    **dict.fromkeys(("verifyingservice", "extendedrecovery", "mitigated"), Status.MONITORING),
    **dict.fromkeys(
        ("servicerestored", "serviceoperational", "resolved", "resolvedexternal", "mitigatedexternal"),
        Status.RESOLVED,
    ),
    "falsepositive": Status.CANCELLED,
    "postincidentreviewpublished": Status.POSTMORTEM,
}
_IMPACTS = {"incident": Impact.MAJOR, "advisory": Impact.MINOR}
_HEADINGS = re.compile(
    r"(?<=\S)(?=(?:user impact|more info|current status|final status|scope of impact|incident (?:start|end) time"
    r"|(?:estimated )?start time|end time|preliminary root cause|root cause|next steps|next update(?: by)?) ?:)",
    re.IGNORECASE,
)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The issues of the body. Message center posts and bare services are refused by name."""
    body = load_json(payload)
    if isinstance(body, dict):
        body = body.get("value", [body] if "posts" in body else None)
    if not isinstance(body, list):
        raise ParseError("the body is neither an issue of Microsoft Graph nor a list of them")
    first = first_of(body)
    if "category" in first and "classification" not in first:
        raise ParseError(
            "these are message center posts, which announce changes; ask for /admin/serviceAnnouncement/issues"
        )
    if "service" in first and not first.keys() & {"posts", "issues", "title"}:
        raise ParseError("these are services without issues; ask for /admin/serviceAnnouncement/issues")
    items = [issue for item in body for issue in _issues(item)]
    return read_each(items, lambda item: _observation(record(item, "it"), spec), spec, "issue")


def listing_of(payload: Payload) -> Listing:
    """OPEN where the address filters for issues that are not resolved, and the body is not one page of many."""
    is_open = "isresolved eq false" in unquote_plus(payload.url).casefold()
    return Listing.OPEN if is_open and b"@odata.nextLink" not in payload.body else Listing.WINDOW


def recognises(payload: Payload) -> bool:
    """True for issues, services with their health, and message center posts of Microsoft Graph."""
    if object_with(payload, b"/serviceAnnouncement/issues").get("value") == []:  # its context names the table
        return True
    body = value_with(payload, b'"service')
    first = body
    if isinstance(body, list):
        first = first_of(body)
    elif isinstance(body, dict) and "value" in body:
        first = first_of(body["value"])
    if not isinstance(first, dict):
        return False
    is_issue = {"impactDescription", "classification"} <= first.keys()
    is_post = {"isMajorChange", "services", "category"} <= first.keys()
    is_service = {"service", "status", "id"} <= first.keys() and _folded(first["status"]) in _STATUSES
    return is_issue or is_post or is_service


def _issues(item: object) -> list[object]:
    inner = item.get("issues") if isinstance(item, dict) else None
    return inner if isinstance(inner, list) else [item]


def _observation(raw: Mapping[str, object], spec: Spec) -> Observation:
    key = own_id(raw, title="title")
    unknown: list[str] = []
    posts = [_post(post, key) for post in members(raw.get("posts")) if isinstance(post, dict)]
    status = _status(raw, unknown)
    service = line(raw.get("service"), max_chars=120)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=line(raw.get("title")) or line(raw.get("impactDescription")) or "Untitled",
        status=status,
        impact=_impact(raw, unknown),
        began_at=when(raw.get("startDateTime")),
        ended_at=when(raw.get("endDateTime")) if status.is_over else None,
        updated_at=when(raw.get("lastModifiedDateTime")),
        url=f"{HOME}/:/alerts/{key}" if key.isalnum() else HOME,
        places=places_of(spec.provider, [service] if service else []),
        updates=timeline(posts, newest_first=False, derived_ids=True),
        unknown_words=tuple(unknown),
    )


def _post(raw: Mapping[str, object], key: str) -> Update:
    posted_at = when(raw.get("createdDateTime"))
    said = raw.get("description")
    content = said.get("content") if isinstance(said, dict) else said
    return Update(
        id=f"{key}@{stamp(posted_at, raw.get('createdDateTime'))}",
        text=plain(_HEADINGS.sub("\n", plain(content))),
        posted_at=posted_at,
    )


def _status(raw: Mapping[str, object], unknown: list[str]) -> Status:
    """The status; `isResolved` has the last word where the two disagree."""
    said = raw.get("status")
    status = _STATUSES.get(_folded(said))
    if status is None:
        note(unknown, "status", said)
        status = Status.INVESTIGATING
    is_resolved = raw.get("isResolved")
    if is_resolved is True and not status.is_over:
        return Status.RESOLVED
    return Status.MONITORING if is_resolved is False and status.is_over else status


def _impact(raw: Mapping[str, object], unknown: list[str]) -> Impact:
    if _folded(raw.get("status")) == "serviceinterruption":
        return Impact.CRITICAL
    impact = _IMPACTS.get(folded(raw.get("classification")))
    if impact is None:
        note(unknown, "classification", raw.get("classification"))
    return impact or Impact.CRITICAL


def _folded(word: object) -> str:
    return folded(word).replace("_", "")


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    body_max_bytes=8 * 1024 * 1024,
    listing_of=listing_of,
    about=About(
        vendors=("Microsoft 365 by Graph, `/admin/serviceAnnouncement/issues`",),
        identity="Microsoft's id (EX123456); a post: issue and time",
        resolution="its status, and `isResolved`. With `$filter=isResolved eq false` in the address: it is gone",
        lost="regions",
        tested="vendor's samples of 2020 and 2021; the list of statuses from documentation",
    ),
)
