"""What a pure function gave before, kept up to a bound in bytes, so that the same piece of a feed is not read twice.

Called by `feed` and by the parsers that stand on it. A memo may be forgotten at any time, and answers nothing but what its
function would.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from bot.domain.observation import Observation

MEMO_MAX_BYTES = (
    8 * 1024 * 1024
)  # of one memo, unless it says less: some two thousand entries of a status page
_OWN_BYTES = 300  # what keeping anything costs
_V = TypeVar("_V")


def size_of(observation: Observation) -> int:
    """About how many bytes an observation takes, its updates and places with it."""
    updates = sum(400 + sys.getsizeof(update.text) for update in observation.updates)
    return 1000 + updates + 150 * len(observation.places)


class Memo(Generic[_V]):
    """Values by key. What was kept first goes first when there is no more room. Safe to share between threads.

    A value in use goes too, now and then, and is made anew: cheaper than noting every look.
    """

    def __init__(self, max_bytes: int = MEMO_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: dict[Hashable, tuple[_V, int]] = {}
        self._lock = threading.Lock()
        _ALL.append(self)

    def find(self, key: Hashable) -> _V | None:
        """What was kept under a key; None when that was nothing, or is gone."""
        found = self._kept.get(key)
        return found[0] if found else None

    def keep(self, key: Hashable, value: _V, size: int) -> _V:
        """Keeps a value of about `size` bytes, key included, and gives it back. One that is too large is not kept."""
        size += _OWN_BYTES
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes -= old[1] if old else 0
            if size <= self._max_bytes // 8:
                self._kept[key] = (value, size)
                self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= self._kept.pop(next(iter(self._kept)))[1]
        return value

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    @property
    def bytes(self) -> int:
        """About how many bytes are kept."""
        return self._bytes


_ALL: list[Memo[Any]] = []  # each belongs to a module, and lives as long


def forget() -> None:
    """Empties every memo, as a new start would: for whoever measures or tests a first reading."""
    for memo in _ALL:
        memo.clear()
