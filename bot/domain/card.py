"""The chat-neutral message. Only a chat's `render` knows what blocks and embeds are; only `render` escapes, and only once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Tone(StrEnum):
    """How a card looks, from alarm to calm."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"
    MAINTENANCE = "maintenance"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A short fact: "Began", "06:48 UTC"."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A dated paragraph. `heading` is one word or two ("Investigating"); `text` is plain text and may have line breaks."""

    text: str
    heading: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message, before any chat's own form.

    All strings are plain text and may come from outside: a render escapes them and cuts them to its chat's limits. `fallback`
    is the one line that notifications and screen readers use. `mentions` come from the configuration alone, never from
    text. `tone_words` are the tone in the channel's language; without them it is told in English. `is_quiet` asks the chat to
    notify nobody. `pin` is True for what should stay in view while it is open, False for what no longer should (its thread
    may rest), None for all else. `is_broadcast` asks to show a reply in the channel too.
    """

    title: str
    tone: Tone
    fallback: str
    tone_words: str = ""
    url: str | None = None
    fields: tuple[Field, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: str = ""
    mentions: tuple[str, ...] = ()
    is_quiet: bool = False
    pin: bool | None = None
    is_broadcast: bool = False

    @property
    def plain(self) -> str:
        """The whole card as plain text: for terminals, logs, replays and tests."""
        facts = [f"{field.name}: {field.value}" for field in self.fields]
        parts = [f"{s.heading}{': ' if s.heading else ''}{s.text}" for s in self.sections]
        return "\n".join(line for line in (self.title, *facts, *parts, self.footer) if line)
