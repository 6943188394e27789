"""The chats that the configuration names, and what takes commands from them.

Their libraries are imported only here, and only where they are used.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

import redis.asyncio as aioredis

from bot import config as settings
from bot.chats.console.client import ConsoleChat
from bot.chats.terminal import TerminalChat
from bot.commands.dispatch import Dispatcher
from bot.config import Config
from bot.ports import Chat
from bot.store.sharing import RedisLeases
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
    if slack := config.chat.slack:
        from bot.chats.slack.client import SlackChat

        chats["slack"] = SlackChat(token=slack.bot_token.reveal(), api_url=slack.api_url)
    if discord := config.chat.discord:
        from bot.chats.discord.client import DiscordChat

        chats["discord"] = DiscordChat(token=discord.token.reveal(), api_url=discord.api_url)
    return chats


def listeners(
    config: Config, chats: Mapping[str, Chat], dispatcher: Dispatcher, leases: RedisLeases
) -> dict[str, Loop]:
    """What takes commands from the chats: Slack's socket on every replica, Discord's gateway on one."""
    loops: dict[str, Loop] = {}
    slack, discord = config.chat.slack, config.chat.discord
    if slack and slack.app_token:
        from bot.chats.slack import listen as slack_listen
        from bot.chats.slack.client import SlackChat

        chat, app_token = chats["slack"], slack.app_token.reveal()
        if isinstance(chat, SlackChat):
            loops["slack"] = lambda: slack_listen.listen(
                dispatcher, chat=chat, app_token=app_token, command=slack.command
            )
    if discord:
        from bot.chats.discord import listen as discord_listen

        def gateway() -> Coroutine[Any, Any, None]:
            return discord_listen.listen(
                dispatcher,
                token=discord.token.reveal(),
                api_url=discord.api_url,
                gateway_url=discord.gateway_url,
            )

        loops["discord"] = lambda: leases.while_held("discord-gateway", gateway)
    return loops
