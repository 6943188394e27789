"""What waits in the outbox, and what operators do with it: retry, park, drop. Every deed is a line of the audit.

Asked by the command `outbox`, by the page and by `pipeline.upkeep`. Changes go the way of every delivery, by a claim with a
fencing token: what a worker is just sending is never changed under its hands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.domain import standing
from bot.domain.conversation import Conversation
from bot.domain.incident import Incident, Ledger
from bot.domain.standing import LOOKED_AT_AGAIN, Entry, Pending
from bot.errors import LeaseLost
from bot.ports import Audit, Claimed, Clock, Incidents, Pendings

LEASE = timedelta(seconds=10)  # for one small write
PATIENCE_S = 4.0  # for what is being sent just now
LOOK_S = 0.2
AT_ONCE = 100  # lines made between two chances for others


class Deed(StrEnum):
    """What is done to a conversation, as the audit says it."""

    RETRIED = "retried"
    PARKED = "parked"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who wants it, and why."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of an order, as (incident, channel): `busy` are those that a worker had all the time."""

    changed: tuple[tuple[str, str], ...] = ()
    busy: tuple[tuple[str, str], ...] = ()


class Backlog:
    """Reads the store at each question; `woken` is called when something became due."""

    def __init__(
        self,
        pendings: Pendings,
        incidents: Incidents,
        audit: Audit,
        clock: Clock,
        *,
        woken: Callable[[], None] = lambda: None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._pendings = pendings
        self._incidents = incidents
        self._audit = audit
        self._clock = clock
        self._woken = woken
        self._patience_s = patience_s

    async def entries(self) -> tuple[Entry, ...]:
        """All that waits, what an operator should look at first in front. Raises StoreError."""
        ledgers: dict[str, Ledger] = {}
        found = []
        for number, pending in enumerate(await self._pendings.pending()):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # thousands take a while, and others have their turn
            provider = pending.talk.provider
            if provider not in ledgers:
                ledgers[provider] = await self._incidents.read(provider)
            if line := self._line(pending, ledgers[provider].incidents.get(pending.talk.subject)):
                found.append(line)
        return tuple(sorted(found, key=lambda line: line.urgency))

    def _line(self, pending: Pending, incident: Incident | None) -> Entry | None:
        return standing.entry(pending, incident, self._clock.now()) if incident else None

    async def retry(self, targets: Iterable[tuple[str, str]], order: Order) -> Done:
        """Make these due at once, each as (incident, channel), and let them speak that a person had parked."""
        done = await self._each(targets, order, Deed.RETRIED)
        self._woken()
        return done

    async def park(self, targets: Iterable[tuple[str, str]], order: Order) -> Done:
        """Say nothing there before somebody retries them."""
        return await self._each(targets, order, Deed.PARKED)

    async def drop(self, targets: Iterable[tuple[str, str]], order: Order) -> Done:
        """Spare these channels all that there is so far; what comes later is told again."""
        return await self._each(targets, order, Deed.DROPPED)

    async def _each(self, targets: Iterable[tuple[str, str]], order: Order, deed: Deed) -> Done:
        until = time.monotonic() + self._patience_s  # for all of them together
        changed: list[tuple[str, str]] = []
        busy: list[tuple[str, str]] = []
        for name, channel in targets:
            incident = await self._incidents.find(name)
            if incident is None:
                continue  # it was forgotten meanwhile, and its conversations with it
            is_done = await self._one(incident, channel, order, deed, until)
            (changed if is_done else busy).append((name, channel))
        return Done(changed=tuple(changed), busy=tuple(busy))

    async def _one(self, incident: Incident, channel: str, order: Order, deed: Deed, until: float) -> bool:
        claimed = await self._claimed(incident, channel, until)
        if claimed is None:
            return False
        talk = _after(claimed.talk, incident, order, deed)
        due_at = {
            Deed.RETRIED: self._clock.now(),
            Deed.PARKED: self._clock.now() + LOOKED_AT_AGAIN,
            Deed.DROPPED: None,
        }[deed]
        try:
            await self._pendings.settle(claimed, talk, due_at)
        except LeaseLost:
            return False
        await self._note(incident, channel, order, deed)
        return True

    async def _claimed(self, incident: Incident, channel: str, until: float) -> Claimed | None:
        """The conversation, once no worker has it; None where that takes too long."""
        while True:
            claimed = await self._pendings.claim_one(incident.provider, incident.id, channel, LEASE)
            if claimed is not None or time.monotonic() >= until:
                return claimed
            await asyncio.sleep(LOOK_S)

    async def _note(self, incident: Incident, channel: str, order: Order, deed: Deed) -> None:
        await self._audit.append(
            {
                "at": self._clock.now().isoformat(timespec="milliseconds"),
                "what": "delivery",
                "incident": incident.id,
                "channel": channel,
                "step": "by hand",
                "revision": str(incident.revision),
                "reason": order.reason,
                "outcome": deed.value,
                "actor": order.by,
            }
        )


def _after(talk: Conversation, incident: Incident, order: Order, deed: Deed) -> Conversation:
    match deed:
        case Deed.RETRIED:
            return standing.retried(talk)
        case Deed.PARKED:
            return standing.put_aside(talk, order.reason)
        case Deed.DROPPED:
            return standing.dropped(talk, incident)


def targets_of(entries: Iterable[Entry], channels: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """What the lines are about; only those of `channels` where some are given."""
    return tuple((e.incident, e.channel) for e in entries if not channels or e.channel in channels)
