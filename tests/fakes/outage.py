"""A store of one's own, for tests: a real server that nobody starts again, and that can be killed, frozen, emptied."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.store.embedded import EmbeddedStore


class Store:
    """Use as `async with Store() as store:`; `store.url` is what a configuration names."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fb"))
        self._server = EmbeddedStore(self.folder)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    @property
    def _data(self) -> Path:
        return self._server.directory / "appendonlydir"

    @property
    def pid(self) -> int:
        """The server's process."""
        return int((self._server.directory / "server.pid").read_text())

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        await self._server.stop()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def kill(self) -> None:
        """kill -9."""
        process = self._server._process
        assert process is not None
        process.kill()
        await asyncio.to_thread(process.wait, 10)

    async def remember(self) -> None:
        """Keep what it holds now, for `back(older=True)`."""
        await asyncio.to_thread(shutil.copytree, self._data, self.folder / "older")

    async def back(self, *, empty: bool = False, older: bool = False) -> None:
        """Start it again, with its data, without, or with what it held when it was told to remember."""
        if empty or older:
            await asyncio.to_thread(shutil.rmtree, self._data)
        if older:
            await asyncio.to_thread(shutil.move, self.folder / "older", self._data)
        self._server._lock.release()
        await self._server.start()

    def freeze(self) -> None:
        """SIGSTOP: it takes connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, when it lives."""
        try:
            os.kill(self.pid, signal.SIGCONT)
        except (ProcessLookupError, FileNotFoundError):
            pass
