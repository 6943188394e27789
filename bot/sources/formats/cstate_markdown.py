"""cState's issues as they are written: Markdown with a front matter, one file for each incident.

`resolvedWhen` is there before it happened, so only `resolved` says that it did; severity, dates and text are rewritten freely.
A file has no id: it is known by its name in the address, else by its title and date. `formats.cstate` says what an issue
means. Only as much of YAML is read as people write there: scalars, and lists of them.
(Facts from files of 2021 to 2025, one of them over two weeks.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.observation import Listing, Observation
from bot.errors import ParseError
from bot.sources.formats.cstate import Fields, Issue, moment_of, observed
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import read_each
from bot.sources.reading.shapes import file_name
from bot.sources.reading.text import decode, fingerprint, line, plain, refuse_strangers

NAME = "cstate-markdown"
_LINES_MAX = 2_000  # of a front matter; the longest real one has some 40
_INLINE_MAX_CHARS = 20_000  # of a list on one line
_FRONT = re.compile(r"\s*---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z][\w-]{0,60})[ \t]*:[ \t]*(.*)", re.ASCII)
_TRACK = re.compile(r"\{\{<[^<>{}]{0,200}>\}\}")  # a mark of Hugo's, which prints a date


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The issue of a file."""
    text = decode(payload)
    refuse_strangers(text, payload, due="a cState issue")
    found = _FRONT.match(text)
    if not found:
        raise ParseError("the file has no front matter between two lines of ---")
    fields = _fields(found[1])
    if "title" not in fields or "date" not in fields:
        raise ParseError("the front matter has no title and date")
    name = file_name(payload)
    issue = Issue(
        key=name or fingerprint(line(fields["title"]), line(fields["date"])),
        is_native=bool(name),
        fields=fields,
        began_at=moment_of(fields["date"]),
        ended_at=moment_of(fields.get("resolvedWhen")),
        text=plain(_TRACK.sub("", text[found.end() :])),
    )
    return read_each([issue], lambda it: observed(it, NAME, payload, spec), spec, "file")


def recognises(payload: Payload) -> bool:
    """True for a front matter that dates something and says whether it is resolved, or how severe."""
    if not payload.body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"---"):
        return False
    found = _FRONT.match(decode(payload))
    fields = _fields(found[1]) if found else {}
    return {"title", "date"} <= fields.keys() and bool({"resolved", "severity"} & fields.keys())


def _fields(front: str) -> Fields:
    """The fields of a front matter: texts, true or false, and lists of texts."""
    fields: dict[str, object] = {}
    last = ""
    for written in front.splitlines()[:_LINES_MAX]:
        item, field = written.strip(), _FIELD.fullmatch(written.rstrip())
        if field:
            last = field[1]
            fields.setdefault(last, _value(field[2]))
        elif item.startswith("- ") and last:
            before = fields[last]
            fields[last] = [*(before if isinstance(before, list) else []), _scalar(item[2:])]
    return fields


def _value(written: str) -> object:
    bare = _uncommented(written)
    if bare.startswith("[") and bare.endswith("]"):
        return list(_inline(bare[1:-1][:_INLINE_MAX_CHARS]))
    text = _scalar(bare)
    return {"true": True, "false": False}.get(text.casefold(), text) if text == bare else text


def _inline(items: str) -> Iterator[str]:
    for found in re.finditer(r"\s*(\"[^\"]*\"|'[^']*'|[^,]+)\s*(?:,|\Z)", items):
        yield _scalar(found[1].strip())


def _scalar(written: str) -> str:
    """A text without its quotes or the comment behind it."""
    bare = _uncommented(written)
    is_quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"
    return bare[1:-1] if is_quoted else bare


def _uncommented(written: str) -> str:
    text = written.strip()
    if text[:1] in {'"', "'"} and (end := text.find(text[0], 1)) > 0:
        return text[: end + 1]
    return text.partition(" #")[0].rstrip() if not text.startswith("#") else ""


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    may_be_empty=False,
    about=About(
        vendors=("cState's issues as files (Jenkins)",),
        identity="the file's name",
        resolution="`resolved: true`",
        lost="single updates: there is one text, rewritten in place; other issues: one file holds one",
        tested="files of 2021 to 2025, one of them over two weeks",
    ),
)
