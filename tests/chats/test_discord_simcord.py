"""A second judge: simcord, somebody else's model of Discord's rules, must agree with ours.

It works inside the process and replaces the library's HTTP client. Commands are judged that way, as it intends; our own client
reaches its routes through a loopback server that only passes requests on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
import simcord
from aiohttp import web
from simcord.backend import serializers
from simcord.backend.errors import BackendError
from simcord.http import router

from bot.chats.discord.client import DiscordChat
from bot.chats.discord.listen import PERMISSIONS, Listener
from bot.commands import COMMANDS
from bot.commands.spec import Actor, Command, Front, Reply
from bot.domain.card import Card, Field, Section, Tone
from bot.errors import Refused
from tests.fakes.discord_rest import answer

LARGE = Card(
    title="*title* " * 100,
    tone=Tone.CRITICAL,
    fallback="x",
    fields=tuple(Field(name="name " * 100, value="<@1> " * 500) for _ in range(40)),
    sections=tuple(Section(heading="Update", text="@everyone [a](https://b.example) " * 300) for _ in range(9)),
    footer="footer " * 900,
    mentions=("user:11", "role:12"),
    is_quiet=True,
)


class Desk:
    """A dispatcher that answers everything alike."""

    commands: tuple[Command, ...] = COMMANDS

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, dict[str, str], str]] = []

    async def run(
        self, name: str, arguments: Mapping[str, str], *, actor: Actor, front: Front, channel: str, once: str | None
    ) -> Reply:
        self.asked.append((name, dict(arguments), channel))
        return self.reply


@asynccontextmanager
async def bridge(backend: Any) -> AsyncIterator[str]:
    """The base URL of a loopback server that hands every request to simcord."""

    async def passed_on(request: web.Request) -> web.Response:
        path = "/" + request.match_info["path"]
        if path == "/users/@me":
            return answer(dict(serializers.user_payload(backend.bot_user)))
        body = await request.json() if request.can_read_body else None
        try:
            said = router.dispatch(backend, request.method, path, json=body, params=dict(request.query))
        except BackendError as error:
            return answer(error.to_json(), error.status)
        return answer(said)

    app = web.Application()
    app.router.add_route("*", "/api/v10/{path:.*}", passed_on)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    await runner.cleanup()


@asynccontextmanager
async def sim(reply: Reply | None = None) -> AsyncIterator[tuple[Any, Desk]]:
    """A running simcord with our listener logged in."""
    desk = Desk(reply or Reply(card=LARGE))
    async with simcord.run(Listener(desk)) as env:
        yield env, desk


@asynccontextmanager
async def chat_with(env: Any) -> AsyncIterator[DiscordChat]:
    async with bridge(env.backend) as url:
        chat = DiscordChat(token="any", api_url=url)
        yield chat
        await chat.close()


async def test_the_largest_card_is_accepted_as_message_edit_and_reply() -> None:
    async with sim() as (env, _):
        channel = env.create_guild().create_text_channel("ops")
        async with chat_with(env) as chat:
            headline = await chat.post(str(channel.id), LARGE, key="h" * 25)
            await chat.edit(headline, LARGE)
            reply = await chat.post(str(channel.id), LARGE, key="r" * 25, thread=headline)
            await chat.edit(reply, LARGE, thread=headline)
            since = datetime.now(UTC) - timedelta(days=4_000)  # its clock is its own
            found = await chat.find(str(channel.id), key="r" * 25, since=since, thread=headline)

    assert found == reply


async def test_a_deleted_message_is_gone_by_its_rules_too() -> None:
    async with sim() as (env, _):
        channel = env.create_guild().create_text_channel("ops")
        async with chat_with(env) as chat:
            receipt = await chat.post(str(channel.id), LARGE, key="k")
            env.backend.delete_message(channel.id, int(receipt.message))

            with pytest.raises(Refused) as caught:
                await chat.edit(receipt, LARGE)

    assert caught.value.gone


async def test_missing_permissions_are_refused_with_a_remedy() -> None:
    async with sim() as (env, _):
        guild = env.create_guild()
        channel = guild.create_text_channel("ops")
        async with chat_with(env) as chat:
            await chat.post(str(channel.id), LARGE, key="k")
            channel.set_permissions(guild.default_role, send_messages=False)

            with pytest.raises(Refused) as caught:
                await chat.post(str(channel.id), LARGE, key="k2")

    assert caught.value.remedy


@pytest.mark.parametrize("is_private", [True, False])
async def test_a_command_is_answered_by_its_rules(is_private: bool) -> None:
    async with sim(Reply(card=LARGE, is_private=is_private)) as (env, desk):
        guild = env.create_guild()
        channel = guild.create_text_channel("ops")
        alice = guild.add_member(env.create_user("alice"))

        result = await alice.slash(channel, "incident status")

    assert desk.asked == [("status", {}, f"discord:{channel.id}")]
    assert result.ephemeral


async def test_the_permissions_of_the_invite_link_are_enough() -> None:
    assert discord.Permissions(PERMISSIONS.value).manage_messages is False
