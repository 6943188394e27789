"""Slack in: `/incident ...` and `@fogbell ...` over Socket Mode, so that no port of ours is open to the world.

What a command means is the dispatcher's business; here it is received, acknowledged within Slack's three seconds and answered.
`wiring` runs `listen` under `pipeline.supervise`; every replica may, for Slack gives each event to one connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.chats.slack.client import Identity, SlackChat, silent_logger
from bot.chats.slack.socket import CLOSE_WITHIN_S, Envelope, Lines, Terms
from bot.commands.spec import Actor, Front, Reply
from bot.domain.conversation import Receipt
from bot.errors import ChatError
from bot.pipeline.supervise import contained
from bot.telemetry import Event, log

COMMAND = "/incident"

_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # in this order, or "&amp;lt;" would become "<"

Payload = Mapping[str, Any]


class Dispatch(Protocol):
    """Where commands are carried out; it answers whatever happens and never raises."""

    async def run_text(
        self, text: str, *, actor: Actor, front: Front, channel: str, once: str | None
    ) -> Reply:
        """The answer to a typed line; `channel` is "slack:C1", `once` is the same for a delivery that Slack repeats."""
        ...


async def listen(
    dispatch: Dispatch,
    *,
    chat: SlackChat,
    app_token: Callable[[], str],
    command: str = COMMAND,
    terms: Terms = Terms(),  # noqa: B008 - it never changes
    on_state: Callable[[bool], None] = lambda is_connected: None,
) -> None:
    """Take commands until cancelled; raises ChatError when Slack refuses us or stays away for longer than is patient.

    `app_token` is asked before each connection, so that another one is in use from the next connection on. `on_state` hears
    True when commands can reach us and False when they no longer can. Answers under way when it ends are given a moment.
    `chat` stays its giver's to close.
    """
    door = _Door(dispatch, chat, await chat.identity())
    app = _app(door, command)

    async def connect() -> aiohttp.ClientWebSocketResponse:
        return await chat.connect(app_token(), ping_every=terms.ping_every)

    async def take(envelope: Envelope) -> bool:
        return await _is_taken(app, envelope)

    def told(is_connected: bool) -> None:
        if is_connected:
            log().info(Event.CHAT_LISTENING, chat=chat.name)
        on_state(is_connected)

    async with asyncio.TaskGroup() as tasks:

        def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            """An envelope without sense ends nothing else."""
            return tasks.create_task(contained(chat.name, work))

        door.start = start
        lines = Lines(chat.name, connect, take, start, terms=terms, on_state=told)
        try:
            lost = await lines.hold()
        finally:
            await lines.close()
            await door.drain()
    raise lost


class _Door:
    """What comes in, and the answers that go out. Each answer is a task of its own: Slack is never kept waiting."""

    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

    def __init__(self, dispatch: Dispatch, chat: SlackChat, me: Identity) -> None:
        self.chat = chat
        self.me = me
        self._dispatch = dispatch
        self._running: set[asyncio.Task[None]] = set()

    async def slash(self, ack: Callable[[], Awaitable[object]], body: dict[str, Any]) -> None:
        """A slash command: started, then acknowledged, and answered when that is done.

        One that cannot be started any more is not acknowledged either: Slack gives it to another replica.
        """
        self._answer(self._run_slash(body))
        await ack()

    async def mention(self, body: dict[str, Any]) -> None:
        """A message that mentions us. Those of other bots are left alone: two bots could talk for ever."""
        if body["event"].get("user") and not body["event"].get("bot_id"):
            self._answer(self._run_mention(body["event"], body.get("event_id")))

    async def drain(self) -> None:
        """Return when all answers are given, or after a moment."""
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_WITHIN_S)

    def _answer(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.start(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_slash(self, body: Payload) -> None:
        channel, user = body["channel_id"], body["user_id"]
        text = typed(body.get("text", ""))
        reply = await self._run(text, channel, user, body.get("user_name") or user, body.get("trigger_id"))
        with _reporting(channel):
            await self.chat.answer(body["response_url"], channel, reply.card, is_private=reply.is_private)

    async def _run_mention(self, event: Payload, event_id: str | None) -> None:
        channel, user, thread = event["channel"], event["user"], event.get("thread_ts")
        text = said_to(self.me.user, event.get("text", ""))
        reply = await self._run(text, channel, user, user, event_id)
        with _reporting(channel):
            if reply.is_private:
                await self.chat.whisper(channel, user, reply.card, thread=thread)
            else:
                key = hashlib.sha256(f"{event_id}".encode()).hexdigest()[:25]
                root = Receipt(channel=channel, message=thread or event["ts"])
                await self.chat.post(channel, reply.card, key=key, thread=root)

    async def _run(self, text: str, channel: str, user: str, name: str, once: str | None) -> Reply:
        actor = Actor(id=f"{self.chat.name}:{user}", name=name)
        return await self._dispatch.run_text(
            text, actor=actor, front=Front.SLACK, channel=f"{self.chat.name}:{channel}", once=once
        )


def typed(text: str) -> str:
    """What the person typed, without what Slack makes of links, names and the characters & < >."""
    text = _LINK.sub(_as_typed, text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()


def said_to(user: str, text: str) -> str:
    """The words after the first mention of `user`; those before it when nothing follows."""
    before, *after = re.split(rf"<@{re.escape(user)}(?:\|[^>]*)?>", text, maxsplit=1)
    return typed("".join(after)).lstrip(":, ") or typed(before)


def _as_typed(link: re.Match[str]) -> str:
    target, label = link.group(1), link.group(2)
    if target[0] in "@!#":
        sign = "#" if target[0] == "#" else "@"
        return sign + (label or target[1:]).lstrip("@#")
    return label or target.removeprefix("mailto:")


def _app(door: _Door, command: str) -> AsyncApp:
    """Slack's requests, led to the door. It knows who we are beforehand: the first command must not wait for auth.test."""
    web = door.chat.web()

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=door.chat.web().token,
            bot_id=door.me.bot,
            bot_user_id=door.me.user,
        )

    app = AsyncApp(name="slack_bolt.app", client=web, authorize=authorize, logger=silent_logger())
    app.command(command)(door.slash)
    app.event("app_mention")(door.mention)
    return app


async def _is_taken(app: AsyncApp, envelope: Envelope) -> bool:
    """Hand an envelope to the app; False when it is not ours to take, or when something broke: Slack then tries again."""
    request = SocketModeRequest.from_dict(dict(envelope))
    if request is None:
        return False
    response: BoltResponse = await run_async_bolt_app(app, request)
    return response.status == 200


@contextmanager
def _reporting(channel: str) -> Iterator[None]:
    """An answer that cannot be given is logged: the command was carried out all the same, and is in the audit."""
    try:
        yield
    except ChatError as error:
        log().warning(Event.COMMAND_FAILED, front=Front.SLACK.value, channel=channel, error=str(error))
