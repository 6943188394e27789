"""Several workspaces, as the configuration wires them: each has its own app, its own tokens and its own name everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast

import pytest
import redis.asyncio as aioredis

from bot.chats.slack.client import SlackChat
from bot.commands.dispatch import Dispatcher
from bot.config import Config, load
from bot.errors import Refused
from bot.ports import Chat
from bot.store.sharing import RedisLeases
from bot.wiring.app import Options
from bot.wiring.chats import chats_of, listeners
from tests.chats.contract import card
from tests.chats.slack_listening import Desk, until
from tests.fakes.slack import FakeSlack

TOKENS = {"B1": "xoxb-fake", "A1": "xapp-fake", "B2": "xoxb-acme", "A2": "xapp-acme"}


@pytest.fixture
async def fakes() -> AsyncIterator[tuple[FakeSlack, FakeSlack]]:
    async with FakeSlack() as ours, FakeSlack(bot_token="xoxb-acme", app_token="xapp-acme") as acme:
        yield ours, acme


@pytest.fixture
def config(fakes: tuple[FakeSlack, FakeSlack]) -> Config:
    ours, acme = fakes
    text = f"""
    [chat.slack]
    bot_token = {{ env = "B1" }}
    app_token = {{ env = "A1" }}
    api_url   = "{ours.api_url}"
    [[chat.slack.workspace]]
    name      = "acme"
    bot_token = {{ env = "B2" }}
    app_token = {{ env = "A2" }}
    api_url   = "{acme.api_url}"
    command   = "/outage"
    [[chat.slack.workspace]]
    name      = "quiet"
    bot_token = {{ env = "B2" }}
    api_url   = "{acme.api_url}"
    [[group]]
    name     = "all"
    channels = ["slack:C1", "slack-acme:C1", "slack-quiet:C2"]
    """
    return load(text, TOKENS, base=Path())


@pytest.fixture
async def chats(config: Config) -> AsyncIterator[Mapping[str, Chat]]:
    async with AsyncExitStack() as stack:
        wired = chats_of(config, aioredis.Redis(), Options())
        for chat in wired.values():
            stack.push_async_callback(chat.close)
        yield wired


async def test_each_workspace_is_a_chat_of_its_own_name(
    chats: Mapping[str, Chat], fakes: tuple[FakeSlack, FakeSlack]
) -> None:
    ours, acme = fakes
    await chats["slack"].post("C1", card("ours"), key="key")
    await chats["slack-acme"].post("C1", card("theirs"), key="key")

    assert [name for name, chat in chats.items() if chat.name == name and isinstance(chat, SlackChat)] == [
        "slack",
        "slack-acme",
        "slack-quiet",
    ]
    assert ["ours" in message.text for message in ours.messages("C1")] == [True]
    assert ["theirs" in message.text for message in acme.messages("C1")] == [True]


async def test_an_error_names_its_workspace(chats: Mapping[str, Chat]) -> None:
    with pytest.raises(Refused, match=r"^slack-acme:C404: ") as caught:
        await chats["slack-acme"].post("C404", card("words"), key="key")

    assert caught.value.chat == "slack-acme"


async def test_commands_are_heard_in_each_workspace_that_has_an_app_token(
    config: Config, chats: Mapping[str, Chat], fakes: tuple[FakeSlack, FakeSlack]
) -> None:
    ours, acme = fakes
    desk = Desk()
    loops = listeners(config, chats, cast(Dispatcher, desk), cast(RedisLeases, None))
    running = [asyncio.ensure_future(loop()) for loop in loops.values()]
    try:
        await ours.slash("/incident list", user="U1")
        await acme.slash("/outage status", user="U2")
        await until(lambda: len(desk.heard) == 2)
    finally:
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    assert ["slack", "slack-acme"] == list(loops)
    assert [("list", "slack:U1", "slack:C1"), ("status", "slack-acme:U2", "slack-acme:C1")] == [
        (text, actor.id, channel) for text, actor, _, channel, _ in desk.heard
    ]
