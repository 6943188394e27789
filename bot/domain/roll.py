"""Who is in a message for many: a line that goes with it where people do not see it, so that each of them can find it again.

Pure. The sender writes it and a chat that can keep it reads it back (`Limits.rolls`). A member knows the message by the key of
what it would have been told alone: that is all it can know when the store forgot that they were told together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.conversation import Receipt, Why

LINE_MAX_CHARS = 850  # ours: Slack does not say how much metadata is too much
NO_REASON = "-"
BLANK = "+"  # stands for a blank in a provider's name, and is in no name itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """`names` are the members ("aws|INC-12") by their marks; `why` is what they had waited for."""

    why: Why | None
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Among(Receipt):
    """A message for many that one of them found: with its own key, and all its members."""

    key: str
    members: tuple[str, ...]
    why: Why | None


def mark(key: str) -> str:
    """The ten characters that stand for the key of what a member would have been told alone."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def written(why: Why | None, members: Iterable[tuple[str, str]]) -> str:
    """The line, of each member's name and key; "" when it would be too long, and then nobody can find the message so.

    A provider is named where it is another than that of the member before.
    """
    words, before = [str(why or NO_REASON)], ""
    for name, key in members:
        provider, _, incident = name.partition("|")
        known_as = incident if provider == before else name.replace(" ", BLANK)
        words.append(f"{known_as}|{mark(key)}")
        before = provider
    line = " ".join(words)
    return line if len(line) <= LINE_MAX_CHARS else ""


def read(line: str) -> Roll:
    """What the line says; what makes no sense is left out."""
    why, *members = line.split(" ")
    names, provider = {}, ""
    for member in members:
        *named, incident, its_mark = ("", "", *member.split("|"))
        provider = named[-1].replace(BLANK, " ") or provider
        if provider and incident:
            names[its_mark] = f"{provider}|{incident}"
    return Roll(why=_WHYS.get(why), names=names)


_WHYS = {why.value: why for why in Why}
