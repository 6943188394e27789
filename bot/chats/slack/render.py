"""From a Card to Slack's Block Kit: escaped once, cut to Slack's limits, and unable to ring anybody by its text.

Pure. Called by `client` for each message and by `listen` for each answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict
from urllib.parse import urlsplit

from bot.domain.card import Card, Field, Section, Tone

# Slack's limits, from docs.slack.dev (Block Kit reference and chat.postMessage). Slack does not say in which unit it counts;
# UTF-16 units are the strictest reading, so they are what every `_size` here means.
HEADER_MAX_CHARS = 150
SECTION_MAX_CHARS = 3_000
FIELDS_IN_BLOCK = 10
BLOCKS_MAX = 50
TEXT_MAX_CHARS = 4_000  # the advice; Slack cuts at 40,000
BLOCKS_MAX_CHARS = 12_000  # msg_blocks_too_long begins near 13,200, undocumented: slackapi/bolt-js#2509

# Ours: tighter than Slack's, so that one long fact cannot push the text out.
FIELD_MAX_CHARS = 600  # Slack: 2,000
FIELDS_MAX = 20
FOOTER_MAX_CHARS = 500
HEADING_MAX_CHARS = 100
LINK_MAX_CHARS = 1_000
SHORT_MAX_CHARS = 300  # sections up to this size share a block
LIST_FROM = 4  # so many of them are a list
PIECE_MIN_CHARS = 300  # a piece is not cut below its heading and date
MENTIONS_MAX = 50

_SYMBOLS = {
    Tone.CRITICAL: ("🔴", "Critical"),
    Tone.MAJOR: ("🟠", "Major"),
    Tone.MINOR: ("🟡", "Minor"),
    Tone.INFO: ("ℹ️", ""),
    Tone.MAINTENANCE: ("🔧", "Maintenance"),
    Tone.OVER: ("✅", "Over"),
}
_APART = "\n\n"
_SHORTENED = "… and more than one message may hold"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_RINGS = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}$")
_WORD_JOINER = "\u2060"  # without width, and no place to break a line

Block = dict[str, object]


class Audience(StrEnum):
    """Who sees the message."""

    CHANNEL = "channel"  # everyone there, and the card's mentions ring
    PERSON = "person"  # one person: nobody is mentioned


class Body(TypedDict):
    """What a Slack message shows. `text` is for notifications and screen readers."""

    text: str
    blocks: list[Block]


def render(card: Card, *, audience: Audience = Audience.CHANNEL) -> Body:
    """The message that shows a card, within all of Slack's limits."""
    room = _Room()
    top = [_header(card, room), *(_mentions(card, room) if audience is Audience.CHANNEL else ())]
    foot = _foot(card, room)
    facts = _facts(card.fields, room)
    story = _story(card.sections, room, BLOCKS_MAX - len(top) - len(facts) - len(foot))
    return Body(text=_text(card), blocks=[*top, *facts, *story, *foot])


def escape(text: str) -> str:
    """Plain text that Slack shows as it is: nothing in it is a link, a mention or a call to a whole channel."""
    clean = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    escaped = clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _RINGS.sub("@" + _WORD_JOINER, escaped)


class _Room:
    """How many characters a message may still hold."""

    def __init__(self) -> None:
        self.chars = BLOCKS_MAX_CHARS - _size(_SHORTENED)

    def take(self, escaped: str, max_chars: int) -> str:
        kept = _cut(escaped, min(max_chars, self.chars))
        self.chars -= _size(kept)
        return kept


def _text(card: Card) -> str:
    line = _line(card.fallback) or _line(card.title) or str(card.tone)
    return _cut(line, TEXT_MAX_CHARS)


def _header(card: Card, room: _Room) -> Block:
    symbol, word = _SYMBOLS[card.tone]
    words = " · ".join(filter(None, (f"{symbol} {card.tone_words or word}".strip(), _line(card.title))))
    return {"type": "header", "text": _plain(room.take(words, HEADER_MAX_CHARS))}


def _mentions(card: Card, room: _Room) -> Iterator[Block]:
    if card.mentions and not card.is_quiet:
        words = " ".join(_mention(name) for name in card.mentions[:MENTIONS_MAX])
        yield _section(room.take(words, SECTION_MAX_CHARS))


def _mention(name: str) -> str:
    """Users begin with U or W and groups with S; anything else is shown and rings nobody."""
    if re.fullmatch(r"[UW][A-Z0-9]{2,20}", name):
        return f"<@{name}>"
    if re.fullmatch(r"S[A-Z0-9]{2,20}", name):
        return f"<!subteam^{name}>"
    return _cut(escape(f"@{name}"), 40)


def _facts(fields: tuple[Field, ...], room: _Room) -> list[Block]:
    shown = [room.take(_fact(field), FIELD_MAX_CHARS) for field in fields[:FIELDS_MAX]]
    texts = [_mrkdwn(text) for text in shown if text]
    return [
        {"type": "section", "fields": texts[start : start + FIELDS_IN_BLOCK]}
        for start in range(0, len(texts), FIELDS_IN_BLOCK)
    ]


def _fact(field: Field) -> str:
    return f"*{_bold(field.name)}*\n{escape(field.value).strip() or '–'}"


def _story(sections: Iterable[Section], room: _Room, most: int) -> list[Block]:
    """The sections' blocks; when not all fits, the first ones and a line that says so."""
    groups = _groups(piece for section in sections for piece in _pieces(section))
    blocks: list[Block] = []
    for group in groups:
        fitting = _fitting(group, room.chars)
        text = _joined(fitting)
        is_end = len(blocks) == len(groups) - 1 and len(fitting) == len(group)
        is_full = room.chars < min(_size(text), PIECE_MIN_CHARS)
        if is_full or (len(blocks) == most - 1 and not is_end):
            return [*blocks, _section(_SHORTENED)]
        block = _section(room.take(text, SECTION_MAX_CHARS))
        blocks.append(block | {"expand": True} if len(group) > 1 else block)  # nothing behind "see more"
        if len(fitting) < len(group):
            return [*blocks, _section(_SHORTENED)]
    return blocks


def _fitting(group: list[str], max_chars: int) -> list[str]:
    """As many of the group's first pieces as fit; the first one always."""
    while len(group) > 1 and _size(_joined(group)) > max_chars:
        group = group[:-1]
    return group


def _groups(pieces: Iterable[str]) -> list[list[str]]:
    """What shares a block: short neighbours, for a block each would make a list of twenty taller than a screen."""
    groups: list[list[str]] = []
    room, was_short = 0, False
    for piece in pieces:
        size, is_short = _size(piece) + len(_APART), _size(piece) <= SHORT_MAX_CHARS
        if is_short and was_short and size <= room:
            groups[-1].append(piece)
        else:
            groups.append([piece])
            room = SECTION_MAX_CHARS
        room, was_short = room - size, is_short
    return groups


def _joined(group: list[str]) -> str:
    """A list of short things is set line by line, anything else apart."""
    is_list = len(group) >= LIST_FROM and all(piece.count("\n") <= 1 for piece in group)
    return ("\n" if is_list else _APART).join(group)


def _pieces(section: Section) -> Iterator[str]:
    """A section as texts of at most SECTION_MAX_CHARS, none of them empty."""
    heading = f"*{_bold(section.heading)}*" if section.heading.strip() else ""
    head = " · ".join(filter(None, (heading, _date(section.at) if section.at else "")))
    text = escape(section.text[:BLOCKS_MAX_CHARS]).strip()  # more can never be shown
    rest = "\n".join(filter(None, (head, text)))
    while _size(rest) > SECTION_MAX_CHARS:
        piece = _whole_words(_head(rest, SECTION_MAX_CHARS))
        yield piece
        rest = rest[len(piece) :].strip()
    if rest:
        yield rest


def _date(at: datetime) -> str:
    """The time in the reader's own zone; apps that cannot show that show UTC."""
    utc = at.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{{date_short_pretty}} {{time}}|{utc:%Y-%m-%d %H:%M} UTC>"


def _foot(card: Card, room: _Room) -> list[Block]:
    footer = room.take(_line(card.footer), FOOTER_MAX_CHARS)
    link = _link(card.url) if card.url else ""
    room.chars -= _size(link)
    elements = [_mrkdwn(text) for text in (footer, link) if text]
    return [{"type": "context", "elements": elements}] if elements else []


def _link(url: str) -> str:
    """The address as a link named after its host, or nothing when it is no plain web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or re.search(r"\s", url):
        return ""
    target = escape(url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C"))
    link = f"<{target}|{escape(host.replace('|', ''))}>"
    return link if _size(link) <= LINK_MAX_CHARS else ""


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    """`verbatim` keeps Slack from making mentions, channels and links of plain words."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _bold(text: str) -> str:
    return _cut(_line(text).replace("*", ""), HEADING_MAX_CHARS) or "–"


def _line(text: str) -> str:
    return " ".join(escape(text).split())


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _head(text: str, max_chars: int) -> str:
    """The first `max_chars` of an escaped text, without half a character or half an entity at its end."""
    head = text.encode("utf-16-le")[: 2 * max_chars].decode("utf-16-le", "ignore")
    return _HALF_ENTITY.sub("", head)


def _cut(escaped: str, max_chars: int) -> str:
    """The text itself, or as much of it as fits with an ellipsis."""
    if _size(escaped) <= max_chars:
        return escaped
    return _head(escaped, max_chars - 1).rstrip() + "…" if max_chars > 0 else ""


def _whole_words(text: str) -> str:
    """The text up to its last paragraph, line or word, unless that would leave less than half of it."""
    for end in ("\n\n", "\n", " "):
        position = text.rfind(end)
        if position > len(text) // 2:
            return text[:position]
    return text
