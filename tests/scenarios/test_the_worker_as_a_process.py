"""The two promises of the first minute: it starts and ends cleanly, and killing it, or its store, costs nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from bot.demo.script import load_day
from tests.fakes.feeds import FeedServer
from tests.scenarios.worker import Worker, fetched

pytestmark = pytest.mark.slow
DAY = load_day()


def calm(url: str, folder: Path, port: int = 0) -> Path:
    """A configuration with one source that lists nothing, and a console on any free port."""
    path = folder / "fogbell.toml"
    path.write_text(
        f'[console]\nport = {port}\n[[source]]\nname = "acme"\nurl = "{url}"\nformat = "statuspage"\nevery = "1s"\n'
    )
    return path


EMPTY = json.dumps(
    {"page": {"id": "x"}, "incidents": [], "scheduled_maintenances": [], "components": []}
).encode()


async def test_it_starts_says_where_things_are_and_ends_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    async with FeedServer() as feeds:
        calm(feeds.serve("/summary.json", EMPTY), tmp_path)
        with Worker(tmp_path, "run") as worker:
            url = await worker.console()
            status, page = await fetched(url)
            health, _ = await fetched(f"{url}healthz")
            ready, _ = await fetched(f"{url}readyz")
            metrics, numbers = await fetched(f"{url}metrics")
            code = await worker.ends(signal.SIGINT)

    assert (status, health, ready, metrics, code) == (200, 200, 200, 200, 0)
    assert "Fogbell" in page
    assert "fogbell_polls_total" in numbers
    assert "watches 1 feeds: acme" in worker.said
    assert "Slack or Discord" in worker.said
    assert "Traceback" not in worker.err.read_text()


async def test_without_a_network_it_stays_up_and_says_what_it_cannot_reach(tmp_path: Path) -> None:
    calm("http://127.0.0.1:9/summary.json", tmp_path)
    with Worker(tmp_path, "run") as worker:
        url = await worker.console()
        async with asyncio.timeout(15):
            while (
                "source.unreachable" not in worker.err.read_text()
                and "source.lost" not in worker.err.read_text()
            ):
                await asyncio.sleep(0.05)
        _, page = await fetched(url)
        code = await worker.ends(signal.SIGTERM)

    assert "acme" in worker.err.read_text()
    assert "unseen" in page.lower() or "not seen" in page.lower()
    assert code == 0


async def test_a_second_start_and_a_busy_port_are_clear_messages(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    calm("http://127.0.0.1:9/", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken, Worker(tmp_path, "run") as first:
        await first.console()
        with Worker(other, "run", "--config", str(tmp_path / "fogbell.toml")) as second:
            same_data = await second.ends()
        port = taken.getsockname()[1]
        config = calm("http://127.0.0.1:9/", other, port)
        with Worker(other, "run", "--config", str(config)) as third:
            busy_port = await third.ends()

    words = (other / "err.txt").read_text()
    assert (same_data, busy_port) == (2, 2)
    assert "another Fogbell" in words
    assert f"port {port} on 127.0.0.1 is taken" in words
    assert "Traceback" not in words


def incident(*updates: str, status: str = "investigating") -> bytes:
    """A summary.json with one incident and these updates, newest first as Statuspage has them."""
    listed = [
        {"id": f"u{n}", "status": status, "body": text, "created_at": f"2025-10-20T07:{n:02d}:00Z"}
        for n, text in enumerate(updates)
    ]
    event = {
        "id": "abc123def456",
        "name": "API errors",
        "status": status,
        "impact": "major",
        "created_at": "2025-10-20T07:00:00Z",
        "updated_at": f"2025-10-20T07:{len(updates):02d}:00Z",
        "incident_updates": listed[::-1],
    }
    page = {"page": {"id": "x"}, "incidents": [event], "scheduled_maintenances": [], "components": []}
    return json.dumps(page).encode()


WORDS = (
    "We look into it.",
    "A switch is broken.",
    "The switch is being replaced.",
    "It is replaced.",
    "We watch it.",
)


async def test_killed_at_any_moment_it_says_nothing_twice_and_loses_nothing(tmp_path: Path) -> None:
    async with FeedServer() as feeds:
        url = feeds.serve("/summary.json", incident(WORDS[0]))
        calm(url, tmp_path)
        for n in range(len(WORDS)):
            feeds.serve("/summary.json", incident(*WORDS[: n + 1]))
            with Worker(tmp_path, "run") as worker:
                page = await worker.console(n + 1)
                await _shown(page, WORDS[n])
                await worker.dies()
        with Worker(tmp_path, "run") as worker:
            page = await worker.console(len(WORDS) + 1)
            _, state = await fetched(f"{page}api/channels/main")
            assert await worker.ends(signal.SIGINT) == 0

    (headline,) = json.loads(state)["headlines"]
    replies = [section["text"] for reply in headline["replies"] for section in reply["card"]["sections"]]
    assert replies == list(WORDS[1:])


async def _shown(page: str, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in (await fetched(f"{page}api/channels/main"))[1]:
            await asyncio.sleep(0.05)


async def test_a_killed_store_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    async with FeedServer() as feeds:
        calm(feeds.serve("/summary.json", incident(WORDS[0])), tmp_path)
        with Worker(tmp_path, "run") as worker:
            page = await worker.console()
            await _shown(page, WORDS[0])
            os.kill(int((tmp_path / "data" / "store" / "server.pid").read_text()), signal.SIGKILL)
            feeds.serve("/summary.json", incident(*WORDS[:2]))
            await _shown(page, WORDS[1])
            _, state = await fetched(f"{page}api/channels/main")
            code = await worker.ends(signal.SIGINT)

    (headline,) = json.loads(state)["headlines"]
    assert [len(reply["card"]["sections"]) for reply in headline["replies"]] == [1]
    assert code == 0


async def test_a_command_from_the_shell_asks_the_running_worker(tmp_path: Path) -> None:
    async with FeedServer() as feeds:
        calm(feeds.serve("/summary.json", incident(WORDS[0])), tmp_path)
        with Worker(tmp_path, "run") as worker:
            await _shown(await worker.console(), WORDS[0])
            beside = tmp_path / "beside"
            beside.mkdir()
            with Worker(beside, "say", "--config", "../fogbell.toml", "list") as said:
                code = await said.ends()
            with Worker(beside, "say", "--config", "../fogbell.toml", "statsu") as wrong:
                wrong_code = await wrong.ends()

    assert (code, wrong_code) == (0, 64)
    assert "INC-1" in (beside / "out.txt").read_text()
    assert "status" in (beside / "err.txt").read_text()


async def test_the_demo_killed_in_the_middle_goes_on_and_ends_with_nothing_lost_or_doubled(
    tmp_path: Path,
) -> None:
    words = ("demo", "--speed", "600", "--until", "08:40", "--port", "0", "--data", "day")
    with Worker(tmp_path, *words) as first:
        await first.says("AWS: Increased")
        await first.dies()
    with Worker(tmp_path, *words) as again:
        await again.console(2)
        os.kill(int((tmp_path / "day" / "store" / "server.pid").read_text()), signal.SIGKILL)
        code = await again.ends(within=50)

    assert code == 0, again.said[-2000:]
    assert "duplicates  0" in again.said
    assert "lost        0" in again.said
    assert (
        again.said.count("AWS: Increased Error Rates and Latencies\n") <= 2
    )  # the terminal cannot be looked up
