"""A card as title and text for services that take nothing else. Pure; called by `client` alone.

All is plain text: the library turns it into the service's own markup, and escapes what needs it. What does not fit is cut,
because a text split in two would be two messages, of which one can be lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC

from bot.domain.card import Card, Section

SHORT_MAX_CHARS = 400  # services that take no more (SMS, pagers) get the one line meant for notifications
TITLE_MAX_CHARS = 250

# What rings people on one service or another, in texts that come from outside: "@all", "<!channel>", "<@U123>". An invisible
# blank after the first sign takes that away. Addresses ("ops@shop.example") and places ("dynamodb@us-east-1") stay as they are.
_MENTIONS = re.compile(
    r"@(?=(?:all|channel|here|everyone|room|team)\b)|(?<!\w)@(?=\w)|<(?=[!@#&])", re.IGNORECASE
)
_INVISIBLE = "\u200b"
# What no service can carry, or what would forge what people read: controls, halves of letters, turned directions.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a service takes, in characters. `title` is 0 for one without titles, `lines` for any number of lines."""

    title: int
    body: int
    lines: int = 0


def message(card: Card, room: Room) -> tuple[str, str]:
    """Title and text, within the room; the title is empty where the service has none."""
    if room.body <= SHORT_MAX_CHARS or room.lines == 1:
        line = " ".join(filter(None, (_line(card.fallback), card.url)))
        return "", short(line if len(line) <= room.body else _line(card.fallback), room.body)
    title = _line(": ".join(filter(None, (_incident(card), card.title))))
    if room.title > 0:
        return short(title, min(room.title, TITLE_MAX_CHARS)), _body(card, room.body)
    title = short(title, TITLE_MAX_CHARS)
    return "", f"{title}\n{_body(card, room.body - len(title) - 1)}"


def short(text: str, max_chars: int) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    return text if len(text) <= max_chars else text[: max(0, max_chars - 1)].rstrip() + "…"


def harmless(text: str) -> str:
    """The text, with nothing in it that would ring anybody or break a service."""
    return _MENTIONS.sub(lambda found: found[0] + _INVISIBLE, _UNFIT.sub("", text))


def _body(card: Card, max_chars: int) -> str:
    """Facts, story, link and footer. The story gives way to the others, which are short."""
    facts = "\n".join(f"{_line(field.name)}: {_line(field.value)}" for field in card.fields)
    story = "\n\n".join(_story(section) for section in card.sections)
    end = "\n".join(filter(None, (card.url, _line(card.footer))))
    room = max_chars - sum(len(part) + 2 for part in (facts, end) if part)
    kept = short(story, room) if room > 1 else ""
    return short("\n\n".join(filter(None, (facts, kept, end))) or _line(card.title), max_chars)


def _story(section: Section) -> str:
    at = f"{section.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if section.at else ""
    lead = " · ".join(filter(None, (_line(section.heading), at)))
    return harmless(f"{lead}\n{section.text}" if lead else section.text)


def _incident(card: Card) -> str:
    """The incident's id, which stands first in the footer: without threads, it is what holds messages together."""
    return card.footer.partition(" · ")[0]


def _line(text: str) -> str:
    return harmless(" ".join(text.split()))
