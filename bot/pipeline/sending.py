"""One message to one chat: write the intention, send, write the receipt, or decide what a failure means.

The one place that handles a ChatError. Called by the outbox with what it chose; whatever happens, each conversation ends
settled, or its lease runs out and somebody else looks again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import telemetry
from bot.domain import gather
from bot.domain.card import Card
from bot.domain.delivery import (
    LATE_BY,
    Attempt,
    Conversation,
    Receipt,
    Step,
    StepKind,
    plan,
    settled,
    without_headline,
)
from bot.domain.gather import Waiting
from bot.domain.incident import Incident
from bot.errors import ChatError, LeaseLost, RateLimited, Refused, Unavailable, Uncertain
from bot.pipeline.voice import Voice
from bot.ports import Audit, Chat, Claimed, Clock, Incidents, Outbox
from bot.telemetry import Event, log

LEASE = timedelta(seconds=30)
MARGIN_S = 3.0
FRESH_S = 0.25  # a step that waited longer is planned anew before it is sent
SEND_TIMEOUT = timedelta(seconds=12)  # less than half of the lease: we stop before another may begin
BACKOFF_MAX = timedelta(minutes=1)
PARKED_FOR = timedelta(hours=1)  # a refused conversation is tried again this seldom: operators mend channels
LOOK_BACK = timedelta(minutes=5)  # how much earlier than the attempt a lost message is looked for
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
    """What became of a message: how long the channel wants to be left alone, and what is still to be written, if it arrived."""

    pause: timedelta = timedelta()
    settle: Callable[[], Awaitable[None]] | None = None


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
        audit: Audit | None,
        saw: Callable[[str, bool], None],
        on_delivered: Callable[[Delivered], None] | None,
    ) -> None:
        self._outbox = outbox
        self._incidents = incidents
        self._chats = chats
        self._clock = clock
        self._voice = voice
        self._audit = audit
        self._saw = saw
        self._on_delivered = on_delivered

    async def send(self, chosen: Sequence[Ready]) -> Sent:
        """Send one message for all the chosen."""
        chosen = await self._begun(chosen)
        if not chosen:
            return Sent()
        first = chosen[0]
        roles = () if first.step.kind is StepKind.EDIT else await self._voice.roles(chosen)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                card, receipt = await self._called(chosen, roles)
        except (ChatError, TimeoutError) as exc:
            self._saw(first.talk.channel, isinstance(exc, Refused | RateLimited))
            for ready in chosen:
                await self._unless_lost(self._failed(ready, exc))
            return Sent(pause=exc.after) if isinstance(exc, RateLimited) else Sent()
        self._saw(first.talk.channel, True)
        return Sent(settle=lambda: self._succeeded(chosen, card, receipt, roles))

    async def _begun(self, chosen: Sequence[Ready]) -> Sequence[Ready]:
        """The chosen with their intentions written; without those that are no longer ours, which changes a gathered message."""
        while chosen:
            if gather.is_gathered(chosen) and chosen[0].step.kind is not StepKind.EDIT:
                steps = gather.gathered(chosen)
                chosen = [replace(r, step=step) for r, step in zip(chosen, steps, strict=True)]
            now = self._clock.now()
            ours = await self._ours([(r, Attempt(step=r.step, at=now)) for r in chosen])
            if len(ours) == len(chosen):
                break
            chosen = ours
        if any(ready.is_stale for ready in chosen):
            log().warning(Event.LEASE_LOST, reason="it took too long to begin")
            return []  # whoever claims them next looks them up
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

    async def _unless_lost(self, settling: Awaitable[None]) -> None:
        """A lost lease ends a conversation: another worker owns it now."""
        try:
            await settling
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))

    async def _called(self, chosen: Sequence[Ready], roles: tuple[str, ...]) -> tuple[Card, Receipt]:
        first = chosen[0]
        talk, step, chat = first.talk, first.step, self._chats[first.talk.chat]
        if step.kind is StepKind.EDIT and step.members:
            return await self._edited_for_many(first)
        if step.kind is StepKind.GATHERED:
            card = self._voice.many([r.incident for r in chosen], step, talk)
            return card, await chat.post(talk.address, replace(card, mentions=roles), key=step.key)
        card = replace(self._voice.card(step, first.incident, talk), mentions=roles)
        if step.kind is not StepKind.EDIT:
            return card, await chat.post(talk.address, card, key=step.key, thread=thread_of(talk))
        message = talk.message(step.target or "")
        if message is None or not message.receipt.message:
            return card, Receipt(channel=talk.address, message="")
        thread = None if message.kind is StepKind.HEADLINE else thread_of(talk)
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
        found = []
        for name in names:
            provider, _, incident_id = name.partition("|")
            incident = (await self._incidents.read(provider)).incidents.get(incident_id)
            if incident:
                found.append(incident)
        return found

    async def _succeeded(
        self, chosen: Sequence[Ready], card: Card, receipt: Receipt, roles: tuple[str, ...]
    ) -> None:
        now = self._clock.now()
        outcomes = [self._outcome(ready, receipt, roles, now) for ready in chosen]
        if len(outcomes) > 1:
            await self._outbox.settle_all(outcomes)
        else:
            await self._unless_lost(self._outbox.settle(*outcomes[0]))
        for ready in chosen:
            talk, seen_at = ready.talk, max(claim.seen_at for claim in ready.incident.claims)
            delay_s = max(0.0, (now - seen_at).total_seconds())
            telemetry.SIGHT_TO_RECEIPT.labels(talk.chat).observe(delay_s)
            step = ready.step.kind.value
            log().info(Event.DELIVERED, incident=talk.subject, channel=talk.channel, step=step)
        await self._note("sent", *((ready.talk, ready.step) for ready in chosen))
        self._tell(chosen, card)

    def _outcome(
        self, ready: Ready, receipt: Receipt, roles: tuple[str, ...], now: datetime
    ) -> tuple[Claimed, Conversation, datetime | None]:
        """What is settled: due again at once when there is more to say, or later when an edit may still come in between."""
        talk, step = ready.talk, ready.step
        after = settled(replace(talk, called=(*talk.called, *roles)), step, receipt)
        if step.is_headline:
            is_past = talk.late_edit_at is None or now - talk.late_edit_at >= LATE_BY
            after = replace(after, asserted_at=now, late_edit_at=None if is_past else talk.late_edit_at)
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

    async def _failed(self, ready: Ready, error: ChatError | TimeoutError) -> None:
        """The four ways a chat can fail. Nothing is ever dropped: the conversation stays due, or is parked by name."""
        now, claimed, step = self._clock.now(), ready.claimed, ready.step
        attempt = Attempt(step=step, at=now, may_be_late=_gave_no_answer(error))
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
                words = f"{error} {error.remedy}".strip()
                await self._outbox.settle(claimed, replace(clear, parked=words), now + PARKED_FOR)
                log().error(Event.DELIVERY_REFUSED, incident=talk.subject, channel=talk.channel, reason=words)
            case Unavailable(after=after) if not (step.kind is StepKind.EDIT and attempt.may_be_late):
                await self._outbox.settle(claimed, clear, now + (after or backoff(clear.failures)))
            case Uncertain() | TimeoutError() | _:
                # It may have arrived: the attempt stays, and whoever claims next looks it up before anything else.
                await self._outbox.begin(claimed, attempt)
                kept = talk if step.kind is not StepKind.EDIT else _edited_late(talk, attempt)
                due_at = now + backoff(clear.failures)
                await self._outbox.settle(claimed, replace(kept, failures=clear.failures), due_at)
        if not isinstance(error, Refused):
            self._say_later(talk, str(error) or "timed out")
        await self._note(type(error).__name__.lower(), (talk, step))

    async def looked_up(self, claimed: Claimed) -> Conversation | None:
        """The conversation when its attempt did not arrive; None when it did or nobody can know yet: then it is settled."""
        talk, attempt = claimed.talk, claimed.talk.attempt
        if attempt is None:
            return talk
        free = replace(talk, attempt=None)
        if attempt.step.kind is StepKind.EDIT:
            # Editing twice is harmless, but whoever died may have sent an older one that is still under way.
            return replace(free, late_edit_at=attempt.at)
        return await self._found(claimed, free, attempt)

    async def looked_ahead(
        self, claimed: Claimed, talk: Conversation, step: Step, since: datetime
    ) -> Conversation | None:
        """The same for a step that another worker may have carried out without leaving a trace in the store.

        What is found was said when the incident stood otherwise, perhaps: as nobody knows what it shows, it will be edited.
        """
        attempt = Attempt(step=replace(step, digest=""), at=since)
        await self._outbox.begin(claimed, attempt)  # until it is known
        return await self._found(claimed, talk, attempt)

    async def _found(self, claimed: Claimed, talk: Conversation, attempt: Attempt) -> Conversation | None:
        chat, step, since = self._chats[talk.chat], attempt.step, attempt.at - LOOK_BACK
        if not chat.limits.find:
            return await self._maybe_doubled(talk, step)
        thread = None if step.kind is StepKind.GATHERED else thread_of(talk)
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                found = await chat.find(talk.address, key=step.key, since=since, thread=thread)
        except (Refused, Uncertain):
            # We may not read here, or there is more than we can read: nobody will ever know.
            return await self._maybe_doubled(talk, step)
        except (ChatError, TimeoutError) as exc:
            self._saw(talk.channel, isinstance(exc, RateLimited))
            failures = talk.failures + 1
            due_at = self._clock.now() + (getattr(exc, "after", None) or backoff(failures))
            await self._outbox.settle(claimed, replace(talk, attempt=attempt, failures=failures), due_at)
            self._say_later(talk, f"looking it up: {exc}")
            return None
        if found is None:
            return await self._not_there(claimed, talk, attempt)
        await self._note("found", (talk, step))
        # Written before anything else is begun: the next intention takes the place of this one.
        await self._outbox.settle(claimed, settled(talk, step, found), self._clock.now())
        return None

    async def _not_there(self, claimed: Claimed, talk: Conversation, attempt: Attempt) -> Conversation | None:
        """Free to be said again, or None where it may still come: then it is looked for again."""
        late_until = attempt.at + LATE_BY
        if not attempt.may_be_late or self._clock.now() >= late_until:
            return talk
        failures = talk.failures + 1
        due_at = min(self._clock.now() + backoff(failures), late_until)
        await self._outbox.settle(claimed, replace(talk, attempt=attempt, failures=failures), due_at)
        return None

    async def _maybe_doubled(self, talk: Conversation, step: Step) -> Conversation:
        """Where the chat cannot be read back, a lost reply means saying it again: marked, counted, and told in the docs."""
        await self._note("maybe_doubled", (talk, step))
        return replace(talk, maybe_doubled=talk.maybe_doubled + 1)

    def _say_later(self, talk: Conversation, reason: str) -> None:
        log().warning(Event.DELIVERY_LATER, incident=talk.subject, channel=talk.channel, reason=reason)

    async def _note(self, outcome: str, *steps: tuple[Conversation, Step]) -> None:
        """Count the outcome of steps and add them to the audit."""
        for talk, step in steps:
            telemetry.DELIVERIES.labels(talk.chat, step.kind.value, outcome).inc()
        if self._audit:
            at = self._clock.now().isoformat(timespec="milliseconds")
            await self._audit.append(*(_line(talk, step, outcome, at) for talk, step in steps))


def _line(talk: Conversation, step: Step, outcome: str, at: str) -> dict[str, str]:
    return {
        "at": at,
        "what": "delivery",
        "incident": talk.subject,
        "channel": talk.channel,
        "step": step.kind.value,
        "revision": str(step.revision),
        "reason": step.reason,
        "outcome": outcome,
    }


def _gave_no_answer(error: ChatError | TimeoutError) -> bool:
    """True when the chat was silent, so that it may do yet what it was asked."""
    return isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)


def _edited_late(talk: Conversation, attempt: Attempt) -> Conversation:
    late_at = attempt.at if attempt.may_be_late else talk.late_edit_at
    return replace(talk, attempt=None, late_edit_at=late_at)


def thread_of(talk: Conversation) -> Receipt | None:
    """The message that replies hang from, or None before there is one."""
    return talk.headline.receipt if talk.headline else None


def backoff(failures: int) -> timedelta:
    """How long to leave a conversation alone after so many failures in a row."""
    seconds = min(2.0 ** min(failures - 1, 10), BACKOFF_MAX.total_seconds())
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
