"""What the formats of hosted status platforms share: telling a JSON body by its shape, ids, weights, and boards without ids.

A board shows the present of each service and knows no incidents. Called by the parsers of this folder; nothing here knows a
provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import unquote

from bot.domain.observation import Observation
from bot.domain.words import Impact
from bot.errors import ParseError
from bot.sources.payload import Payload
from bot.sources.reading.assemble import record
from bot.sources.reading.text import ident, line, load_json

_PATH = re.compile(r"[a-z]+://[^/?#]+(/[^?#]*)", re.IGNORECASE)


def value_with(payload: Payload, *marks: bytes) -> object:
    """The JSON value of a body that holds all of `marks`, else None. Looking for marks first spares parsing most bodies."""
    if not all(mark in payload.body for mark in marks):
        return None
    try:
        return load_json(payload)
    except ParseError:
        return None


def object_with(payload: Payload, *marks: bytes) -> Mapping[str, object]:
    """Like `value_with`, for a body that is an object; an empty one when it is not."""
    value = value_with(payload, *marks)
    return value if isinstance(value, dict) else {}


def first_of(value: object) -> Mapping[str, object]:
    """The first member of a list of objects; an empty object when there is none."""
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) else {}


def body_of(payload: Payload) -> Mapping[str, object]:
    """The body as an object. Raises ParseError when it is none."""
    return record(load_json(payload), "the body")


def list_of(body: Mapping[str, object], field: str) -> list[object]:
    """The list under `field`, which the body must have; null is an empty one. Raises ParseError naming it and what is there."""
    found = body.get(field)
    if isinstance(found, list):
        return found
    if found is None and field in body:
        return []
    keys = ", ".join(sorted(line(key, max_chars=40) for key in body)[:8]) or "none"
    raise ParseError(f"the body has no list of {field} (its keys: {keys})")


def board_of(body: Mapping[str, object], field: str) -> list[object]:
    """The services of a board: it has some in good health too, so an empty list is a fault."""
    found = list_of(body, field)
    if not found:
        raise ParseError(f"the list of {field} is empty, which a board's never is")
    return found


def own_id(raw: Mapping[str, object], field: str = "id", title: str = "name") -> str:
    """The provider's id of a record. Raises ParseError, which quotes the title, when it has none."""
    key = ident(raw.get(field))
    if not key:
        raise ParseError(f'"{line(raw.get(title), max_chars=60)}" has no id')
    return key


def worst(impacts: Iterable[Impact], otherwise: Impact = Impact.MINOR) -> Impact:
    """The heaviest of several weights; `otherwise` where there is none."""
    return max(impacts, key=lambda impact: impact.rank, default=otherwise)


def observation_of(item: object) -> Observation:
    """What was made into an observation before, for `read_each`. Raises ParseError for what could not be."""
    if isinstance(item, Observation):
        return item
    record(item, "it")
    raise ParseError("it is no event")


def today(payload: Payload) -> datetime:
    """The day, in UTC, on which a body was fetched: the date of what a board shows, since boards date nothing.

    The same all day long, so that looking again changes nothing.
    """
    return payload.fetched_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def on_the_day(name: str, payload: Payload) -> str:
    """A key for what a board shows: the name and our day.

    The chain holds one outage together over midnight; the day keeps next month's from joining it.
    """
    return f"{name}@{today(payload):%Y-%m-%d}"


def file_name(payload: Payload) -> str:
    """The name, without its ending, of the file at a body's address; empty when the body came from nowhere.

    An index file is named after its folder.
    """
    found = _PATH.match(payload.url)
    path = PurePosixPath(unquote(found[1]) if found else "")
    return ident(path.parent.name if path.stem in {"index", "_index"} else path.stem)
