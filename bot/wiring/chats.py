"""The chats that the configuration names, and what takes commands from them.

Their libraries are imported only here, and only where they are used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import redis.asyncio as aioredis

from bot import config as settings
from bot import telemetry
from bot.chats.console.client import ConsoleChat
from bot.chats.terminal import TerminalChat
from bot.commands.dispatch import Dispatcher
from bot.config import Config
from bot.config.models import Workspace
from bot.ports import Chat
from bot.store.sharing import RedisLeases
from bot.telemetry import Event, log
from bot.wiring.app import Loop, Options


def chats_of(config: Config, client: aioredis.Redis, options: Options) -> dict[str, Chat]:
    """The chats by name: the built-in ones always, the others where they are configured."""
    channels = [c for group in settings.rules(config).groups for c in group.channels]
    boards = [c.partition(":")[2] for c in channels if c.startswith("console:")]
    chats: dict[str, Chat] = {
        "console": ConsoleChat(client, clock=options.clock, channels=dict.fromkeys(boards)),
        "terminal": TerminalChat(options.terminal, clock=options.clock),
    }
    if options.is_beside:
        return chats
    for name, space in workspaces(config).items():
        from bot.chats.slack.client import SlackChat

        chats[name] = SlackChat(token=space.bot_token.reveal(), api_url=space.api_url, name=name)
    if discord := config.chat.discord:
        from bot.chats.discord.client import DiscordChat

        chats["discord"] = DiscordChat(token=discord.token.reveal(), api_url=discord.api_url)
    return chats | _sinks(config, options)


@asynccontextmanager
async def open_chats(
    config: Config, client: aioredis.Redis, options: Options
) -> AsyncIterator[dict[str, Chat]]:
    """The chats, closed in the end."""
    async with AsyncExitStack() as stack:
        chats = chats_of(config, client, options)
        for chat in chats.values():
            stack.push_async_callback(chat.close)
        yield chats


def _sinks(config: Config, options: Options) -> dict[str, Chat]:
    """The chats that only take messages, each with a table for each channel."""
    chats: dict[str, Chat] = {}
    if services := config.chat.apprise:
        from bot.chats.apprise.client import AppriseChat

        chats["apprise"] = AppriseChat(
            {s.name: s.url.reveal() for s in services}, clock=options.clock, bot=config.fogbell.name
        )
    if tables := config.chat.webhook:
        from bot.chats.webhook.client import Webhook, WebhookChat

        hooks = [
            Webhook(
                name=t.name,
                url=t.url.reveal(),
                secrets=tuple(s.reveal() for s in (t.secret, t.old_secret) if s),
            )
            for t in tables
        ]
        chats["webhook"] = WebhookChat(hooks, clock=options.clock)
    return chats


def listeners(
    config: Config, chats: Mapping[str, Chat], dispatcher: Dispatcher, leases: RedisLeases
) -> dict[str, Loop]:
    """What takes commands from the chats: Slack's socket on every replica, Discord's gateway on one.

    A chat that is not among `chats` came with a reload, and waits for a restart.
    """
    loops: dict[str, Loop] = {}
    for name, space in workspaces(config).items():
        if name in chats:
            loops |= _slack_loop(dispatcher, chats[name], space)
    if (discord := config.chat.discord) and "discord" in chats:
        from bot.chats.discord import listen as discord_listen

        def gateway() -> Coroutine[Any, Any, None]:
            return discord_listen.listen(
                dispatcher,
                token=discord.token.reveal(),
                api_url=discord.api_url,
                gateway_url=discord.gateway_url,
                on_state=_heard("discord"),
            )

        loops["discord"] = lambda: leases.while_held("discord-gateway", gateway)
    return loops


def workspaces(config: Config) -> Mapping[str, Workspace]:
    """Slack's workspaces by the name of their chat."""
    return config.chat.slack.workspaces if config.chat.slack else {}


def _slack_loop(dispatcher: Dispatcher, chat: Chat, space: Workspace) -> dict[str, Loop]:
    """What takes commands from a workspace; nothing where there is no token for it."""
    from bot.chats.slack import listen as slack_listen
    from bot.chats.slack.client import SlackChat

    token = space.app_token
    if token is None or not isinstance(chat, SlackChat):
        return {}
    return {
        chat.name: lambda: slack_listen.listen(
            dispatcher, chat=chat, app_token=token.reveal, command=space.command, on_state=_heard(chat.name)
        )
    }


def _heard(chat: str) -> Callable[[bool], None]:
    """Notes whether commands come in: a chat may take our messages and tell us nothing, as Slack did on 2025-02-26."""

    def note(is_up: bool) -> None:
        telemetry.CHAT_HEARS.labels(chat).set(int(is_up))
        listening = asyncio.current_task()
        is_ended_by_us = listening is not None and listening.cancelling() > 0
        if not is_up and not is_ended_by_us:
            log().warning(Event.CHAT_DEAF, chat=chat, remedy="until it is back: the page, or fogbell say")

    return note
