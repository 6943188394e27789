"""The worker as a process of its own, for tests that kill it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

FOGBELL = Path(sys.executable).parent / "fogbell"


class Worker:
    """`fogbell` with some words, its output in files; killed when the test ends."""

    def __init__(self, folder: Path, *words: str, environ: dict[str, str] | None = None) -> None:
        self.out = folder / "out.txt"
        self.err = folder / "err.txt"
        self._files = (self.out.open("ab"), self.err.open("ab"))
        self.process = subprocess.Popen(
            [FOGBELL, *words],
            stdout=self._files[0],
            stderr=self._files[1],
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default", **(environ or {})},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for file in self._files:
            file.close()

    @property
    def said(self) -> str:
        """Its standard output so far."""
        return self.out.read_text()

    async def says(self, pattern: str, *, within: float = 30.0, times: int = 1) -> re.Match[str]:
        """The match, once its output has it so many times; AssertionError with both outputs when it does not come."""
        try:
            async with asyncio.timeout(within):
                while len(found := list(re.finditer(pattern, self.said))) < times:
                    assert self.process.poll() is None, f"it ended with {self.process.returncode}"
                    await asyncio.sleep(0.02)
        except (TimeoutError, AssertionError) as exc:
            raise AssertionError(
                f"no {pattern!r}: {exc}\n{self.said[-3000:]}\n{self.err.read_text()[-3000:]}"
            ) from exc
        return found[times - 1]

    async def console(self, times: int = 1) -> str:
        """The address of its page, once it is there."""
        return (await self.says(r"Console: (http://\S+)", times=times))[1]

    async def ends(self, number: int | None = None, *, within: float = 20.0) -> int:
        """Its exit status, after this signal where one is given."""
        if number is not None:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, within)

    async def dies(self) -> None:
        """kill -9."""
        await self.ends(signal.SIGKILL)


async def fetched(url: str) -> tuple[int, str]:
    """Status and body."""

    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()

    return await asyncio.to_thread(fetch)
