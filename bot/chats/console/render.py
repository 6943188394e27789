"""A card as the console keeps it: cut to the console's limits and written as JSON. Pure; called by `client` alone.

Nothing is escaped here, because the page escapes whatever it inserts; only links that are not web links are dropped.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from bot.domain.card import Card, Field, Section

# Generous, because the page is ours: they keep one message below 100 KB, so that a page of fifty stays quick.
TITLE_MAX_CHARS = 300
FIELDS_MAX = 25
FIELD_MAX_CHARS = 1_000
SECTIONS_MAX = 20
TEXT_MAX_CHARS = 8_000
TEXTS_MAX_CHARS = 24_000


def encode(card: Card) -> str:
    """The card as JSON, cut to the limits above."""
    return _adapter().dump_json(cut(card)).decode()


def decode(text: str | bytes) -> Card:
    """The card that `encode` wrote."""
    return _adapter().validate_json(text)


def cut(card: Card) -> Card:
    """The card with every string within its limit; what was cut ends in an ellipsis. Doing it twice changes nothing."""
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


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Card]:
    """Built at first use: it takes milliseconds that an import should not cost."""
    return TypeAdapter(Card)


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
