"""The fake Slack as a process of its own, the app's manifest, and what an import costs."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.chats.slack.client import SlackChat
from tests.chats.contract import card

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = (ROOT / "docs" / "slack-manifest.yaml").read_text()
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "chat.delete": "chat:write",
    "pins.add": "pins:write",
    "pins.remove": "pins:write",
    "auth.test": "",
    "apps.connections.open": "",  # the app-level token's connections:write
}


@pytest.mark.slow
async def test_the_fake_runs_as_a_process_and_tells_all_that_happens() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.slack", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        api_url = json.loads(await process.stdout.readline())["api_url"]
        chat = SlackChat(token="xoxb-fake", api_url=api_url)
        fault = {"method": "chat.postMessage", "kind": "reply", "status": 429, "seconds": 3}
        async with aiohttp.ClientSession() as person:
            await person.post(api_url.replace("/api/", "/control/fail"), json=fault)

        with pytest.raises(Exception, match="again in 3"):
            await chat.post("C1", card("words"), key="key")
        receipt = await chat.post("C1", card("words"), key="key")

        told = json.loads(await process.stdout.readline())
        assert ("post", "C1", receipt.message, "key") == (
            told["event"],
            told["channel"],
            told["ts"],
            told["key"],
        )
        assert "words" in told["readable"]
        async with aiohttp.ClientSession() as auditor:
            control = api_url.replace("/api/", "/control/")
            held = await (await auditor.post(f"{control}state", json={})).json()
            assert [("key", False)] == [(m["key"], m["is_pinned"]) for m in held["C1"]]
            await auditor.post(f"{control}delete", json={"channel": "C1", "ts": receipt.message})
            held = await (await auditor.post(f"{control}state", json={})).json()
            assert held["C1"] == []
        await chat.close()
    finally:
        process.terminate()
        await process.wait()


def test_the_manifest_asks_for_what_is_used_and_nothing_else() -> None:
    source = "".join(path.read_text() for path in (ROOT / "bot/chats/slack").glob("*.py"))
    called = set(re.findall(r'"((?:chat|conversations|users|reactions|files|pins)\.\w+)"', source))
    asked = set(re.findall(r"^      - ([\w.]+:[\w.]+|commands)\b", MANIFEST, re.MULTILINE))

    of_events = {"commands", "app_mentions:read", "groups:history"}
    assert asked == {SCOPES[method] for method in called} - {""} | of_events | {"channels:history"}
    assert re.findall(r"^      - (app_mention)\b(?!s)", MANIFEST, re.MULTILINE) == ["app_mention"]


def test_every_scope_of_the_manifest_has_a_reason_beside_it() -> None:
    scopes = re.findall(r"^      - (\S+)(.*)$", MANIFEST, re.MULTILINE)

    assert [scope for scope, reason in scopes if "#" not in reason] == []


def test_slacks_libraries_are_imported_only_where_slack_is_used() -> None:
    """They cost 0.15 s and 12 MB (measured), which a team on Discord need not pay."""
    code = "import bot.chats, bot.chats.slack, sys; print([m for m in sys.modules if m.startswith('slack_')])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
