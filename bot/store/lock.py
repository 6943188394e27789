"""One worker for each data directory: the lock that says so, and who holds it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from bot.errors import ConfigError


def unusable(directory: Path, why: OSError) -> ConfigError:
    """The error for a data directory that cannot be written to."""
    return ConfigError(
        [
            f"data directory {directory}: {why.strerror or why}; it must be a directory that this user may write to"
        ]
    )


class DirectoryLock:
    """A lock on a directory, held while this process lives; the kernel lets go of it, however the process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Hold it. Raises ConfigError naming the process that has it, or why the directory is of no use."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = (self._directory / "lock").open("a+")
        except OSError as exc:
            raise unusable(self._directory, exc) from exc
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise ConfigError(
                [
                    f"data directory {self._directory}: another Fogbell (process {holder}) is using it; "
                    "stop that one, or name another directory with --data"
                ]
            ) from None
        self._file = file
        # On a full disk the lock holds all the same; unbuffered, so that nothing is left to write when it is closed.
        with suppress(OSError):
            file.truncate(0)
            os.write(file.fileno(), str(os.getpid()).encode())

    def release(self) -> None:
        """Let go of it. May be called twice."""
        if self._file:
            self._file.close()
            self._file = None


def holder(directory: Path) -> int | None:
    """The process that holds the directory, or None when nobody does."""
    try:
        with (directory / "lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = file.read().strip()
                return int(pid) if pid.isdigit() else None
    except OSError:
        pass  # nobody has ever held it
    return None
