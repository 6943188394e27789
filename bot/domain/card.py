"""The chat-neutral message. Only a chat's `render` knows what blocks and embeds are; only `render` escapes, and only once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

# The limits of `cut`. They keep one message of the console below 100 KB, so that a page of fifty stays quick, and an event of
# a webhook below 512 KiB, whatever the letters.
TITLE_MAX_CHARS = 300
FIELDS_MAX = 25
FIELD_MAX_CHARS = 1_000
SECTIONS_MAX = 20
TEXT_MAX_CHARS = 8_000
TEXTS_MAX_CHARS = 24_000


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
    may rest), None for all else. `is_broadcast` asks to show a reply in the channel too. `roll` names those whom a message for
    many is about (`bot.domain.roll`); people do not see it.
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
    roll: str = ""

    @property
    def plain(self) -> str:
        """The whole card as plain text: for terminals, logs, replays and tests."""
        facts = [f"{field.name}: {field.value}" for field in self.fields]
        parts = [f"{s.heading}{': ' if s.heading else ''}{s.text}" for s in self.sections]
        return "\n".join(line for line in (self.title, *facts, *parts, self.footer) if line)


def cut(card: Card) -> Card:
    """The card within limits that suit whoever sets none of its own: the console and the webhooks.

    What was cut ends in an ellipsis, and an address that is no web link is dropped. Doing it twice changes nothing.
    """
    return replace(
        card,
        title=_short(card.title, TITLE_MAX_CHARS),
        fallback=_short(card.fallback, FIELD_MAX_CHARS),
        footer=_short(card.footer, FIELD_MAX_CHARS),
        url=card.url if is_web_link(card.url) else None,
        fields=tuple(_cut_field(field) for field in card.fields[:FIELDS_MAX]),
        sections=_cut_sections(card.sections[:SECTIONS_MAX]),
    )


def is_web_link(url: str | None) -> bool:
    """True for an absolute http or https address: anything else ("javascript:") must not become a link."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _cut_field(field: Field) -> Field:
    return Field(name=_short(field.name, FIELD_MAX_CHARS), value=_short(field.value, FIELD_MAX_CHARS))


def _cut_sections(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    kept: list[Section] = []
    room = TEXTS_MAX_CHARS
    for section in sections:
        if room <= 0:
            break
        text = _short(section.text, min(TEXT_MAX_CHARS, room))
        kept.append(replace(section, heading=_short(section.heading, TITLE_MAX_CHARS), text=text))
        room -= len(text)
    return tuple(kept)


def _short(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"
