"""What a channel is known to hold of an incident, and the words in which delivery speaks: Step, Receipt, Conversation.

Which step comes next is decided in `delivery`; the outbox carries it out and keeps what `settled` gives.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class StepKind(StrEnum):
    """What a step does in the chat."""

    HEADLINE = "headline"  # the one message of the incident in the channel
    UPDATE = "update"  # a reply in its thread
    CATCH_UP = "catch_up"  # one reply for many updates
    GATHERED = "gathered"  # one message of the channel for many incidents
    EDIT = "edit"  # an earlier message, changed in place: nobody is notified


class Why(StrEnum):
    """Why a channel is not spoken to now."""

    SILENCE = "silence"  # somebody asked for it
    DIGEST = "digest"  # no route asks for it at once
    QUIET = "quiet"  # the channel's hours of quiet
    CAP = "cap"  # the channel bears no more messages in this hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a chat can do; `plan` adapts to what it lacks."""

    threads: bool = True
    edits: bool = True
    find: bool = True  # can look up a message by our key; without it a lost reply may double a message
    gathers: bool = False  # people read it: many incidents at once become one message
    rolls: bool = False  # keeps unseen who is in a message for many: each of them can find it
    bundles: bool = False  # its channels are services that have nothing to do with each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The chat's handle of a message. `channel` is the chat's own id of the channel, without the chat's name."""

    channel: str
    message: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the chat is known to hold, and what it shows.

    `members` are the incidents that a gathered message shows, each as "provider|INC-1", this one among them; `why` is what
    they had waited for.
    """

    kind: StepKind
    key: str
    receipt: Receipt
    updates: tuple[str, ...]
    digest: str
    members: tuple[str, ...] = ()
    why: Why | None = None


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
    members: tuple[str, ...] = ()
    why: Why | None = None

    @property
    def rings(self) -> bool:
        """True for what is posted aloud; edits and quiet posts notify nobody."""
        return self.kind is not StepKind.EDIT and not self.is_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing to say before `until`. A silence holds everything, the others only what rings."""

    until: datetime
    why: Why = Why.SILENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The intention, written before the call: what is between it and its receipt may have happened or not.

    `may_be_late`: the chat did not answer in time, or its sender died: it may be carried out yet.
    """

    step: Step
    at: datetime
    may_be_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What one channel is known to hold of one subject.

    `channel` is "chat:id", as in "slack:C0123". `was_held` is True when a silence ever withheld something. `held` is what
    keeps the rest back now. `parked` says in plain words why the chat refused; it is tried again once in a while. `repeats`
    is the key of a message that may be there already and could not be looked for. `called` are the roles that were mentioned.
    `asserted_at` is when the headline was last written, `late_edit_at` when the chat last left us without an answer to an
    edit. `is_put_aside`: a person parked it, and only a person lets it speak again. `dropped` are the updates that a person
    gave up there, all there was up to the revision `dropped_at`. `stands_in` names the chat that is away, as its headline says.
    """

    subject: str
    provider: str
    channel: str
    messages: tuple[Message, ...] = ()
    revision: int = 0
    attempt: Attempt | None = None
    failures: int = 0
    was_held: bool = False
    held: Hold | None = None
    parked: str | None = None
    maybe_doubled: int = 0
    repeats: str | None = None
    called: tuple[str, ...] = ()
    asserted_at: datetime | None = None
    late_edit_at: datetime | None = None
    is_put_aside: bool = False
    dropped: tuple[str, ...] = ()
    dropped_at: int = 0
    stands_in: str = ""

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
    def thread(self) -> Receipt | None:
        """The message that replies hang from, or None before there is one."""
        return self.headline.receipt if self.headline else None

    @property
    def told(self) -> frozenset[str]:
        """The ids of all updates which the channel holds, or was spared."""
        return frozenset(update for message in self.messages for update in message.updates).union(
            self.dropped
        )

    @property
    def gathered(self) -> tuple[Message, ...]:
        """The messages for many incidents that this one has a line in."""
        return tuple(m for m in self.messages if m.kind is StepKind.GATHERED and m.receipt.message)

    @property
    def refused_once(self) -> bool:
        """True after a first refusal, as of a reply to a locked thread: the headline, which may still be edited, goes first."""
        return self.parked is not None and self.failures == 1

    def message(self, key: str) -> Message | None:
        """The message with this key, or None."""
        return next((m for m in self.messages if m.key == key), None)


def message_key(talk: Conversation, opened_at: datetime, about: str = "") -> str:
    """The name of the next message of this conversation: stable over retries, 25 characters (Discord's longest nonce).

    `about` is what no other message is about, as the first update that it carries: so it names the same message also where the
    store forgot the ones before it. Without it the message is named by its place. `opened_at` tells the incident from one that
    had the same number in a store that was lost: chats remember.
    """
    seed = f"{talk.subject}|{opened_at.isoformat()}|{talk.channel}|{about or len(talk.messages)}"
    return hashlib.sha256(seed.encode()).hexdigest()[:25]


def settled(talk: Conversation, step: Step, receipt: Receipt) -> Conversation:
    """The conversation after the chat confirmed the step."""
    if step.kind is StepKind.EDIT:
        messages = tuple(
            replace(m, digest=step.digest, updates=m.updates + step.updates) if m.key == step.target else m
            for m in talk.messages
        )
    else:
        new = Message(
            kind=step.kind,
            key=step.key,
            receipt=receipt,
            updates=step.updates,
            digest=step.digest,
            members=step.members,
            why=step.why,
        )
        messages = (*talk.messages, new)
    return replace(
        talk, messages=messages, revision=step.revision, attempt=None, failures=0, held=None, parked=None
    )


def without_headline(talk: Conversation, step: Step) -> Conversation | None:
    """The conversation after `step` found its headline deleted: it will be posted again, once.

    None when that was done before, or when it was a reply that is gone: people who delete twice do not want it.
    """
    is_reply_edit = step.kind is StepKind.EDIT and not step.is_headline
    if is_reply_edit or talk.headline is None or step.members:
        return None
    if any(not m.receipt.message for m in talk.messages):
        return None
    gone = Receipt(channel=talk.address, message="")
    messages = tuple(
        replace(m, kind=StepKind.UPDATE, receipt=gone, digest="") if m.kind is StepKind.HEADLINE else m
        for m in talk.messages
    )
    return replace(talk, messages=messages, attempt=None)
