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
        self.scopes = {"app_mentions:read", "channels:history", "chat:write", "commands", "groups:history"}
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
    )
    channel.messages.append(message)
    space.on_event({"event": "post", **_shown(message)})
    return {"channel": channel.id, "ts": message.ts, "message": _as_json(message, with_metadata=True)}


def update(space: Workspace, arguments: Arguments) -> Reply:
    space.needs("chat:write")
    message = _own_message(space, arguments, "cant_update_message")
    if word := refusal(arguments, text_max=UPDATE_TEXT_MAX):
        raise No(word)
    message.was.append(message.text)
    message.body = dict(arguments)
    message.metadata = arguments.get("metadata", message.metadata)
    space.on_event({"event": "edit", **_shown(message)})
    return {"channel": message.channel, "ts": message.ts, "text": message.body.get("text", "")}


def delete(space: Workspace, arguments: Arguments) -> Reply:
    message = _own_message(space, arguments, "cant_delete_message")
    space.channels[message.channel].messages.remove(message)
    space.on_event({"event": "delete", "channel": message.channel, "ts": message.ts})
    return {"channel": message.channel, "ts": message.ts}


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
    found = [m for m in channel.messages if m.thread_ts in (None, m.ts) and _is_between(m, arguments)]
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
}


def _writable(space: Workspace, arguments: Arguments) -> Channel:
    channel = space.channel(arguments)
    if channel.is_archived:
        raise No("is_archived")
    if not channel.has_bot:
        raise No("not_in_channel")
    return channel


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
