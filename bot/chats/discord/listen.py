"""Slash commands in from Discord: one gateway connection, `/incident` with a subcommand for each Command.

What a command means is the dispatcher's business; here it is offered, received, acknowledged within Discord's three seconds
and answered. `wiring` runs `listen` on the one replica that holds the gateway's lease, under `pipeline.supervise`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Protocol

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chats.discord.failures import FAILURES, NAME, failure, lost
from bot.chats.discord.gateway import SILENCE_MAX_S, Connection, OnState
from bot.chats.discord.render import Body, render
from bot.chats.discord.rest import API_URL, take_any_json
from bot.commands.spec import Actor, Command, Front, Parameter, Reply
from bot.telemetry import Event, log

ROOT = "incident"
ROOT_HELP = "What is broken, who is hit, and what to do about it"
HELP_MAX_CHARS = 100
CHOICES_MAX = 25
ACKNOWLEDGE_WITHIN = timedelta(seconds=2.5)  # Discord gives 3 s
ANSWER_WITHIN = timedelta(seconds=10)
CLOSE_WITHIN = timedelta(seconds=5)
LOG_IN_WITHIN = timedelta(seconds=60)
OFFER_WITHIN = timedelta(seconds=30)
ALREADY_ACKNOWLEDGED = 40060
SEEN_BY_ALL = "Answered below, where everybody can see it."

# Exactly what is used: see and write headlines, begin threads and write there, show embeds, find a message again, pin it.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    embed_links=True,
    read_message_history=True,
    create_public_threads=True,
    send_messages_in_threads=True,
    pin_messages=True,
)

Complete = Callable[
    [str, str, str], Awaitable[Sequence[str]]
]  # (command, parameter, what is typed) -> suggestions


class Dispatch(Protocol):
    """Where commands are carried out; it answers whatever happens and never raises."""

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands, in the order in which they are offered."""
        ...

    async def run(
        self,
        name: str,
        arguments: Mapping[str, str],
        *,
        actor: Actor,
        front: Front,
        channel: str,
        once: str | None,
    ) -> Reply:
        """The answer to one command; `once` is the same for a delivery that Discord repeats."""
        ...


async def listen(
    dispatch: Dispatch,
    *,
    token: str | Callable[[], str],
    api_url: str = API_URL,
    gateway_url: str | None = None,
    complete: Complete | None = None,
    on_state: OnState | None = None,
    silence_max_s: float = SILENCE_MAX_S,
) -> None:
    """Take commands until cancelled; raises ChatError when the connection ends and cannot be resumed.

    `token` may be a function that gives the one of today. `complete` suggests words for parameters of free text. `on_state` is
    told True when the gateway is connected and False when it is not, each change once.
    """
    Route.BASE = api_url.rstrip("/")  # answers to interactions take their address from nowhere else
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    take_any_json()
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody here speaks
    listener = Listener(dispatch, complete, on_state=on_state, silence_max_s=silence_max_s)
    try:
        async with asyncio.timeout(LOG_IN_WITHIN.total_seconds()):
            await listener.login(token if isinstance(token, str) else token())
        await listener.connect()
    except FAILURES as exc:
        raise failure(exc, "gateway") from exc
    finally:
        await listener.let_go()
    raise lost("gateway", "Discord closed the connection", may_have_arrived=False)


def invite_link(application_id: str) -> str:
    """Where an administrator lets the bot into a server, with the rights it needs and no others."""
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=PERMISSIONS, scopes=scopes)


class Listener(Connection):
    """A gateway connection that offers our commands and answers them."""

    def __init__(
        self,
        dispatch: Dispatch,
        complete: Complete | None = None,
        *,
        on_state: OnState | None = None,
        silence_max_s: float = SILENCE_MAX_S,
    ) -> None:
        super().__init__(on_state=on_state, silence_max_s=silence_max_s)
        self.dispatcher = dispatch
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(_root(self, dispatch.commands, complete))
        self._answering: set[asyncio.Task[Any]] = set()

    async def setup_hook(self) -> None:
        """Offer our commands, when Discord offers other ones: a server may be given only 200 new ones a day.

        Where that fails, those of yesterday are still offered, and answered.
        """
        try:
            async with asyncio.timeout(OFFER_WITHIN.total_seconds()):
                await self._offer()
        except FAILURES as exc:
            log().warning(Event.COMMANDS_NOT_OFFERED, reason=str(failure(exc, "gateway")))

    async def _offer(self) -> None:
        ours = [_shape(command.to_dict(self.tree)) for command in self.tree.get_commands()]
        offered = await self.http.get_global_commands(self.application_id or 0)
        if ours != [_shape(command) for command in offered]:
            await self.tree.sync()

    async def answer(self, interaction: discord.Interaction, name: str, words: Mapping[str, str]) -> None:
        """Acknowledge, carry out, answer."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the library runs each interaction in a task
        self._answering.add(task)
        try:
            if await _acknowledged(interaction):
                reply = await self.dispatcher.run(
                    name,
                    {word: value for word, value in words.items() if value},
                    actor=_actor(interaction),
                    front=Front.DISCORD,
                    channel=f"{NAME}:{_channel(interaction)}",
                    once=str(interaction.id),
                )
                await _show(interaction, reply)
        finally:
            self._answering.discard(task)

    async def let_go(self) -> None:
        """Give answers under way a moment, then close; nothing is left running."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=CLOSE_WITHIN.total_seconds())
        for task in self._answering:
            task.cancel()
        async with asyncio.timeout(CLOSE_WITHIN.total_seconds()):
            await self.close()


def _root(listener: Listener, commands: Sequence[Command], complete: Complete | None) -> app_commands.Group:
    root = app_commands.Group(name=ROOT, description=ROOT_HELP)
    for command in commands:
        root.add_command(_subcommand(listener, command, complete))
    return root


def _subcommand(
    listener: Listener, command: Command, complete: Complete | None
) -> app_commands.Command[Any, ..., Any]:
    async def answer(interaction: discord.Interaction, **words: str) -> None:
        await listener.answer(interaction, command.name, words)

    # discord.py reads a command's parameters from its function; ours come from the definition.
    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY)
    answer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *(_parameter(parameter) for parameter in command.parameters)]
    )
    app_commands.describe(**{p.name: _help(p.help) for p in command.parameters})(answer)
    made: app_commands.Command[Any, ..., Any] = app_commands.Command(
        name=command.name, description=_help(command.help), callback=answer
    )
    for parameter in command.parameters:
        if complete and not _choices(parameter):
            made.autocomplete(parameter.name)(_suggestions(command.name, parameter.name, complete))
    return made


def _parameter(parameter: Parameter) -> inspect.Parameter:
    choices = _choices(parameter)
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if parameter.is_required else "",
        annotation=Literal[choices] if choices else str,
    )


def _choices(parameter: Parameter) -> tuple[str, ...]:
    """Discord holds 25: a longer list is typed, and judged by the dispatcher."""
    return tuple(map(str, parameter.choices)) if len(parameter.choices) <= CHOICES_MAX else ()


def _help(text: str) -> str:
    return text if len(text) <= HELP_MAX_CHARS else text[: HELP_MAX_CHARS - 1] + "…"


def _suggestions(command: str, parameter: str, complete: Complete) -> Any:
    async def suggest(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        async with asyncio.timeout(ACKNOWLEDGE_WITHIN.total_seconds()):
            words = await complete(command, parameter, typed)
        return [
            app_commands.Choice(name=w[:HELP_MAX_CHARS], value=w[:HELP_MAX_CHARS])
            for w in words[:CHOICES_MAX]
        ]

    return suggest


def _shape(command: Mapping[str, Any]) -> Body:
    """What people see of a command, without the defaults that Discord spells out and we do not."""
    shape: Body = {
        key: command[key]
        for key in ("name", "description", "required", "autocomplete", "value")
        if command.get(key)
    }
    shape["type"] = command.get("type", 1)
    for part in ("options", "choices"):
        if command.get(part):
            shape[part] = [_shape(each) for each in command[part]]
    return shape


async def _acknowledged(interaction: discord.Interaction) -> bool:
    """False when it was too late, or another replica had it first: then nothing may be carried out."""
    try:
        async with asyncio.timeout(ACKNOWLEDGE_WITHIN.total_seconds()):
            await _defer(interaction)
    except FAILURES:
        return False
    return True


async def _defer(interaction: discord.Interaction) -> None:
    """Show "thinking". A cut connection is tried once more: that the first try had arrived is told by Discord's refusal."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
    except (aiohttp.ClientError, OSError):
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
        except discord.HTTPException as exc:
            if exc.code != ALREADY_ACKNOWLEDGED:
                raise


async def _show(interaction: discord.Interaction, reply: Reply) -> None:
    """Put the answer where "thinking" stands; one for everybody is a message of its own, for the first one stays private."""
    shown = _message(render(reply.card))
    async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
        if reply.is_private:
            await interaction.edit_original_response(embeds=shown["embeds"])
            return
        await interaction.edit_original_response(content=SEEN_BY_ALL)
        await interaction.followup.send(**shown)


def _message(body: Body) -> dict[str, Any]:
    """A rendered body as the library's own types."""
    return {
        "content": body["content"],
        "embeds": [discord.Embed.from_dict(embed) for embed in body["embeds"]],
        "allowed_mentions": _Allowed(body["allowed_mentions"]),
    }


class _Allowed(discord.AllowedMentions):
    """Mentions as `render` wrote them: the library would send ids as numbers, which Discord's description does not know."""

    def __init__(self, allowed: Body) -> None:
        super().__init__(everyone=False, replied_user=False, users=False, roles=False)
        self._allowed = allowed

    def to_dict(self) -> Any:
        return self._allowed


def _actor(interaction: discord.Interaction) -> Actor:
    return Actor(id=f"{NAME}:{interaction.user.id}", name=interaction.user.display_name)


def _channel(interaction: discord.Interaction) -> int | None:
    """The channel, also for a command typed in one of its threads: conversations belong to channels."""
    parent = getattr(interaction.channel, "parent_id", None)
    return parent or interaction.channel_id
