"""Whether Slack would take a message: every documented limit of Block Kit, as a list of what is wrong with a body.

Sources: docs.slack.dev, Block Kit reference, chat.postMessage, message metadata (read 2026-11), and slackapi/bolt-js#2509
for the undocumented total. Stricter than `tests.fakes.slack_rules`, which plays Slack: this one is a careful reviewer, who also
names what Slack would silently cut. Unknown blocks and settings are wrong, so that a new one is looked up before it is used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

BLOCKS_MAX = 50
TOTAL_MAX_CHARS = 13_200  # undocumented
TEXT_MAX_CHARS = 4_000  # advice; chat.update refuses more
ID_MAX_CHARS = 255
METADATA_MAX_BYTES = 1_000  # ours: Slack says "too large" and not from where
EVENT_TYPE_MAX_CHARS = 255
TEXTS = {"plain_text": {"text", "emoji"}, "mrkdwn": {"text", "verbatim"}}
SETTINGS = {
    "header": {"text"},
    "section": {"text", "fields", "expand"},
    "context": {"elements"},
    "divider": set(),
    "actions": {"elements"},
}
ARGUMENTS = {
    "channel", "text", "blocks", "ts", "thread_ts", "reply_broadcast", "metadata", "parse", "link_names", "user",
    "unfurl_links", "unfurl_media", "response_type", "replace_original",
}  # fmt: skip


def problems(body: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a message; empty when Slack takes it as it is."""
    return [
        *_text(body),
        *_blocks(body.get("blocks", [])),
        *_arguments(body),
        *_metadata(body.get("metadata")),
    ]


def size(text: str) -> int:
    """The length in UTF-16 units, the strictest way to count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(body: Mapping[str, Any]) -> Iterator[str]:
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        yield "text: is empty: screen readers and notifications have nothing to say"
    elif size(text) > TEXT_MAX_CHARS:
        yield f"text: {size(text)} characters"
    if isinstance(text, str) and _is_broken(text):
        yield "text: holds half a character"


def _arguments(body: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: unknown argument" for name in set(body) - ARGUMENTS)
    if body.get("parse") != "none" or body.get("link_names") is not False:
        yield "parse, link_names: names and addresses in texts would be made into links"
    has_no_previews = (body.get("unfurl_links"), body.get("unfurl_media")) == (False, False)
    if not has_no_previews and not {"ts", "user"} & set(body):  # neither an edit nor a whisper
        yield "unfurl_links, unfurl_media: Slack would add previews"
    if "ts" in body and "reply_broadcast" in body:
        yield "reply_broadcast: no edit may ask for it"
    if body.get("reply_broadcast") and "thread_ts" not in body:
        yield "reply_broadcast: outside of a thread"


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[str]:
    if not 1 <= len(blocks) <= BLOCKS_MAX:
        yield f"blocks: {len(blocks)} of them"
    for name in ("block_id", "action_id"):
        ids = Counter(_ids(blocks, name))
        yield from (f"{name}: {one} is there {n} times" for one, n in ids.items() if n > 1)
        yield from (f"{name}: {one[:20]} is too long" for one in ids if not 1 <= len(one) <= ID_MAX_CHARS)
    total = sum(size(text) for text in _strings(blocks))
    if total > TOTAL_MAX_CHARS:
        yield f"blocks: {total} characters in all"
    for n, block in enumerate(blocks):
        yield from (f"blocks.{n}: {problem}" for problem in _block(block))


def _block(block: dict[str, Any]) -> Iterator[str]:
    kind = str(block.get("type"))
    if kind not in SETTINGS:
        yield f"{kind}: unknown kind"
        return
    yield from (f"{kind}.{name}: unknown" for name in set(block) - SETTINGS[kind] - {"type", "block_id"})
    match kind:
        case "header":
            yield from _object(block.get("text"), 150, {"plain_text"})
        case "section":
            yield from _section(block)
        case "context":
            yield from _several(block.get("elements"), 10, 3_000)


def _section(block: dict[str, Any]) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "section: neither text nor fields"
    if "text" in block:
        yield from _object(block["text"], 3_000)
    if "fields" in block:
        yield from _several(block["fields"], 10, 2_000)
    if not isinstance(block.get("expand", False), bool):
        yield "section.expand: no truth value"


def _several(parts: object, most: int, max_chars: int) -> Iterator[str]:
    if not isinstance(parts, list) or not 1 <= len(parts) <= most:
        yield f"{len(parts) if isinstance(parts, list) else 'no'} texts"
        return
    for part in parts:
        yield from _object(part, max_chars)


def _object(part: object, max_chars: int, kinds: set[str] | None = None) -> Iterator[str]:
    if not isinstance(part, dict) or part.get("type") not in (kinds or set(TEXTS)):
        yield f"no text object: {str(part)[:40]}"
        return
    yield from (f"text.{name}: unknown" for name in set(part) - TEXTS[part["type"]] - {"type"})
    text = part.get("text")
    if not isinstance(text, str) or not 1 <= size(text) <= max_chars:
        yield f"a text of {size(text) if isinstance(text, str) else 'no'} characters"
    elif _is_broken(text):
        yield "a text that holds half a character"


def _metadata(metadata: object) -> Iterator[str]:
    if metadata is None:
        return
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        yield "metadata: needs event_type and event_payload, and nothing else"
        return
    if (
        not metadata["event_type"].replace("_", "").isalnum()
        or len(metadata["event_type"]) > EVENT_TYPE_MAX_CHARS
    ):
        yield "metadata.event_type: letters, digits and _ only"
    if len(json.dumps(metadata).encode()) > METADATA_MAX_BYTES:
        yield "metadata: too large"


def _is_broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _ids(node: object, name: str) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _ids(item, name)
    elif isinstance(node, dict):
        if name in node:
            yield str(node[name])
        for item in node.values():
            yield from _ids(item, name)


def _strings(node: object) -> Iterator[str]:
    """Every text of some blocks, wherever it stands."""
    if isinstance(node, list):
        for item in node:
            yield from _strings(item)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for item in node.values():
            yield from _strings(item)
