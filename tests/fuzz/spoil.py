"""Ways to spoil a body: values of other kinds at any path of a JSON document, lists made long, bytes cut and mixed."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bot.errors import ParseError
from bot.sources.reading.text import load_json
from tests.sources.feedkit import body_of

FEEDS = Path(__file__).resolve().parents[1] / "sources" / "feeds"
BODIES = sorted(p for p in FEEDS.glob("*/*") if p.is_file() and not p.name.endswith(".expected.json"))
Json = object
Way = tuple[int | str, ...]  # from the root of a JSON value to a part of it

# Kinds, sizes and words that no field expects. Surrogates and NaN pass through JSON as Python writes it.
ODD_VALUES: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1, 10**30, 1e308, 1e-320, float("nan"), float("inf"), -float("inf")),
    *("", "x", " ", "\ud800", "\x00\u202e\u2066a\ufeff", "a\nb\r\u2028c", "9" * 400, "x" * 20_000),
    *("0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "99999-01-01"),
    *("2026-02-30", "Feb 29, 25:61 PDT", "Thu, 31 Nov 99999 99:99:99 +9999", "1" * 19, "-1e400"),
    *("<a href='//['>b", "&#99999999999;", "//[", "http://[", "https://x\u202e.example/<b>", "javascript:x"),
    *("[RESOLVED]", "@everyone <!channel>", "#2", "<![CDATA[", "%s {0} \\", "é" * 300),
    *([], {}, [[]], [None], {"id": None}, [{"name": {}}], {"a": {"b": [{}]}}, [0] * 500),
)


# What becomes of a text that changes in place.
WORDS = (
    *("{0} @everyone <!channel>", "[RESOLVED] {0}", "{0}\n{0}", "{0} and 1 more", "{0}2"),
    *("resolved", "investigating", "monitoring", "completed", "in_progress", "critical", "none"),
    *("2026-11-01T02:00:00Z", "2026-10-31T23:00:00Z", "2025-01-01T00:00:00Z"),
)
WAYS_MAX = 2_000  # of a JSON value that are listed to choose one from


def cases(name: str) -> list[Path]:
    """The bodies that the tests keep of a format."""
    return [path for path in BODIES if path.parent.name == name]


@cache
def value_of(path: Path) -> Json | None:
    """The JSON value in a file (an object or a list), or None when it holds none."""
    raw = path.read_bytes()
    if re.match(rb"[\s\xef\xbb\xbf]*<", raw):
        return None
    try:
        value = load_json(body_of(raw))
    except ParseError:
        return None
    return value if isinstance(value, dict | list) else None


JSON_BODIES = [path for path in BODIES if value_of(path) is not None]


def ways(value: Json, at: Way = ()) -> Iterator[Way]:
    """The way to every part of a value, the root's own first."""
    yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from ways(part, (*at, key))


def part_at(value: Json, way: Way) -> Json:
    """What is at the end of a way."""
    for step in way:
        value = value[step]  # type: ignore[index]
    return value


def with_part(value: Json, way: Way, part: Json) -> Json:
    """The value with another part at the end of a way; all else is as it was."""
    if not way:
        return part
    new = copy.copy(value)
    new[way[0]] = with_part(value[way[0]], way[1:], part)  # type: ignore[index]
    return new


def without_part(value: Json, way: Way) -> Json:
    """The value without the part at the end of a way, which is not the root's own."""
    holder = copy.copy(part_at(value, way[:-1]))
    del holder[way[-1]]  # type: ignore[attr-defined]
    return with_part(value, way[:-1], holder)


def doubled_key(value: Json, way: Way, part: Json) -> bytes:
    """JSON in which the object at the end of a way names its first key twice, once for `part`."""
    holder = part_at(value, way)
    assert isinstance(holder, dict)
    key = next(iter(holder))
    twice = f"{json.dumps(holder)[:-1]}, {json.dumps(key)}: {json.dumps(part)}}}"
    return json.dumps(with_part(value, way, "@@")).replace('"@@"', twice).encode()


def long_lists(value: Json, max_bytes: int) -> Iterator[bytes]:
    """The value, twice for each list in it, with that list long: the same members repeated, then members of other words."""
    for way in ways(value):
        members = part_at(value, way)
        if not isinstance(members, list) or not members:
            continue
        size = len(json.dumps(members))
        times = max(1, max_bytes // size)
        yield json.dumps(with_part(value, way, members * times)).encode()
        others = [other_words(member, n) for n in range(times) for member in members]
        yield json.dumps(with_part(value, way, others)).encode()


def other_words(value: Json, number: int) -> Json:
    """The value with a number behind every text that is no number or time."""
    if isinstance(value, dict):
        return {key: other_words(part, number) for key, part in value.items()}
    if isinstance(value, list):
        return [other_words(part, number) for part in value]
    return f"{value} {number}" if isinstance(value, str) and not re.match(r"[\d-]", value) else value


def changed(value: Json, dice: random.Random) -> Json:
    """The value with one part gone, repeated, of another kind, or in the place of another."""
    every = list(ways(value))[1:WAYS_MAX]
    if not every:
        return dice.choice(ODD_VALUES)
    way = dice.choice(every)
    part = part_at(value, way)
    match dice.randrange(5):
        case 0:
            return without_part(value, way)
        case 1 if isinstance(part, list):
            return with_part(value, way, part * dice.randint(2, 5))
        case 2:
            return with_part(value, way, dice.choice(ODD_VALUES))
        case 3 if isinstance(part, str):
            return with_part(value, way, dice.choice(WORDS).format(part))
        case _:
            return with_part(value, way, part_at(value, dice.choice(every)))


def spoilt(path: Path, other: Path, dice: random.Random) -> bytes:
    """The body in a file, spoilt: mostly in a way that its reader gets past, and its parser must bear."""
    value = value_of(path)
    if value is None or dice.random() < 0.2:
        return mixed(path.read_bytes(), other.read_bytes(), dice)
    for _ in range(dice.randint(0, 4)):
        value = changed(value, dice)
    return json.dumps(value).encode()


def mixed(raw: bytes, other: bytes, dice: random.Random) -> bytes:
    """A body with a few bytes changed, pieces moved, repeated, cut out or taken from another body."""
    data = bytearray(raw)
    for _ in range(dice.randint(1, 6)):
        at, length = dice.randrange(len(data) + 1), dice.randint(0, 40)
        match dice.randrange(7):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length] * dice.randint(1, 50)
            case 3:
                start = dice.randrange(len(other) + 1)
                data[at : at + length] = other[start : start + dice.randint(0, 200)]
            case 4:
                data[at:at] = dice.choice(TOKENS)
            case 5:
                data[:] = _swapped(bytes(data), dice)
            case _ if dice.random() < 0.3:
                del data[at:]
            case _:
                data[at:at] = b" "
    return bytes(data)


TOKENS = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\xe2\x80\xae", b"&#0;", b"&#xD800;", b"&#1e9;"),
    *(b"null", b"1e999", b"NaN", b"-", b'"', b"[", b"{", b"]", b"}", b",", b":", b"\\", b"[[[[[[[[", b"0" * 300),
    *(b"<![CDATA[", b"]]>", b"<!--", b"<?xml version='1.0' encoding='utf-7'?>", b"<item>", b"</item>", b"<a b=", b"&lt;p&gt;"),
    *(b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"xmlns='x'", b"<p><small>", b"[RESOLVED]", b"2026-13-45T99:99:99Z", b"9" * 20),
    *(b"@everyone <!channel> ", b"\n---\n", b"+++\n", b"\n# ", b"callback(", b");", b"/**/", b"\r", b"\xe2\x80\xa8", b"\t"),
)  # fmt: skip
_TOKEN = re.compile(rb"\"[^\"]{0,60}\"|<[^<>]{0,60}>|\d+|[A-Za-z_]+")


def _swapped(data: bytes, dice: random.Random) -> bytes:
    """Two words of a body in each other's place."""
    found = list(_TOKEN.finditer(data))
    if len(found) < 2:
        return data
    first, second = sorted(dice.sample(found, 2), key=lambda m: m.start())
    return b"".join(
        (data[: first.start()], second[0], data[first.end() : second.start()], first[0], data[second.end() :])
    )
