"""To whom, and what next: delivery is the difference between what is true and what a chat is known to hold.

Nothing is ever "resent". `plan` compares an incident with a conversation and names the next step; after a restart, a chat's
outage or a lost reply it is called again and finds the gap. Every promise about order, repetition and silence is kept here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.incident import Incident, Opening
from bot.domain.observation import Update

CATCH_UP_ABOVE = 5  # more missing updates than this become one catch-up message


class StepKind(StrEnum):
    """What a step does in the chat."""

    HEADLINE = "headline"  # the one message of the incident in the channel
    UPDATE = "update"  # a reply in its thread
    CATCH_UP = "catch_up"  # one reply for many updates
    EDIT = "edit"  # an earlier message, changed in place: nobody is notified


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a chat can do; `plan` adapts to what it lacks."""

    threads: bool = True
    edits: bool = True
    find: bool = True  # can look up a message by our key; without it a lost reply may double a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The chat's handle of a message. `channel` is the chat's own id of the channel, without the chat's name."""

    channel: str
    message: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the chat is known to hold, and what it shows."""

    kind: StepKind
    key: str
    receipt: Receipt
    updates: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next thing to do in one conversation.

    `updates` are the ids which this step is the first to carry there; `shows` are those whose text the message shows. `target`
    is the key of the message to edit. `reason` says why, for the audit line. `is_quiet` steps notify nobody.
    """

    kind: StepKind
    key: str
    updates: tuple[str, ...]
    digest: str
    revision: int
    reason: str
    target: str | None = None
    shows: tuple[str, ...] = ()
    is_headline: bool = False
    is_quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing to say before `until`, because of a silence."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The intention, written before the call: what is between it and its receipt may have happened or not."""

    step: Step
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What one channel is known to hold of one subject.

    `channel` is "chat:id", as in "slack:C0123". `was_held` is True when a silence ever withheld something. `parked` says
    in plain words why the chat refused; it is tried again once in a while.
    """

    subject: str
    provider: str
    channel: str
    messages: tuple[Message, ...] = ()
    revision: int = 0
    attempt: Attempt | None = None
    failures: int = 0
    was_held: bool = False
    parked: str | None = None
    maybe_doubled: int = 0

    @property
    def chat(self) -> str:
        """The chat's name: "slack"."""
        return self.channel.partition(":")[0]

    @property
    def address(self) -> str:
        """The channel's id within its chat: "C0123"."""
        return self.channel.partition(":")[2]

    @property
    def headline(self) -> Message | None:
        """The message that all replies hang from, once it was posted."""
        return next((m for m in self.messages if m.kind is StepKind.HEADLINE), None)

    @property
    def told(self) -> frozenset[str]:
        """The ids of all updates which the channel holds."""
        return frozenset(update for message in self.messages for update in message.updates)

    def message(self, key: str) -> Message | None:
        """The message with this key, or None."""
        return next((m for m in self.messages if m.key == key), None)


def plan(
    incident: Incident, talk: Conversation, limits: Limits, held_until: datetime | None = None
) -> Step | Hold | None:
    """The next step of this conversation, a Hold while it is silenced, or None when the chat holds all that it should.

    The order is: the headline, then missing updates oldest first, then edits of what is shown. Calling it again after its
    steps were settled always ends in None.
    """
    step = _next(incident, talk, limits)
    if step is None:
        return None
    if held_until is not None:
        return Hold(until=held_until)
    if talk.headline is None and talk.was_held and not incident.is_open:
        return None  # what never had a headline stays silent when it resolves
    return step


def _next(incident: Incident, talk: Conversation, limits: Limits) -> Step | None:
    if talk.headline is None:
        return _headline(incident, talk)
    missing = tuple(u for u in incident.updates if u.id not in talk.told)
    loud = tuple(u for u in missing if not limits.edits or _says_something_new(incident, u))
    if len(loud) > CATCH_UP_ABOVE:
        return _reply(StepKind.CATCH_UP, incident, talk, missing, f"{len(missing)} updates behind")
    if loud:
        return _reply(StepKind.UPDATE, incident, talk, loud[:1], "new update")
    if not limits.edits:
        return _spoken_edit(incident, talk)
    return _headline_edit(incident, talk, missing) or _reply_edit(incident, talk)


def _headline(incident: Incident, talk: Conversation) -> Step:
    return Step(
        kind=StepKind.HEADLINE,
        key=message_key(talk, incident.opened_at),
        updates=tuple(u.id for u in incident.updates if u.id not in talk.told),
        digest=headline_digest(incident),
        revision=incident.revision,
        reason="the headline was deleted" if talk.messages else f"first word ({incident.opening})",
        is_headline=True,
        is_quiet=incident.opening is Opening.RETROACTIVE,
    )


def _reply(
    kind: StepKind, incident: Incident, talk: Conversation, updates: tuple[Update, ...], reason: str
) -> Step:
    return Step(
        kind=kind,
        key=message_key(talk, incident.opened_at),
        updates=tuple(u.id for u in updates),
        shows=tuple(u.id for u in updates),
        digest=updates_digest(updates),
        revision=incident.revision,
        reason=reason,
    )


def _spoken_edit(incident: Incident, talk: Conversation) -> Step | None:
    """For a chat without edits: say a change of status instead, because nothing else will show it."""
    last = talk.messages[-1]
    if last.digest.startswith(status_digest(incident)) or not _status_changed(incident, talk):
        return None
    step = _reply(StepKind.UPDATE, incident, talk, (), "the status changed without a text")
    return replace(step, digest=status_digest(incident))


def _status_changed(incident: Incident, talk: Conversation) -> bool:
    """True when the last thing said about the status is no longer true. Updates carry their status with them."""
    spoken = [m for m in talk.messages if not m.updates or m.kind is StepKind.HEADLINE]
    was = spoken[-1].digest.partition("/")[0]
    told_by_update = incident.newest is not None and incident.newest.status is incident.status
    return was != status_digest(incident) and not told_by_update


def _headline_edit(incident: Incident, talk: Conversation, refreshed: tuple[Update, ...]) -> Step | None:
    headline = talk.headline
    assert headline is not None  # noqa: S101 - _next asked before
    digest = headline_digest(incident)
    if digest == headline.digest and not refreshed:
        return None
    return Step(
        kind=StepKind.EDIT,
        key=headline.key,
        target=headline.key,
        updates=tuple(u.id for u in refreshed),
        digest=digest,
        revision=incident.revision,
        reason="only figures changed" if refreshed else "the headline is out of date",
        is_headline=True,
        is_quiet=True,
    )


def _reply_edit(incident: Incident, talk: Conversation) -> Step | None:
    """A reply whose text the provider edited later. Closed incidents are left alone: their texts become post-mortems."""
    if not incident.is_open:
        return None
    by_id = {u.id: u for u in incident.updates}
    for message in talk.messages:
        if message.kind is StepKind.HEADLINE or not message.updates or not message.receipt.message:
            continue
        digest = updates_digest(by_id[i] for i in message.updates if i in by_id)
        if digest != message.digest and any(i in by_id for i in message.updates):
            return Step(
                kind=StepKind.EDIT,
                key=message.key,
                target=message.key,
                updates=(),
                shows=message.updates,
                digest=digest,
                revision=incident.revision,
                reason="the provider edited the text",
                is_quiet=True,
            )
    return None


def _says_something_new(incident: Incident, update: Update) -> bool:
    """False when the update repeats the one before it but for its digits: 30 % of some providers' updates do."""
    position = incident.updates.index(update)
    if position == 0:
        return True
    before = incident.updates[position - 1]
    return before.status is not update.status or _without_digits(before.text) != _without_digits(update.text)


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "0", " ".join(text.split()))


def settled(talk: Conversation, step: Step, receipt: Receipt) -> Conversation:
    """The conversation after the chat confirmed the step."""
    if step.kind is StepKind.EDIT:
        messages = tuple(
            replace(m, digest=step.digest, updates=m.updates + step.updates) if m.key == step.target else m
            for m in talk.messages
        )
    else:
        new = Message(kind=step.kind, key=step.key, receipt=receipt, updates=step.updates, digest=step.digest)
        messages = (*talk.messages, new)
    return replace(talk, messages=messages, revision=step.revision, attempt=None, failures=0)


def without_headline(talk: Conversation, step: Step) -> Conversation | None:
    """The conversation after `step` found its headline deleted: it will be posted again, once.

    None when that was done before, or when it was a reply that is gone: people who delete twice do not want it.
    """
    is_reply_edit = step.kind is StepKind.EDIT and not step.is_headline
    if is_reply_edit or talk.headline is None or any(not m.receipt.message for m in talk.messages):
        return None
    gone = Receipt(channel=talk.address, message="")
    messages = tuple(
        replace(m, kind=StepKind.UPDATE, receipt=gone, digest="") if m.kind is StepKind.HEADLINE else m
        for m in talk.messages
    )
    return replace(talk, messages=messages, attempt=None)


def message_key(talk: Conversation, opened_at: datetime) -> str:
    """The name of the next message of this conversation: stable over retries, 25 characters (Discord's longest nonce).

    `opened_at` tells the incident from one that had the same number in a store that was lost: chats remember.
    """
    seed = f"{talk.subject}|{opened_at.isoformat()}|{talk.channel}|{len(talk.messages)}"
    return hashlib.sha256(seed.encode()).hexdigest()[:25]


def status_digest(incident: Incident) -> str:
    """What a headline says about the status alone."""
    return _hash(incident.status, incident.closure, incident.reopened)


def headline_digest(incident: Incident) -> str:
    """What a headline shows, as "status/rest": when it differs from what was shown, the headline is out of date.

    A closed incident shows its status alone: later edits of its texts change nothing.
    """
    if not incident.is_open:
        return f"{status_digest(incident)}/closed"
    newest = incident.newest
    rest = _hash(
        incident.title,
        incident.impact,
        incident.severity,
        incident.began_at,
        incident.url,
        incident.places,
        [(a.service, a.is_certain, a.path) for a in incident.affected],
        (newest.id, newest.text) if newest else None,
        incident.acknowledged,
    )
    return f"{status_digest(incident)}/{rest}"


def updates_digest(updates: Iterable[Update]) -> str:
    """What a reply shows."""
    return _hash(*((u.id, u.text, u.status) for u in updates))


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
