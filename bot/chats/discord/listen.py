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

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chats.discord.render import Body, render
from bot.chats.discord.rest import API_URL, FAILURES, NAME, failure, lost, take_any_json
from bot.commands.spec import Actor, Command, Front, Parameter, Reply

ROOT = "incident"
ROOT_HELP = "What is broken, who is hit, and what to do about it"
HELP_MAX_CHARS = 100
CHOICES_MAX = 25
ACKNOWLEDGE_WITHIN = timedelta(seconds=2.5)  # Discord gives 3 s
ANSWER_WITHIN = timedelta(seconds=10)
CLOSE_WITHIN = timedelta(seconds=5)
SEEN_BY_ALL = "Answered below, where everybody can see it."

# Exactly what is used: see and write headlines, begin threads and write there, show embeds, find a message again.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    embed_links=True,
    read_message_history=True,
    create_public_threads=True,
    send_messages_in_threads=True,
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
    token: str,
    api_url: str = API_URL,
    gateway_url: str | None = None,
    complete: Complete | None = None,
) -> None:
    """Take commands until cancelled; raises ChatError when the connection ends otherwise.

    discord.py resumes a dropped connection by itself. `complete` suggests words for parameters of free text.
    """
    Route.BASE = api_url.rstrip("/")  # answers to interactions take their address from nowhere else
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    take_any_json()
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody here speaks
    listener = Listener(dispatch, complete)
    try:
        await listener.start(token, reconnect=False)
    except FAILURES as exc:
        raise failure(exc, "gateway") from exc
    finally:
        await listener.let_go()
    raise lost("gateway", "Discord closed the connection", may_have_arrived=False)


def invite_link(application_id: str) -> str:
    """Where an administrator lets the bot into a server, with the rights it needs and no others."""
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=PERMISSIONS, scopes=scopes)


class Listener(discord.Client):
    """The gateway's client: it sees servers and interactions, but no message and no member."""

    def __init__(self, dispatch: Dispatch, complete: Complete | None = None) -> None:
        # Nothing here waits for the list of servers, so the library need not either.
        super().__init__(intents=discord.Intents(guilds=True), max_messages=None, guild_ready_timeout=0)
        self.dispatcher = dispatch
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(_root(self, dispatch.commands, complete))
        self._answering: set[asyncio.Task[Any]] = set()

    async def setup_hook(self) -> None:
        """Offer our commands, when Discord offers other ones: a server may be given only 200 new ones a day."""
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
            await interaction.response.defer(ephemeral=True, thinking=True)
    except FAILURES:
        return False
    return True


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
    allowed = body["allowed_mentions"]
    return {
        "content": body["content"],
        "embeds": [discord.Embed.from_dict(embed) for embed in body["embeds"]],
        "allowed_mentions": discord.AllowedMentions(
            everyone=False,
            replied_user=False,
            users=[discord.Object(int(user)) for user in allowed["users"]],
            roles=[discord.Object(int(role)) for role in allowed["roles"]],
        ),
    }


def _actor(interaction: discord.Interaction) -> Actor:
    return Actor(id=f"{NAME}:{interaction.user.id}", name=interaction.user.display_name)


def _channel(interaction: discord.Interaction) -> int | None:
    """The channel, also for a command typed in one of its threads: conversations belong to channels."""
    parent = getattr(interaction.channel, "parent_id", None)
    return parent or interaction.channel_id
