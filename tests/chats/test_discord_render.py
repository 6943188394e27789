"""A Card as a Discord message: within every limit, and unable to say more than its words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chats.discord.render import escape, plain, ref_of, render, size
from bot.domain.card import Card, Field, Section, Tone
from tests.fakes.discord import readable
from tests.fakes.discord_rules import is_blank, message_problems, notified

AT = datetime(2026, 8, 17, 6, 48, tzinfo=UTC)
FULL = Card(
    title="AWS: DynamoDB is failing in us-east-1",
    tone=Tone.MAJOR,
    fallback="AWS: DynamoDB is failing in us-east-1",
    url="https://health.aws.amazon.com/health/status",
    fields=(Field(name="Began", value="06:48 UTC"), Field(name="Affects", value="checkout (certain)")),
    sections=(
        Section(heading="Identified", text="DNS is the cause.", at=AT),
        Section(heading="Investigating", text="Error rates are up.", at=AT),
    ),
    footer="INC-12 · aws",
    mentions=("role:456", "user:123"),
)

rude_words = st.sampled_from(
    (
        *("@everyone", "@here", "<@1>", "<@&2>", "<#3>", "<:x:4>", "</a:5>", "<t:1:R>", "[a](https://b.c)"),
        *("```", "||", "**", "__", "~~", "\\", "\n# ", "\n-# ", "\n> ", "\n>>> ", "https://a.b/c_d", " "),
        *("\r", "\u202e", "\x00", "\ud800", "😀"),
    )
)
texts = st.lists(rude_words | st.text(max_size=40), max_size=60).map("".join)
long_texts = texts | st.builds(lambda text, times: text * times, texts, st.integers(1, 400))
cards = st.builds(
    Card,
    title=long_texts,
    tone=st.sampled_from(Tone),
    fallback=texts,
    url=st.none() | texts | st.just("https://status.example/x"),
    fields=st.lists(st.builds(Field, name=long_texts, value=long_texts), max_size=30).map(tuple),
    sections=st.lists(
        st.builds(Section, text=long_texts, heading=texts, at=st.none() | st.just(AT)), max_size=12
    ).map(tuple),
    footer=long_texts,
    mentions=st.lists(
        texts | st.sampled_from(["user:1", "role:2", "user:", "everyone", "slack:U1"]), max_size=90
    ).map(tuple),
    is_quiet=st.booleans(),
)
patient = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # other work shares the machine


def test_the_word_of_the_tone_may_be_of_another_language() -> None:
    assert render(replace(FULL, tone_words="Erheblich"))["embeds"][0]["author"] == {"name": "🟠 Erheblich"}


def test_a_full_card_shows_everything() -> None:
    body = render(FULL, ref="abc")

    epoch = int(AT.timestamp())
    assert body == {
        "content": "<@123> <@&456>",
        "embeds": [
            {
                "author": {"name": "🟠 Major"},
                "title": "AWS: DynamoDB is failing in us-east-1",
                "color": 0xEF6C00,
                "url": "https://health.aws.amazon.com/health/status",
                "fields": [
                    {"name": "Began", "value": "06:48 UTC", "inline": True},
                    {"name": "Affects", "value": "checkout (certain)", "inline": True},
                ],
                "description": f"**Identified** · <t:{epoch}:t> (<t:{epoch}:R>)\nDNS is the cause."
                f"\n\n**Investigating** · <t:{epoch}:t> (<t:{epoch}:R>)\nError rates are up.",
                "footer": {"text": "INC-12 · aws · ref abc"},
            }
        ],
        "allowed_mentions": {"parse": [], "users": ["123"], "roles": ["456"]},
    }


@pytest.mark.parametrize("tone", Tone)
def test_a_tone_is_said_in_words_and_in_colour(tone: Tone) -> None:
    looks = {
        (embed["color"], embed["author"]["name"])
        for other in Tone
        for embed in render(Card(title="x", tone=other, fallback="x"))["embeds"]
    }
    [embed] = render(Card(title="x", tone=tone, fallback="x"))["embeds"]

    assert len(looks) == len(Tone)
    assert re.search(r"[A-Za-z]{4}", embed["author"]["name"])


def test_an_empty_card_is_still_a_message() -> None:
    body = render(Card(title=" \n", tone=Tone.INFO, fallback="", fields=(Field(name="", value=""),)))

    assert (message_problems(body), is_blank(body)) == ({}, False)


@patient
@given(card=cards, ref=st.sampled_from(["", "0123456789"]))
def test_any_card_is_within_the_limits_and_rings_nobody_else(card: Card, ref: str) -> None:
    body = render(card, ref=ref)

    assert message_problems(body) == {}
    assert not is_blank(body)
    assert json.loads(json.dumps(body).encode("utf-8")) == body
    assert (ref_of(body) if ref else ref) == ref
    rung = notified(body["content"], body["allowed_mentions"])
    users = {m.partition(":")[2] for m in card.mentions if re.fullmatch(r"user:\d+", m, re.ASCII)}
    roles = {m.partition(":")[2] for m in card.mentions if re.fullmatch(r"role:\d+", m, re.ASCII)}
    assert not rung["mention_everyone"]
    assert {user["id"] for user in rung["mentions"]} <= users
    assert set(rung["mention_roles"]) <= roles
    assert not re.search(r"@(everyone|here)", readable(body), re.IGNORECASE)


@patient
@given(text=long_texts, most=st.integers(1, 2_000))
def test_escaped_text_keeps_to_its_length_and_never_ends_in_half_an_escape(text: str, most: int) -> None:
    escaped = escape(text, most)

    assert size(escaped) <= most
    assert (len(escaped) - len(escaped.rstrip("\\"))) % 2 == 0


@patient
@given(text=texts)
def test_reading_what_discord_shows_gives_the_words_back(text: str) -> None:
    """Escaped once: a second round of backslashes would be seen."""
    shown = as_shown(escape(text, 100_000))

    assert shown == plain_lines(text)


@patient
@given(text=texts)
def test_nothing_that_discord_gives_a_meaning_is_left(text: str) -> None:
    escaped = escape(text, 100_000)
    bare = re.sub(r"https?://[A-Za-z0-9._~:/?#%&=+$,;!-]+|\\[^0-9A-Za-z\s]", "", escaped)

    assert not re.search(r"[*_~`|<\[\\]", bare)
    assert not re.search(r"^\s*(#{1,3}\s|-#|>\s|>>>)", bare, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("read [this](https://evil.example)", r"read \[this](https://evil.example)"),
        ("# Big", r"\# Big"),
        ("C#, INC #12", "C#, INC #12"),
        ("-# small", r"\-\# small"),
        ("> quoted, 5 > 3", r"\> quoted, 5 \> 3"),
        ("- a list\n- stays", "- a list\n- stays"),
        ("||gone||", r"\|\|gone\|\|"),
        ("`rm`", r"\`rm\`"),
        ("snake_case *bold*", r"snake\_case \*bold\*"),
        ("<:party:123> <a:b:1>", r"\<:party:123> \<a:b:1>"),
        ("see https://x.example/a_b_c?d=*e", r"see https://x.example/a_b_c?d=\*e"),
        ("<https://x.example/a_b>", r"\<https://x.example/a_b>"),
        ("@everyone and @HERE", "@\u200beveryone and @\u200bHERE"),
        ("one\r\n\r\n\r\n\r\ntwo", "one\n\ntwo"),
    ],
)
def test_text_is_shown_literally(text: str, shown: str) -> None:
    assert escape(text, 1_000) == shown


def test_a_footer_is_not_escaped_because_discord_reads_no_markdown_there() -> None:
    [embed] = render(Card(title="x", tone=Tone.INFO, fallback="x", footer="a_b @everyone"))["embeds"]

    assert embed["footer"]["text"] == "a_b @\u200beveryone"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://user:pw@x.example",
        "https://x.example/a b",
        "ftp://x",
        "",
        "https://",
        "x" * 3_000,
    ],
)
def test_only_plain_web_links_are_linked(url: str) -> None:
    [embed] = render(Card(title="x", tone=Tone.INFO, fallback="x", url=url))["embeds"]

    assert "url" not in embed


def test_a_cut_is_seen_and_falls_between_words() -> None:
    assert escape("many words that go on", 12) == "many words…"


def test_astral_characters_count_twice() -> None:
    assert (size("😀" * 3), plain("😀" * 10, 5)) == (6, "😀😀…")


def test_a_long_story_leaves_its_end_out_and_says_so() -> None:
    story = tuple(Section(heading="Update", text="words " * 300, at=AT) for _ in range(20))

    [embed] = render(Card(title="x", tone=Tone.INFO, fallback="x", sections=story))["embeds"]

    assert embed["description"].endswith("…")
    assert 3_900 < size(embed["description"]) <= 4_096


STORM = "INC-{0:03} · Compute and *Storage* in region-{0}: elevated error rates, 12 of our services are hit. ".ljust(
    150, "x"
)


@pytest.mark.parametrize("at", [None, AT], ids=["undated", "dated"])
@pytest.mark.parametrize("fields", [0, 25])
@pytest.mark.parametrize(
    "text", [STORM, STORM.replace("x", "_"), STORM * 2], ids=["plain", "escaped", "long"]
)
def test_a_list_of_twenty_is_shown_to_its_end(at: datetime | None, fields: int, text: str) -> None:
    lines = tuple(Section(heading="SEV1 · Investigating", text=text.format(n), at=at) for n in range(20))
    facts = tuple(Field(name=f"name {n}", value="a value") for n in range(fields))

    body = render(
        Card(title="20 incidents", tone=Tone.INFO, fallback="x", sections=lines, fields=facts), ref="a" * 10
    )

    assert message_problems(body) == {}
    shown = body["embeds"][0]["description"]
    assert [n for n in range(20) if f"INC-{n:03}" in as_shown(shown)] == list(range(20))
    assert (at is None) == ("<t:" not in shown)


def test_a_list_that_fits_is_not_cut_at_all() -> None:
    lines = tuple(Section(text=STORM.format(n)) for n in range(20))

    [embed] = render(Card(title="x", tone=Tone.INFO, fallback="x", sections=lines))["embeds"]

    assert "…" not in embed["description"]


def test_many_long_fields_leave_room_for_the_story() -> None:
    fields = tuple(Field(name="n" * 300, value="v" * 2_000) for _ in range(30))

    [embed] = render(
        Card(title="x", tone=Tone.INFO, fallback="x", fields=fields, sections=(Section(text="the story"),))
    )["embeds"]

    assert embed["description"] == "the story"
    assert len(embed["fields"]) == 2


def as_shown(escaped: str) -> str:
    """What a reader sees: Discord takes the backslash away before anything but letters, digits and blanks."""
    link = r"https?://[A-Za-z0-9._~:/?#%&=+$,;!-]+"
    return re.sub(rf"({link})|\\([^0-9A-Za-z\s])", lambda found: found[1] or found[2], escaped)


def plain_lines(text: str) -> str:
    """The words of `text` without what no chat shows, and with mass mentions broken."""
    clean = re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
        "",
        re.sub("\r\n?", "\n", text),
    )
    return re.sub("(?i)@(?=everyone|here)", "@\u200b", re.sub(r"\n\s*\n", "\n\n", clean).strip())
