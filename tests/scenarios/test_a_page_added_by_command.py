"""`monitor add` to a worker that runs: from an address to words on the console, by the page's own name, over a restart."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.feeds import FeedServer
from tests.scenarios.worker import Worker, fetched

pytestmark = pytest.mark.slow
HOME = "<html><head><title>Acme Cloud Status</title></head>Powered by Atlassian Statuspage</html>"
TEXTS = ("We look into it.", "A switch is broken.", "It is replaced.")


def summary(updates: int, status: str = "investigating") -> str:
    """A summary.json with one incident that has so many updates."""
    listed = [
        {"id": f"u{n}", "status": status, "body": text, "created_at": f"2026-10-20T07:{n:02d}:00Z"}
        for n, text in enumerate(TEXTS[:updates])
    ]
    event = {
        "id": "abc123def456",
        "name": "API errors",
        "status": status,
        "impact": "major",
        "created_at": "2026-10-20T07:00:00Z",
        "updated_at": f"2026-10-20T07:{updates:02d}:00Z",
        "incident_updates": listed[::-1],
    }
    return json.dumps(
        {"page": {"id": "x"}, "incidents": [event], "scheduled_maintenances": [], "components": []}
    )


async def typed(folder: Path, command: str, *words: str) -> tuple[int, str]:
    """What a command beside the worker ends with, and all that it said."""
    beside = folder / command
    beside.mkdir(exist_ok=True)
    with Worker(beside, *command.split(), "--config", "../fogbell.toml", *words) as process:
        code = await process.ends()
    return code, " ".join((beside / "out.txt").read_text().split())


async def told(page: str, words: str) -> dict[str, Any]:
    """The state of the console's channel, once it holds these words."""
    async with asyncio.timeout(25):
        while words not in (state := (await fetched(f"{page}api/channels/main"))[1]):
            await asyncio.sleep(0.1)
    found: dict[str, Any] = json.loads(state)
    return found


async def test_a_page_is_added_watched_again_after_a_restart_and_taken_out(tmp_path: Path) -> None:
    (tmp_path / "fogbell.toml").write_text(
        '[fogbell]\nallow_networks = ["127.0.0.0/8"]\n[console]\nport = 0\n'
    )
    async with FeedServer() as feeds:
        feeds.serve("/", HOME, content_type="text/html")
        feeds.serve("/api/v2/summary.json", summary(1))
        with Worker(tmp_path, "run") as worker:
            page = await worker.console()
            added = await typed(tmp_path, "monitor add", feeds.url("/"))
            opened = await told(page, TEXTS[0])
            await worker.dies()
        feeds.serve("/api/v2/summary.json", summary(2))
        with Worker(tmp_path, "run") as worker:
            page = await worker.console(2)
            await told(page, TEXTS[1])
            _, status = await typed(tmp_path, "say", "status", "Acme", "Cloud")
            feeds.serve("/api/v2/summary.json", summary(3, "resolved"))
            await told(page, TEXTS[2])
            closed = await told(page, "(resolved)")  # the headline's own line, edited after the reply
            removed = await typed(tmp_path, "monitor remove", feeds.url("/"))
            _, listed = await typed(tmp_path, "monitor list")
            code = await worker.ends(signal.SIGINT)

    assert 0 == added[0] == removed[0] == code
    assert "Acme Cloud (127.0.0.1) is read as statuspage" in added[1]
    assert "Acme Cloud: API errors" == opened["headlines"][0]["card"]["title"]
    assert "Acme Cloud" in status
    assert "API errors" in status
    (headline,) = closed["headlines"]
    assert "Acme Cloud: API errors" == headline["card"]["title"]
    assert "Resolved" in json.dumps(headline["card"])
    assert 2 == len(headline["replies"])
    assert "Acme Cloud is no longer watched" in removed[1]
    assert "No page was added by command" in listed
    assert "watches 1 feeds: 127.0.0.1" in worker.said
    assert "Traceback" not in worker.err.read_text()
