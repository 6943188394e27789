"""What the doctor says of webhooks and of Apprise's services, and that only those who configured them pay for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot import net
from bot.config import load
from bot.doctor import Finding, Level, chats
from tests.fakes.webhook import SECRET, Receiver

ROOT = Path(__file__).resolve().parents[2]
# Apprise's mail plugin imports it, where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


async def findings(text: str, **environ: str) -> list[Finding]:
    config = load(text, environ, base=ROOT)
    session: aiohttp.ClientSession
    async with net.open_session() as session:
        return [finding async for finding in chats.examine(config, session)]


def webhook(url: str) -> str:
    return f'[[chat.webhook]]\nname = "bus"\nurl = "{url}"\nsecret = {{ env = "SECRET" }}\n'


async def test_a_webhook_that_takes_a_signed_ping_is_well() -> None:
    receiver = Receiver()
    async with receiver.server:
        found = await findings(webhook(receiver.server.url), SECRET=SECRET)

    assert [(f.level, f.what) for f in found] == [(Level.OK, "webhook:bus: takes signed events")]
    assert receiver.messages() == {}


async def test_a_webhook_with_another_secret_or_without_a_listener_is_bad_and_says_what_to_do() -> None:
    receiver = Receiver()
    async with receiver.server:
        [other] = await findings(webhook(receiver.server.url), SECRET="whsec_" + 32 * "b")
    [away] = await findings(webhook("http://127.0.0.1:9/hunter2"), SECRET=SECRET)

    assert (other.level, away.level) == (Level.BAD, Level.BAD)
    assert "same secret" in other.remedy
    assert (away.what, away.remedy) == (
        "webhook:bus: the connection was refused",
        "look at the network, the proxy, and the url",
    )


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("ntfys://hunter2", Level.OK, "apprise:ops: is ntfy; whether it takes messages shows with the first"),
        ("syslog://x", Level.BAD, "apprise:ops: the url is not usable"),
        ("slack://hunter2", Level.BAD, "apprise:ops: the url is not usable"),
    ],
)
async def test_an_address_of_apprise_is_understood_or_not(url: str, level: Level, words: str) -> None:
    [found] = await findings('[[chat.apprise]]\nname = "ops"\nurl = { env = "URL" }', URL=url)

    assert (level, words) == (found.level, found.what)
    assert "hunter2" not in f"{found.what}{found.remedy}"


def test_nobody_pays_for_apprise_who_does_not_use_it() -> None:
    code = (
        "import sys, bot.wiring, bot.doctor; print([m for m in ('apprise', 'requests') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
