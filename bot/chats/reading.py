"""What was read of a channel or thread, to find our messages again: one reading serves all who look there at the same time.

A storm's look-ups that each read for themselves never come to an end: Slack allows 50 pages a minute and workspace (some apps
one), Discord about one a second and channel. Used by the clients of Slack and Discord; how a page is asked for is theirs.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.roll import Roll, mark
from bot.errors import RateLimited

READINGS_KEPT = 200
OURS_KEPT = 10_000  # keys and members of one reading; with more it is begun anew
CLOSE_S = 60.0  # what was written in so long is worth reading, even if it is older than what is looked for
TOO_LONG_FOR_S = 60.0
GATHER_S = 0.2  # for which the first to come back after a limit waits for the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message of ours: its id, what it is known by, and who is in it when it is for many."""

    message: str
    key: str
    at: float
    roll: Roll | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is to be read: all after `after`, where said no more than up to `until`.

    `cursor` is that of the page before, "" for the first. Times are numbers as the chat writes them.
    """

    after: float
    until: float | None
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of it, the newest first: our messages, and the times between which all is told; no cursor with the last."""

    ours: Sequence[Told]
    count: int  # of all messages
    newest: float
    oldest: float
    cursor: str


Ask = Callable[[Stretch], Awaitable[Page]]


@dataclass(slots=True, kw_only=True)
class Reading:
    """All that was written after `since`, as far as it was read.

    A pass reads what is newer than `newest`, or what was asked for before `since`, over as many calls as it takes. `read_at`
    is when the last whole pass over what is new began, by the monotonic clock. Passes overlap by `margin`, as what has the
    smaller number may be shown later, and end after `most` messages. `ours` is by key; `rolls` are the newest messages for many
    by the marks of their members.
    """

    since: float
    newest: float
    margin: float
    most: int
    ours: dict[str, Told] = field(default_factory=dict)
    rolls: dict[str, Told] = field(default_factory=dict)
    read_at: float = -math.inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wanted: float = math.inf  # read back to here
    _too_long_until: float = -math.inf  # nobody reads back any more
    _floor: float = 0.0  # the pass under way reads back to here
    _count: int = 0  # what it read until now
    _cursor: str = ""
    _began: float = 0.0
    _top: float = 0.0
    _limit: RateLimited | None = None
    _open_at: float = 0.0

    def serves(self, since: float) -> bool:
        """False when it is better to begin anew: much may lie between, or too much is remembered."""
        if self._cursor or self.turn.locked():
            return True
        is_close = since <= self.newest or time.monotonic() - self.read_at < CLOSE_S
        return is_close and len(self.ours) + len(self.rolls) <= OURS_KEPT

    def reach(self, since: float) -> None:
        """Read back to here too."""
        self._wanted = min(self._wanted, since)

    def lacks(self, since: float, began: float) -> bool:
        """True until all is read that was written between `since` and the moment `began`."""
        return self.read_at < began or self.since > since

    def is_too_long(self, since: float) -> bool:
        """True when so much was written since then that it is not read; tried again in a minute, not by each of many."""
        return since < self.since and time.monotonic() < self._too_long_until

    def rolled(self, key: str) -> Told | None:
        """The newest message for many in which what has this key was told, or None."""
        return self.rolls.get(mark(key))

    async def read_page(self, ask: Ask) -> None:
        """One page more. When that fails, the next call reads on from here; a limit is kept by all who look here."""
        if self._limit:
            await self._opened(self._limit)
        if not self._cursor:
            self._began, self._top, self._count = time.monotonic(), self.newest, 0
            self._floor = self.since if self.is_too_long(self._wanted) else min(self._wanted, self.since)
        is_backward = self._floor < self.since
        after = self._floor if is_backward else self.newest
        until = self.since + self.margin if is_backward else None
        try:
            page = await ask(Stretch(after=after, until=until, cursor=self._cursor))
        except RateLimited as exc:
            self._limit, self._open_at = exc, time.monotonic() + exc.after.total_seconds()
            raise
        for told in page.ours:
            self._note(told)
        self._count += page.count or 1
        self._top = max(self._top, page.newest)
        self._cursor = page.cursor
        is_given_up = bool(page.cursor) and self._count >= self.most
        if is_given_up:
            self._cursor, self._floor = "", page.oldest
            self._wanted, self._too_long_until = math.inf, time.monotonic() + TOO_LONG_FOR_S
        if not self._cursor:
            self._end_pass(is_backward, is_given_up)

    def _end_pass(self, is_backward: bool, is_given_up: bool) -> None:
        if is_backward or is_given_up:
            self.since = self._floor
        if not is_backward:
            self.newest = max(self.newest, self._top - self.margin)
            self.read_at = self._began

    async def _opened(self, limit: RateLimited) -> None:
        """Those who waited come back together: let a page that may be the only one for long serve them all."""
        left_s = self._open_at - time.monotonic()
        if left_s > 0:
            raise RateLimited(limit.chat, limit.channel, timedelta(seconds=left_s))
        await asyncio.sleep(GATHER_S)
        self._limit = None

    def drop(self, message: str) -> None:
        """It was deleted: nobody finds it any more."""
        self.ours = {key: told for key, told in self.ours.items() if told.message != message}
        self.rolls = {its_mark: told for its_mark, told in self.rolls.items() if told.message != message}

    def _note(self, told: Told) -> None:
        self.ours[told.key] = told
        for its_mark in told.roll.names if told.roll else ():
            known = self.rolls.get(its_mark)
            if known is None or known.at < told.at:
                self.rolls[its_mark] = told


class Readings:
    """The readings of one chat, each by the name of its room."""

    def __init__(self, *, most: int, margin: float) -> None:
        self._most = most
        self._margin = margin
        self._rooms: dict[str, Reading] = {}

    async def look(self, room: str, *, key: str, since: float, ask: Ask) -> Reading | None:
        """The reading that has this key, or all that was written from `since` to now; None where that is too much to read."""
        began = time.monotonic()
        reading = self._reading(room, since)
        reading.reach(since)  # whoever has the turn reads for those who wait for theirs, too
        async with reading.turn:
            while key not in reading.ours and reading.lacks(since, began):
                if reading.read_at >= began and reading.is_too_long(since):
                    return None
                reading.reach(since)  # what was given up in between may be tried again
                await reading.read_page(ask)
        return reading

    def forget(self, room: str | None = None) -> None:
        """Read this room anew next time, or all of them."""
        for each in [room] if room else list(self._rooms):
            self._rooms.pop(each, None)

    def drop(self, room: str, message: str) -> None:
        """A message of this room was deleted."""
        if reading := self._rooms.get(room):
            reading.drop(message)

    def _reading(self, room: str, since: float) -> Reading:
        """What is being read of it, begun anew where that leaves something out."""
        reading = self._rooms.pop(room, None)
        if reading is None or not reading.serves(since):
            reading = Reading(since=since, newest=since, margin=self._margin, most=self._most)
        self._rooms[room] = reading
        if len(self._rooms) > READINGS_KEPT:
            del self._rooms[next(iter(self._rooms))]
        return reading
