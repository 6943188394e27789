"""How a conversation stands, in an operator's words, and what an operator may do with one: retry it, park it, drop it.

Pure. `bot.pipeline.backlog` reads and writes by it; the command `outbox`, the page and the metrics show what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.conversation import Conversation, Why
from bot.domain.digests import headline_digest
from bot.domain.incident import Incident

LOOKED_AT_AGAIN = timedelta(days=1)  # what a person parked stays among the due ones, so that it can be listed


class State(StrEnum):
    """What a conversation waits for; the worst first."""

    PARKED = "parked"  # the chat refused: an operator must mend something
    PUT_ASIDE = "parked by hand"  # a person parked it
    FAILING = "failing"  # the chat is away or unsure; tried again by itself
    DUE = "due"  # its turn comes
    IN_WORK = "in work"  # a worker has it
    HELD = "held"  # it was asked to wait

    @property
    def is_late(self) -> bool:
        """True when the channel should have heard by now, and nobody but us keeps it from that."""
        return self in {State.FAILING, State.DUE, State.IN_WORK}


HELD_BY = {
    Why.SILENCE: "a silence",
    Why.DIGEST: "its next digest",
    Why.QUIET: "its quiet hours",
    Why.CAP: "its cap of messages an hour",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A conversation that is due, now or later, or that a worker holds (then `due_at` is None)."""

    talk: Conversation
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list. `until` is when it is looked at again; `since` when what is missing there was said; `why` says in
    plain words what is in the way, with the remedy where there is one."""

    incident: str
    provider: str
    title: str
    channel: str
    state: State
    since: datetime
    updates: int = 0
    needs_headline: bool = False
    is_stale: bool = False
    until: datetime | None = None
    failures: int = 0
    maybe_doubled: int = 0
    why: str = ""

    @property
    def missing(self) -> str:
        """ "the headline and 2 updates", "1 update", "a correction", "nothing"."""
        counted = f"{self.updates} update{'s' * (self.updates != 1)}" if self.updates else ""
        parts = [part for part in ("the headline" if self.needs_headline else "", counted) if part]
        return " and ".join(parts) or ("a correction" if self.is_stale else "nothing")

    @property
    def urgency(self) -> tuple[int, datetime, str, str]:
        """Sorts what an operator should look at first to the front."""
        return (list(State).index(self.state), self.since, self.incident, self.channel)


def entry(pending: Pending, incident: Incident, now: datetime) -> Entry | None:
    """How the conversation stands, or None where nothing is missing and nothing is in the way: it is only looked at."""
    talk = pending.talk
    missing = [u for u in incident.updates if u.id not in talk.told]
    needs_headline = talk.headline is None and bool(missing or not talk.gathered)
    is_stale = talk.headline is not None and talk.headline.digest != headline_digest(incident)
    state = _state(pending, now)
    if rests(talk, incident) and not talk.is_put_aside:
        return None
    if not (missing or needs_headline or is_stale or talk.attempt or talk.parked or talk.is_put_aside):
        return None
    said = [u.posted_at for u in missing if u.posted_at]
    changed = incident.updated_at or incident.opened_at
    return Entry(
        incident=incident.id,
        provider=incident.provider,
        title=incident.title,
        channel=talk.channel,
        state=state,
        since=max(min(said, default=changed), incident.opened_at),  # before that nobody here knew of it
        updates=len(missing),
        needs_headline=needs_headline,
        is_stale=is_stale,
        until=None if state is State.PUT_ASIDE else pending.due_at,
        failures=talk.failures,
        maybe_doubled=talk.maybe_doubled,
        why=_why(talk, state),
    )


def _state(pending: Pending, now: datetime) -> State:
    talk = pending.talk
    if talk.is_put_aside:
        return State.PUT_ASIDE
    if talk.parked:
        return State.PARKED  # also while it is tried once more
    if pending.due_at is None:
        return State.IN_WORK
    if talk.failures:
        return State.FAILING
    return State.HELD if talk.held and pending.due_at > now else State.DUE


def _why(talk: Conversation, state: State) -> str:
    match state:
        case State.HELD if talk.held:
            return (
                f"waits for {HELD_BY[talk.held.why]}"
                if talk.held.why is Why.DIGEST
                else HELD_BY[talk.held.why]
            )
        case State.FAILING:
            unsure = ", and nobody knows yet whether the last one arrived" if talk.attempt else ""
            return f"failed {talk.failures} time{'s' * (talk.failures != 1)} in a row{unsure}"
        case _:
            return refusal(talk)


def refusal(talk: Conversation) -> str:
    """What the chat, or whoever parked it, said: without the channel's name in front."""
    return (talk.parked or "").removeprefix(f"{talk.channel}: ")


def rests(talk: Conversation, incident: Incident) -> bool:
    """True when nobody is to speak there now: a person parked it, or dropped all that there is so far."""
    if talk.is_put_aside:
        return True
    is_spared = talk.dropped_at > 0 and incident.revision <= talk.dropped_at
    return is_spared and all(update.id in talk.told for update in incident.updates)


def retried(talk: Conversation) -> Conversation:
    """The conversation, free to speak. What a chat refused stays on record until something arrives there."""
    why = None if talk.is_put_aside else talk.parked
    return replace(talk, is_put_aside=False, parked=why, failures=0, held=None)


def put_aside(talk: Conversation, reason: str) -> Conversation:
    """The conversation, parked until a person retries it."""
    return replace(talk, is_put_aside=True, parked=reason, failures=0, held=None)


def dropped(talk: Conversation, incident: Incident) -> Conversation:
    """The conversation as if all that there is so far had been told there. What may have arrived is still looked up later."""
    given_up = tuple(u.id for u in incident.updates if u.id not in talk.told)
    return replace(
        talk,
        is_put_aside=False,
        parked=None,
        failures=0,
        held=None,
        dropped=talk.dropped + given_up,
        dropped_at=incident.revision,
    )
