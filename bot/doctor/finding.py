"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"  # it works, but something may be lost or is probably not meant
    BAD = "bad"  # it does not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was found, and what to do about it where it is not ok."""

    level: Level
    what: str
    remedy: str = ""


def ok(what: str) -> Finding:
    """All is well with it."""
    return Finding(level=Level.OK, what=what)


def warn(what: str, remedy: str) -> Finding:
    """It works, with a but."""
    return Finding(level=Level.WARN, what=what, remedy=remedy)


def bad(what: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(level=Level.BAD, what=what, remedy=remedy)
