"""Title and text for services that take nothing else: what they look like, what gives way, and whom they never ring."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chats.apprise.render import Room, harmless, message
from bot.domain.card import Card, Field, Section, Tone

AT = datetime(2025, 10, 20, 9, 12, tzinfo=timezone(timedelta(hours=2)))
CARD = Card(
    title="AWS: Increased error rates in US-EAST-1",
    tone=Tone.CRITICAL,
    fallback="INC-1 AWS: Increased error rates in US-EAST-1 (SEV1, investigating)",
    url="https://health.aws.amazon.com/health/status",
    fields=(Field(name="Severity", value="SEV1"), Field(name="Where", value="DynamoDB in us-east-1")),
    sections=(
        Section(heading="Investigating", text="We are looking into it.", at=AT),
        Section(heading="Before", text="06:50 UTC First signs.\nand 2 earlier"),
    ),
    footer="INC-1 · 3 updates",
)
BODY = """\
Severity: SEV1
Where: DynamoDB in us-east-1

Investigating · 2025-10-20 07:12 UTC
We are looking into it.

Before
06:50 UTC First signs.
and 2 earlier

https://health.aws.amazon.com/health/status
INC-1 · 3 updates"""
WIDE = Room(title=200, body=30_000)


def test_a_headline_looks_like_this() -> None:
    assert message(CARD, WIDE) == ("INC-1: AWS: Increased error rates in US-EAST-1", BODY)


def test_without_titles_it_stands_above_the_text() -> None:
    title, body = message(CARD, Room(title=0, body=30_000))

    assert ("", f"INC-1: AWS: Increased error rates in US-EAST-1\n{BODY}") == (title, body)


@pytest.mark.parametrize(
    "room", [Room(title=0, body=160), Room(title=50, body=160), Room(title=0, body=5000, lines=1)]
)
def test_a_short_message_is_the_one_line_and_the_link_where_it_fits(room: Room) -> None:
    assert message(CARD, room) == ("", f"{CARD.fallback} {CARD.url}")


def test_the_link_gives_way_to_the_words() -> None:
    assert message(CARD, Room(title=0, body=70)) == ("", CARD.fallback)


def test_the_story_gives_way_to_facts_link_and_footer() -> None:
    card = replace(CARD, sections=(Section(text="word " * 2_000),))

    _, body = message(card, Room(title=200, body=1_000))

    assert 990 < len(body) <= 1_000
    assert body.startswith("Severity: SEV1\n")
    assert body.endswith("…\n\nhttps://health.aws.amazon.com/health/status\nINC-1 · 3 updates")


@pytest.mark.parametrize(
    "text",
    [
        "@all", "@channel now", "(@here)", "hello @everyone", "x@all", "@Room", "@ops-team", "see @alice.", "<!channel>",
        "<@U123>", "<#C1>", "<@&1234>",
    ],
)  # fmt: skip
def test_nothing_in_a_text_rings_anybody(text: str) -> None:
    mended = harmless(text)

    assert mended.replace("\u200b", "") == text
    assert not re.search(r"@\w|<[!@#]", mended)


@pytest.mark.parametrize(
    "text", ["ops@shop.example", "dynamodb@us-east-1", "5 < 6", "a <b> c", "@", "@ 5 EUR"]
)
def test_addresses_and_places_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_mentions_are_harmless_wherever_a_text_from_outside_stands() -> None:
    bad = "@channel"
    card = Card(
        title=bad, tone=Tone.INFO, fallback=bad, footer=bad,
        fields=(Field(name=bad, value=bad),), sections=(Section(heading=bad, text=bad),),
    )  # fmt: skip

    for room in (WIDE, Room(title=0, body=2_000), Room(title=0, body=100)):
        assert bad not in "".join(message(card, room))


@given(
    st.text(max_size=400),
    st.text(max_size=400),
    st.text(max_size=2_000),
    st.integers(0, 300),
    st.integers(1, 3_000),
)
def test_it_always_fits(title: str, fallback: str, text: str, title_room: int, body_room: int) -> None:
    card = Card(
        title=title, tone=Tone.INFO, fallback=fallback, fields=(Field(name=title, value=text),),
        sections=(Section(heading=fallback, text=text, at=AT.astimezone(UTC)),), footer=title, url="https://x.example",
    )  # fmt: skip

    shown_title, body = message(card, Room(title=title_room, body=body_room))

    assert len(shown_title) <= title_room
    assert len(body) <= body_room


def test_controls_halves_of_letters_and_turned_directions_are_left_out() -> None:
    bad = "a\x00b\x1b[31mc\ud83dd\u202ee\x85f\r\ng"
    card = Card(title=bad, tone=Tone.INFO, fallback=bad, footer=bad, sections=(Section(text=bad),))

    title, body = message(card, WIDE)

    assert (title.count("ab[31mcde f g"), body.count("ab[31mcdef\ng")) == (2, 1)
    (title + body).encode()
