"""Whether a message that may have arrived did: asked of the chat before anything else is said in that conversation.

Called by the outbox for conversations with an intention and no receipt, and for those whose newest writes the store may have
lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.conversation import Attempt, Conversation, Receipt, Step, StepKind, settled
from bot.domain.delivery import LATE_BY
from bot.domain.roll import Among
from bot.errors import ChatError, RateLimited, Refused, Uncertain
from bot.pipeline.record import Record, Saw, again_at, backoff, together_at
from bot.pipeline.sending import SEND_TIMEOUT
from bot.ports import Chat, Claimed, Clock, Outbox

LOOK_BACK = timedelta(minutes=5)  # how much earlier than the attempt a lost message is looked for

Answers = MutableMapping[str, Receipt | Exception | None]
"""What the chat said of messages that were asked for already, by key: many conversations may wait for one message."""


class Lookup:
    """Asks the chats. `saw` is told in which channel ("chat:id") a call succeeded or failed."""

    def __init__(
        self,
        outbox: Outbox,
        chats: Mapping[str, Chat],
        clock: Clock,
        record: Record,
        saw: Saw,
    ) -> None:
        self._outbox = outbox
        self._chats = chats
        self._clock = clock
        self._record = record
        self._saw = saw

    async def looked_up(self, claimed: Claimed, answers: Answers) -> Conversation | None:
        """The conversation when its attempt did not arrive; None when it did or nobody can know yet: then it is settled.

        Raises LeaseLost. `answers` takes down what the chat said.
        """
        talk, attempt = claimed.talk, claimed.talk.attempt
        if attempt is None:
            return talk
        free = replace(talk, attempt=None)
        if attempt.step.kind is StepKind.EDIT:
            # Editing twice is harmless, but whoever died may have sent an older one that is still under way.
            return replace(free, late_edit_at=attempt.at)
        return await self._found(claimed, free, attempt, answers)

    async def looked_ahead(
        self, claimed: Claimed, talk: Conversation, step: Step, since: datetime, answers: Answers
    ) -> Conversation | None:
        """The same for a step that another worker may have carried out without leaving a trace in the store.

        What is found was said when the incident stood otherwise, perhaps: as nobody knows what it shows, it will be edited.
        A reply is looked for in its thread, then among others in the channel. The chat is asked for nothing twice: some of
        Slack's apps may ask once a minute.
        """
        attempt = Attempt(step=replace(step, digest=""), at=since)
        await self._outbox.begin(claimed, attempt)  # until it is known
        if step.key not in answers and self._chats[talk.chat].limits.find:
            answers[step.key] = await self._answer(talk, attempt)
        if talk.thread and self._chats[talk.chat].limits.rolls and answers[step.key] is None:
            answers[step.key] = await self._answer_of_many(talk, attempt)
        return await self._found(claimed, talk, attempt, answers)

    async def _found(
        self, claimed: Claimed, talk: Conversation, attempt: Attempt, answers: Answers
    ) -> Conversation | None:
        step = attempt.step
        if not self._chats[talk.chat].limits.find:
            return await self._maybe_doubled(talk, step)
        if step.key not in answers:
            answers[step.key] = await self._answer(talk, attempt)
        match answers[step.key]:
            case Refused() | Uncertain():
                # We may not read here, or there is more than we can read: nobody will ever know.
                return await self._maybe_doubled(talk, step)
            case RateLimited(after=after) as error:
                self._record.later_together(talk, f"looking it up: {error}", after)
                due_at = together_at(self._clock.now(), after)
                await self._outbox.settle(claimed, replace(talk, attempt=attempt), due_at)
                return None
            case Exception() as error:
                self._record.later(talk, f"looking it up: {error}")
                await self._again(claimed, talk, attempt, getattr(error, "after", None))
                return None
            case Receipt() as found if not _is_known(talk, found):
                step, receipt = _as_told(step, found)
                await self._record.note("found", (talk, step))
                # Written before anything else is begun: the next intention takes the place of this one.
                await self._outbox.settle(claimed, settled(talk, step, receipt), self._clock.now())
                return None
            case _:
                return await self._not_there(claimed, talk, attempt)

    async def _answer(self, talk: Conversation, attempt: Attempt) -> Receipt | Exception | None:
        step = attempt.step
        thread = None if step.kind is StepKind.GATHERED else talk.thread
        return await self._asked(talk, step.key, attempt.at, thread)

    async def _answer_of_many(self, talk: Conversation, attempt: Attempt) -> Receipt | Exception | None:
        """Among others in the channel, where all that was said before is older."""
        since = max((m.receipt.at for m in talk.messages if m.receipt.at), default=attempt.at)
        answer = await self._asked(talk, attempt.step.key, since, None)
        return None if isinstance(answer, Refused | Uncertain) else answer

    async def _asked(
        self, talk: Conversation, key: str, at: datetime, thread: Receipt | None
    ) -> Receipt | Exception | None:
        since = at - LOOK_BACK
        try:
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                return await self._chats[talk.chat].find(talk.address, key=key, since=since, thread=thread)
        except (ChatError, TimeoutError) as exc:
            if not isinstance(
                exc, RateLimited | Refused | Uncertain
            ):  # these are answers, and say nothing of posts
                self._saw(talk.channel, False, False)
            return exc

    async def _not_there(self, claimed: Claimed, talk: Conversation, attempt: Attempt) -> Conversation | None:
        """Free to be said again, or None where it may still come: then it is looked for again."""
        late_until = attempt.at + LATE_BY
        now = self._clock.now()
        if not attempt.may_be_late or now >= late_until:
            return talk
        await self._again(claimed, talk, attempt, min(backoff(talk.failures + 1), late_until - now))
        return None

    async def _again(
        self, claimed: Claimed, talk: Conversation, attempt: Attempt, after: timedelta | None
    ) -> None:
        """Look once more later: the intention stays until then."""
        failures = talk.failures + 1
        due_at = again_at(talk.channel, failures, self._clock.now(), after)
        await self._outbox.settle(claimed, replace(talk, attempt=attempt, failures=failures), due_at)

    async def _maybe_doubled(self, talk: Conversation, step: Step) -> Conversation:
        """Where the chat cannot be read back, a lost reply means saying it again: marked, counted, and told in the docs."""
        await self._record.note("maybe_doubled", (talk, step))
        return replace(talk, maybe_doubled=talk.maybe_doubled + 1, repeats=step.key)


def _is_known(talk: Conversation, found: Receipt) -> bool:
    """True for a message for many that was found once more: what is looked for came later, and is not there."""
    return isinstance(found, Among) and any(m.receipt.message == found.message for m in talk.messages)


def _as_told(step: Step, found: Receipt) -> tuple[Step, Receipt]:
    """What was said: the step, or in its place a message for many, which will be edited as nobody knows what it shows."""
    if not isinstance(found, Among):
        return step, found
    step = replace(
        step, kind=StepKind.GATHERED, key=found.key, digest="", members=found.members, why=found.why
    )
    return step, Receipt(channel=found.channel, message=found.message, at=found.at)
