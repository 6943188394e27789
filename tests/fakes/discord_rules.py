"""What Discord accepts: bodies of messages, threads and commands, and whom a message notifies.

Pure. Written from Discord's documentation of the resources Message, Channel and Application Commands (read 2026-08), without a
look at our own render: it is there to catch it. Keys we never send on purpose are reported too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

MESSAGE_KEYS = {
    "content",
    "embeds",
    "allowed_mentions",
    "nonce",
    "enforce_nonce",
    "flags",
    "tts",
    "components",
}
EMBED_KEYS = {
    "title",
    "description",
    "url",
    "color",
    "fields",
    "footer",
    "author",
    "timestamp",
    "type",
    "flags",
}
CREATE_FLAGS = (
    1 << 2 | 1 << 12 | 1 << 13 | 1 << 15
)  # no embeds, no notification, voice message, components v2
ARCHIVE_AFTER_MIN = (60, 1440, 4320, 10080)


class Problems:
    """Mistakes in a body by their path, as Discord nests them."""

    def __init__(self) -> None:
        self.found: Json = {}

    def add(self, path: str, code: str, words: str) -> None:
        """Note one mistake: `path` is "embeds.0.title"."""
        node = self.found
        for part in path.split("."):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": words})

    def text(self, path: str, value: object, most: int, *, required: bool = False) -> int:
        """Judge a string; gives its length as Discord counts it, without blanks around it."""
        if value is None and not required:
            return 0
        if not isinstance(value, str):
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return 0
        length = len(value.strip())
        if length > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        if required and not length:
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        return length

    def keys(self, path: str, body: Json, allowed: set[str]) -> None:
        """Report keys that are not Discord's."""
        for key in body.keys() - allowed:
            self.add(f"{path}.{key}".lstrip("."), "UNKNOWN_KEY", "Not a field of this object.")


def message_problems(body: Json, *, is_edit: bool = False) -> Json:
    """The `errors` of Discord's answer 50035, empty when the body is right."""
    problems = Problems()
    problems.keys("", body, MESSAGE_KEYS)
    problems.text("content", body.get("content"), 2_000)
    embeds = body.get("embeds") or []
    if len(embeds) > 10:
        problems.add("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = sum(_embed(problems, f"embeds.{i}", embed) for i, embed in enumerate(embeds))
    if total > 6_000:
        problems.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    _mentions(problems, body.get("allowed_mentions") or {})
    _nonce(problems, body)
    flags = body.get("flags", 0)
    if flags & ~CREATE_FLAGS or (is_edit and flags & ~(1 << 2 | 1 << 15)):
        problems.add("flags", "FLAGS_INVALID", "These flags cannot be set.")
    return problems.found


def thread_problems(body: Json) -> Json:
    """The same for the start of a thread from a message."""
    problems = Problems()
    problems.keys("", body, {"name", "auto_archive_duration", "rate_limit_per_user"})
    problems.text("name", body.get("name"), 100, required=True)
    if body.get("auto_archive_duration", 1440) not in ARCHIVE_AFTER_MIN:
        problems.add("auto_archive_duration", "BASE_TYPE_CHOICES", f"Must be one of {ARCHIVE_AFTER_MIN}.")
    return problems.found


def post_problems(body: Json, tags: set[str]) -> Json:
    """The same for a post in a forum that offers these tags: a thread with its first message inside."""
    problems = Problems()
    problems.keys(
        "", body, {"name", "auto_archive_duration", "rate_limit_per_user", "applied_tags", "message"}
    )
    inside = message_problems(body.get("message") or {})
    for key in {"nonce", "enforce_nonce"} & (body.get("message") or {}).keys():
        problems.add(f"message.{key}", "UNKNOWN_KEY", "Not a field of this object.")
    applied = body.get("applied_tags") or []
    if len(applied) > 5 or len(set(applied)) != len(applied) or not set(applied) <= tags:
        problems.add("applied_tags", "SET_TYPE_INVALID", "Up to 5 different tags of this forum.")
    head = {key: value for key, value in body.items() if key not in ("message", "applied_tags")}
    return problems.found | thread_problems(head) | ({"message": inside} if inside else {})


def thread_edit_problems(body: Json) -> Json:
    """The same for a change of a thread."""
    problems = Problems()
    problems.keys("", body, {"name", "archived", "locked", "auto_archive_duration", "applied_tags"})
    return problems.found


def command_problems(command: Json) -> Json:
    """The same for one application command."""
    problems = Problems()
    _named(problems, "", command)
    if _command_size(command) > 8_000:
        problems.add("options", "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
    return problems.found


def is_blank(message: Json) -> bool:
    """True for what Discord refuses as an empty message (50006)."""
    return not (message.get("content") or "").strip() and not message.get("embeds")


def notified(content: str, allowed: Json | None) -> Json:
    """Whom a message rings, as Discord writes it into the message: embeds never ring anybody."""
    parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse", [])
    allowed = allowed or {}
    named = {kind: {str(i) for i in allowed.get(kind, [])} for kind in ("users", "roles")}
    users, roles = re.findall(r"<@!?(\d+)>", content), re.findall(r"<@&(\d+)>", content)
    return {
        "mention_everyone": "everyone" in parse and bool(re.search(r"@(everyone|here)", content)),
        "mentions": [{"id": u} for u in users if "users" in parse or u in named["users"]],
        "mention_roles": [r for r in roles if "roles" in parse or r in named["roles"]],
    }


def _embed(problems: Problems, path: str, embed: Json) -> int:
    problems.keys(path, embed, EMBED_KEYS)
    total = problems.text(f"{path}.title", embed.get("title"), 256)
    total += problems.text(f"{path}.description", embed.get("description"), 4_096)
    for part, key, most in (("footer", "text", 2_048), ("author", "name", 256)):
        if part in embed:
            total += problems.text(f"{path}.{part}.{key}", embed[part].get(key), most, required=True)
    fields = embed.get("fields") or []
    if len(fields) > 25:
        problems.add(f"{path}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for i, field in enumerate(fields):
        problems.keys(f"{path}.fields.{i}", field, {"name", "value", "inline"})
        total += problems.text(f"{path}.fields.{i}.name", field.get("name"), 256, required=True)
        total += problems.text(f"{path}.fields.{i}.value", field.get("value"), 1_024, required=True)
    if not 0 <= embed.get("color", 0) <= 0xFFFFFF:
        problems.add(
            f"{path}.color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215."
        )
    if "url" in embed and not _is_url(embed["url"]):
        problems.add(f"{path}.url", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    return total


def _is_url(url: object) -> bool:
    if not isinstance(url, str) or len(url) > 2_048 or re.search(r"\s", url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _mentions(problems: Problems, allowed: Json) -> None:
    problems.keys("allowed_mentions", allowed, {"parse", "users", "roles", "replied_user"})
    for kind in ("users", "roles"):
        ids = allowed.get(kind, [])
        if len(ids) > 100 or len(set(ids)) != len(ids) or not all(str(i).isdecimal() for i in ids):
            problems.add(f"allowed_mentions.{kind}", "SET_TYPE_INVALID", "Up to 100 different snowflakes.")
        if kind in allowed.get("parse", []) and ids:
            problems.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f"parse or {kind}")


def _nonce(problems: Problems, body: Json) -> None:
    nonce = body.get("nonce")
    if isinstance(nonce, str):
        problems.text("nonce", nonce, 25)
    elif nonce is not None and not isinstance(nonce, int):
        problems.add("nonce", "BASE_TYPE_BAD", "An integer or a string.")
    if body.get("enforce_nonce") and nonce is None:
        problems.add("nonce", "BASE_TYPE_REQUIRED", "This field is required")


def _named(problems: Problems, path: str, thing: Json) -> None:
    """A command, or an option of one: they nest."""
    prefix = f"{path}." if path else ""
    if not re.fullmatch(r"[-_'\w]{1,32}", thing.get("name", "")) or thing["name"] != thing["name"].lower():
        problems.add(f"{prefix}name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    problems.text(f"{prefix}description", thing.get("description"), 100, required=True)
    options = thing.get("options") or []
    if len(options) > 25 or len({o["name"] for o in options}) != len(options):
        problems.add(f"{prefix}options", "BASE_TYPE_MAX_LENGTH", "Up to 25 different options.")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        problems.add(
            f"{prefix}options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required ones first."
        )
    if len(thing.get("choices") or []) > 25:
        problems.add(f"{prefix}choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for i, choice in enumerate(thing.get("choices") or []):
        problems.text(f"{prefix}choices.{i}.name", choice.get("name"), 100, required=True)
    for i, option in enumerate(options):
        _named(problems, f"{prefix}options.{i}", option)


def _command_size(thing: Json) -> int:
    own = len(thing.get("name", "")) + len(thing.get("description", ""))
    choices = sum(len(str(c["name"])) + len(str(c["value"])) for c in thing.get("choices") or [])
    return own + choices + sum(_command_size(option) for option in thing.get("options") or [])
