"""The fake Discord by hand, and what it must be strict about for the other tests to mean anything."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import pytest

from bot.chats.discord.client import DiscordChat
from tests.chats.contract import card
from tests.fakes.discord import CHANNEL, FakeDiscord

MESSAGES = f"/channels/{CHANNEL}/messages"


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


async def call(fake: FakeDiscord, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"Bot {fake.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, fake.api_url + path, json=body) as response,
    ):
        return response.status, response.headers, await response.json()


async def test_a_broken_body_is_answered_as_discord_does(fake: FakeDiscord) -> None:
    status, headers, answer = await call(fake, "POST", MESSAGES, {"embeds": [{"title": "x" * 257}]})

    assert (status, headers["Content-Type"], answer) == (
        400,
        "application/json",
        {
            "code": 50035,
            "message": "Invalid Form Body",
            "errors": {
                "embeds": {
                    "0": {
                        "title": {
                            "_errors": [
                                {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}
                            ]
                        }
                    }
                }
            },
        },
    )


async def test_a_nonce_is_not_read_back(fake: FakeDiscord) -> None:
    _, _, made = await call(fake, "POST", MESSAGES, {"content": "x", "nonce": "n", "enforce_nonce": True})

    _, _, [read] = await call(fake, "GET", MESSAGES)

    assert (made["nonce"], "nonce" in read) == ("n", False)


async def test_a_nonce_is_forgotten_after_its_minutes(fake: FakeDiscord) -> None:
    body = {"content": "x", "nonce": "n", "enforce_nonce": True}
    for later in (0, 60, 300):
        fake.clock = partial(float, 1_786_000_000 + later)
        await call(fake, "POST", MESSAGES, body)

    assert len(fake.messages()) == 2


async def test_limits_are_told_and_kept(fake: FakeDiscord) -> None:
    fake.limit("create_message", 1, 60)

    _, headers, _ = await call(fake, "POST", MESSAGES, {"content": "x"})
    status, too_many, answer = await call(fake, "POST", MESSAGES, {"content": "x"})

    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert (status, answer["global"], too_many["Retry-After"]) == (429, False, "60")
    assert 59 < answer["retry_after"] <= 60


async def test_the_interaction_of_a_command_that_was_never_synced_fails(fake: FakeDiscord) -> None:
    with pytest.raises(AssertionError, match="synced"):
        await fake.interact("status")


@pytest.mark.slow
async def test_by_hand_it_prints_each_post_as_a_line() -> None:
    command = [sys.executable, "-m", "tests.fakes.discord", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    about = json.loads(await process.stdout.readline())
    chat = DiscordChat(token=about["token"], api_url=about["api_url"])

    await chat.post(about["channel"], card("seen"), key="k")

    line = json.loads(await process.stdout.readline())
    await chat.close()
    process.terminate()
    await process.wait()
    assert "seen" in line["embeds"][0]["description"]
