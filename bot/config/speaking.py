"""The kinds of values in [[channel]], [[calendar]] and [[route]]: days, wall clocks, tiers, severities, whom to call."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from bot.config.fields import listed
from bot.domain.phrases import LANGUAGES, known_language
from bot.domain.words import Severity

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MENTIONS = {
    "slack": re.compile(r"[SUW][A-Z0-9_]+"),
    "discord": re.compile(r"(?:role|user):\d{1,20}"),
}


def _language(value: str) -> str:
    found = known_language(value)
    if found is None:
        raise ValueError(
            f'"{value[:20]}" is no language that Fogbell speaks: write one of {", ".join(LANGUAGES)}'
        )
    return found


def _spans(value: Any) -> Any:
    """One span, or one name of a calendar, may stand for a list of one."""
    return (value,) if isinstance(value, str | dict) else value


def _floor(value: Any) -> Severity | None:
    """The least severity that breaks a channel's quiet; None where nothing does."""
    found = re.fullmatch(r"SEV([1-4])\+?", value) if isinstance(value, str) else None
    if found:
        return Severity(int(found[1]))
    if value in (None, "never") or isinstance(value, Severity):
        return value if isinstance(value, Severity) else None
    raise ValueError('write "SEV1", "SEV2" ... or "never"')


def _tiers(value: Any) -> Any:
    """Tiers of services: 1, "1", "1-2" or a list of such."""
    if value == ():
        return value
    found: list[int] = []
    for part in value if isinstance(value, list) else (value,):
        match = re.fullmatch(r"([1-4])(?:-([1-4]))?", str(part))
        if not match:
            raise ValueError(f'"{str(part)[:20]}" is no tier: write "1" or "1-2"')
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    if not found:
        raise ValueError('holds no tier: write "1" or "1-2"')
    return tuple(dict.fromkeys(found))


def _days(value: Any) -> Any:
    """Days of the week: "mon-fri", "sat, sun", "fri-mon" or a list of such."""
    if isinstance(value, frozenset):
        return value
    found: set[int] = set()
    for part in value if isinstance(value, list) else str(value).split(","):
        first, dash, last = str(part).strip().casefold().partition("-")
        if first not in _WEEK or (dash and last not in _WEEK):
            raise ValueError(f'"{str(part)[:20]}" is no day: write "mon-fri", "sat" or ["mon", "wed"]')
        begin, end = _WEEK.index(first), _WEEK.index(last or first)
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _clock(value: Any) -> time:
    """A wall clock's time; "24:00" is midnight."""
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)", value) if isinstance(value, str) else None
    if not found or (found[1] == "24" and found[2] != "00"):
        raise ValueError(f'"{str(value)[:20]}" is no time of day: write "22:00"')
    return time(int(found[1]) % 24, int(found[2]))


def _mention(value: str) -> str:
    """The value, when it names somebody whom a chat can call: "slack:S0123" or "discord:role:456". Raises ValueError."""
    chat, _, who = value.partition(":")
    pattern = _MENTIONS.get(chat.partition("-")[0])
    if pattern is None or not pattern.fullmatch(who):
        raise ValueError(
            f'"{value[:60]}" calls nobody: write "slack:S0123ABCD" (a user group), "slack:U0123ABCD",'
            ' "discord:role:456" or "discord:user:1"'
        )
    return value


def _key(value: Any) -> Any:
    """The severity at which somebody is called, as "SEV1"."""
    if isinstance(value, Severity):
        return value
    if not re.fullmatch(r"SEV[1-4]", str(value)):
        raise ValueError(f'"{str(value)[:20]}" is no severity: write SEV1, SEV2, SEV3 or SEV4')
    return Severity[value]


Language = Annotated[str, AfterValidator(_language)]
SeverityFloor = Annotated[Severity | None, BeforeValidator(_floor)]
Tiers = Annotated[tuple[int, ...], BeforeValidator(_tiers)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]
WallClock = Annotated[time, BeforeValidator(_clock)]
WallClocks = Annotated[tuple[WallClock, ...], BeforeValidator(listed)]
Mention = Annotated[str, AfterValidator(_mention)]
Mentions = Annotated[tuple[Mention, ...], BeforeValidator(listed)]
SeverityKey = Annotated[Severity, BeforeValidator(_key)]
Spans = BeforeValidator(_spans)
