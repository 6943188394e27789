"""A chat in memory that can fail in every way a real one does; for tests of the outbox. It keeps what a person would see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.errors import Refused, Uncertain


@dataclass
class Shown:
    """A message as people see it."""

    id: str
    channel: str
    key: str
    card: Card
    thread: str | None
    edits: int = 0


@dataclass
class FakeChat:
    """`fault` is called before each call with its name; what it returns or raises decides.

    "lost" carries the call out and loses the reply; an exception is raised before anything happens; None is a good day.
    """

    name: str = "fake"
    limits: Limits = field(default_factory=Limits)
    shown: list[Shown] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fault: Callable[[str], str | Exception | None] = lambda call: None

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Show a message."""
        verdict = self._before("post")
        message = Shown(
            id=f"m{len(self.calls)}",
            channel=channel,
            key=key,
            card=card,
            thread=thread.message if thread else None,
        )
        self.shown.append(message)
        if verdict == "lost":
            raise Uncertain(self.name, channel, "the reply was lost")
        return Receipt(channel=channel, message=message.id)

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message."""
        self._before("edit")
        for message in self.shown:
            if message.id == receipt.message:
                message.card, message.edits = card, message.edits + 1
                return
        raise Refused(self.name, receipt.channel, "no such message", gone=True)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """Look it up by key."""
        self._before("find")
        where = thread.message if thread else None
        found = [m for m in self.shown if (m.channel, m.key, m.thread) == (channel, key, where)]
        return Receipt(channel=channel, message=found[0].id) if found else None

    async def ping(self) -> None:
        """Answer."""
        self._before("ping")

    async def close(self) -> None:
        """Nothing to let go of."""

    def _before(self, call: str) -> str | None:
        self.calls.append(call)
        verdict = self.fault(call)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict
