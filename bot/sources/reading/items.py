"""The items of a well-formed RSS, RDF or Atom document, read with expat; those that were read before are not read again.

An item that is known by its bytes is taken out of the document before expat sees it, and an empty stand-in is put in its
place: whether it stands where items do is then still expat's word. Called by `feed`, which makes entries of the fields.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, NoReturn, TypeVar
from xml.parsers import expat

from bot.errors import ParseError
from bot.sources.reading.assemble import ENTRIES_MAX
from bot.sources.reading.memo import Memo

DEPTH_MAX = 100  # real feeds nest five deep; feedparser takes seconds for hundreds of thousands
ELEMENTS_MAX = 100_000  # each takes some 200 bytes; the richest real feed seen has 5,000
_ROOTS = ("rss", "feed", "rdf")
# Nothing but processing instructions before the root: then nothing else was declared, and these tags name all namespaces.
_ROOT_TAGS = re.compile(
    rb"(?:<\?[^>]*>\s*)*(<(?:[\w.-]+:)?(?:rss|feed|rdf)\b[^>]*>\s*(?:<channel\b[^>]*>)?)", re.IGNORECASE
)
_ITEM_TAG = re.compile(rb"<(item|entry)[\s>]")
_LAST_TAGS = {b"item": b"</item>", b"entry": b"</entry>"}
_STAND_IN = "fogbell-known"  # a document with this word in it is read without memory
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "wbr")
)
_T = TypeVar("_T")


@dataclass(slots=True)
class Field:
    """An element of an item: its namespace, its attributes, and its text, in which elements stand as markup."""

    home: str
    attributes: dict[str, str]
    text: str = ""


Fields = dict[str, list[Field]]


@dataclass(slots=True)
class Item:
    """An item as expat saw it: where its first and last tag begin, its attributes, its fields by lower-case name."""

    begins: int
    attributes: dict[str, str]
    fields: Fields = field(default_factory=dict)
    ends: int = 0


@dataclass(slots=True)
class _Short(Generic[_T]):
    """A document in which stand-ins, numbered from 0, stand for runs of `known` items; `unknown` are the other ones.

    Where the first and the last tag of an unknown item begin tells under which key to remember it: context and bytes.
    """

    body: bytes | bytearray
    known: list[list[_T]] = field(default_factory=list)
    unknown: dict[tuple[int, int], tuple[bytes, bytes]] = field(default_factory=dict)


def read(text: str, make: Callable[[Item], _T], memo: Memo[_T], size: Callable[[_T], int]) -> list[_T] | None:
    """What `make` makes of the items of a document, in its order; None when it is not well formed, or no feed.

    `memo` keeps what was made, of which `size` tells the bytes. Raises ParseError when the document is absurdly deep or rich.
    """
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return None
    short = _shortened(body, memo)
    found = _made(short, make, memo, size)
    if found is None and short.known:
        found = _made(_Short(body), make, memo, size)
    return found


def _made(
    short: _Short[_T], make: Callable[[Item], _T], memo: Memo[_T], size: Callable[[_T], int]
) -> list[_T] | None:
    """None also when the stand-ins are not seen in order where items are: some text held what looked like an item."""
    items = _Reader().read(short.body)
    if items is None:
        return None
    numbers = [item.attributes.get(_STAND_IN) for item in items] if short.known else [None] * len(items)
    if [n for n in numbers if n] != [str(n) for n in range(len(short.known))]:
        return None
    found: list[_T] = []
    for number, item in zip(numbers, items, strict=True):
        if number:
            found += short.known[int(number)]
            continue
        made = make(item)
        key = short.unknown.get((item.begins, item.ends))
        found.append(memo.keep(key, made, len(key[1]) + size(made)) if key else made)
    return found[:ENTRIES_MAX]


def _shortened(body: bytes, memo: Memo[_T]) -> _Short[_T]:
    """A document without the items that are known by their bytes, below the same tags."""
    root = _ROOT_TAGS.match(body)
    if not root or _STAND_IN.encode() in body:
        return _Short(body)
    context = root[1]
    short: _Short[_T] = _Short(bytearray())
    done, run_end = 0, -1
    for start, last_tag, end in _spans(body, root.end()):
        gap, chunk = body[done:start], body[start:end]
        value = memo.find((context, chunk))
        if value is None:
            short.body += gap
            at = len(short.body)
            short.unknown[at, at + last_tag - start] = (context, chunk)
            short.body += chunk
        elif run_end == done and not gap.strip():  # one stand-in is enough for neighbours
            short.known[-1].append(value)
            run_end = end
        else:
            short.body += gap + f'<item {_STAND_IN}="{len(short.known)}"/>'.encode()
            short.known.append([value])
            run_end = end
        done = end
    short.body += body[done:]
    return short


def _spans(body: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Where what looks like an item begins, where its last tag does, and where it ends; up to where namespaces may change."""
    for _ in range(ENTRIES_MAX):
        found = _ITEM_TAG.search(body, at)
        if not found or body.find(b"xmlns", at, found.start()) >= 0:
            return
        tag = _LAST_TAGS[found[1]]
        last_tag = body.find(tag, found.end())
        if last_tag < 0:
            return
        at = last_tag + len(tag)
        yield found.start(), last_tag, at


class _Reader:
    """Goes through a document once and keeps the items below the root or below its channel."""

    def __init__(self) -> None:
        self._root = ""
        self._items: list[Item] = []
        self._depth = 0
        self._elements = 0
        self._item_depth = 0  # of the item that is open; 0 outside of any
        self._field: Field | None = None
        self._words: list[str] = []
        self._has_markup = False
        self._is_in_channel = False
        self._split = lru_cache(maxsize=256)(_split)  # one for each document, for names may be long
        self._parser = expat.ParserCreate("utf-8", "}")

    def read(self, body: bytes | bytearray) -> list[Item] | None:
        """None when the document is not well formed, or no feed. Raises ParseError when it is absurdly deep or rich."""
        parser = self._parser
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._say
        parser.SkippedEntityHandler = _refuse_entity
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, ValueError):
            return None
        return self._items if self._root in _ROOTS else None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEPTH_MAX:
            raise ParseError(f"the document nests deeper than {DEPTH_MAX} elements")
        if self._elements > ELEMENTS_MAX:
            raise ParseError(f"the document holds more than {ELEMENTS_MAX} elements")
        if self._field:
            self._has_markup = True
            self._words.append(_opening(tag, attributes))
        elif self._item_depth:
            home, name = self._split(tag)
            self._field = Field(home, attributes)
            self._items[-1].fields.setdefault(name, []).append(self._field)
        else:
            self._outside(self._split(tag)[1], attributes)

    def _outside(self, name: str, attributes: dict[str, str]) -> None:
        """An element that is part of no item: the root, a channel, an item that begins."""
        if self._depth == 1:
            self._root = name
        elif self._depth == 2:
            self._is_in_channel = name == "channel"
        is_listed = self._depth == 2 or (self._depth == 3 and self._is_in_channel)
        if is_listed and name in ("item", "entry") and len(self._items) < ENTRIES_MAX:
            self._items.append(Item(self._parser.CurrentByteIndex, attributes))
            self._item_depth = self._depth

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._field is None:
            if self._depth < self._item_depth:
                self._items[-1].ends = self._parser.CurrentByteIndex
                self._item_depth = 0
        elif self._depth == self._item_depth:
            self._field.text = "".join(self._words)
            self._field, self._words, self._has_markup = None, [], False
        else:
            name = self._split(tag)[1]
            self._words.append("" if name in _VOID else f"</{name}>")

    def _say(self, words: str) -> None:
        if self._field:
            self._words.append(html.escape(words, quote=False) if self._has_markup else words)


def _refuse_entity(name: str, is_parameter: bool) -> NoReturn:
    """An entity that the document leaves to its DTD: feedparser knows HTML's."""
    raise ValueError(f"the entity {name} is not known here")


def _opening(tag: str, attributes: dict[str, str]) -> str:
    written = "".join(f' {_split(key)[1]}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{_split(tag)[1]}{written}>"


def _split(tag: str) -> tuple[str, str]:
    """The namespace and the name, of which case is not told apart."""
    home, _, name = tag.rpartition("}")
    return home, name.casefold()
