"""A worker on a master with replicas and Sentinels, whose master is killed: it goes on, and tells each thing once."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.feeds import FeedServer
from tests.fakes.store_servers import cluster, watched
from tests.scenarios.worker import Worker, fetched

pytestmark = pytest.mark.slow
WORDS = ("We look into it.", "A switch is broken.", "It is replaced.")
POLL_SECONDS = 1.0


def page(*updates: str) -> bytes:
    """A status page with one open incident and these updates."""
    listed = [
        {"id": f"u{n}", "status": "investigating", "body": text, "created_at": f"2025-10-20T07:{n:02d}:00Z"}
        for n, text in enumerate(updates)
    ]
    event = {
        "id": "abc123def456", "name": "API errors", "status": "investigating", "impact": "major",
        "created_at": "2025-10-20T07:00:00Z", "updated_at": f"2025-10-20T07:{len(updates):02d}:00Z",
        "incident_updates": listed[::-1],
    }  # fmt: skip
    body = {"page": {"id": "x"}, "incidents": [event], "scheduled_maintenances": [], "components": []}
    return json.dumps(body).encode()


def written(folder: Path, feed: str, store: str) -> None:
    """A configuration with that feed and that store."""
    (folder / "fogbell.toml").write_text(
        f'[console]\nport = 0\n[store]\nurl = "{store}"\n'
        f'[[source]]\nname = "acme"\nurl = "{feed}"\nformat = "statuspage"\nevery = "{POLL_SECONDS:.0f}s"\n'
    )


async def shown(url: str, words: str) -> dict[str, Any]:
    """The console's channel, once it shows the words."""
    async with asyncio.timeout(25):
        while True:
            status, text = await fetched(f"{url}api/channels/main")
            if status == 200 and words in text:
                found: dict[str, Any] = json.loads(text)
                return found
            await asyncio.sleep(0.05)


def told(state: dict[str, Any]) -> list[str]:
    """The texts of all replies below the only headline."""
    (headline,) = state["headlines"]
    return [section["text"] for reply in headline["replies"] for section in reply["card"]["sections"]]


async def test_delivery_resumes_within_5_seconds_of_the_masters_death(tmp_path: Path) -> None:
    async with FeedServer() as feeds, watched(tmp_path / "hosts") as hosts:
        written(tmp_path, feeds.serve("/summary.json", page(WORDS[0])), hosts.url)
        with Worker(tmp_path, "run") as worker:
            url = await worker.console()
            await shown(url, WORDS[0])

            (await hosts.master()).die()
            died_at = time.monotonic()
            feeds.serve("/summary.json", page(*WORDS[:2]))
            await shown(url, WORDS[1])
            took = time.monotonic() - died_at
            feeds.serve("/summary.json", page(*WORDS))
            state = await shown(url, WORDS[2])
            code = await worker.ends(signal.SIGTERM)

    print(f"told {took:.2f} s after the master died, polled each {POLL_SECONDS:.0f} s")
    assert told(state) == list(WORDS[1:])
    assert took < 5 + POLL_SECONDS
    assert code == 0
    assert "Traceback" not in worker.err.read_text()


async def test_a_worker_lives_on_a_cluster(tmp_path: Path) -> None:
    async with FeedServer() as feeds, cluster(tmp_path / "nodes") as shared:
        written(tmp_path, feeds.serve("/summary.json", page(WORDS[0])), shared.url)
        with Worker(tmp_path, "run") as worker:
            url = await worker.console()
            await shown(url, WORDS[0])
            feeds.serve("/summary.json", page(*WORDS[:2]))
            state = await shown(url, WORDS[1])
            ready, _ = await fetched(f"{url}readyz")
            code = await worker.ends(signal.SIGTERM)

    assert told(state) == [WORDS[1]]
    assert (ready, code) == (200, 0)
    assert "Traceback" not in worker.err.read_text()
