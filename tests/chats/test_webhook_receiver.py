"""The receiver of docs/sinks.md, run as it stands there: it believes what is ours, once, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.chats.webhook.client import Webhook, WebhookChat
from bot.clock import SystemClock
from bot.errors import Refused, Unavailable
from tests.chats.contract import card
from tests.fakes.webhook import SECRET

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sinks.md"
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


@dataclass
class Running:
    """The receiver's process, and where it listens."""

    process: asyncio.subprocess.Process
    hook: Webhook

    async def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            return (await self.process.stdout.readline()).decode().strip()


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Running]:
    found = re.search(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert found is not None
    program = tmp_path / "receiver.py"
    program.write_text(found[1], encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=os.environ | {"BUS_SECRET": SECRET, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    hook = Webhook(name="bus", url=f"http://127.0.0.1:{port}/fogbell", secrets=(SECRET,))
    await _listening(hook)
    yield Running(process, hook)
    process.kill()
    await process.wait()


async def _listening(hook: Webhook) -> None:
    chat = WebhookChat([hook], clock=SystemClock())
    async with asyncio.timeout(10):
        while True:
            try:
                await chat.ping()
                break
            except Unavailable:
                await asyncio.sleep(0.02)
    await chat.close()


async def test_it_takes_each_message_once_and_each_edit(receiver: Running) -> None:
    chat = WebhookChat([receiver.hook], clock=SystemClock())

    headline = await chat.post("bus", card("one"), key="k1")
    await chat.post("bus", card("one"), key="k1")
    await chat.post("bus", card("two"), key="k2", thread=headline)
    await chat.edit(headline, card("three"))

    assert [await receiver.line() for _ in range(3)] == [
        "headline Checkout is failing: one",
        "update Checkout is failing: two",
        "edit Checkout is failing: three",
    ]
    await chat.close()


async def test_it_takes_a_signature_of_the_new_secret_or_of_the_old(receiver: Running) -> None:
    both = replace(receiver.hook, secrets=(OTHER, SECRET))
    chat = WebhookChat([both], clock=SystemClock())

    await chat.post("bus", card("one"), key="k1")

    assert await receiver.line() == "headline Checkout is failing: one"
    await chat.close()


async def test_it_refuses_what_another_secret_signed(receiver: Running) -> None:
    chat = WebhookChat([replace(receiver.hook, secrets=(OTHER,))], clock=SystemClock())

    with pytest.raises(Refused) as caught:
        await chat.post("bus", card("one"), key="k1")

    assert "same secret" in caught.value.remedy
    await chat.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Webhook-Id": "k", "Webhook-Timestamp": "now", "Webhook-Signature": "v1,x"},
        {"Webhook-Id": "k", "Webhook-Timestamp": "1600000000", "Webhook-Signature": "v1,x v2,y"},
    ],
)
async def test_it_refuses_what_nobody_signed(receiver: Running, headers: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(receiver.hook.url, data=b"{}", headers=headers) as response,
    ):
        assert response.status == 401


class LateClock(SystemClock):
    """Six minutes behind."""

    def now(self) -> datetime:
        return super().now() - timedelta(minutes=6)


async def test_it_refuses_what_was_recorded_and_is_played_back(receiver: Running) -> None:
    chat = WebhookChat([receiver.hook], clock=LateClock())

    with pytest.raises(Refused) as caught:
        await chat.post("bus", card("one"), key="k1")

    assert "clocks" in caught.value.remedy
    await chat.close()
