"""No card whatever makes a message that Slack would refuse, cut or ring people for; and the reviewer sees what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.chats.slack.client import SlackChat
from bot.chats.slack.render import Audience, render
from bot.domain.card import Card, Field, Section, Tone
from tests.chats.slack_blocks import problems
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_rules import readable, rung

PLAIN = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
PIECES = (
    "word ", "a&b<c>d ", "<!channel>", "<@U123>", "@here ", "<!subteam^S1|@oncall> ", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "é" + "\u0301" * 30,
    "שלום ", "\u202eevil\u202c ", "漢字仮名", "x" * 700, "\n\n", "\t", "\x00\x1b[31m", "\ud83d", "\u2028", "&amp;lt;",
    "*_~`> ", "https://evil.example/?a=<b>|c ", "﷽" * 40,
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
huge = st.builds(
    lambda text, n: text * n, hostile | st.text(max_size=60), st.sampled_from([0, 1, 3, 40, 900])
)
moments = st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
cards = st.builds(
    Card,
    title=huge,
    tone=st.sampled_from(Tone),
    fallback=huge,
    url=st.none() | hostile | st.just("https://status.example/1"),
    fields=st.lists(st.builds(Field, name=huge, value=huge), max_size=24).map(tuple),
    sections=st.lists(st.builds(Section, text=huge, heading=hostile, at=moments), max_size=64).map(tuple),
    footer=huge,
    mentions=st.lists(st.sampled_from(("U123", "S456", "here", "<!channel>", "W" * 40)), max_size=60).map(
        tuple
    ),
    is_quiet=st.booleans(),
)


def card(**parts: Any) -> Card:
    """A card of one word, but for what is given."""
    return Card(**{"title": "Title", "tone": Tone.MAJOR, "fallback": "Fallback", **parts})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cards, st.sampled_from(Audience))
@example(card(title="\ud83d", fallback="\ud83d"), Audience.CHANNEL)
@example(card(title="", fallback="", sections=(Section(text=""),)), Audience.PERSON)
@example(card(sections=(Section(text="x", at=datetime(1, 1, 1, tzinfo=UTC)),)), Audience.CHANNEL)
def test_no_card_makes_a_body_that_slack_refuses(shown: Card, audience: Audience) -> None:
    assert problems({**render(shown, audience=audience), **PLAIN, "channel": "C1"}) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cards)
def test_only_configured_people_are_rung_whatever_a_card_says(shown: Card) -> None:
    body = render(shown)

    assert set(rung(body)) <= {"@U123", "!subteam^S456"}
    assert rung({"text": body["text"], "link_names": True}) == []


@pytest.mark.parametrize(
    "letters", ["a", "é", "🔥", "&", "שלום "], ids=["latin", "accents", "emoji", "escaped", "rtl"]
)
def test_the_beginning_of_a_huge_text_is_shown_and_the_cut_is_said(letters: str) -> None:
    shown = card(sections=(Section(text=letters * 20_000),), fallback=letters * 20_000)

    body = render(shown)

    assert len(readable({"blocks": body["blocks"]})) > 1_000
    assert "more than one message may hold" in readable(body) or readable(body).rstrip().endswith("…")
    assert body["text"].endswith("…")


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


async def test_everything_that_is_sent_passes_the_review(fake: FakeSlack) -> None:
    """Posts, replies, broadcasts, edits, whispers and answers, as they arrive at Slack."""
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=timedelta(seconds=2))
    shown = card(sections=(Section(text="words " * 3000),), mentions=("U123",), pin=True, is_broadcast=True)
    receipt = await chat.post("C1", shown, key="k" * 25)
    await chat.post("C1", shown, key="key2", thread=receipt)
    await chat.edit(receipt, shown, thread=receipt)
    await chat.whisper("C1", "U1", shown, thread=receipt.message)
    await chat.close()

    bodies = [body for method, body in fake.calls if method.startswith("chat.") and method != "chat.delete"]
    assert [[], [], [], []] == [problems(body) for body in bodies]


GOOD: dict[str, Any] = {**render(card(sections=(Section(text="words"),))), **PLAIN, "channel": "C1"}
LINE = {"type": "mrkdwn", "text": "words"}


def blocks(*several: dict[str, Any]) -> dict[str, Any]:
    """A good body, but for its blocks."""
    return {**GOOD, "blocks": list(several)}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({**GOOD, "text": " "}, "text: is empty"),
        ({**GOOD, "text": "x" * 4001}, "text: 4001 characters"),
        ({**GOOD, "text": "\ud83d"}, "half a character"),
        (blocks(), "blocks: 0"),
        (blocks(*[{"type": "section", "text": LINE}] * 51), "blocks: 51"),
        (blocks({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}), "151 characters"),
        (blocks({"type": "header", "text": {"type": "plain_text", "text": "🔥" * 76}}), "152 characters"),
        (blocks({"type": "header", "text": LINE}), "no text object"),
        (blocks({"type": "section"}), "neither text nor fields"),
        (blocks({"type": "section", "text": {**LINE, "text": "x" * 3001}}), "3001 characters"),
        (blocks({"type": "section", "text": {**LINE, "text": ""}}), "0 characters"),
        (blocks({"type": "section", "fields": [LINE] * 11}), "11 texts"),
        (blocks({"type": "section", "fields": [{**LINE, "text": "x" * 2001}]}), "2001 characters"),
        (blocks({"type": "context", "elements": [LINE] * 11}), "11 texts"),
        (blocks({"type": "context", "elements": []}), "0 texts"),
        (blocks({"type": "sektion", "text": LINE}), "unknown kind"),
        (blocks({"type": "section", "text": LINE, "colour": "red"}), "section.colour: unknown"),
        (blocks(*[{"type": "section", "text": LINE, "block_id": "a"}] * 2), "block_id: a is there 2 times"),
        (
            blocks({"type": "actions", "elements": [{"type": "button", "action_id": "a"}] * 2}),
            "action_id: a is there 2 times",
        ),
        (blocks(*[{"type": "section", "text": {**LINE, "text": "x" * 2700}}] * 5), "13500 characters in all"),
        ({**GOOD, "link_names": True}, "parse, link_names"),
        ({**GOOD, "unfurl_links": True}, "unfurl_links"),
        ({**GOOD, "ts": "1.0", "reply_broadcast": True}, "no edit may ask for it"),
        ({**GOOD, "reply_broadcast": True}, "outside of a thread"),
        ({**GOOD, "as_user": True}, "as_user: unknown argument"),
        ({**GOOD, "metadata": {"event_type": "a b", "event_payload": {}}}, "metadata.event_type"),
        ({**GOOD, "metadata": {"event_type": "a", "event_payload": {"k": "x" * 2000}}}, "metadata: too large"),
        ({**GOOD, "metadata": {"event_type": "a"}}, "metadata: needs"),
    ],
)  # fmt: skip
def test_the_reviewer_sees_what_is_wrong(body: dict[str, Any], problem: str) -> None:
    assert problems(GOOD) == []
    assert problem in "\n".join(problems(body))
