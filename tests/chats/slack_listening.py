"""A listener of Slack's commands under test, with a desk that answers. Shared by the tests of commands and of connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from structlog.typing import EventDict

from bot.chats.slack.client import SlackChat
from bot.chats.slack.listen import listen
from bot.chats.slack.socket import Terms
from bot.commands.spec import Actor, Front, Reply
from bot.domain.card import Card, Tone
from bot.errors import ChatError
from tests.fakes.slack import FakeSlack

SOON = timedelta(seconds=0.3)


@dataclass
class Desk:
    """A dispatcher that answers with what it was told, after as long as it is told to take."""

    takes_s: float = 0.0
    is_private: bool = True
    mentions: tuple[str, ...] = ()
    heard: list[tuple[str, Actor, Front, str, str | None]] = field(default_factory=list)

    async def run_text(
        self, text: str, *, actor: Actor, front: Front, channel: str, once: str | None
    ) -> Reply:
        self.heard.append((text, actor, front, channel, once))
        await asyncio.sleep(self.takes_s)
        card = Card(title="Answer", tone=Tone.INFO, fallback=f"heard {text}", mentions=self.mentions)
        return Reply(card=card, is_private=self.is_private)


@asynccontextmanager
async def listening(
    desk: Desk,
    chat: SlackChat,
    fake: FakeSlack,
    *,
    patience: timedelta = timedelta(seconds=20),
    app_token: Callable[[], str] | None = None,
    on_state: Callable[[bool], None] = lambda is_connected: None,
) -> AsyncIterator[asyncio.Task[None]]:
    """A listener, connected; when it is cancelled, nothing of it may be left."""
    before, token = asyncio.all_tasks(), fake.app_token
    task = asyncio.ensure_future(
        listen(
            desk,
            chat=chat,
            app_token=app_token or (lambda: token),
            terms=Terms(ping_every=SOON, hello_within=SOON, linger=SOON, patience=patience),
            on_state=on_state,
        )
    )
    try:
        await fake.sockets.connected()
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ChatError):
            await task
        await fake.sockets.disconnected()
        await until(lambda: not [t for t in asyncio.all_tasks() - before if "slack" in repr(t.get_coro())])


async def until(ready: Callable[[], bool], within: float = 5.0) -> None:
    """Return when `ready`; fail when that takes too long."""
    async with asyncio.timeout(within):
        while not ready():
            await asyncio.sleep(0.01)


def warnings(logs: list[EventDict]) -> list[EventDict]:
    """What was logged as a warning."""
    return [entry for entry in logs if entry["log_level"] == "warning"]
