"""IBM's Bluemix status page of 2016 ("Estado"): HTML tables of services that are up or down. It lives on in recordings.

A board without texts, ids or times: a row that is not up is an incident, known by its table, its name and our own day. The
page's heading names the region. Rows are found by pattern: the library's HTML parser takes half a minute for hostile input.
(Facts from four bodies of 2016, one of them edited by hand.)
"""

from __future__ import annotations

import re

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import places_of, read_each
from bot.sources.reading.shapes import on_the_day, today
from bot.sources.reading.text import decode, line, plain, size
from bot.sources.reading.vocabulary import folded, note

NAME = "ibm-estado"
_TITLE = re.compile(r"<title>\s*Estado\b[^<]{0,100}</title>", re.IGNORECASE)
_REGION = re.compile(r"<h1>[^<]{0,100}\[([\w:.-]{1,60})\]\s*</h1>", re.IGNORECASE)
_ROW = re.compile(
    r"<tr[^<>]{0,200}>\s*<t[hd][^<>]{0,100}>([^<]{0,300})</t[hd]>\s*<t([hd])[^<>]{0,100}>([^<]{0,100})</t[hd]>",
    re.IGNORECASE,
)
_IMPACTS = {"up": Impact.NONE, "down": Impact.CRITICAL}
Row = tuple[str, str, str]  # table, service, state


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The rows that are not up."""
    text = decode(payload)
    rows = _rows(text)
    if not _TITLE.search(text[:4000]) or not rows:
        raise ParseError(f"an HTML page of {size(payload)} without Estado's tables")
    named = _REGION.search(text[:8000])
    region = (named[1].rpartition(":")[2] or named[1]) if named else None
    return read_each(rows, lambda row: _observation(row, region, payload, spec), spec, "row")


def recognises(payload: Payload) -> bool:
    """True for a page that calls itself Estado."""
    return b"Estado" in payload.body[:4000] and _TITLE.search(decode(payload)[:4000]) is not None


def _rows(text: str) -> list[Row]:
    """Every row with the heading that it stands under; one service may have several rows of one name."""
    table, found = "", []
    for row in _ROW.finditer(text):
        name = line(row[1], max_chars=80)
        if row[2].casefold() == "h":
            table = name
        elif name:
            found.append((table, name, plain(row[3])))
    return found


def _observation(row: Row, region: str | None, payload: Payload, spec: Spec) -> Observation | None:
    table, service, state = row
    unknown: list[str] = []
    impact = _IMPACTS.get(folded(state))
    if impact is Impact.NONE:
        return None
    if impact is None:
        note(unknown, "status", state)
    chain = f"{region or 'somewhere'}/{table}/{service}"
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=on_the_day(chain, payload),
        is_native=False,
        title=line(f"{service}: {table} {state or 'unknown'}"),
        status=Status.INVESTIGATING,
        impact=impact or Impact.CRITICAL,
        updated_at=today(payload),
        places=places_of(spec.provider, [service], [region] if region else []),
        chain=chain,
        unknown_words=tuple(unknown),
    )


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("IBM Bluemix's status page of 2016, HTML; recordings only",),
        identity="none: a board, a row that is not up, known by our day and its chain",
        resolution="the row is up again",
        lost="texts, times and weights: a row is up or down",
        tested="captures of 2016",
    ),
)
