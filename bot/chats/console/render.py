"""A card as the console keeps it: cut and written as JSON. Pure; called by `client` alone.

Nothing is escaped here, because the page escapes whatever it inserts; only links that are not web links are dropped.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic import TypeAdapter

from bot.domain.card import Card, cut


def encode(card: Card) -> str:
    """The card as JSON, `cut` before."""
    return _adapter().dump_json(cut(card)).decode()


def decode(text: str | bytes) -> Card:
    """The card that `encode` wrote."""
    return _adapter().validate_json(text)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Card]:
    """Built at first use: it takes milliseconds that an import should not cost."""
    return TypeAdapter(Card)
