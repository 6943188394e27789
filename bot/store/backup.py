"""A backup: one portable file of everything that matters, and how it is read back. `restoring` puts it into a store.

Gzipped JSON lines: a header, an entry for each key, an end with counts and a checksum. Values are written by type, not as the
server's own dump, so that any version of Redis or Valkey, single or Cluster, can take them. Called by `bot.cli`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import redis.asyncio as aioredis

from bot import __version__
from bot.errors import BackupError, StoreError
from bot.store import codec, keys
from bot.store.redis import translated

FORMAT = 1
PIECE = 200  # keys in one go, outside the shards
TRIES = 20  # looks at a shard that is being worked on, before it is taken as it is
EVERYTHING = "fogbell:*"
SHARD_KEY = re.compile(r"fogbell:\{s(\d\d)\}:")
# What says who works at the moment and how fast: of no use to anybody later.
PASSING = re.compile(r"fogbell:(lease:|bucket:|schema$|restoring$|carried$)")
Progress = Callable[[str], None]

# By type: how a value is read, and what of the answer is written down.
_READ: dict[str, Callable[[Any, str], Any]] = {
    "string": lambda pipe, key: pipe.get(key),
    "hash": lambda pipe, key: pipe.hgetall(key),
    "zset": lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True),
    "set": lambda pipe, key: pipe.smembers(key),
    "list": lambda pipe, key: pipe.lrange(key, 0, -1),
    "stream": lambda pipe, key: pipe.xrange(key),
}
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: text(value),
    "hash": lambda value: {text(k): text(v) for k, v in value.items()},
    "zset": lambda value: [[text(member), score] for member, score in value],
    "set": lambda value: sorted(map(text, value)),
    "list": lambda value: [text(item) for item in value],
    "stream": lambda value: [[text(id_), {text(k): text(v) for k, v in line.items()}] for id_, line in value],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key. `value` is what JSON makes of its type; `ttl_ms` None for a key without an end."""

    key: str
    type: str
    value: Any
    ttl_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class Contents:
    """What is in a backup. `restless` are shards that were worked on all the time: their parts may differ by some messages."""

    version: str = __version__
    schema: int = keys.SCHEMA
    taken_at: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    restless: int = 0

    def note(self, entry: Entry) -> None:
        """Count what this key holds."""
        self.counts.update(_counted(entry))
        self.counts["keys"] += 1


def text(raw: bytes | str) -> str:
    """Bytes as JSON can hold them, whatever they are; `raw_of` is the way back."""
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw


def raw_of(words: str) -> bytes:
    """The bytes that `text` wrote."""
    return words.encode("utf-8", "surrogateescape")


async def take(client: aioredis.Redis, out: IO[bytes], *, now: datetime, progress: Progress) -> Contents:
    """Write a backup of the store to `out`, also while workers run; gives what is in it. Raises StoreError.

    Each shard (ledgers, conversations, what is due) is read in one transaction, between two claims: it is what one moment
    held. The marks of feeds are read before the shards and all else after them, so that what differs is only read, found or
    counted once more.
    """
    async with translated():
        schema = int(await client.get(keys.SCHEMA_KEY) or keys.SCHEMA)
        contents = Contents(schema=schema, taken_at=now.isoformat(timespec="seconds"))
        with _Writer(out) as writer:
            head = {"version": contents.version, "schema": schema, "taken_at": contents.taken_at}
            writer.line({"fogbell": "backup", "format": FORMAT, **head})
            async for entry in _entries(client, contents, progress):
                writer.line({k: v for k, v in _fields(entry).items() if v is not None})
                contents.note(entry)
            writer.end(contents)
    return contents


def _fields(entry: Entry) -> dict[str, Any]:
    return {"key": entry.key, "type": entry.type, "ttl_ms": entry.ttl_ms, "value": entry.value}


async def _entries(client: aioredis.Redis, contents: Contents, progress: Progress) -> AsyncIterator[Entry]:
    """Every key, in the order that keeps the parts true to each other."""
    for entry in await _read(client, [keys.MARKS], is_one_moment=False):
        yield entry
    fences = {n: await client.get(keys.fence(n)) for n in range(keys.SHARDS)}
    names = await names_of(client, EVERYTHING)
    for n in range(keys.SHARDS):
        entries, is_still = await _shard(client, n, fences[n], _of_shard(names, n))
        contents.restless += not is_still
        progress(f"shard {n + 1} of {keys.SHARDS}")
        for entry in entries:
            yield entry
    # Named anew: what the conversations speak of was there before them, and must not be missing.
    rest = [
        name
        for name in await names_of(client, EVERYTHING)
        if not SHARD_KEY.match(name) and not PASSING.match(name) and name != keys.MARKS
    ]
    for start in range(0, len(rest), PIECE):
        progress(f"{start} of {len(rest)} other keys")
        for entry in await _read(client, rest[start : start + PIECE], is_one_moment=False):
            yield entry


async def names_of(client: aioredis.Redis, pattern: str) -> list[str]:
    """The names of all keys like that, on all nodes, sorted."""
    return sorted({text(name) async for name in client.scan_iter(match=pattern, count=1_000)})


def _of_shard(names: Sequence[str], n: int) -> list[str]:
    return [name for name in names if name.startswith(f"fogbell:{keys.tag(n)}:")]


async def _shard(
    client: aioredis.Redis, n: int, fence: bytes | str | None, names: list[str]
) -> tuple[list[Entry], bool]:
    """A shard as it was at one moment. A conversation only begins by a claim, and each claim moves the fence: while it is where
    it was before the names were listed, none is missing."""
    entries: list[Entry] = []
    for _ in range(TRIES):
        # Those that an empty shard has not: they may come to be between the listing and the reading.
        certain = {keys.due(n): "zset", keys.leased(n): "zset", keys.fence(n): "string"}
        entries = await _read(client, names, certain, is_one_moment=True)
        found = next((raw_of(entry.value) for entry in entries if entry.key == keys.fence(n)), None)
        if found == fence:
            return entries, True
        fence = await client.get(keys.fence(n))
        names = await names_of(client, f"fogbell:{keys.tag(n)}:*")
    return entries, False


async def _read(
    client: aioredis.Redis,
    names: Sequence[str],
    certain: Mapping[str, str] | None = None,
    *,
    is_one_moment: bool,
) -> list[Entry]:
    """The keys that are (still) there, in this order; in one transaction where they must be of one moment.

    `certain` are keys of known types, read whether they were there before or not.
    """
    there = [(name, type_, 0) for name, type_ in (certain or {}).items()]
    there += [about for about in await _about(client, names) if about[0] not in (certain or {})]
    if not there:
        return []
    async with client.pipeline(transaction=is_one_moment) as pipe:
        for name, type_, _ in there:
            _READ[type_](pipe, name)
        values = await pipe.execute()
    return [
        Entry(key=name, type=type_, value=_WRITTEN[type_](value), ttl_ms=ttl if ttl > 0 else None)
        for (name, type_, ttl), value in zip(there, values, strict=True)
        if value  # else there is none, or it ended just now
    ]


async def _about(client: aioredis.Redis, names: Sequence[str]) -> list[tuple[str, str, int]]:
    """Name, type and life (ms) of the keys that are there."""
    async with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.type(name)
            pipe.pttl(name)
        answers = await pipe.execute()
    found = zip(names, map(text, answers[::2]), answers[1::2], strict=True)
    return [about for about in found if about[1] in _READ]


class _Writer:
    """The lines, compressed, with their checksum at the end."""

    def __init__(self, out: IO[bytes]) -> None:
        self._file = gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0)
        self._sum = hashlib.sha256()

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def line(self, value: dict[str, Any]) -> None:
        raw = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self._sum.update(raw)
        self._file.write(raw)

    def end(self, contents: Contents) -> None:
        found = {"counts": contents.counts, "restless": contents.restless, "sha256": self._sum.hexdigest()}
        self._file.write(json.dumps({"end": found}).encode() + b"\n")


def read(file: IO[bytes], contents: Contents) -> Iterator[Entry]:
    """The entries of a backup, while `contents` fills up. Raises BackupError as soon as something is wrong with it, which may
    be at its very end: go through it once before anything is done with it."""
    checksum = hashlib.sha256()
    with _complaining():
        lines = gzip.GzipFile(fileobj=file, mode="rb")
        first = next(lines, b"")
        checksum.update(first)
        _take_header(json.loads(first), contents)
        for raw in lines:
            line = json.loads(raw)
            if "end" in line:
                _compare(line["end"], contents, checksum.hexdigest())
                return
            checksum.update(raw)
            entry = Entry(key=line["key"], type=line["type"], value=line["value"], ttl_ms=line.get("ttl_ms"))
            contents.note(entry)
            yield entry
        raise BackupError("it ends too soon: the rest of the file is missing")


@contextmanager
def _complaining() -> Iterator[None]:
    """Whatever a broken file makes the libraries say becomes a BackupError."""
    try:
        yield
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BackupError(f"it is no backup of Fogbell, or a damaged one ({exc!r:.120})") from exc


def _take_header(head: dict[str, Any], contents: Contents) -> None:
    if head.get("fogbell") != "backup":
        raise BackupError("it is no backup of Fogbell")
    contents.version, contents.schema = str(head["version"]), int(head["schema"])
    contents.taken_at = str(head["taken_at"])
    if int(head["format"]) > FORMAT:
        raise BackupError(
            f"Fogbell {contents.version} wrote it in a newer way than this one can read: upgrade"
        )


def _compare(end: dict[str, Any], contents: Contents, checksum: str) -> None:
    contents.restless = int(end["restless"])
    if end["sha256"] != checksum or end["counts"] != dict(contents.counts):
        raise BackupError("it is damaged: what is in it differs from its checksum")


def _counted(entry: Entry) -> dict[str, int]:
    """What people call the things in a key, and how many."""
    if ":ledger:" in entry.key:
        incidents = [value for name, value in entry.value.items() if name.startswith("i:")]
        return {"ledgers": 1, "incidents": len(incidents), "open incidents": sum(map(_is_open, incidents))}
    if ":conversation:" in entry.key:
        return {"conversations": 1}
    if entry.key.startswith("fogbell:{console}:thread:"):
        return {"console messages": sum(name.endswith("|card") for name in entry.value)}
    names = {
        keys.SILENCES: "silences",
        keys.MONITORS: "monitors",
        keys.AUDIT: "audit lines",
        keys.CHECKS: "checks",
    }
    return {names[entry.key]: len(entry.value)} if entry.key in names else {}


def _is_open(incident: str) -> bool:
    with suppress(StoreError):  # of another version: counted, not understood
        return codec.incident_of(raw_of(incident)).is_open
    return False
