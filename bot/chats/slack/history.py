"""What was read of a channel or thread, to find our messages again: one reading serves all who look there at the same time.

Slack gives as little as 15 messages a page, and allows 50 pages a minute and workspace (some apps one): a storm's look-ups
that each read for themselves would never come to an end. Kept by `client` alone, which asks Slack.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.roll import Roll, mark, read

EVENT_TYPE = "fogbell_message"
FIND_PAGE = 200  # messages; Slack's advice. Apps under the limits of 2025 get 15, whatever they ask for
READ_MAX = 2_000

Query = Mapping[str, Any]
_EACH: Query = {"limit": FIND_PAGE, "include_all_metadata": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """A message for many: its time, its key, and who is in it."""

    ts: str
    key: str
    roll: Roll


@dataclass(slots=True, kw_only=True)
class Reading:
    """All that was written after `since`, as far as it was read; times as numbers of seconds, as Slack writes them.

    A pass reads what is newer than `newest`, or what was asked for before `since`, over as many calls as it takes. `read_at`
    is when the last whole pass over what is new began, by the monotonic clock. `keys` are those of our messages, with times;
    `rolls` are the newest messages for many by the marks of their members.
    """

    since: float
    newest: float
    keys: dict[str, str] = field(default_factory=dict)
    rolls: dict[str, Rolled] = field(default_factory=dict)
    read_at: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wanted: float = math.inf  # read back to here
    _floor: float = 0.0  # the pass under way reads back to here
    _cursor: str = ""
    _began: float = 0.0
    _top: float = 0.0
    _count: int = 0

    def reach(self, since: float) -> bool:
        """Read back to here too; False when so much may lie between that it is better to begin anew."""
        self._wanted = min(self._wanted, since)
        return since <= self.newest or bool(self._cursor)

    def lacks(self, since: float, began: float) -> bool:
        """True until all is read that was written between `since` and the moment `began`."""
        return self.read_at < began or self.since > since

    @property
    def is_spent(self) -> bool:
        """True when more was written than is ever read."""
        return self._count >= READ_MAX

    def rolled(self, key: str) -> Rolled | None:
        """The newest message for many in which what has this key was told, or None."""
        return self.rolls.get(mark(key))

    async def read_page(self, ask: Callable[[Query], Awaitable[AsyncSlackResponse]]) -> None:
        """One page more."""
        if not self._cursor:
            self._began, self._top, self._count = time.monotonic(), self.newest, 0
            self._floor = min(self._wanted, self.since)
        is_backward = self._floor < self.since
        query = {"oldest": f"{self._floor if is_backward else self.newest:.6f}", **_EACH}
        if is_backward:
            query["latest"] = (
                f"{self.since + 1:.6f}"  # a second more: what bears the very time must not be missed
            )
        page = await ask(query | ({"cursor": self._cursor} if self._cursor else {}))
        messages = page["messages"]
        for message in messages:
            self._note(_payload(message), str(message["ts"]))
        self._count += len(messages) or 1
        self._top = max((self._top, *(float(m["ts"]) for m in messages)))
        self._cursor = str(page["response_metadata"]["next_cursor"]) if page["has_more"] else ""
        if not self._cursor and is_backward:
            self.since = self._floor
        elif not self._cursor:
            self.newest, self.read_at = self._top, self._began

    def _note(self, payload: Mapping[str, Any], ts: str) -> None:
        key, line = str(payload.get("key") or ""), str(payload.get("roll") or "")
        if not key:
            return
        self.keys[key] = ts
        rolled = Rolled(ts=ts, key=key, roll=read(line))
        for its_mark in rolled.roll.names:
            known = self.rolls.get(its_mark)
            if known is None or float(known.ts) < float(ts):
                self.rolls[its_mark] = rolled


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """What we wrote beside our message; nothing where it is not ours."""
    metadata = message.get("metadata") or {}
    return (metadata.get("event_payload") or {}) if metadata.get("event_type") == EVENT_TYPE else {}
