"""The Web API of the fake Slack: one function for each method, from arguments to the reply. No HTTP here; see `slack`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_rules import UPDATE_TEXT_MAX, readable, refusal

Reply = dict[str, Any]
Arguments = Mapping[str, Any]
BOT_USER = "UFOGBELL"
BOT = "BFOGBELL"
PINS_MAX = 100  # of a channel


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as the channel holds it now. `was` keeps the earlier readings of an edited one."""

    ts: str
    channel: str
    user: str
    body: dict[str, Any]
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    was: list[str] = field(default_factory=list)
    subtype: str | None = None

    @property
    def is_broadcast(self) -> bool:
        """True for a reply that the channel shows too."""
        return bool(self.thread_ts) and bool(self.body.get("reply_broadcast"))

    @property
    def text(self) -> str:
        """All that people can read of it."""
        return readable(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """A message that one person alone saw."""

    channel: str
    user: str
    thread_ts: str | None
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All that the person could read."""
        return readable(self.body)


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel and its messages, oldest first."""

    id: str
    is_archived: bool = False
    has_bot: bool = True
    messages: list[Message] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    was_pinned: list[str] = field(default_factory=list)  # everything that was ever pinned


class No(Exception):
    """Slack says ok: false."""

    def __init__(self, word: str, **more: str) -> None:
        self.reply: Reply = {"ok": False, "error": word, **more}
        super().__init__(word)


class Workspace:
    """What Slack knows."""

    def __init__(self) -> None:
        self.channels = {name: Channel(id=name) for name in ("C1", "C2", "C3")}
        self.whispers: list[Whisper] = []
        self.scopes = {
            "app_mentions:read", "channels:history", "chat:write", "commands", "groups:history", "pins:write",
        }  # fmt: skip
        self.has_deletable_notices = (
            True  # whether an app may delete the line that says that it pinned something
        )
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        self._last_us = 0

    def stamp(self) -> str:
        """A message id: the time, and never the same one twice."""
        self._last_us = max(self._last_us + 1, time.time_ns() // 1000)
        return f"{self._last_us // 10**6}.{self._last_us % 10**6:06d}"

    def channel(self, arguments: Arguments) -> Channel:
        """The channel that a call names."""
        found = self.channels.get(str(arguments.get("channel")))
        if found is None:
            raise No("channel_not_found")
        return found

    def needs(self, scope: str) -> None:
        """Refuse the call without this scope."""
        if scope not in self.scopes:
            raise No("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))


def state(space: Workspace) -> Reply:
    """What every channel holds now, for an auditor: its messages, oldest first, and which of them are pinned."""
    return {
        channel.id: [
            {**_shown(message), "user": message.user, "subtype": message.subtype, "is_pinned": message.ts in channel.pins}
            for message in channel.messages
        ]
        for channel in space.channels.values()
    }  # fmt: skip


def auth_test(space: Workspace, arguments: Arguments) -> Reply:
    return {
        "url": "https://fake.slack.com/",
        "team_id": "T1",
        "user_id": BOT_USER,
        "bot_id": BOT,
        "user": "fogbell",
    }


def post_message(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("chat:write")
    channel = _writable(space, arguments)
    if word := refusal(arguments):
        raise No(word)
    thread_ts = arguments.get("thread_ts")
    if thread_ts and not any(m.ts == thread_ts for m in channel.messages):
        raise No("thread_not_found")
    message = Message(
        ts=space.stamp(),
        channel=channel.id,
        user=BOT_USER,
        body=dict(arguments),
        thread_ts=thread_ts,
        metadata=arguments.get("metadata"),
        subtype="thread_broadcast" if thread_ts and arguments.get("reply_broadcast") else None,
    )
    channel.messages.append(message)
    space.on_event({"event": "post", **_shown(message)})
    return {"channel": channel.id, "ts": message.ts, "message": _as_json(message, with_metadata=True)}


def update(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("chat:write")
    message = _own_message(space, arguments, "cant_update_message")
    if space.channels[message.channel].is_archived:
        raise No("is_inactive")
    if arguments.get("reply_broadcast"):
        raise No("no_dual_broadcast_content_update")
    if word := refusal(arguments, text_max=UPDATE_TEXT_MAX):
        raise No(word)
    message.was.append(message.text)
    kept = {"reply_broadcast": message.body.get("reply_broadcast")}
    message.body = {**kept, **arguments}
    message.metadata = arguments.get("metadata", message.metadata)
    space.on_event({"event": "edit", **_shown(message)})
    return {"channel": message.channel, "ts": message.ts, "text": message.body.get("text", "")}


def delete(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("chat:write")
    message = _own_message(space, arguments, "cant_delete_message")
    if message.subtype == "pinned_item" and not space.has_deletable_notices:
        raise No("cant_delete_message")
    space.channels[message.channel].messages.remove(message)
    space.on_event({"event": "delete", "channel": message.channel, "ts": message.ts})
    return {"channel": message.channel, "ts": message.ts}


def add_pin(space: Workspace, arguments: Arguments) -> Reply:
    """Pins, and says so in the channel."""
    space.needs("pins:write")
    channel, ts = _writable(space, arguments), _pinnable(space, arguments)
    if ts in channel.pins:
        raise No("already_pinned")
    if len(channel.pins) >= PINS_MAX:
        raise No("too_many_pins")
    channel.pins.append(ts)
    channel.was_pinned.append(ts)
    words = {"text": f"<@{BOT_USER}> pinned a message to this channel."}
    notice = Message(ts=space.stamp(), channel=channel.id, user=BOT_USER, body=words, subtype="pinned_item")
    channel.messages.append(notice)
    space.on_event({"event": "pin", "channel": channel.id, "ts": ts})
    return {}


def remove_pin(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("pins:write")
    channel, ts = _writable(space, arguments), _pinnable(space, arguments)
    if ts not in channel.pins:
        raise No("no_pin")
    channel.pins.remove(ts)
    space.on_event({"event": "unpin", "channel": channel.id, "ts": ts})
    return {}


def post_ephemeral(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("chat:write")
    channel = _writable(space, arguments)
    if word := refusal(arguments):
        raise No(word)
    whisper = Whisper(
        channel=channel.id,
        user=arguments["user"],
        thread_ts=arguments.get("thread_ts"),
        body=dict(arguments),
    )
    space.whispers.append(whisper)
    space.on_event({"event": "whisper", "channel": channel.id, "user": whisper.user, "text": whisper.text})
    return {"message_ts": space.stamp()}


def history(space: Workspace, arguments: Arguments) -> Reply:
    channel = _readable_channel(space, arguments)
    shown = [m for m in channel.messages if m.thread_ts in (None, m.ts) or m.is_broadcast]
    found = [m for m in shown if _is_between(m, arguments)]
    return _page(list(reversed(found)), arguments)


def replies(space: Workspace, arguments: Arguments) -> Reply:
    channel = _readable_channel(space, arguments)
    root = str(arguments.get("ts"))
    if not any(root in (m.ts, m.thread_ts) for m in channel.messages):
        raise No("thread_not_found")
    inside = [
        m for m in channel.messages if m.thread_ts == root and m.ts != root and _is_between(m, arguments)
    ]
    return _page([m for m in channel.messages if m.ts == root] + inside, arguments)


METHODS: dict[str, Callable[[Workspace, Arguments], Reply]] = {
    "auth.test": auth_test,
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "conversations.history": history,
    "conversations.replies": replies,
    "pins.add": add_pin,
    "pins.remove": remove_pin,
}


def _writable(space: Workspace, arguments: Arguments) -> Channel:
    channel = space.channel(arguments)
    if channel.is_archived:
        raise No("is_archived")
    if not channel.has_bot:
        raise No("not_in_channel")
    return channel


def _pinnable(space: Workspace, arguments: Arguments) -> str:
    channel, ts = space.channel(arguments), str(arguments.get("timestamp"))
    message = next((m for m in channel.messages if m.ts == ts), None)
    if message is None:
        raise No("message_not_found")
    if message.subtype == "pinned_item":
        raise No("not_pinnable")
    return ts


def _readable_channel(space: Workspace, arguments: Arguments) -> Channel:
    channel = space.channel(arguments)
    space.needs("groups:history" if channel.id.startswith("G") else "channels:history")
    if not channel.has_bot:
        raise No("not_in_channel")
    return channel


def _own_message(space: Workspace, arguments: Arguments, otherwise: str) -> Message:
    channel = space.channel(arguments)
    message = next((m for m in channel.messages if m.ts == arguments.get("ts")), None)
    if message is None:
        raise No("message_not_found")
    if message.user != BOT_USER:
        raise No(otherwise)
    return message


def _is_between(message: Message, arguments: Arguments) -> bool:
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or 1e12)
    return oldest < float(message.ts) < latest


def _page(found: list[Message], arguments: Arguments) -> Reply:
    start, limit = int(arguments.get("cursor") or 0), min(int(arguments.get("limit") or 100), 999)
    with_metadata = str(arguments.get("include_all_metadata", "")).lower() in {"1", "true"}
    shown = [_as_json(m, with_metadata=with_metadata) for m in found[start : start + limit]]
    reply: Reply = {"messages": shown, "has_more": start + limit < len(found)}
    if reply["has_more"]:
        reply["response_metadata"] = {"next_cursor": str(start + limit)}
    return reply


def _as_json(message: Message, *, with_metadata: bool) -> Reply:
    shown: Reply = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.body.get("text", ""),
    }
    if message.subtype:
        shown["subtype"] = message.subtype
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.was:
        shown["edited"] = {"user": message.user, "ts": message.ts}
    if with_metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown


def _shown(message: Message) -> dict[str, Any]:
    key = ((message.metadata or {}).get("event_payload") or {}).get("key")
    facts = {"channel": message.channel, "ts": message.ts, "thread_ts": message.thread_ts, "key": key}
    return {**facts, "text": message.body.get("text", ""), "readable": message.text}
