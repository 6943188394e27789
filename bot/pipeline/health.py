"""The health of the chats, shared by all replicas: what the outbox learns of them, and what follows from it.

Writes only what changes. When a chat is left or trusted again, `changed` is called, which sends the open incidents of
first_up groups on their way; no message is ever moved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from bot import telemetry
from bot.domain.failover import ChatHealth, after_call, judged
from bot.errors import ChatError
from bot.pipeline.supervise import contained
from bot.ports import Chat, Clock
from bot.store.desk import Shelf
from bot.telemetry import Event, log

EVERY_SECONDS = 5.0
PING_AFTER = timedelta(minutes=1)  # without a word to an away chat: nothing is due that would show how it is


class Health:
    """What is known of each chat. `run` it beside the outbox."""

    def __init__(
        self,
        shelf: Shelf[ChatHealth],
        chats: Mapping[str, Chat],
        clock: Clock,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._shelf = shelf
        self._chats = chats
        self._clock = clock
        self._changed = changed
        self._known: dict[str, ChatHealth] = {}
        self._dirty: set[str] = set()
        self._asked_at: dict[str, datetime] = {}
        self._acted_on = frozenset(chats)  # the usable ones, when `changed` was called last

    @property
    def known(self) -> Mapping[str, ChatHealth]:
        """The chats that something speaks against, by name."""
        return self._known

    def usable(self) -> frozenset[str]:
        """The names of the chats that can be relied on."""
        return frozenset(name for name in self._chats if not self._of(name).is_away)

    async def as_all_know(self) -> frozenset[str]:
        """The same as the replicas have told one another: for whoever stands beside them and does not `run`."""
        shared = await self._shelf.all()
        return frozenset(name for name in self._chats if not shared.get(name, ChatHealth()).is_away)

    def saw(self, chat: str, *, ok: bool, is_post: bool = True) -> None:
        """A call to the chat succeeded, or the chat could not do it; `is_post` unless it was an edit or a look-up."""
        telemetry.CHAT_UP.labels(chat).set(int(ok))
        before = self._of(chat)
        if not ok or is_post or not before.is_mute:  # an edit that works shows nothing of whether posts do
            self._asked_at[chat] = self._clock.now()
        if ok and before.is_well:
            return
        self._note(chat, after_call(before, ok=ok, now=self._clock.now(), is_post=is_post))

    async def run(self) -> None:
        """Keep what is known in step with the other replicas until cancelled."""
        while True:
            await contained("health", self.once())
            await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """Learn from the others, look at the time, and tell the others."""
        shared = await self._shelf.all()
        for name in self._chats.keys() - self._dirty:
            self._known[name] = shared.get(name, ChatHealth())
        for name, health in list(self._known.items()):
            if health.is_away and self._was_not_asked_lately(name):
                await self._ping(name)
            self._note(name, judged(self._of(name), self._clock.now()))
        await self._tell(shared)
        usable = self.usable()  # calls learn of changes as well, between two looks
        if usable != self._acted_on:
            self._announce(self._acted_on, usable)
            await self._changed()
            self._acted_on = usable

    def _was_not_asked_lately(self, name: str) -> bool:
        asked_at = self._asked_at.get(name)
        return asked_at is None or self._clock.now() - asked_at >= PING_AFTER

    async def _ping(self, name: str) -> None:
        try:
            await self._chats[name].ping()
        except ChatError:
            self.saw(name, ok=False)
        else:
            self.saw(name, ok=True)

    async def _tell(self, shared: Mapping[str, ChatHealth]) -> None:
        ours = {name: self._of(name) for name in self._dirty}
        await self._shelf.put_all({name: h for name, h in ours.items() if h != shared.get(name)})
        self._dirty = {name for name in self._dirty if self._of(name) != ours.get(name)}  # learnt meanwhile

    def _announce(self, before: frozenset[str], usable: frozenset[str]) -> None:
        for name in sorted(before - usable):
            log().error(Event.CHAT_AWAY, chat=name, since=str(self._of(name).away_since))
        for name in sorted(usable - before):
            log().warning(Event.CHAT_BACK, chat=name)

    def _of(self, chat: str) -> ChatHealth:
        return self._known.get(chat, ChatHealth())

    def _note(self, chat: str, health: ChatHealth) -> None:
        if health != self._of(chat):
            self._known[chat] = health
            self._dirty.add(chat)
