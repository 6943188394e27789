"""How things are said: claim a due conversation, plan its next step, write the intention, send, write the receipt.

This is the only retry loop of Fogbell, and the one place that handles a ChatError. Whatever happens, the conversation ends
settled, or its lease runs out and somebody else looks again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from bot import telemetry
from bot.domain.card import Card
from bot.domain.delivery import (
    Attempt,
    Conversation,
    Hold,
    Receipt,
    Step,
    StepKind,
    plan,
    settled,
    without_headline,
)
from bot.domain.incident import Incident
from bot.domain.present import present
from bot.domain.silences import silenced_until
from bot.errors import ChatError, LeaseLost, RateLimited, Refused, StoreError, Unavailable, Uncertain
from bot.pipeline.supervise import contained
from bot.ports import Audit, Chat, Claimed, Clock, Incidents, Limiter, Outbox, Silences
from bot.telemetry import Event, log

LEASE = timedelta(seconds=30)
SEND_TIMEOUT = timedelta(seconds=12)  # less than half of the lease: we stop before another may begin
BACKOFF_MAX = timedelta(minutes=1)
PARKED_FOR = timedelta(hours=1)  # a refused conversation is tried again this seldom: operators mend channels
LOOK_BACK = timedelta(minutes=5)  # how much earlier than the attempt a lost message is looked for
AT_ONCE = 32  # with so many conversations in work, no more are claimed
PER_SHARD = 8  # conversations claimed of one shard at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a chat may be spoken to: each of its channels, or, with `is_shared`, all of them together."""

    per_second: float
    burst: int
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A step that the chat confirmed: for the audit, the replay and the demo's summary."""

    talk: Conversation
    step: Step
    incident: Incident
    card: Card
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How we speak: names of providers, the zone of times."""

    names: Mapping[str, str]
    zone: tzinfo = UTC


class Courier:
    """Delivers. Give it the ports and the chats, and call `run`, or `drain` until nothing is due."""

    def __init__(
        self,
        outbox: Outbox,
        incidents: Incidents,
        silences: Silences,
        chats: Mapping[str, Chat],
        clock: Clock,
        *,
        voice: Voice,
        audit: Audit | None = None,
        limiter: Limiter | None = None,
        paces: Mapping[tuple[str, str], Pace] | None = None,
        on_delivered: Callable[[Delivered], None] | None = None,
    ) -> None:
        self._outbox = outbox
        self._incidents = incidents
        self._silences = silences
        self._chats = chats
        self._clock = clock
        self._voice = voice
        self._audit = audit
        self._limiter = limiter
        self._paces = paces or {}
        self._on_delivered = on_delivered
        self._is_stopping = False
        self._turned_at = time.monotonic()

    def stop(self) -> None:
        """Make `run` end after what is being sent; nothing new is claimed."""
        self._is_stopping = True

    def is_turning(self) -> bool:
        """True while `run` turns: it looked for work lately, or is busy with a turn that may take its time."""
        return time.monotonic() - self._turned_at < LEASE.total_seconds() * 2

    async def run(self, changed: asyncio.Event, *, look_every: float = 1.0) -> None:
        """Deliver until stopped or cancelled; a chat that hangs keeps nobody else waiting.

        `changed` only shortens the wait: a lost one costs `look_every` seconds. Raises StoreError when nothing can be claimed,
        but only after what is being sent: a call cut off here would be an uncertain one.
        """
        busy = 0
        lost: StoreError | None = None

        async def one(claimed: Claimed) -> None:
            nonlocal busy
            busy += 1
            try:
                await contained("outbox", self._one(claimed))
            finally:
                busy -= 1
                changed.set()  # it may be due again, and there is room for another

        async with asyncio.TaskGroup() as tasks:
            while not self._is_stopping and lost is None:
                changed.clear()
                self._turned_at = time.monotonic()
                try:
                    claimed = await self._claim() if busy < AT_ONCE else []
                except StoreError as exc:
                    lost, claimed = exc, []
                for conversation in claimed:
                    tasks.create_task(one(conversation))
                if not claimed and lost is None:
                    await _either(changed, look_every)
        if lost is not None:
            raise lost

    async def drain(self) -> int:
        """Deliver what is due now and wait for it; gives how many conversations were looked at."""
        claimed = await self._claim()
        async with asyncio.TaskGroup() as tasks:
            for one in claimed:
                tasks.create_task(self._one(one))
        return len(claimed)

    async def _claim(self) -> Sequence[Claimed]:
        return await self._outbox.claim(self._clock.now(), PER_SHARD, LEASE)

    async def _one(self, claimed: Claimed) -> None:
        """One conversation, one step. A lost lease ends it: another worker owns it now."""
        try:
            await self._step(claimed)
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))

    async def _step(self, claimed: Claimed) -> None:
        talk = claimed.talk
        chat = self._chats.get(talk.chat)
        incident = (await self._incidents.read(talk.provider)).incidents.get(talk.subject)
        if incident is None or chat is None:
            await self._outbox.settle(claimed, replace(talk, attempt=None), None)
            return
        if talk.attempt:
            recovered = await self._recovered(claimed, chat, talk.attempt)
            if recovered is None:
                return
            talk = recovered
        now = self._clock.now()
        until = silenced_until(incident, await self._silences.active(now), now)
        match plan(incident, talk, chat.limits, until):
            case None:
                await self._outbox.settle(claimed, talk, None)
            case Hold(until=until):
                await self._outbox.settle(claimed, replace(talk, was_held=True), until)
            case Step() as step:
                await self._send(claimed, talk, chat, step, incident)

    async def _send(
        self, claimed: Claimed, talk: Conversation, chat: Chat, step: Step, incident: Incident
    ) -> None:
        wait = await self._wait_for_turn(talk, step)
        if wait:
            await self._outbox.settle(claimed, talk, self._clock.now() + wait)
            return
        card = present(step, incident, names=self._voice.names, zone=self._voice.zone)
        attempt = Attempt(step=step, at=self._clock.now())
        await self._outbox.begin(claimed, attempt)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                receipt = await _call(chat, talk, step, card)
        except (ChatError, TimeoutError) as exc:
            await self._failed(claimed, replace(talk, attempt=attempt), step, exc)
            return
        await self._succeeded(claimed, talk, step, receipt, incident, card)

    async def _succeeded(
        self,
        claimed: Claimed,
        talk: Conversation,
        step: Step,
        receipt: Receipt,
        incident: Incident,
        card: Card,
    ) -> None:
        now = self._clock.now()
        after = replace(settled(talk, step, receipt), parked=None)
        await self._outbox.settle(claimed, after, now)
        telemetry.CHAT_UP.labels(talk.chat).set(1)
        seen_at = max(claim.seen_at for claim in incident.claims)
        telemetry.SIGHT_TO_RECEIPT.labels(talk.chat).observe(max(0.0, (now - seen_at).total_seconds()))
        log().info(Event.DELIVERED, incident=talk.subject, channel=talk.channel, step=step.kind.value)
        await self._note(talk, step, "sent")
        if self._on_delivered:
            self._on_delivered(Delivered(talk=after, step=step, incident=incident, card=card, at=now))

    async def _failed(
        self, claimed: Claimed, talk: Conversation, step: Step, error: ChatError | TimeoutError
    ) -> None:
        """The four ways a chat can fail. Nothing is ever dropped: the conversation stays due, or is parked by name."""
        now = self._clock.now()
        clear = replace(talk, attempt=None, failures=talk.failures + 1)
        match error:
            case RateLimited(after=after):
                await self._outbox.settle(claimed, replace(clear, failures=talk.failures), now + after)
            case Refused(gone=True) if (healed := without_headline(talk, step)) is not None:
                await self._outbox.settle(claimed, healed, now)
            case Refused(gone=True) if step.kind is StepKind.EDIT:
                # It was deleted: there is nothing left to correct.
                done = settled(talk, step, Receipt(channel=talk.address, message=""))
                await self._outbox.settle(claimed, done, now)
            case Refused():
                words = f"{error} {error.remedy}".strip()
                await self._outbox.settle(claimed, replace(clear, parked=words), now + PARKED_FOR)
                log().error(Event.DELIVERY_REFUSED, incident=talk.subject, channel=talk.channel, reason=words)
            case Unavailable(after=after):
                telemetry.CHAT_UP.labels(talk.chat).set(0)
                await self._outbox.settle(claimed, clear, now + (after or _backoff(clear.failures)))
            case Uncertain() | TimeoutError() | _:
                # It may have arrived: the attempt stays, and whoever claims next looks it up before anything else.
                kept = talk if step.kind is not StepKind.EDIT else replace(talk, attempt=None)
                await self._outbox.settle(
                    claimed, replace(kept, failures=clear.failures), now + _backoff(clear.failures)
                )
        if not isinstance(error, Refused):
            log().warning(
                Event.DELIVERY_LATER,
                incident=talk.subject,
                channel=talk.channel,
                reason=str(error) or "timed out",
            )
        await self._note(talk, step, type(error).__name__.lower())

    async def _recovered(self, claimed: Claimed, chat: Chat, attempt: Attempt) -> Conversation | None:
        """The conversation once it is known whether the attempt arrived; None when that cannot be known yet (it is settled)."""
        talk = claimed.talk
        free = replace(talk, attempt=None)
        if attempt.step.kind is StepKind.EDIT:
            return free  # editing twice is harmless
        if not chat.limits.find:
            return await self._maybe_doubled(free, attempt)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                found = await chat.find(
                    talk.address, key=attempt.step.key, since=attempt.at - LOOK_BACK, thread=_thread(talk)
                )
        except (Refused, Uncertain):
            # We may not read here, or there is more than we can read: nobody will ever know.
            return await self._maybe_doubled(free, attempt)
        except (ChatError, TimeoutError) as exc:
            failures = talk.failures + 1
            due_at = self._clock.now() + (getattr(exc, "after", None) or _backoff(failures))
            await self._outbox.settle(claimed, replace(talk, failures=failures), due_at)
            log().warning(
                Event.DELIVERY_LATER,
                incident=talk.subject,
                channel=talk.channel,
                reason=f"looking it up: {exc}",
            )
            return None
        if found is None:
            return free
        await self._note(talk, attempt.step, "found")
        return settled(free, attempt.step, found)

    async def _maybe_doubled(self, talk: Conversation, attempt: Attempt) -> Conversation:
        """Where the chat cannot be read back, a lost reply means saying it again: marked, counted, and told in the docs."""
        await self._note(talk, attempt.step, "maybe_doubled")
        return replace(talk, maybe_doubled=talk.maybe_doubled + 1)

    async def _wait_for_turn(self, talk: Conversation, step: Step) -> timedelta:
        verb = "edit" if step.kind is StepKind.EDIT else "post"
        pace = self._paces.get((talk.chat, verb))
        if pace is None or self._limiter is None:
            return timedelta()
        bucket = f"{verb}:{talk.chat if pace.is_shared else talk.channel}"
        return await self._limiter.take(bucket, pace.per_second, pace.burst)

    async def _note(self, talk: Conversation, step: Step, outcome: str) -> None:
        telemetry.DELIVERIES.labels(talk.chat, step.kind.value, outcome).inc()
        if self._audit:
            await self._audit.append(
                {
                    "at": self._clock.now().isoformat(timespec="milliseconds"),
                    "what": "delivery",
                    "incident": talk.subject,
                    "channel": talk.channel,
                    "step": step.kind.value,
                    "revision": str(step.revision),
                    "reason": step.reason,
                    "outcome": outcome,
                }
            )


async def _call(chat: Chat, talk: Conversation, step: Step, card: Card) -> Receipt:
    if step.kind is StepKind.EDIT:
        message = talk.message(step.target or "")
        if message is None or not message.receipt.message:
            return Receipt(channel=talk.address, message="")
        thread = None if message.kind is StepKind.HEADLINE else _thread(talk)
        await chat.edit(message.receipt, card, thread=thread)
        return message.receipt
    return await chat.post(talk.address, card, key=step.key, thread=_thread(talk))


def _thread(talk: Conversation) -> Receipt | None:
    return talk.headline.receipt if talk.headline else None


def _backoff(failures: int) -> timedelta:
    seconds = min(2.0 ** min(failures - 1, 10), BACKOFF_MAX.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # the time to look is also a time to look
