"""What Slack refuses in a message, and whom a message would ring: the fake's own reading of Slack's documents.

Sources: docs.slack.dev, Block Kit reference, chat.postMessage, chat.update and formatting. Called by `slack_api`, and by tests.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

TEXT_MAX = 40_000
UPDATE_TEXT_MAX = 4_000
BLOCKS_MAX = 50
ALL_BLOCKS_MAX = 13_200
HEADER_MAX = 150
SECTION_MAX = 3_000
FIELD_MAX = 2_000
_BLOCK_KEYS = {
    "header": {"type", "block_id", "text"},
    "section": {"type", "block_id", "text", "fields", "accessory", "expand"},
    "context": {"type", "block_id", "elements"},
    "divider": {"type", "block_id"},
}
_TEXT_KEYS = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}
_MENTION = re.compile(r"<(@[UW][A-Z0-9]+|![^>|]+)(?:\|[^>]*)?>")
_NAMES = re.compile(r"(?<!\w)@(?:here|channel|everyone)\b", re.IGNORECASE)


def refusal(body: Mapping[str, Any], *, text_max: int = TEXT_MAX) -> str | None:
    """Slack's error word for a message that it would refuse, or None."""
    text, blocks = body.get("text") or "", body.get("blocks")
    if not text.strip() and not blocks:
        return "no_text"
    if units(text) > text_max:
        return "msg_too_long"
    if blocks is not None and (word := _blocks_refusal(blocks)):
        return word
    return _metadata_refusal(body["metadata"]) if body.get("metadata") else None


def rung(body: Mapping[str, Any]) -> list[str]:
    """Whom a message would notify: "@U1", "!channel", "!subteam^S1", or "@here" where bare names are resolved."""
    names = body.get("link_names") or body.get("parse") == "full"
    found = _calls(body.get("text") or "", has_names=bool(names))
    for part in text_objects(body.get("blocks") or []):
        if part["type"] == "mrkdwn":
            found += _calls(part["text"], has_names=not part.get("verbatim"))
    return found


def readable(body: Mapping[str, Any]) -> str:
    """All that people can read of a message, as they read it."""
    parts = [body.get("text") or "", *(part["text"] for part in text_objects(body.get("blocks") or []))]
    return html.unescape("\n".join(parts)).replace("\u2060", "")


def text_objects(blocks: list[Any]) -> Iterator[dict[str, Any]]:
    """Every text object of some blocks."""
    for block in blocks:
        if block.get("text"):
            yield block["text"]
        yield from block.get("fields", ())
        yield from block.get("elements", ())


def units(text: str) -> int:
    """The length in UTF-16 units, the strictest reading of Slack's limits."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _calls(text: str, *, has_names: bool) -> list[str]:
    calls = [name for name in _MENTION.findall(text) if not name.startswith("!date^")]
    return calls + (_NAMES.findall(text) if has_names else [])


def _blocks_refusal(blocks: object) -> str | None:
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAX:
        return "invalid_blocks"
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(set(ids)) < len(ids) or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    total = sum(units(part["text"]) for part in text_objects(blocks))
    return "msg_blocks_too_long" if total > ALL_BLOCKS_MAX else None


def _is_block(block: object) -> bool:
    if not isinstance(block, dict) or not set(block) <= _BLOCK_KEYS.get(str(block.get("type")), set()):
        return False
    match block["type"]:
        case "header":
            return _is_text(block.get("text"), HEADER_MAX, {"plain_text"})
        case "section":
            fields = block.get("fields", [])
            has_text = "text" not in block or _is_text(block["text"], SECTION_MAX)
            has_fields = len(fields) <= 10 and all(_is_text(field, FIELD_MAX) for field in fields)
            return bool("text" in block or fields) and has_text and has_fields
        case "context":
            elements = block.get("elements", [])
            return 1 <= len(elements) <= 10 and all(_is_text(element, SECTION_MAX) for element in elements)
    return True


def _is_text(part: object, most: int, kinds: set[str] | None = None) -> bool:
    if not isinstance(part, dict) or part.get("type") not in (kinds or set(_TEXT_KEYS)):
        return False
    text = part.get("text")
    return set(part) <= _TEXT_KEYS[part["type"]] and isinstance(text, str) and 1 <= units(text) <= most


def _metadata_refusal(metadata: object) -> str | None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_format"
    return None if re.fullmatch(r"\w{1,255}", str(metadata.get("event_type"))) else "invalid_metadata_format"
