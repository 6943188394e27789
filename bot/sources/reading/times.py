"""Turns every kind of time that feeds write into aware UTC datetimes, and back into one spelling.

Feeds write ISO with any number of fraction digits, epochs in four units, mail dates with zone names, and clock times without
date or year. What cannot be read is None, never an exception. Called by the parsers of this folder.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache

from bot.sources.reading.text import ident

# Offsets in hours. Abbreviations are ambiguous in the world; these are what status pages mean by them.
ZONES = {
    **{
        "UTC": 0,
        "UT": 0,
        "GMT": 0,
        "Z": 0,
        "WET": 0,
        "WEST": 1,
        "BST": 1,
        "CET": 1,
        "CEST": 2,
        "EET": 2,
        "EEST": 3,
    },
    **{"MSK": 3, "IST": 5.5, "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5},
    **{"AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "ART": -3, "AST": -4, "ADT": -3},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"AKST": -9, "AKDT": -8, "HST": -10, "SAST": 2},
}
_OFFSETS = {zone: timedelta(hours=hours) for zone, hours in ZONES.items()}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_OF = {name: number for number, name in enumerate(MONTHS, 1)}
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,9})?", re.ASCII)
_MAIL_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) ([12]\d{3}) (\d{2}):(\d{2}):(\d{2}) (?:([A-Z]{1,4})|([+-]\d{4}))",
    re.ASCII,
)
_NAMED_ZONE = re.compile(r"(.*\S)\s*\b([A-Z]{1,4})", re.DOTALL)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.ASCII)
_BARE = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?", re.ASCII)
_TIME_MAX_CHARS = 64
_SANE_YEARS = range(1995, 2200)  # no status feed is older; "0001-01-01" and 0 mean "not set"


def when(value: object) -> datetime | None:
    """The moment that a feed's time means, in UTC; None when it cannot be read. A time without a zone is taken as UTC."""
    if isinstance(value, str):
        return _from_text(value.strip()) if len(value) <= _TIME_MAX_CHARS else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_epoch(value)
    return None


def when_there(value: object, zone: timedelta) -> datetime | None:
    """Like `when`, but a time without a zone is one of the zone that is `zone` ahead of UTC."""
    if isinstance(value, str) and _BARE.fullmatch(value.strip()):
        at = when(value)
        return at - zone if at else None
    return when(value)


def iso(at: datetime) -> str:
    """`at` as ISO 8601 in UTC with `Z`, with milliseconds only where there are any."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    # Twice as fast as `isoformat`, and each update of each body gets one.
    parts = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    second = "%04d-%02d-%02dT%02d:%02d:%02d" % parts  # noqa: UP031 - an f-string takes nearly twice as long
    millis = at.microsecond // 1000
    return f"{second}.{millis:03}Z" if millis else second + "Z"


def stamp(at: datetime | None, fallback: object = "") -> str:
    """The time part of a derived id: `at` in the one spelling, else the feed's own words for it, but for our mark "#"."""
    return iso(at) if at else ident(fallback).replace("#", "")[:_TIME_MAX_CHARS]


def offset_of(zone: str) -> timedelta | None:
    """How far a zone such as "PDT", "+02:00" or "-03" is from UTC; None when it is not known."""
    known = _OFFSETS.get(zone.upper())
    if known is not None:
        return known
    found = _OFFSET.fullmatch(zone)
    if not found:
        return None
    shift = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return -shift if found[1] == "-" else shift


def month_of(name: str) -> int | None:
    """1 to 12 for a month's English name or the first letters of it."""
    return _MONTH_OF.get(name[:3].casefold())


def moment(year: int, month: int, day: int, clock: timedelta, offset: timedelta) -> datetime | None:
    """The UTC moment of a local date and clock time; None when there is no such day (February 29th), or no such year."""
    try:
        at = datetime(year, month, day, 0, 0, 0, 0, UTC) + clock - offset
    except (ValueError, OverflowError):
        return None
    return at if at.year in _SANE_YEARS else None


@lru_cache(maxsize=8192)
def _from_text(text: str) -> datetime | None:
    at = _from_iso(text, UTC) if text[4:5] == "-" else None
    if at:
        return at
    if _NUMBER.fullmatch(text):
        return _from_epoch(float(text))
    mail = _MAIL_DATE.fullmatch(text)
    if mail and (mail[7] in _OFFSETS or mail[8]):
        return _from_plain_mail(mail)
    named = _NAMED_ZONE.fullmatch(text)
    if named and named[2] in ZONES:
        return _read(named[1], timezone(timedelta(hours=ZONES[named[2]])))
    return _read(text, UTC)


def _read(text: str, zone: timezone) -> datetime | None:
    return _from_iso(text, zone) or _from_mail(text, zone)


def _from_iso(text: str, zone: timezone) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _sane(at if at.tzinfo else at.replace(tzinfo=zone))


def _from_plain_mail(mail: re.Match[str]) -> datetime | None:
    """What nearly every feed writes, "Mon, 17 Aug 2026 21:01:19 GMT", at a fifth of the library's price."""
    day, year, hour, minute, second = map(int, mail.group(1, 3, 4, 5, 6))
    shift = offset_of(mail[7] or mail[8]) or timedelta()
    try:
        return _sane(datetime(year, month_of(mail[2]) or 0, day, hour, minute, second, tzinfo=UTC) - shift)
    except (ValueError, OverflowError):
        return None


def _from_mail(text: str, zone: timezone) -> datetime | None:
    """RFC 822 dates. A zone name was cut off before: the library takes those that it does not know for UTC, as it does none."""
    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        return _sane(datetime(*parts[:6], tzinfo=zone) - timedelta(seconds=parts[9] or 0))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _from_epoch(number: float) -> datetime | None:
    """Seconds, milliseconds, microseconds or nanoseconds, told apart by their size."""
    try:
        seconds = float(number)
        if not 0 < seconds < 1e20:  # not a number, too, is refused here
            return None
        while seconds > 1e11:
            seconds /= 1000
        return _sane(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _sane(at: datetime) -> datetime | None:
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        return None
    return at if at.year in _SANE_YEARS else None
