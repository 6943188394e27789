"""Tokens, permissions and channels of Slack and Discord, asked for with reading calls only; addresses of other services.

Plain HTTP on purpose: a doctor that needs the chats' libraries could not say why these fail to load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot import __version__, net
from bot.clock import SystemClock
from bot.config import Config, Secret
from bot.config.models import Discord, Workspace
from bot.doctor.finding import Finding, bad, ok, warn
from bot.errors import ChatError, ConfigError, Refused

ANSWER_S = 10.0
_HISTORY = {"channels:history", "groups:history"}
_TEXT_KINDS = {0, 5, 15, 16}  # Discord's channels of text, announcements, forum posts and media


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


async def examine(config: Config, session: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    """Whether each configured chat takes our token and lets us into the channels of the groups."""
    looks = []
    for name, space in (config.chat.slack.workspaces if config.chat.slack else {}).items():
        looks.append((name, space.api_url, _slack(name, space, _channels(config, name), session)))
    if config.chat.discord is not None:
        discord = config.chat.discord
        looks.append(("discord", discord.api_url, _discord(discord, _channels(config, "discord"), session)))
    for finding in _services(config):
        yield finding
    async for finding in _webhooks(config):
        yield finding
    for chat, api_url, findings in looks:
        try:
            async for finding in findings:
                yield finding
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            yield bad(
                f"{chat}: {net.shown(api_url)} cannot be reached: {net.in_words(exc)}",
                "look at the network, the proxy, and api_url",
            )


def _services(config: Config) -> Iterator[Finding]:
    """Whether Apprise understands each address. It has no call that services answer and nobody reads."""
    for service in config.chat.apprise:
        from bot.chats.apprise.client import plugin_of

        name = f"apprise:{service.name}"
        try:
            plugin = plugin_of(service.url.reveal())
        except ConfigError as exc:
            yield bad(f"{name}: the url is not usable", str(exc))
        else:
            yield ok(f"{name}: is {plugin.service_name}; whether it takes messages shows with the first")


async def _webhooks(config: Config) -> AsyncIterator[Finding]:
    """Whether each receiver takes a signed ping."""
    for table in config.chat.webhook:
        from bot.chats.webhook.client import Webhook, WebhookChat

        secrets = tuple(secret.reveal() for secret in (table.secret, table.old_secret) if secret)
        hook = Webhook(name=table.name, url=table.url.reveal(), secrets=secrets)
        chat = WebhookChat([hook], clock=SystemClock())
        try:
            await chat.ping()
        except ChatError as exc:
            remedy = exc.remedy if isinstance(exc, Refused) else ""
            yield bad(str(exc), remedy or "look at the network, the proxy, and the url")
        else:
            yield ok(f"webhook:{table.name}: takes signed events")
        finally:
            await chat.close()


def _channels(config: Config, chat: str) -> list[str]:
    """The ids of a chat's channels in all groups."""
    named = {channel.partition(":")[::2] for group in config.group for channel in group.channels}
    return sorted(channel for of, channel in named if of == chat)


async def _slack(
    name: str, slack: Workspace, ids: Collection[str], session: aiohttp.ClientSession
) -> AsyncIterator[Finding]:
    who = await _slack_call(session, slack, "auth.test", slack.bot_token)
    if not who.body.get("ok"):
        yield bad(
            f"{name}: the bot token is refused ({_word(who)})",
            "copy the Bot User OAuth Token (xoxb-...) of OAuth & Permissions again",
        )
        return
    yield ok(f"{name}: signed in as {who.body.get('user')} in {who.body.get('team')}")
    for finding in _scopes(name, who.headers.get("x-oauth-scopes"), has_commands=slack.app_token is not None):
        yield finding
    for channel in ids:
        # The look that follows a lost reply; conversations.info would need one more scope than the bot uses.
        yield _slack_channel(
            f"{name}:{channel}",
            await _slack_call(
                session, slack, "conversations.history", slack.bot_token, channel=channel, limit="1"
            ),
        )
    if slack.app_token is not None:
        door = await _slack_call(session, slack, "apps.connections.open", slack.app_token)
        yield (
            ok(f"{name}: Socket Mode opens")
            if door.body.get("ok")
            else bad(
                f"{name}: Socket Mode does not open ({_word(door)})",
                "turn Socket Mode on, and give the app token the scope connections:write",
            )
        )


def _scopes(name: str, header: str | None, *, has_commands: bool) -> list[Finding]:
    """What the token lacks. Slack names a token's scopes in a header of each answer; a proxy may take it away."""
    if header is None:
        return []
    scopes = {scope.strip() for scope in header.split(",")}
    again = "add it in OAuth & Permissions, and install the app again"
    found = []
    if "chat:write" not in scopes:
        found.append(bad(f"{name}: the scope chat:write is missing: nothing can be posted", again))
    if not scopes & _HISTORY:
        found.append(
            warn(f"{name}: no scope channels:history: after a lost reply a post may be doubled", again)
        )
    if "pins:write" not in scopes:
        found.append(warn(f"{name}: no scope pins:write: headlines are not pinned", again))
    if has_commands and "commands" not in scopes:
        found.append(warn(f"{name}: no scope commands: slash commands do not arrive", again))
    if has_commands and "app_mentions:read" not in scopes:
        found.append(warn(f"{name}: no scope app_mentions:read: mentions in threads are not heard", again))
    return found or [ok(f"{name}: it has the scopes it needs")]


def _slack_channel(name: str, look: _Answer) -> Finding:
    match _word(look):
        case _ if look.body.get("ok"):
            return ok(f"{name}: the bot is in it, and can read it back")
        case "missing_scope":
            return warn(f"{name}: cannot be looked at", "add the scope channels:history (or groups:history)")
        case "ratelimited":
            return warn(f"{name}: cannot be looked at: Slack asks us to wait", "try again in a minute")
        case "not_in_channel":
            return bad(f"{name}: the bot is not in it", "type /invite and the bot's name there")
        case word:
            return bad(f"{name}: {word}", "write the channel's id, and /invite the bot where it is private")


async def _discord(
    discord: Discord, ids: Collection[str], session: aiohttp.ClientSession
) -> AsyncIterator[Finding]:
    me = await _discord_call(session, discord, "users/@me")
    if me.status != 200:
        yield bad(
            f"discord: the token is refused (answered {me.status})",
            "Bot -> Reset Token in the developer portal gives a new one",
        )
        return
    yield ok(f"discord: signed in as {me.body.get('username')}")
    about = await _discord_call(session, discord, "applications/@me")
    application_id = str(about.body.get("id", ""))
    if application_id.isdecimal():
        yield ok(
            f"discord: where it is not in a server yet, an administrator opens {_invitation(application_id)}"
        )
    for channel in ids:
        yield _discord_channel(channel, await _discord_call(session, discord, f"channels/{channel}"))


def _invitation(application_id: str) -> str:
    from bot.chats.discord.listen import invite_link  # the one thing here that needs the chat's library

    return invite_link(application_id)


def _discord_channel(channel: str, info: _Answer) -> Finding:
    name = f"discord:{channel}"
    match info.status:
        case 200 if info.body.get("type") in _TEXT_KINDS:
            return ok(f"{name} (#{info.body.get('name', '?')}): reachable")
        case 200:
            return bad(f"{name}: is not a text channel", "name a text or announcement channel")
        case 403:
            return bad(f"{name}: the bot may not see it", "give it View Channel and Send Messages there")
        case 404:
            return bad(f"{name}: there is none", "copy the channel's id again")
        case status:
            return warn(f"{name}: answered {status}", "try again later")


def _word(answer: _Answer) -> str:
    return str(answer.body.get("error") or f"answered {answer.status}")[:80]


async def _slack_call(
    session: aiohttp.ClientSession, slack: Workspace, method: str, token: Secret, **arguments: str
) -> _Answer:
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    url = f"{slack.api_url.rstrip('/')}/{method}"
    async with asyncio.timeout(ANSWER_S):
        async with session.post(
            url, headers=headers, data=arguments, allow_redirects=False, proxy=net.proxy_for(url)
        ) as response:
            return await _answer(response)


async def _discord_call(session: aiohttp.ClientSession, discord: Discord, path: str) -> _Answer:
    about = f"DiscordBot (fogbell, {__version__})"  # Discord asks for this form
    headers = {"Authorization": f"Bot {discord.token.reveal()}", "User-Agent": about}
    url = f"{discord.api_url.rstrip('/')}/{path}"
    async with asyncio.timeout(ANSWER_S):
        async with session.get(
            url, headers=headers, allow_redirects=False, proxy=net.proxy_for(url)
        ) as response:
            return await _answer(response)


async def _answer(response: aiohttp.ClientResponse) -> _Answer:
    try:
        body = await response.json(content_type=None)
    except ValueError:  # a proxy's page, say: the status then has to do
        body = None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return _Answer(response.status, headers, body if isinstance(body, dict) else {})
