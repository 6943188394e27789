"""The bell between those who write and the outbox: something may be due, and in whose ledgers. A lost ring costs a second."""

from __future__ import annotations

import asyncio


class Wake(asyncio.Event):
    """An event that remembers for which providers it was rung."""

    def __init__(self) -> None:
        super().__init__()
        self._providers: set[str] = set()
        self._is_for_all = False

    def set(self) -> None:
        """Something may be due anywhere, or is to be seen otherwise."""
        self._is_for_all = True
        super().set()

    def ring(self, provider: str) -> None:
        """Something of this provider's may be due."""
        self._providers.add(provider)
        super().set()

    def answered(self) -> frozenset[str]:
        """The providers it was rung for since the last time; empty when it was not, or for nobody in particular."""
        self.clear()
        rung = frozenset() if self._is_for_all else frozenset(self._providers)
        self._providers, self._is_for_all = set(), False
        return rung
