"""The terminal as a chat: what it prints, to the letter, and what it never lets through."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chats.terminal import TerminalChat, plain
from bot.domain.card import Card, Field, Section, Tone
from bot.domain.conversation import Limits
from bot.errors import Unavailable
from tests.fakes.store_fakes import FakeClock

AT = datetime(2025, 10, 20, 7, 12, tzinfo=UTC)
HEADLINE = Card(
    title="AWS: Increased error rates and latencies in US-EAST-1",
    tone=Tone.CRITICAL,
    fallback="INC-1 AWS",
    url="https://health.aws.amazon.com/health/status",
    fields=(
        Field(name="Status", value="Investigating"),
        Field(name="Severity", value="SEV1"),
        Field(
            name="Our services",
            value="checkout via aws/dynamodb@us-east-1, sessions (perhaps) via aws@us-east-1",
        ),
    ),
    sections=(
        Section(
            heading="Investigating",
            text="Error rates and latencies are up for several services. We are looking into it.",
            at=AT - timedelta(minutes=1),
        ),
        Section(heading="Before", text="2025-10-20 06:50 UTC First signs.\nand 2 earlier"),
    ),
    footer="INC-1 · 1 update",
)
REPLY = replace(
    HEADLINE, fields=(), sections=(Section(heading="Identified", text="It is DNS.", at=AT),), footer="INC-1"
)

GOLDEN = """
 CRITICAL  AWS: Increased error rates and latencies in US-EAST-1
  Status: Investigating
  Severity: SEV1
  Our services: checkout via aws/dynamodb@us-east-1, sessions (perhaps) via
  aws@us-east-1
  07:11 UTC Investigating  Error rates and latencies are up for several
  services. We are looking into it.
  Before  2025-10-20 06:50 UTC First signs.
  and 2 earlier
  INC-1 · 1 update · 07:12 UTC · https://health.aws.amazon.com/health/status
  ↳ INC-1 07:12 UTC
    07:12 UTC Identified  It is DNS.
"""


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


async def _printed(*cards: Card, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    chat = TerminalChat(stream, clock=FakeClock(AT), width=78)
    for number, card in enumerate(cards):
        await chat.post("ops", card, key=f"k{number}")
    return stream.getvalue()


async def test_a_headline_and_its_update_look_like_this() -> None:
    lines = (await _printed(HEADLINE, REPLY)).split("\n")

    assert "\n".join(line.rstrip() for line in lines) == GOLDEN


async def test_it_says_what_it_lacks_and_gives_receipts() -> None:
    chat = TerminalChat(io.StringIO(), clock=FakeClock(AT))

    receipt = await chat.post("ops", HEADLINE, key="k")

    assert Limits(threads=False, edits=False, find=False) == chat.limits
    assert (receipt.channel, receipt.message, receipt.at) == ("ops", "k", AT)
    assert await chat.find("ops", key="k", since=AT) is None


async def test_an_edit_prints_nothing() -> None:
    stream = io.StringIO()
    chat = TerminalChat(stream, clock=FakeClock(AT))
    receipt = await chat.post("ops", HEADLINE, key="k")
    before = stream.getvalue()

    await chat.edit(receipt, REPLY)

    assert before == stream.getvalue()


async def test_the_same_incident_in_another_channel_is_told_in_full() -> None:
    stream = io.StringIO()
    chat = TerminalChat(stream, clock=FakeClock(AT))
    for channel in ("ops", "payments"):
        await chat.post(channel, HEADLINE, key="k")

    assert stream.getvalue().count(" CRITICAL ") == 2


async def test_colour_only_where_there_is_a_terminal() -> None:
    assert "\x1b[" not in await _printed(HEADLINE)
    assert "\x1b[" in await _printed(HEADLINE, stream=Tty())


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b[2J\x1b[H", "\x1b[31m", "\x1b]0;owned\x07", "\x1b]8;;http://evil.example\x1b\\", "\x9b31m", "\x1bc", "\x1b(0",
        "\r", "\x08\x08", "\x00", "\x7f", "\x85", "\u202e", "\u2066", "\x1b[", "\x1b", "\x1b]0;never ended",
    ],
)  # fmt: skip
async def test_no_escape_sequence_of_a_feed_reaches_the_terminal(attack: str) -> None:
    words = f"be{attack}fore"
    hostile = Card(
        title=words,
        tone=Tone.MINOR,
        fallback=words,
        url=f"https://x.example/{attack}",
        fields=(Field(name=words, value=words),),
        sections=(Section(heading=words, text=words),),
        footer=words,
    )

    printed = await _printed(hostile, hostile)

    assert not set(printed) & set("\x1b\x9b\r\x08\x00\x07\x7f\x85\u202e\u2066")


async def test_markup_and_emoji_codes_are_printed_as_they_are() -> None:
    words = "[bold red]x[/] [link=http://evil.example]y[/link] :bell: [/nothing]"

    assert words in await _printed(replace(HEADLINE, title=words), stream=Tty())


@given(st.text())
def test_plain_text_keeps_no_control_characters_but_line_breaks(text: str) -> None:
    kept = plain(text)

    assert not [c for c in kept if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f"]
    assert kept == plain(kept)


async def test_a_stream_that_was_closed_is_unavailable() -> None:
    stream = io.StringIO()
    chat = TerminalChat(stream, clock=FakeClock(AT))
    await chat.ping()
    stream.close()

    for call in (chat.ping(), chat.post("ops", HEADLINE, key="k")):
        with pytest.raises(Unavailable):
            await call
    await chat.close()
    await chat.close()
