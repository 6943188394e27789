"""One message to one chat: write the intention, send, write the receipt, or decide what a failure means.

The one place that handles a ChatError. Called by the outbox with what it chose; whatever happens, each conversation ends
settled, or its lease runs out and somebody else looks again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot import telemetry
from bot.domain import gather
from bot.domain.card import Card
from bot.domain.conversation import Attempt, Conversation, Receipt, Step, StepKind, settled, without_headline
from bot.domain.delivery import LATE_BY, plan
from bot.domain.gather import Waiting
from bot.domain.incident import Incident
from bot.errors import ChatError, LeaseLost, RateLimited, Refused, Unavailable, Uncertain
from bot.pipeline.ledgers import readable
from bot.pipeline.record import Record, Saw, again_at
from bot.pipeline.voice import Voice
from bot.ports import Chat, Claimed, Clock, Incidents, Outbox
from bot.telemetry import Event, log

T = TypeVar("T")
LEASE = timedelta(seconds=30)
MARGIN_S = 3.0
FRESH_S = 0.25  # a step that waited longer is planned anew before it is sent
SEND_TIMEOUT = timedelta(seconds=12)  # less than half of the lease: we stop before another may begin
SLOW_S = 1.0  # a chat that answers within it is not behind with its work
PARKED_FOR = timedelta(hours=1)  # a refused conversation is tried again this seldom: operators mend channels
EDITED_AGAIN = 3  # how often a message for many is corrected at once when its members change meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Waiting):
    """A step whose conversation is ours, until its lease ends. `since` is when it was claimed, by the monotonic clock."""

    claimed: Claimed
    since: float
    planned_at: float = field(default_factory=time.monotonic)

    @property
    def is_old(self) -> bool:
        """True when the world may have gone on since it was planned."""
        return time.monotonic() - self.planned_at > FRESH_S

    @property
    def is_stale(self) -> bool:
        """True when the lease might end while the message is under way: a frozen worker wakes up like that."""
        return time.monotonic() - self.since > (LEASE - SEND_TIMEOUT).total_seconds() - MARGIN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message that the chat confirmed: for the audit, the replay and the demo's summary.

    `others` are the further incidents of a gathered message; `talk`, `step` and `incident` are those of its first.
    """

    talk: Conversation
    step: Step
    incident: Incident
    card: Card
    at: datetime
    others: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a message: how long the channel wants to be left alone, and what is still to be written, if it arrived.

    `settle` writes it, and gives True when there is more to say at once.
    """

    pause: timedelta = timedelta()
    settle: Callable[[], Awaitable[bool]] | None = None


class Sender:
    """Sends what the outbox chose. `saw` is told in which channel ("chat:id") a call succeeded or failed."""

    def __init__(
        self,
        outbox: Outbox,
        incidents: Incidents,
        chats: Mapping[str, Chat],
        clock: Clock,
        *,
        voice: Voice,
        record: Record,
        saw: Saw,
        on_delivered: Callable[[Delivered], None] | None,
    ) -> None:
        self._outbox = outbox
        self._incidents = incidents
        self._chats = chats
        self._clock = clock
        self._voice = voice
        self._record = record
        self._saw = saw
        self._on_delivered = on_delivered

    async def send(self, chosen: Sequence[Ready]) -> Sent:
        """Send one message for all the chosen, which were begun."""
        if any(ready.is_stale for ready in chosen):
            log().warning(Event.LEASE_LOST, reason="it took too long to begin")
            return Sent()  # whoever claims them next looks them up
        if not chosen:
            return Sent()
        first = chosen[0]
        is_post = first.step.kind is not StepKind.EDIT
        roles = await self._voice.roles(chosen) if is_post else ()
        began = time.monotonic()
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                card, receipt = await self._called(chosen, roles)
        except (ChatError, TimeoutError) as exc:
            self._saw(first.talk.channel, isinstance(exc, Refused | RateLimited), is_post)
            may_be_late = _gave_no_answer(exc, time.monotonic() - began)
            for ready in chosen:
                await self._unless_lost(self._failed(ready, exc, may_be_late))
            return Sent(pause=exc.after) if isinstance(exc, RateLimited) else Sent()
        self._saw(first.talk.channel, True, is_post)
        return Sent(settle=lambda: self._succeeded(chosen, card, receipt, roles))

    async def begun(self, chosen: Sequence[Ready]) -> Sequence[Ready]:
        """The chosen with their intentions written; without those that are no longer ours, which changes a gathered message."""
        while chosen:
            if gather.is_gathered(chosen) and chosen[0].step.kind is not StepKind.EDIT:
                steps = gather.gathered(chosen)
                chosen = [
                    replace(r, step=step, alone=r.alone or r.step.key)
                    for r, step in zip(chosen, steps, strict=True)
                ]
            now = self._clock.now()
            # Whoever finds these without an outcome cannot know whether the chat is still at it.
            ours = await self._ours([(r, Attempt(step=r.step, at=now, may_be_late=True)) for r in chosen])
            if len(ours) == len(chosen):
                break
            chosen = ours
        return chosen

    async def _ours(self, pairs: Sequence[tuple[Ready, Attempt]]) -> Sequence[Ready]:
        """Those whose intention could be written."""
        if len(pairs) > 1:
            kept = await self._outbox.begin_all([(ready.claimed, attempt) for ready, attempt in pairs])
            return [ready for (ready, _), is_ours in zip(pairs, kept, strict=True) if is_ours]
        (ready, attempt), *_ = pairs
        try:
            await self._outbox.begin(ready.claimed, attempt)
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))
            return []
        return [ready]

    async def _unless_lost(self, settling: Awaitable[T]) -> T | None:
        """A lost lease ends a conversation: another worker owns it now."""
        try:
            return await settling
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))
            return None

    async def _called(self, chosen: Sequence[Ready], roles: tuple[str, ...]) -> tuple[Card, Receipt]:
        first = chosen[0]
        talk, step, chat = first.talk, first.step, self._chats[first.talk.chat]
        if step.kind is StepKind.EDIT and step.members:
            return await self._edited_for_many(first)
        if step.kind is StepKind.GATHERED:
            card = self._voice.many([r.incident for r in chosen], step, talk)
            whole = replace(card, mentions=roles, roll=gather.roll_of(chosen))
            return card, await chat.post(talk.address, whole, key=step.key)
        card = replace(self._voice.card(step, first.incident, talk), mentions=roles)
        if step.kind is not StepKind.EDIT:
            return card, await chat.post(talk.address, card, key=step.key, thread=talk.thread)
        message = talk.message(step.target or "")
        if message is None or not message.receipt.message:
            return card, Receipt(channel=talk.address, message="")
        thread = None if message.kind is StepKind.HEADLINE else talk.thread
        await chat.edit(message.receipt, card, thread=thread)
        return card, message.receipt

    async def _edited_for_many(self, ready: Ready) -> tuple[Card, Receipt]:
        """A gathered message with all its lines as they are now.

        Another replica may edit it for another member at the same time, and the older text may arrive last: whoever was
        answered looks once more whether what it wrote is still so.
        """
        talk, step = ready.talk, ready.step
        message = talk.message(step.target or "")
        chat = self._chats[talk.chat]
        members = await self._members(step.members)
        card = self._voice.many(members, step, talk)
        if message is None:
            return card, Receipt(channel=talk.address, message="")
        for _ in range(EDITED_AGAIN):
            await chat.edit(message.receipt, card)
            members = await self._members(step.members)
            newer = self._voice.many(members, step, talk)
            if newer == card:
                break
            card = newer
        return card, message.receipt

    async def _members(self, names: Sequence[str]) -> list[Incident]:
        members = [name.partition("|") for name in names]
        ledgers = await readable(self._incidents, {provider: 0 for provider, _, _ in members})
        found = (ledgers[p].incidents.get(incident) for p, _, incident in members if p in ledgers)
        return [incident for incident in found if incident]

    async def _succeeded(
        self, chosen: Sequence[Ready], card: Card, receipt: Receipt, roles: tuple[str, ...]
    ) -> bool:
        now = self._clock.now()
        outcomes = [self._outcome(ready, receipt, roles, now) for ready in chosen]
        if len(outcomes) > 1:
            has_changed = await self._outbox.settle_all(outcomes)
        else:
            has_changed = bool(await self._unless_lost(self._outbox.settle(*outcomes[0])))
        for ready in chosen:
            talk, seen_at = ready.talk, max(claim.seen_at for claim in ready.incident.claims)
            if talk.held is None:  # what waited on purpose is not late
                delay_s = max(0.0, (now - seen_at).total_seconds())
                telemetry.SIGHT_TO_RECEIPT.labels(talk.chat).observe(delay_s)
            step = ready.step.kind.value
            log().info(Event.DELIVERED, incident=talk.subject, channel=talk.channel, step=step)
        await self._record.note("sent", *((ready.talk, ready.step) for ready in chosen))
        self._tell(chosen, card)
        return has_changed or any(due_at == now for _, _, due_at in outcomes)

    def _outcome(
        self, ready: Ready, receipt: Receipt, roles: tuple[str, ...], now: datetime
    ) -> tuple[Claimed, Conversation, datetime | None]:
        """What is settled: due again at once when there is more to say, or later when an edit may still come in between."""
        talk, step = ready.talk, ready.step
        called = replace(talk, called=(*talk.called, *roles)) if roles else talk
        after = settled(called, step, receipt)
        if step.is_headline:
            is_past = talk.late_edit_at is None or now - talk.late_edit_at >= LATE_BY
            after = replace(
                after,
                asserted_at=now,
                late_edit_at=None if is_past else talk.late_edit_at,
                stands_in=self._voice.stands_in(talk.channel),
            )
        if plan(ready.incident, after, self._chats[talk.chat].limits) is not None:
            return ready.claimed, after, now
        return ready.claimed, after, after.late_edit_at + LATE_BY if after.late_edit_at else None

    def _tell(self, chosen: Sequence[Ready], card: Card) -> None:
        if self._on_delivered:
            first, *others = chosen
            self._on_delivered(
                Delivered(
                    talk=first.talk,
                    step=first.step,
                    incident=first.incident,
                    card=card,
                    at=self._clock.now(),
                    others=tuple(r.incident for r in others),
                )
            )

    async def _failed(self, ready: Ready, error: ChatError | TimeoutError, may_be_late: bool) -> None:
        """The four ways a chat can fail. Nothing is ever dropped: the conversation stays due, or is parked by name."""
        now, claimed, step = self._clock.now(), ready.claimed, ready.step
        attempt = Attempt(step=step, at=now, may_be_late=may_be_late)
        talk = replace(ready.talk, attempt=attempt)
        clear = replace(talk, attempt=None, failures=talk.failures + 1)
        match error:
            case RateLimited(after=after):
                await self._outbox.settle(claimed, replace(clear, failures=talk.failures), now + after)
            case Refused(gone=True) if (healed := without_headline(talk, step)) is not None:
                await self._outbox.settle(claimed, healed, now)
            case Refused(gone=True) if step.kind is StepKind.EDIT:
                # It was deleted: there is nothing left to correct, and nothing to write again.
                done = settled(talk, step, Receipt(channel=talk.address, message=""))
                if step.is_headline:
                    done = replace(done, asserted_at=None, late_edit_at=None)
                await self._outbox.settle(claimed, done, now)
            case Refused():
                words = f"{error}. {error.remedy}".rstrip(" .") + "."
                parked = replace(clear, parked=words)
                coming = plan(ready.incident, parked, self._chats[talk.chat].limits)
                is_other = isinstance(coming, Step) and coming.kind is StepKind.EDIT is not step.kind
                await self._outbox.settle(claimed, parked, now if is_other else now + PARKED_FOR)
                log().error(Event.DELIVERY_REFUSED, incident=talk.subject, channel=talk.channel, reason=words)
            case Unavailable(after=after) if not (step.kind is StepKind.EDIT and attempt.may_be_late):
                await self._outbox.settle(claimed, clear, again_at(talk.channel, clear.failures, now, after))
            case Uncertain() | TimeoutError() | _:
                # It may have arrived: the attempt stays, and whoever claims next looks it up before anything else.
                await self._outbox.begin(claimed, attempt)
                kept = talk if step.kind is not StepKind.EDIT else _edited_late(talk, attempt)
                due_at = again_at(talk.channel, clear.failures, now)
                await self._outbox.settle(claimed, replace(kept, failures=clear.failures), due_at)
        if not isinstance(error, Refused):
            self._record.later(talk, str(error) or "timed out")
        words = str(error) or "no answer in time"
        await self._record.note(
            type(error).__name__.lower(), (talk, replace(step, reason=f"{step.reason}; {words}"))
        )


def _gave_no_answer(error: ChatError | TimeoutError, took_s: float) -> bool:
    """True when the chat was silent, so that it may do yet what it was asked; also when a connection was cut on which it
    took its time: one that is cut at once was carried out by then, or never will be."""
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return True
    return took_s > SLOW_S and isinstance(error, Uncertain | Unavailable) and error.__cause__ is not None


def _edited_late(talk: Conversation, attempt: Attempt) -> Conversation:
    late_at = attempt.at if attempt.may_be_late else talk.late_edit_at
    return replace(talk, attempt=None, late_edit_at=late_at)
