"""Ctrl-C at any moment is status 0, and what cannot start says why in a line: the worker and the demo as processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bot.store.embedded import server_binary
from tests.scenarios.worker import FOGBELL, Worker, fetched

pytestmark = pytest.mark.slow


def written(folder: Path, store: str = "", console: int = 0) -> None:
    """A configuration with one source that cannot be reached."""
    text = f'[console]\nport = {console}\n[[source]]\nname = "acme"\nurl = "http://127.0.0.1:9/"\nformat = "statuspage"\n'
    (folder / "fogbell.toml").write_text(text + store)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_store_that_never_answers_does_not_keep_it_from_ending(tmp_path: Path, number: int) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        written(tmp_path, f'[store]\nurl = "redis://127.0.0.1:{port}/0"\n')
        with Worker(tmp_path, "run") as worker:
            await asyncio.wait_for(asked.wait(), 20)
            code = await worker.ends(number, within=5)

    assert code == 0
    assert "Traceback" not in worker.err.read_text()


async def test_a_store_that_died_does_not_keep_it_from_ending_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [server_binary(), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:  # noqa: ASYNC220 - a millisecond
        written(tmp_path, f'[store]\nurl = "redis://127.0.0.1:{port}/0"\n')
        with Worker(tmp_path, "run") as worker:
            await worker.console()
            server.kill()
            code = await worker.ends(signal.SIGTERM)

    assert code == 0
    assert "Traceback" not in worker.err.read_text()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def test_a_store_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    """A host may come up before its store. Meanwhile the worker lives, is not ready, and says what it waits for."""
    port, console = free_port(), free_port()
    written(tmp_path, f'[store]\nurl = "redis://127.0.0.1:{port}/0"\n', console=console)
    url = f"http://127.0.0.1:{console}"
    with Worker(tmp_path, "run") as worker:
        await until_in(worker.err, "store.awaited", times=2)
        alive, ready = await fetched(f"{url}/healthz"), await fetched(f"{url}/readyz")
        words = [server_binary(), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:  # noqa: ASYNC220 - a millisecond
            await worker.console()
            later, _ = await fetched(f"{url}/readyz")
            code = await worker.ends(signal.SIGTERM)
            server.kill()

    assert (alive[0], ready[0], later, code) == (200, 503, 200, 0)
    assert "Traceback" not in worker.err.read_text()


async def test_who_waits_for_its_store_ends_at_once_when_told_to(tmp_path: Path) -> None:
    written(tmp_path, f'[store]\nurl = "redis://127.0.0.1:{free_port()}/0"\n')
    with Worker(tmp_path, "run") as worker:
        await until_in(worker.err, "store.awaited")
        code = await worker.ends(signal.SIGTERM, within=3)

    assert code == 0


async def test_what_waiting_does_not_mend_ends_the_start(tmp_path: Path) -> None:
    port = free_port()
    words = [
        server_binary(),
        "--port",
        str(port),
        "--save",
        "",
        "--requirepass",
        "right",
        "--dir",
        str(tmp_path),
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:  # noqa: ASYNC220 - a millisecond
        written(tmp_path, f'[store]\nurl = "redis://:wrong@127.0.0.1:{port}/0"\n')
        await asyncio.to_thread(wait_for_port, port)
        with Worker(tmp_path, "run") as worker:
            code = await worker.ends(within=20)
        server.kill()

    assert code == 1
    assert "refused our name or password" in worker.err.read_text()
    assert "wrong" not in worker.err.read_text()


async def test_a_command_beside_the_worker_does_not_wait(tmp_path: Path) -> None:
    written(tmp_path, f'[store]\nurl = "redis://127.0.0.1:{free_port()}/0"\n')
    with Worker(tmp_path, "say", "status") as said:
        code = await said.ends(within=15)

    assert code == 1
    assert "the store does not answer" in said.err.read_text()


async def until_in(file: Path, text: str, *, times: int = 1) -> None:
    """Return once the file has the text so often."""
    async with asyncio.timeout(25):
        while file.read_text().count(text) < times:
            await asyncio.sleep(0.05)


def wait_for_port(port: int) -> None:
    """Return once somebody listens."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)


async def test_a_demo_that_cannot_start_says_why_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Worker(tmp_path, "demo", "--port", port, "--data", "a") as demo:
            busy_port = await demo.ends()
    with Worker(tmp_path, "demo", "--port", "0", "--data", "/proc/x") as demo:
        no_directory = await demo.ends()
    with Worker(tmp_path, "demo", "--port", "0", "--data", "b") as first:
        await first.console()
        with Worker(tmp_path, "demo", "--port", "0", "--data", "b") as second:
            second_start = await second.ends()
        code = await first.ends(signal.SIGINT)

    words = (tmp_path / "err.txt").read_text()
    assert (busy_port, no_directory, second_start, code) == (2, 2, 2, 0)
    assert f"port {port} on 127.0.0.1 is taken" in words
    assert "may write to" in words
    assert "another Fogbell" in words
    assert "Traceback" not in words


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")
async def test_ctrl_c_under_make_ends_make_with_status_0_too(tmp_path: Path) -> None:
    """The terminal tells its whole foreground group, and a make that is told ends with 130."""
    written(tmp_path)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec env FOGBELL_OWNS_TERMINAL=1 {FOGBELL} run\n")
    ours, theirs = os.openpty()
    out = tmp_path / "out.txt"
    with out.open("wb") as file:
        make = subprocess.Popen(  # noqa: ASYNC220 - a millisecond
            ["make", "run"], cwd=tmp_path, stdin=theirs, stdout=file, stderr=file, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
    os.close(theirs)
    async with asyncio.timeout(20):
        while "Console:" not in out.read_text():
            await asyncio.sleep(0.05)
    os.write(ours, b"\x03")
    code = await asyncio.to_thread(make.wait, 20)
    os.close(ours)

    assert code == 0
