"""A card as the console keeps it: whole within the limits, cut beyond them, and never a link that runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chats.console.render import decode, encode
from bot.domain.card import (
    TEXT_MAX_CHARS,
    TEXTS_MAX_CHARS,
    TITLE_MAX_CHARS,
    Card,
    Field,
    Section,
    Tone,
    cut,
)

CARD = Card(
    title="AWS: Increased error rates",
    tone=Tone.CRITICAL,
    fallback="INC-1 AWS",
    url="https://health.aws.amazon.com/",
    fields=(Field(name="Status", value="Investigating"),),
    sections=(
        Section(heading="Investigating", text="One\ntwo", at=datetime(2025, 10, 20, 7, 11, tzinfo=UTC)),
    ),
    footer="INC-1 · 1 update",
    mentions=("@here",),
    is_quiet=True,
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
_SECTIONS = st.builds(Section, text=_TEXT, heading=_TEXT, at=st.none() | st.datetimes(timezones=st.just(UTC)))
_CARDS = st.builds(
    Card,
    title=_TEXT,
    tone=st.sampled_from(Tone),
    fallback=_TEXT,
    url=st.none() | _TEXT,
    fields=st.lists(st.builds(Field, name=_TEXT, value=_TEXT), max_size=30).map(tuple),
    sections=st.lists(_SECTIONS, max_size=25).map(tuple),
    footer=_TEXT,
)


def test_a_card_within_the_limits_comes_back_whole() -> None:
    assert decode(encode(CARD)) == CARD


@given(_CARDS)
def test_what_comes_back_is_the_card_cut_once(card: Card) -> None:
    assert cut(card) == decode(encode(card))
    assert cut(card) == cut(cut(card))


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    long = Card(title="t" * 999, tone=Tone.INFO, fallback="", sections=(Section(text="x" * 99_999),) * 9)

    kept = cut(long)

    assert (len(kept.title), kept.title[-1]) == (TITLE_MAX_CHARS, "…")
    assert (len(kept.sections[0].text), kept.sections[0].text[-1]) == (TEXT_MAX_CHARS, "…")
    assert sum(len(section.text) for section in kept.sections) == TEXTS_MAX_CHARS


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/x",
        "https:",
        "http://[",
        "",
    ],
)
def test_only_web_links_are_kept(url: str) -> None:
    assert cut(Card(title="", tone=Tone.INFO, fallback="", url=url)).url is None
