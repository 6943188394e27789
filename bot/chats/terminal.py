"""The terminal as a chat: cards are printed, once, and stay as they are. For the demo, for trying out and for logs of text.

It has no threads, edits or memory, and says so in its limits; `plan` then speaks every change aloud.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.domain.card import Card, Section, Tone
from bot.domain.conversation import Limits, Receipt
from bot.errors import Unavailable
from bot.ports import Clock

WIDTH_PIPED = 100  # columns when the stream is no terminal and has no width of its own
REPLY_INDENT = 4

# Escape sequences first (colours, cursor moves, window titles, links), then what is left of control characters, C1 included,
# and the marks that turn the direction of writing: text from a feed could otherwise forge what a person reads.
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_INCIDENT = re.compile(r"^[A-Z]{2,8}-\d+\b")

_STYLES = {
    Tone.CRITICAL: "bold white on red",
    Tone.MAJOR: "bold black on bright_red",
    Tone.MINOR: "bold black on yellow",
    Tone.INFO: "bold black on cyan",
    Tone.MAINTENANCE: "bold white on blue",
    Tone.OVER: "bold black on green",
}


class TerminalChat:
    """Prints to `stream`; in colour only where that is a terminal. The stream stays its giver's to close."""

    name = "terminal"
    limits = Limits(threads=False, edits=False, find=False)

    def __init__(self, stream: TextIO, *, clock: Clock, width: int | None = None) -> None:
        self._clock = clock
        self._spoken: set[str] = set()
        is_terminal = stream.isatty()
        self._console = Console(
            file=stream,
            force_terminal=is_terminal,
            width=width or (None if is_terminal else WIDTH_PIPED),
            highlight=False,
            markup=False,
            emoji=False,
        )

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Print the card; a later one of the same incident is printed short, below the incident's id."""
        at = self._clock.now()
        incident = incident_of(card)
        is_reply = thread is not None or f"{channel} {incident}" in self._spoken
        self._print(channel, reply(card, at) if is_reply else headline(card, at))
        if incident:
            self._spoken.add(f"{channel} {incident}")
        return Receipt(channel=channel, message=key, at=at)

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Nothing: what is printed stays."""

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """None: what was printed cannot be looked up."""
        return None

    async def ping(self) -> None:
        """Return while the stream is open."""
        if self._console.file.closed:
            raise Unavailable(self.name, "", "the stream is closed")

    async def close(self) -> None:
        """Nothing to let go of: the stream belongs to whoever opened it."""

    def _print(self, channel: str, block: RenderableType) -> None:
        try:
            self._console.print(block)
            self._console.file.flush()
        except (OSError, ValueError) as exc:  # a pipe whose reader left; a closed stream
            raise Unavailable(self.name, channel, "the stream is closed") from exc


def incident_of(card: Card) -> str:
    """The id of the incident that a card speaks of ("INC-12"), which stands first in its footer, or an empty string."""
    found = _INCIDENT.match(card.footer)
    return found.group() if found else ""


def headline(card: Card, at: datetime) -> RenderableType:
    """The full card: badge and title, facts, story, footer, link."""
    title = Text.assemble(
        (f" {card.tone.upper()} ", _STYLES[card.tone]), " ", (plain_line(card.title), "bold")
    )
    body = [_fact(field.name, field.value) for field in card.fields]
    body += [_story(section) for section in card.sections]
    last = " · ".join(filter(None, (plain_line(card.footer), f"{at:%H:%M} UTC", plain_line(card.url or ""))))
    return Group("", title, *(Padding(part, (0, 0, 0, 2)) for part in (*body, Text(last, style="dim"))))


def reply(card: Card, at: datetime) -> RenderableType:
    """The short form: the incident's id, then what is new, indented."""
    name = incident_of(card) or plain_line(card.title)
    lead = Text.assemble("  ↳ ", (name, "bold"), (f" {at:%H:%M} UTC", "dim"))
    return Group(lead, *(Padding(_story(section), (0, 0, 0, REPLY_INDENT)) for section in card.sections))


def plain(text: str) -> str:
    """The text without escape sequences and control characters; line breaks and tabs stay."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def plain_line(text: str) -> str:
    """`plain` in one line."""
    return " ".join(plain(text).split())


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{plain_line(name)}: ", "dim"), plain_line(value))


def _story(section: Section) -> Text:
    at = f"{section.at:%H:%M} UTC" if section.at else ""
    lead = " ".join(filter(None, (at, plain_line(section.heading))))
    return Text.assemble((f"{lead}  " if lead else "", "bold"), plain(section.text))
