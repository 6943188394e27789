"""How things are said: claim due conversations, plan the next step of each, let it wait for its channel's turn, send it.

This is the only retry loop of Fogbell. Each channel has one lane for what is posted and one for what is edited, so that a chat
that hangs keeps nobody else waiting; what waits together may be said together (`bot.domain.gather`). What a message's
failure means is in `bot.pipeline.sending`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import gather
from bot.domain.conversation import Conversation, Hold, Step, StepKind, Why
from bot.domain.delivery import LATE_BY, plan, reassertion
from bot.domain.holds import hold_of
from bot.domain.incident import Incident
from bot.domain.silences import Silence
from bot.domain.standing import LOOKED_AT_AGAIN, rests
from bot.errors import LeaseLost, StoreError
from bot.pipeline.lanes import InWork, Lane, Pace, Turns
from bot.pipeline.ledgers import readable
from bot.pipeline.lookup import Answers, Lookup
from bot.pipeline.record import Record, Saw
from bot.pipeline.sending import LEASE, Delivered, Ready, Sender, Sent
from bot.pipeline.supervise import contained
from bot.pipeline.voice import Voice
from bot.pipeline.wake import Wake
from bot.ports import Audit, Chat, Claimed, Clock, Incidents, Limiter, Outbox, Silences
from bot.store.keys import shard
from bot.tasks import beside
from bot.telemetry import Event, log

__all__ = ["Courier", "Delivered", "Pace", "Voice"]

PATIENCE = timedelta(seconds=5)  # a step that must wait longer for its turn is put back into the store
LINGER_S = 0.2  # what was held back comes due together, and should go together
AT_ONCE = 1_000  # with so many conversations in work, no more are claimed
PER_SHARD = 256  # conversations claimed of one shard at a time


class Courier:
    """Delivers. Give it the ports and the chats, and call `run`, or `drain` until nothing is due.

    `reasserts` is for live running: headlines of open incidents are written again every hour, when the sweep comes by.
    """

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
        saw: Saw = lambda chat, ok, is_post: None,
        on_delivered: Callable[[Delivered], None] | None = None,
        reasserts: bool = False,
    ) -> None:
        self._outbox = outbox
        self._reasserts = reasserts
        self._incidents = incidents
        self._silences = silences
        self._silenced: Sequence[Silence] = ()  # as of the last look
        self._silences_state: str | None = None  # and of this state of theirs
        self._chats = chats
        self._clock = clock
        self._voice = replace(voice, limiter=limiter)
        bundles = {name for name, chat in chats.items() if chat.limits.bundles}
        self._turns = Turns(clock, self._voice, limiter, paces or {}, saw, bundles)
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._in_work = InWork()
        self._patience = PATIENCE
        self._is_stopping = False
        self._turned_at = time.monotonic()
        self._changed = Wake()
        self._looked_at = 0.0
        record = Record(audit, clock)
        self._lookup = Lookup(outbox, chats, clock, record, self._turns.fared)
        self._sender = Sender(
            outbox, incidents, chats, clock,
            voice=self._voice, record=record, saw=self._turns.fared, on_delivered=on_delivered,
        )  # fmt: skip

    def stop(self) -> None:
        """Make `run` end after what is being sent; nothing new is claimed."""
        self._is_stopping = True

    def is_turning(self) -> bool:
        """True while `run` turns: it looked for work lately, or is busy with a turn that may take its time."""
        return time.monotonic() - self._turned_at < LEASE.total_seconds() * 2

    async def run(self, changed: Wake, *, look_every: float = 1.0) -> None:
        """Deliver until stopped or cancelled.

        `changed` only shortens the wait: a lost one costs `look_every` seconds. Raises StoreError when nothing can be claimed,
        but only after what is being sent: a call cut off here would be an uncertain one.
        """
        self._changed = changed
        lost: StoreError | None = None
        async with asyncio.TaskGroup() as tasks:
            while not self._is_stopping and lost is None:
                self._turned_at = time.monotonic()
                is_more = False
                shards = self._shards_to_ask(changed, look_every)
                try:
                    if self._has_room():
                        claimed = await self._claim(shards)
                        is_more = _fills_a_shard(claimed)
                        if claimed:
                            tasks.create_task(contained("outbox", self._round(claimed, tasks)))
                except StoreError as exc:
                    lost = exc
                if is_more:
                    changed.set()
                elif lost is None:
                    await _either(changed, look_every)
        if lost is not None:
            raise lost

    def _shards_to_ask(self, changed: Wake, look_every: float) -> Collection[int] | None:
        """Those of the providers that rang, or all of them once in `look_every` seconds."""
        rung = changed.answered()
        now = time.monotonic()
        if rung and now - self._looked_at < look_every:
            return {shard(provider) for provider in rung}
        self._looked_at = now
        return None

    async def drain(self) -> int:
        """Deliver what is due now and wait for it; gives how many conversations were looked at."""
        self._patience = timedelta()
        claimed = await self._claim()
        async with asyncio.TaskGroup() as tasks:
            await self._round(claimed, tasks)
        return len(claimed)

    async def _claim(self, shards: Collection[int] | None = None) -> Sequence[Claimed]:
        claimed = await self._outbox.claim(self._clock.now(), PER_SHARD, LEASE, shards)
        self._in_work.add(claimed)
        states = {one.silences for one in claimed}
        if shards is None or states - {self._silences_state}:
            # Once a second, and when the store says that somebody set or ended one: who was held for it is due now.
            self._silenced = await self._silences.active(self._clock.now())
            if len(states) == 1:
                (self._silences_state,) = states
        return claimed

    def _has_room(self) -> bool:
        if self._in_work.count() < AT_ONCE:
            return True
        self._looked_at = 0.0  # whoever rang now is heard later
        return False

    async def _round(self, claimed: Sequence[Claimed], tasks: asyncio.TaskGroup) -> None:
        """Find the next step of each, and let it wait in its lane. Those that must be looked up do it beside the others."""
        ledgers = await readable(self._incidents, {one.talk.provider: one.revision for one in claimed})
        claimed = [one for one in claimed if one.talk.provider in ledgers]  # the leases of others run out
        in_doubt: dict[tuple[str, str], list[tuple[Claimed, Incident]]] = {}
        for one in claimed:
            incident = ledgers[one.talk.provider].incidents.get(one.talk.subject)
            if incident is None or one.talk.chat not in self._chats:
                await self._let_go(one, replace(one.talk, attempt=None), None)
            elif rests(one.talk, incident):
                await self._let_go(one, one.talk, self._clock.now() + LOOKED_AT_AGAIN)
            elif one.talk.attempt or one.must_look:
                message = one.talk.attempt.step.key if one.talk.attempt else one.talk.subject
                in_doubt.setdefault((one.talk.channel, message), []).append((one, incident))
            else:
                await self._sort(one, one.talk, incident, tasks)
        for together in in_doubt.values():
            tasks.create_task(self._look_up(together, tasks))

    async def _look_up(self, together: Sequence[tuple[Claimed, Incident]], tasks: asyncio.TaskGroup) -> None:
        """Conversations that were to be told in one message: the chat is asked for it once."""
        answers: Answers = {}
        for claimed, incident in together:
            await contained("outbox", self._looked_up(claimed, incident, tasks, answers))

    async def _looked_up(
        self, claimed: Claimed, incident: Incident, tasks: asyncio.TaskGroup, answers: Answers
    ) -> None:
        try:
            talk = await self._lookup.looked_up(claimed, answers)
            if talk is not None and claimed.must_look:
                claimed, talk = await self._looked_ahead(claimed, talk, incident, answers)
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))
            talk = None
        if talk is None:
            self._in_work.done(claimed)
            self._changed.ring(claimed.talk.provider)  # what was found is settled, and due again
        else:
            await self._sort(claimed, talk, incident, tasks)

    async def _looked_ahead(
        self, claimed: Claimed, talk: Conversation, incident: Incident, answers: Answers
    ) -> tuple[Claimed, Conversation | None]:
        """Somebody may have gone on whose traces the store lost: look for each coming message until one is not there."""
        step = self._step_of(talk, incident)
        if not isinstance(step, Step) or step.kind is StepKind.EDIT:
            return claimed, talk  # the mark stays for what is posted next
        if step.kind is StepKind.CATCH_UP:  # who went on may have said them one by one
            step = replace(step, kind=StepKind.UPDATE, updates=step.updates[:1], shows=step.updates[:1])
        found = await self._lookup.looked_ahead(claimed, talk, step, incident.opened_at, answers)
        return replace(claimed, must_look=found is None), found

    async def _sort(
        self,
        claimed: Claimed,
        talk: Conversation,
        incident: Incident,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Into its lane with a step, back into the store with all else."""
        match self._step_of(talk, incident):
            case None:
                look_again = talk.late_edit_at + LATE_BY if talk.late_edit_at else None
                if look_again and look_again <= self._clock.now():  # and there is no headline to write again
                    talk, look_again = replace(talk, late_edit_at=None), None
                await self._let_go(claimed, replace(talk, held=None), look_again)
            case Hold() as hold:
                is_silence = hold.why is Why.SILENCE
                held = replace(talk, held=hold, was_held=talk.was_held or is_silence)
                await self._let_go(claimed, held, hold.until)
            case Step() as step:
                since = self._in_work.since(claimed)
                ready = Ready(claimed=claimed, talk=talk, step=step, incident=incident, since=since)
                self._lane_for(ready, tasks).add(ready)

    def _step_of(self, talk: Conversation, incident: Incident) -> Step | Hold | None:
        now = self._clock.now()
        hold = hold_of(talk, incident, self._silenced, self._voice.manners(talk.channel), now)
        limits = self._chats[talk.chat].limits
        step = plan(incident, talk, limits, hold)
        if step is None and self._reasserts and limits.edits and not (hold and hold.why is Why.SILENCE):
            return reassertion(incident, talk, now, self._voice.stands_in(talk.channel))
        return step

    async def _let_go(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> None:
        self._in_work.done(claimed)
        try:
            await self._outbox.settle(claimed, talk, due_at)
        except LeaseLost as exc:
            log().warning(Event.LEASE_LOST, reason=str(exc))

    def _lane_for(self, ready: Ready, tasks: asyncio.TaskGroup) -> Lane:
        verb = "edit" if ready.step.kind is StepKind.EDIT else "post"
        key = (ready.talk.channel, verb)
        if key not in self._lanes:
            self._lanes[key] = lane = Lane(*key)
            tasks.create_task(contained("outbox", self._serve(lane, tasks)))
        return self._lanes[key]

    async def _serve(self, lane: Lane, tasks: asyncio.TaskGroup) -> None:
        """Send what waits in a lane, one message at a time, until nothing does."""
        try:
            if lane.is_held_back and self._patience:
                await asyncio.sleep(LINGER_S)
            while lane.waiting:
                wait = await self._turn(lane, tasks)
                if wait is None:
                    continue
                if wait and lane.verb == "edit":
                    await self._put_back(lane, wait * self._crowd())
                elif wait > self._patience or self._is_stopping:
                    await self._put_back(lane, wait)
                elif wait:
                    await asyncio.sleep(wait.total_seconds())
                else:
                    await self._send_next(lane, tasks)
        finally:
            del self._lanes[lane.channel, lane.verb]
            if self._in_work.count() >= AT_ONCE // 2:
                self._changed.set()  # there is room for others

    def _crowd(self) -> float:
        """How many turns an edit should wait: it waits in the store, where news of its incident overtake it."""
        others = sum(lane.verb == "edit" for lane in self._lanes.values())
        return random.uniform(1, max(1, others))  # noqa: S311 - so that they do not all come back together

    async def _turn(self, lane: Lane, tasks: asyncio.TaskGroup) -> timedelta | None:
        """How long until it is the lane's turn; None when something was sent in it.

        Where nobody spoke lately the turn comes at once: it is asked for while the message is begun. What was begun in vain is
        begun anew, or settled when it is put back.
        """
        chosen = self._chosen(lane)
        if self._is_stopping or not self._turns.is_quiet(lane) or any(ready.is_old for ready in chosen):
            return await self._turns.wait(lane)
        lane.take(chosen)
        begun, wait = await beside(self._sender.begun(chosen), self._turns.wait(lane))
        if not wait:
            await self._send(lane, chosen, begun, tasks)
            return None
        for ready in chosen:
            lane.waiting.setdefault(ready.talk.subject, ready)
        return wait

    async def _send_next(self, lane: Lane, tasks: asyncio.TaskGroup) -> None:
        chosen = self._chosen(lane)
        while old := [ready for ready in chosen if ready.is_old]:
            await self._think_again(lane, old, tasks)
            if not lane.waiting:
                return
            chosen = self._chosen(lane)
        lane.take(chosen)
        await self._send(lane, chosen, None, tasks)

    async def _send(
        self, lane: Lane, chosen: Sequence[Ready], begun: Sequence[Ready] | None, tasks: asyncio.TaskGroup
    ) -> None:
        """Send one message for the chosen; `begun` are those of them whose intention is written, None when nobody did that."""
        if hold := await self._turns.capped(lane, chosen):
            for ready in chosen:
                await self._held_by_cap(ready, hold)
            return
        if begun is None:
            begun = await self._sender.begun(chosen)
        sent = await self._turns.timed(lane, self._sender.send(begun))
        if len(chosen) > 1:  # a storm: the next message need not wait until this one is written down
            tasks.create_task(contained("outbox", self._settled(chosen, sent)))
        else:
            await self._settled(chosen, sent)
        if sent.pause:
            await self._turns.leave_alone(lane, sent.pause)
            await self._put_back(lane, sent.pause)

    async def _held_by_cap(self, ready: Ready, hold: Hold) -> None:
        """What the channel shows already is looked at again at once: edits ring nobody. A digest stays a digest."""
        if ready.why is Why.DIGEST:
            hold = replace(hold, why=Why.DIGEST)
        due_at = self._clock.now() if ready.talk.messages else hold.until
        await self._let_go(ready.claimed, replace(ready.talk, held=hold), due_at)

    async def _settled(self, chosen: Sequence[Ready], sent: Sent) -> None:
        is_due = await sent.settle() if sent.settle else True
        for ready in chosen:
            self._in_work.done(ready.claimed)
            if is_due:
                self._changed.ring(ready.talk.provider)

    def _chosen(self, lane: Lane) -> list[Ready]:
        """Edits of one message go together; of posts, those that `gather` puts into one message."""
        waiting = list(lane.waiting.values())
        limits = self._chats[lane.chat].limits
        if lane.verb == "post":
            return list(gather.batch(waiting, may_gather=limits.gathers))
        first = min(waiting, key=gather.urgency)
        if not first.step.members:
            return [first]
        return [r for r in waiting if r.step.target == first.step.target]

    async def _think_again(self, lane: Lane, old: Sequence[Ready], tasks: asyncio.TaskGroup) -> None:
        """While they waited the world went on: plan anew, and let go of claims that are too old to send with."""
        lane.take(old)
        ledgers = await readable(self._incidents, {ready.talk.provider: 0 for ready in old})
        for ready in old:
            if ready.is_stale or ready.talk.provider not in ledgers:
                await self._let_go(ready.claimed, ready.talk, self._clock.now())
            else:
                incident = ledgers[ready.talk.provider].incidents.get(ready.talk.subject, ready.incident)
                await self._sort(ready.claimed, ready.talk, incident, tasks)

    async def _put_back(self, lane: Lane, wait: timedelta) -> None:
        """The turn comes too late to hold the leases for it."""
        waiting = list(lane.waiting.values())
        lane.take(waiting)
        due_at = self._clock.now() + wait + timedelta(milliseconds=1)  # the store cuts to milliseconds
        failures = self._turns.failures(lane.channel)  # those that did not try share them
        for ready in waiting:
            talk = replace(ready.talk, failures=max(failures, ready.talk.failures))
            await self._let_go(ready.claimed, talk, due_at)


def _fills_a_shard(claimed: Sequence[Claimed]) -> bool:
    """True when a shard may hold more than it was asked for."""
    counts = Counter(shard(one.talk.provider) for one in claimed)
    return max(counts.values(), default=0) >= PER_SHARD


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # the time to look is also a time to look
