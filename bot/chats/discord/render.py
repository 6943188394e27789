"""A Card as the body of a Discord message: one embed, and a line of mentions where the configuration asks for them.

Pure. Everything a Card says may come from outside, so it is cleaned, escaped and cut here, once. Called by `client` for
messages and by `listen` for answers to commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.domain.card import Card, Field, Section, Tone

Body = dict[str, Any]  # JSON, as Discord takes it

# Lengths from Discord's documentation of messages and embeds. It does not name the unit: UTF-16 units are the strictest
# reading, and what `size` counts.
TITLE_MAX_CHARS = 256
DESCRIPTION_MAX_CHARS = 4_096
FIELDS_MAX = 25
FIELD_NAME_MAX_CHARS = 256
FIELD_VALUE_MAX_CHARS = 1_024
EMBED_MAX_CHARS = 6_000
URL_MAX_CHARS = 2_048
MENTIONS_MAX = 60  # of 24 characters at most: they fit the 2,000 of a message's text

FOOTER_MAX_CHARS = 500  # Discord takes 2,048, and shows it in tiny print
HEADING_MAX_CHARS = 100
LINE_MAX_CHARS = 400  # sections no longer than this are a list, of which every line counts
SHARE_MIN_CHARS = 40
SUPPRESS_NOTIFICATIONS = 1 << 12
NOTHING = "–"  # Discord refuses empty names and values

_LOOKS: dict[Tone, tuple[int, str, str]] = {
    Tone.CRITICAL: (0xC62828, "🔴", "Critical"),
    Tone.MAJOR: (0xEF6C00, "🟠", "Major"),
    Tone.MINOR: (0xF9A825, "🟡", "Minor"),
    Tone.INFO: (0x1565C0, "ℹ️", "For information"),
    Tone.MAINTENANCE: (0x6A1B9A, "🔧", "Maintenance"),
    Tone.OVER: (0x2E7D32, "✅", "Over"),
}

# Control characters, halves of surrogate pairs, and the signs that turn the direction of writing around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MASS_MENTION = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
# A plain link is let through whole: a backslash inside would break it, and Discord reads no markdown there. The rest is
# what Discord gives a meaning: emphasis, code, spoilers, <mentions>, [masked](links), headings, subtext and quotes.
_MEANING = re.compile(
    r"(?P<link>https?://[A-Za-z0-9._~:/?#%&=+$,;!-]+)"
    r"|(?P<mark>[\\*_~`|<\[]|#(?=#{0,2}\s)|-(?=#)|(?<!\S)>)"
)
_WEB_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?([/?#][!-~]*)?")
_REF = re.compile(r"(?:^|· )ref (\w+)$")
_MENTION = re.compile(r"(user|role):(\d{1,20})")


def render(card: Card, *, ref: str = "") -> Body:
    """The JSON body of a message that shows `card`.

    `ref` is a short mark at the end of the footer, by which the message can be found again. Only `card.mentions` of the form
    "user:123" and "role:456" notify anybody; others belong to another chat and are left out.
    """
    users, roles = _mentioned(card.mentions)
    body: Body = {
        "content": " ".join([*(f"<@{u}>" for u in users), *(f"<@&{r}>" for r in roles)]),
        "embeds": [_embed(card, ref)],
        "allowed_mentions": {"parse": [], "users": users, "roles": roles},
    }
    if card.is_quiet:
        body["flags"] = SUPPRESS_NOTIFICATIONS
    return body


def ref_of(message: Body) -> str:
    """The ref that a message which Discord gave back was rendered with, "" when it has none."""
    footers = ((embed.get("footer") or {}).get("text") or "" for embed in message.get("embeds", ()))
    return next((found[1] for found in map(_REF.search, footers) if found), "")


def escape(text: str, max_chars: int) -> str:
    """`text` as Discord will show it literally, at most `max_chars` long with "…" where it was cut."""
    escaped = _MEANING.sub(lambda found: found["link"] or "\\" + found["mark"], _clean(text))
    return _cut(escaped, max_chars)


def size(text: str) -> int:
    """The length of `text` as limits are counted here."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str, max_chars: int) -> str:
    """`text` in one line for places where Discord reads no markdown, at most `max_chars` long."""
    return _cut(_clean(_one_line(text)), max_chars)


def _embed(card: Card, ref: str) -> Body:
    colour, symbol, english = _LOOKS[card.tone]
    word = f"{symbol} {card.tone_words or english}"
    title = escape(_one_line(card.title), TITLE_MAX_CHARS) or NOTHING
    footer = _footer(card.footer, ref)
    left = EMBED_MAX_CHARS - size(word) - size(title) - size(footer)
    fields = _fields(card.fields, left // 2 if card.sections else left)
    left -= sum(size(field["name"]) + size(field["value"]) for field in fields)
    embed: Body = {"author": {"name": word}, "title": title, "color": colour, "fields": fields}
    if card.sections:
        embed["description"] = _description(card.sections, min(left, DESCRIPTION_MAX_CHARS))
    if footer:
        embed["footer"] = {"text": footer}
    if card.url and len(card.url) <= URL_MAX_CHARS and _WEB_LINK.fullmatch(card.url):
        embed["url"] = card.url
    return embed


def _fields(fields: Iterable[Field], room: int) -> list[Body]:
    """As many fields as `room` characters hold, in order."""
    shown: list[Body] = []
    for field in fields:
        name = escape(_one_line(field.name), FIELD_NAME_MAX_CHARS) or NOTHING
        value = escape(field.value, FIELD_VALUE_MAX_CHARS) or NOTHING
        room -= size(name) + size(value)
        if room < 0 or len(shown) == FIELDS_MAX:
            break
        shown.append({"name": name, "value": value, "inline": True})
    return shown


def _description(sections: Sequence[Section], max_chars: int) -> str:
    """All sections, as far as they fit; a section's first line is never cut in two.

    A list of short ones is shown to its end, each cut to a fair share; a story loses its end, which is the oldest part of it.
    """
    heads = [_head(each.heading, each.at) for each in sections]
    texts = [escape(each.text, max_chars) for each in sections]
    gaps = len("\n\n") * len(sections)
    if gaps + sum(map(size, heads)) + sum(map(size, texts)) > max_chars and _is_list(sections):
        heads = [_head(each.heading, each.at, is_short=True) for each in sections]
        share = _share([size(text) for text in texts], max_chars - gaps - sum(map(size, heads)))
        if share >= SHARE_MIN_CHARS:
            texts = [escape(each.text, share) for each in sections]
    return _joined(heads, texts, max_chars)


def _is_list(sections: Sequence[Section]) -> bool:
    return all(size(each.text) <= LINE_MAX_CHARS for each in sections)


def _share(sizes: Sequence[int], room: int) -> int:
    """The largest length to which every text can be cut so that all together fit into `room`."""
    for count, longest in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if longest * count > room:
            return room // count
        room -= longest
    return room


def _joined(heads: Sequence[str], texts: Sequence[str], max_chars: int) -> str:
    shown: list[str] = []
    room = max_chars - len("\n\n…")
    for position, (head, text) in enumerate(zip(heads, texts, strict=True)):
        is_last = position == len(heads) - 1
        room -= size(head) + (0 if position == 0 else len("\n\n"))
        if room + (len("\n\n…") if is_last else 0) < 1:
            shown.append("…")
            break
        shown.append(head + _cut(text, room + (len("\n\n…") if is_last else 0)))
        room -= size(shown[-1]) - size(head)
    return "\n\n".join(shown).strip() or NOTHING


def _head(heading: str, at: datetime | None, *, is_short: bool = False) -> str:
    """The first line of a section. Discord shows the time in each reader's own zone, and how long ago that is."""
    word = escape(_one_line(heading), HEADING_MAX_CHARS)
    epoch = int(at.timestamp()) if at else 0
    clock = f"<t:{epoch}:t>" + ("" if is_short else f" (<t:{epoch}:R>)")
    line = " · ".join(part for part in (f"**{word}**" if word else "", clock if at else "") if part)
    return f"{line}\n" if line else ""


def _footer(text: str, ref: str) -> str:
    """Discord reads no markdown in a footer: escaping would show."""
    mark = f"ref {ref}" if ref else ""
    return " · ".join(part for part in (plain(text, FOOTER_MAX_CHARS), mark) if part)


def _mentioned(mentions: Iterable[str]) -> tuple[list[str], list[str]]:
    found = [m for m in (_MENTION.fullmatch(mention) for mention in dict.fromkeys(mentions)) if m]
    users = [m[2] for m in found[:MENTIONS_MAX] if m[1] == "user"]
    roles = [m[2] for m in found[:MENTIONS_MAX] if m[1] == "role"]
    return users, roles


def _clean(text: str) -> str:
    """Plain, printable text that cannot call everybody, with at most one empty line at a time."""
    lines = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _MASS_MENTION.sub("@\u200b", re.sub(r"\n\s*\n", "\n\n", lines).strip())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, max_chars: int) -> str:
    """Cut between words where one ends near, and never between a backslash and what it escapes."""
    if size(text) <= max_chars:
        return text
    kept = text.encode("utf-16-le")[: 2 * (max_chars - 1)].decode("utf-16-le", "ignore")
    space = max(kept.rfind(" "), kept.rfind("\n"))
    kept = kept[:space] if space > len(kept) - 80 and space > 0 else kept
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept[: len(kept) - backslashes % 2] + "…"
