"""Domain values as JSON and back, so that the version before this one and the next one can read them while both are running.

A field that an older Fogbell did not write gets its default; one that only a newer one knows is put aside and written back
where it was. What an older version cannot read at all is written with its schema in front ("2{...}") and lifted by `UPCASTS`
when it is read; an older worker refuses it by name. The schema of the whole store is `keys.SCHEMA`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.conversation import Attempt, Conversation
from bot.domain.incident import Incident
from bot.errors import StoreError
from bot.store import keys

T = TypeVar("T")
Raw = dict[str, Any]
Upcast = Callable[[str, Raw], Raw]

# From schema n to n + 1: given the name of the type ("Incident") and its raw JSON. An entry stays for as long as stores of
# that schema may be about.
UPCASTS: Mapping[int, Upcast] = {}

_UNKNOWN_FIELD = "unexpected_keyword_argument"
# What tells the items of a list apart: updates, messages, claims (with the key of what was said), services hit, places.
_NAMES = ("id", "key", "source", "said", "service", "name", "provider", "component", "region")


@dataclass(frozen=True, slots=True)
class _Named:
    """An item of a list, by its name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A field of a newer Fogbell: the way to it, its own name last, and its value. Items of lists go by what names them."""

    path: tuple[object, ...]
    value: object


Aside = tuple[Foreign, ...]


class Codec(Generic[T]):
    """JSON of one type. `schema` and `upcasts` are those of this Fogbell, but in tests."""

    def __init__(
        self, kind: type[T], *, schema: int = keys.SCHEMA, upcasts: Mapping[int, Upcast] = UPCASTS
    ) -> None:
        self._name = kind.__name__
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._schema = schema
        self._upcasts = upcasts

    def read(self, text: bytes) -> tuple[T, Aside]:
        """The value, and what only a newer Fogbell understands of it. Raises StoreError for what cannot be read."""
        lifted = self._lifted(text)
        try:
            return self._adapter.validate_json(lifted, extra="forbid"), ()
        except ValidationError as exc:
            ways = [error["loc"] for error in exc.errors() if error["type"] == _UNKNOWN_FIELD]
        try:
            value = self._adapter.validate_json(lifted, extra="ignore")
        except ValidationError as exc:
            words = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()[:3])
            raise StoreError(
                f"the store: {self._name} that this Fogbell cannot read ({words}); another version wrote it"
            ) from exc
        raw = json.loads(lifted)
        return value, tuple(_foreign(raw, way) for way in ways)

    def write(self, value: T, aside: Aside = (), *, exclude: set[str] | None = None) -> bytes:
        """The value without its defaults, and what was put aside when it was read, where its place is still there."""
        text = self._adapter.dump_json(value, exclude_defaults=True, exclude=exclude)
        if aside:
            raw = json.loads(text)
            for field in aside:
                _put_back(raw, field)
            text = json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode()
        return text if self._schema == 1 else b"%d%b" % (self._schema, text)

    def _lifted(self, text: bytes) -> bytes:
        """The JSON as this schema has it. Raises StoreError for that of a later one."""
        number, brace, _ = text.partition(b"{")
        is_marked = bool(brace) and number.isdigit()
        written = int(number) if is_marked else 1
        plain = text[len(number) :] if is_marked else text
        if written > self._schema:
            raise StoreError(newer_words(written, self._schema))
        steps = [self._upcasts[n] for n in range(written, self._schema) if n in self._upcasts]
        if not steps:
            return plain
        raw = json.loads(plain)
        for step in steps:
            raw = step(self._name, raw)
        return json.dumps(raw).encode()


def newer_words(written: int, known: int) -> str:
    """What to say about a store, a record or a backup of a newer Fogbell."""
    return (
        f"the store: written by a newer Fogbell (schema {written}, this one knows {known}): "
        "upgrade this one, or restore the backup that was made before"
    )


def _foreign(raw: object, way: tuple[int | str, ...]) -> Foreign:
    """The field at the end of the way, with positions in lists turned into names: lists grow and shrink."""
    path: list[object] = []
    at: Any = raw
    for step in way:
        item = at[step]
        path.append(step if isinstance(step, str) else _Named(_name(item)))
        at = item
    return Foreign(path=tuple(path), value=at)


def _name(item: object) -> str:
    """What tells an item of a list from its siblings: its own name, else its whole text."""
    if isinstance(item, dict):
        named = {key: item[key] for key in _NAMES if key in item}
        if "said" in named and isinstance(named["said"], dict):
            named["said"] = named["said"].get("key")
        item = named or item
    return json.dumps(item, sort_keys=True)


def _put_back(raw: object, field: Foreign) -> None:
    """Write the field where it was; where its place is gone (an update that was folded), it is gone as well."""
    *way, last = field.path
    at: Any = raw
    for step in way:
        if isinstance(step, _Named):
            at = (
                next((item for item in at if _name(item) == step.name), None)
                if isinstance(at, list)
                else None
            )
        else:
            at = at.get(step) if isinstance(at, dict) else None
        if at is None:
            return
    if isinstance(at, dict):
        at.setdefault(last, field.value)


_INCIDENT = Codec(Incident)
_CONVERSATION = Codec(Conversation)
_ATTEMPT = Codec(Attempt)


def incident_json(incident: Incident, aside: Aside = ()) -> bytes:
    """An incident, without what has its default value."""
    return _INCIDENT.write(incident, aside)


def incident_of(text: bytes) -> Incident:
    """The incident that `incident_json` wrote, for who only reads it."""
    return incident_and_aside(text)[0]


def incident_and_aside(text: bytes) -> tuple[Incident, Aside]:
    """The incident, and what only a newer Fogbell knows of it, for who writes it back."""
    return _INCIDENT.read(text)


def conversation_json(talk: Conversation, aside: Aside = ()) -> bytes:
    """A conversation without its attempt, which has a field of its own in the store."""
    return _CONVERSATION.write(talk, aside, exclude={"attempt"})


def conversation_of(text: bytes, attempt: bytes | None) -> Conversation:
    """The conversation that `conversation_json` wrote, with the attempt that was under way, if one was."""
    return conversation_and_aside(text, attempt)[0]


def conversation_and_aside(text: bytes, attempt: bytes | None) -> tuple[Conversation, Aside]:
    """The conversation, and what only a newer Fogbell knows of it, for who writes it back."""
    talk, aside = _CONVERSATION.read(text)
    return (talk if attempt is None else with_attempt(talk, attempt)), aside


def attempt_json(attempt: Attempt) -> bytes:
    """An intention."""
    return _ATTEMPT.write(attempt)


def with_attempt(talk: Conversation, attempt: bytes) -> Conversation:
    """The conversation with the attempt that was under way. While it is, its text in the store is not written again."""
    return replace(talk, attempt=_ATTEMPT.read(attempt)[0])
