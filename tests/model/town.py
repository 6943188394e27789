"""What the model of the protocol is made of: states as plain tuples, the incident's versions, the rules on trial.

Nothing here moves; `steps` says what can happen next, `search` tries all of it. Conversations and steps are the real ones of
`bot.domain`, kept in a table so that a state holds small numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from bot.domain.conversation import (
    Attempt,
    Conversation,
    Limits,
    Receipt,
    Step,
    StepKind,
    settled,
    without_headline,
)
from bot.domain.delivery import LATE_BY, plan, reassertion
from bot.domain.incident import Incident
from tests.build import at, incident, update

IDLE, DUE, LEASED = "idle", "due", "leased"
NOBODY = 0  # no token was given yet
NEW = -1  # a mark that no claim has seen


class Guard(StrEnum):
    """The safeguards that a mutation may switch off."""

    FENCING = "fencing"  # begin and settle ask for the token
    STALENESS = "staleness"  # nothing is sent when the lease may have ended
    ATTEMPT = "attempt"  # what is found is what was tried, not what would be tried now
    FIND = "find"  # an attempt is looked up before anything else
    MUST_LOOK = "must_look"  # after a fail-over the next step is looked up too
    LOOK_ON = "look_on"  # and the one after it, until one is not there
    SAVED = "saved"  # what is found is written before anything else is begun
    UNKNOWN = "unknown"  # of a message found without its attempt nobody knows what it shows
    PATIENCE = "patience"  # "it is not there" is believed only when it can no longer arrive
    REASSERT = "reassert"  # after an edit without an answer the headline is written once more
    FRESH = "fresh"  # a token is never given twice, also after a fail-over
    STAYS_DUE = "stays_due"  # a settle after the lease ended leaves due what was made due meanwhile
    AGAIN = "again"  # what changes while it is in work makes it due


class Conv(NamedTuple):
    """The store's record of the one conversation."""

    talk: int = 0
    attempt: int = -1
    token: int = NOBODY
    settled: int = NOBODY
    recheck: int = 0
    again: bool = False
    place: str = IDLE


class Worker(NamedTuple):
    """Where a worker stands; `out` is what it will settle: (talk, attempt or -1, due)."""

    phase: str = "idle"
    token: int = NOBODY
    version: int = -1
    talk: int = -1
    attempt: int = -1
    must: bool = False
    fresh: bool = True
    step: int = -1
    out: tuple[int, int, bool] = (-1, -1, False)


class Msg(NamedTuple):
    """A message as people see it. `first` are the updates that it was posted to tell."""

    id: int
    key: str
    thread: int
    is_headline: bool
    first: tuple[str, ...]
    shows: tuple[str, ...]
    digest: str


class Backup(NamedTuple):
    """What a replica holds, that stopped to follow. `writes` were made since; `begun` are tokens whose begin is among them."""

    truth: int
    conv: Conv
    fence: int
    writes: int = 0


class State(NamedTuple):
    """Everything. `left` is how often each fault may still happen; `late` are posts under way whose sender gave up."""

    truth: int
    conv: Conv
    fence: int
    workers: tuple[Worker, ...]
    chat: tuple[Msg, ...]
    left: tuple[int, ...]
    late: tuple[Msg, ...] = ()
    backup: Backup | None = None
    posted: int = 0
    deleted: tuple[Msg, ...] = ()
    doubts: int = 0  # deliveries that the audit marked "maybe doubled"


NOTHING = Worker()
FAULTS = ("crash", "expire", "lost", "late", "down", "blind", "delete", "failover", "late_edit")


@dataclass(slots=True)
class Town:
    """What stays the same during an exploration: what the provider says, what the chat can do, which safeguards are on."""

    versions: Sequence[Incident]
    limits: Limits = field(default_factory=lambda: Limits())
    guards: frozenset[Guard] = frozenset(Guard)
    workers: int = 2
    writes_lost: int = 3
    talks: list[Conversation] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _talk_ids: dict[Conversation, int] = field(default_factory=dict)
    _step_ids: dict[Step, int] = field(default_factory=dict)
    _plans: dict[tuple[int, int], int] = field(default_factory=dict)

    def begin(self, **faults: int) -> State:
        """The provider has spoken for the first time and nobody was told; these faults may happen so often."""
        assert set(faults) <= set(FAULTS), faults
        empty = Conversation(subject="INC-1", provider="acme", channel="fake:C1")
        conv = Conv(talk=self.talk(empty), place=DUE)
        left = tuple(faults.get(name, 0) for name in FAULTS)
        return State(0, conv, NOBODY, (NOTHING,) * self.workers, (), left)

    def talk(self, talk: Conversation) -> int:
        """Its number; the attempt is kept apart from it, as the store does."""
        bare = replace(talk, attempt=None)
        if bare not in self._talk_ids:
            self._talk_ids[bare] = len(self.talks)
            self.talks.append(bare)
        return self._talk_ids[bare]

    def step(self, step: Step) -> int:
        """Its number."""
        if step not in self._step_ids:
            self._step_ids[step] = len(self.steps)
            self.steps.append(step)
        return self._step_ids[step]

    def plan(self, version: int, talk: int) -> int:
        """What the real rules say comes next; -1 for nothing."""
        known = self._plans.get((version, talk))
        if known is None:
            step = plan(self.versions[version], self.talks[talk], self.limits)
            known = self._plans[version, talk] = self.step(step) if isinstance(step, Step) else -1
        return known

    def is_doubtful(self, talk: int) -> bool:
        """Whether an edit may come late and undo a newer one."""
        return self.talks[talk].late_edit_at is not None

    def doubtful(self, talk: int) -> int:
        """The conversation after an edit that the chat did not answer."""
        return self.talk(replace(self.talks[talk], late_edit_at=at(0)))

    def certain(self, talk: int) -> int:
        """The conversation after the headline was written when nothing older can come any more."""
        return self.talk(replace(self.talks[talk], late_edit_at=None))

    def reassertion(self, version: int, talk: int) -> int:
        """The headline once more, by the real rules, when what was late cannot come any more; -1 for none."""
        told = replace(self.talks[talk], asserted_at=at(0))
        step = reassertion(self.versions[version], told, at(0) + LATE_BY)
        return self.step(step) if step else -1

    def settled(self, talk: int, step: int, message: int) -> int:
        """The conversation after the chat confirmed the step, by the real rules."""
        receipt = Receipt(channel="C1", message=f"m{message}" if message >= 0 else "")
        return self.talk(settled(self.talks[talk], self.steps[step], receipt))

    def unknown(self, step: int) -> int:
        """The same step, when nobody knows what the message shows that was found in its place."""
        return self.step(replace(self.steps[step], digest=""))

    def healed(self, talk: int, step: int) -> int:
        """After the headline was found deleted; -1 when it is left so."""
        kept = replace(self.talks[talk], attempt=Attempt(step=self.steps[step], at=at(0)))
        found = without_headline(kept, self.steps[step])
        return -1 if found is None else self.talk(found)

    def doubted(self, talk: int) -> int:
        """The conversation with one more delivery that may have been made twice."""
        known = self.talks[talk]
        return self.talk(replace(known, maybe_doubled=known.maybe_doubled + 1))

    def thread(self, talk: int) -> int:
        """The message that replies hang from, -1 for none."""
        headline = self.talks[talk].headline
        return int(headline.receipt.message[1:]) if headline and headline.receipt.message else -1

    def target(self, talk: int, step: int) -> int:
        """The message that a step edits, -1 when it is known to be gone."""
        message = self.talks[talk].message(self.steps[step].target or "")
        return int(message.receipt.message[1:]) if message and message.receipt.message else -1

    def message(self, state: State, talk: int, step: int) -> Msg:
        """What the chat would show of a posted step."""
        wanted = self.steps[step]
        head = wanted.kind is StepKind.HEADLINE
        return Msg(
            state.posted, wanted.key, self.thread(talk), head, wanted.updates, wanted.updates, wanted.digest
        )


def two_updates() -> tuple[Incident, ...]:
    """The headline, then a reply and an edit of the headline."""
    first = incident(channels=("fake:C1",))
    return first, replace(first, revision=2, updates=(update("u1", 0), update("u2", 1)))


def edited_text() -> tuple[Incident, ...]:
    """Two updates, the second of which the provider edits."""
    first, second = two_updates()
    edited = (update("u1", 0), update("u2", 1, "said otherwise"))
    return first, second, replace(second, revision=3, updates=edited)


def far_behind() -> tuple[Incident, ...]:
    """One update, then one more, then so many at once that one message catches up with them."""
    first, second = two_updates()
    many = tuple(update(f"u{n}", n) for n in range(1, 10))
    return first, second, replace(second, revision=3, updates=many)
