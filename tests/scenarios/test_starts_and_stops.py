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
from pathlib import Path

import pytest

from bot.store.embedded import server_binary
from tests.scenarios.worker import FOGBELL, Worker

pytestmark = pytest.mark.slow


def written(folder: Path, store: str = "") -> None:
    """A configuration with one source that cannot be reached."""
    text = (
        '[console]\nport = 0\n[[source]]\nname = "acme"\nurl = "http://127.0.0.1:9/"\nformat = "statuspage"\n'
    )
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
