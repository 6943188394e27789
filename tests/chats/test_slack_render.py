"""Block Kit from cards: within every limit, escaped once, and unable to ring anybody whom the configuration does not name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.chats.slack.render import BLOCKS_MAX, BLOCKS_MAX_CHARS, Audience, escape, render
from bot.domain.card import Card, Field, Section, Tone
from tests.fakes.slack_rules import UPDATE_TEXT_MAX, readable, refusal, rung, text_objects, units

NOON = datetime(2026, 8, 17, 12, 0, tzinfo=UTC)
ATTACKS = (
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<@U1>",
    "<@U1|ann>",
    "<!subteam^S1>",
    "<#C1>",
    "<#C1|general>",
    "@here",
    "@channel",
    "@everyone",
    "@\x00here",
    "@\u202ehere",
    "&lt;!channel&gt;",
    "<<!channel>>",
    "<http://evil.example|https://slack.com>",
    "<mailto:a@b.example>",
    "<!date^1^{date}|x>",
)
anything = st.text(max_size=400) | st.sampled_from(ATTACKS) | st.lists(st.sampled_from(ATTACKS)).map(" ".join)
long = st.builds(lambda text, n: text * n, anything, st.integers(1, 200))
moments = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
cards = st.builds(
    Card,
    title=anything,
    tone=st.sampled_from(Tone),
    fallback=long,
    url=st.none() | anything | st.just("https://status.example/1"),
    fields=st.lists(st.builds(Field, name=anything, value=long), max_size=30).map(tuple),
    sections=st.lists(st.builds(Section, text=long, heading=anything, at=moments), max_size=70).map(tuple),
    footer=long,
    mentions=st.just(()),
)


def card(**parts: Any) -> Card:
    """A card of one word, but for what is given."""
    return Card(**{"title": "Title", "tone": Tone.MAJOR, "fallback": "Fallback", **parts})


def texts(shown: Card, kind: str) -> list[str]:
    """The texts of all blocks of a kind."""
    return [part["text"] for part in text_objects([b for b in render(shown)["blocks"] if b["type"] == kind])]


@given(cards)
def test_slack_accepts_every_card(shown: Card) -> None:
    body = render(shown)

    assert refusal(body, text_max=UPDATE_TEXT_MAX) is None
    assert len(body["blocks"]) <= BLOCKS_MAX
    assert sum(units(part["text"]) for part in text_objects(body["blocks"])) <= BLOCKS_MAX_CHARS


@given(cards)
def test_no_card_rings_anybody_by_its_text(shown: Card) -> None:
    """Not even where Slack would make mentions of bare names."""
    body = render(shown)

    assert rung(body) == []
    bare = [{**part, "verbatim": False} for part in text_objects(body["blocks"]) if part["type"] == "mrkdwn"]
    assert rung({"text": body["text"], "link_names": True, "blocks": [{"elements": bare}]}) == []


@given(cards)
def test_the_only_markup_is_our_own(shown: Card) -> None:
    """Whatever stands between < and > is a date of ours or a link named after its host."""
    body = render(shown)

    for text in [body["text"], *(part["text"] for part in text_objects(body["blocks"]))]:
        for markup in re.findall(r"<[^>]*>?|>", text):
            assert re.fullmatch(r"<!date\^-?\d+\^[^<>|]+\|[-\d: UTC]+>|<https?://[^<>|\s]+\|[^<>|]+>", markup)
        assert re.search(r"&(?!amp;|lt;|gt;)", text) is None


@given(st.text())
@example("&amp; <b> &lt;")
def test_text_is_escaped_exactly_once(text: str) -> None:
    plain = escape(text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(entity, character)

    clean = re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", re.sub(r"\r\n?", "\n", text)
    )
    assert clean.replace("\u2060", "") == plain.replace("\u2060", "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_shown_as_it_was_written(attack: str) -> None:
    body = render(card(sections=(Section(text=f"before {attack} after"),)))

    written = attack.replace("\x00", "").replace("\u202e", "")
    assert f"before {written} after" in readable(body)
    assert rung(body) == []


def test_the_tone_is_told_by_a_symbol_and_a_word() -> None:
    headers = {tone: texts(card(tone=tone), "header")[0] for tone in Tone}

    assert headers[Tone.CRITICAL] == "🔴 Critical · Title"
    assert headers[Tone.OVER] == "✅ Over · Title"
    words = {re.sub(r"[^\w ]", "", header) for header in headers.values()}
    assert len(Tone) == len(set(headers.values())) == len(words)


def test_the_word_of_the_tone_may_be_of_another_language() -> None:
    assert texts(card(tone=Tone.OVER, tone_words="Beendet"), "header") == ["✅ Beendet · Title"]


def test_what_is_shown_stands_in_order() -> None:
    shown = card(
        fields=(Field(name="Began", value="06:48"),),
        sections=(Section(heading="Identified", text="Now"), Section(text="Before")),
        footer="INC-12",
        url="https://status.example/1?a=b&c=d",
        mentions=("U123", "S456"),
    )

    kinds = [block["type"] for block in render(shown)["blocks"]]
    assert kinds == ["header", "section", "section", "section", "context"]
    assert texts(shown, "section") == [
        "<@U123> <!subteam^S456>",
        "*Began*\n06:48",
        "*Identified*\nNow\n\nBefore",
    ]
    assert texts(shown, "context") == ["INC-12", "<https://status.example/1?a=b&amp;c=d|status.example>"]


def test_the_fallback_is_one_line_and_never_empty() -> None:
    assert render(card(fallback="a\n b  <c>"))["text"] == "a b &lt;c&gt;"
    assert render(card(fallback=" "))["text"] == "Title"
    assert render(card(fallback="", title=""))["text"] == "major"


@pytest.mark.parametrize(
    "at", [NOON, NOON.astimezone(timezone(timedelta(hours=5)))], ids=["utc", "elsewhere"]
)
def test_a_time_is_shown_in_the_readers_zone_and_in_utc_elsewhere(at: datetime) -> None:
    expected = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-08-17 12:00 UTC>"

    assert [f"*Identified* · {expected}\nText"] == texts(
        card(sections=(Section(heading="Identified", text="Text", at=at),)), "section"
    )


def test_configured_people_are_mentioned_unless_the_card_is_quiet_or_for_one_person() -> None:
    loud, quiet = card(mentions=("U123",)), card(mentions=("U123",), is_quiet=True)

    assert rung(render(loud)) == ["@U123"]
    assert rung(render(quiet)) == []
    assert rung(render(loud, audience=Audience.PERSON)) == []


@pytest.mark.parametrize("name", ["here", "channel", "!channel", "<!channel>", "u123", "U123>", "C123", ""])
def test_a_mention_that_is_no_user_or_group_rings_nobody(name: str) -> None:
    body = render(card(mentions=(name,)))

    assert (refusal(body), rung({**body, "link_names": True})) == (None, [])


def test_a_long_text_goes_on_in_the_next_block_between_words() -> None:
    text = " ".join(f"word{number}" for number in range(1000))

    pieces = texts(card(sections=(Section(text=text),)), "section")

    assert len(pieces) > 1
    assert text == " ".join(pieces)


def test_what_is_too_much_is_said_to_be_cut() -> None:
    pieces = texts(card(sections=tuple(Section(text=f"{n} " * 400) for n in range(60))), "section")

    assert pieces[0].startswith("0 0 0")
    assert "more" in pieces[-1]


def test_sections_are_cut_at_the_limit_of_blocks() -> None:
    """A short one and one that is too long to share a block, in turns: as many blocks as there can be."""
    shown = card(
        sections=tuple(Section(text=f"{n} " + "x" * 300 * (n % 2)) for n in range(60)), footer="foot"
    )

    pieces = texts(shown, "section")

    assert (len(render(shown)["blocks"]), pieces[-2]) == (BLOCKS_MAX, "46")
    assert "more" in pieces[-1]
    assert texts(shown, "context") == ["foot"]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 600)), max_size=20))
def test_sections_are_all_there_and_in_order_however_they_share_blocks(
    shapes: list[tuple[bool, int]],
) -> None:
    sections = tuple(
        Section(text=f"<{n}>" + "x" * length, heading=f"H{n}" if has_heading else "")
        for n, (has_heading, length) in enumerate(shapes)
    )

    shown = readable({"blocks": render(card(sections=sections))["blocks"]})

    assert [f"<{n}>" for n in range(len(sections))] == re.findall(r"<\d+>", shown)
    assert sum(length for _, length in shapes) == shown.count("x")


def test_a_storm_of_twenty_is_shown_whole_in_few_blocks() -> None:
    lines = tuple(
        Section(text=f"{n}: " + "word " * 29 + "end", heading=f"INC-{n}", at=NOON) for n in range(20)
    )
    shown = card(sections=lines, fields=(Field(name="Incidents", value="58"),), footer="and 38 more")

    body = render(shown)

    assert [f"INC-{n}" in readable(body) and f"{n}: word" in readable(body) for n in range(20)] == [True] * 20
    assert readable(body).count("end") == 20
    stories = [block for block in body["blocks"] if block.get("expand")]
    assert (len(stories), len(body["blocks"])) == (2, 5)
    assert "\n\n" not in texts(shown, "section")[-1]


@pytest.mark.parametrize("length", range(90, 300, 11))
def test_a_list_that_is_too_long_ends_in_a_text_and_says_so(length: int) -> None:
    """Never in the middle of a date or of a bold word."""
    shown = card(sections=tuple(Section(text="x" * length, heading=f"INC-{n}", at=NOON) for n in range(100)))

    pieces = texts(shown, "section")

    assert "more" in pieces[-1]
    lines = re.split(r"\n+", "\n".join(pieces[:-1]))
    assert {re.sub(r"\d+", "1", line) for line in lines[::2]} == {
        "*INC-1* · <!date^1^{date_short_pretty} {time}|1-1-1 1:1 UTC>"
    }
    assert {"x" * length} == set(lines[1:-1:2])
    assert re.fullmatch("x{9,}…?", lines[-1])


def test_a_long_text_keeps_a_block_of_its_own() -> None:
    """Slack folds it behind "see more", and would fold what stands beside it, too."""
    shown = card(sections=(Section(text="short"), Section(text="long " * 100), Section(text="short too")))

    assert [len(piece) for piece in texts(shown, "section")] == [5, 499, 9]
    assert [block for block in render(shown)["blocks"] if "expand" in block] == []


def test_a_cut_never_splits_an_entity() -> None:
    for shift in range(6):
        title = texts(card(title="x" * shift + "&" * 200), "header")[0]
        assert re.search(r"&(?!amp;)", title) is None
        assert title.endswith("…")


def test_long_emoji_are_counted_as_slack_may_count_them() -> None:
    assert refusal(render(card(title="🔥" * 200, sections=(Section(text="🔥" * 9000),)))) is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://status.example",
        "https://",
        "https://slack.com@evil.example/",
        "https://status.example/a b",
        "https://status.example/\nx",
        "https://[broken",
        "https://status.example/" + "x" * 2000,
        "//status.example",
        "",
    ],
)
def test_what_is_no_plain_web_address_is_no_link(url: str) -> None:
    assert texts(card(url=url), "context") == []


def test_an_address_cannot_break_out_of_its_link() -> None:
    shown = card(url="https://status.example/a|b>c<!channel>")

    assert texts(shown, "context") == ["<https://status.example/a%7Cb%3Ec%3C!channel%3E|status.example>"]
    assert rung(render(shown)) == []


def test_bold_words_cannot_end_early() -> None:
    shown = card(fields=(Field(name="a*b\nc", value=""),), sections=(Section(heading="d*e", text="f"),))

    assert texts(shown, "section") == ["*ab c*\n–", "*de*\nf"]
