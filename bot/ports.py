"""Every seam between the rules and the world, with its contract. Implementations are chosen in `wiring` alone.

One contract test in `tests/chats` runs against Slack, Discord and the console; the other ports have one implementation, tested
on a real server.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.card import Card
from bot.domain.conversation import Attempt, Conversation, Limits, Receipt
from bot.domain.decide import Decision
from bot.domain.incident import Incident, Ledger
from bot.domain.silences import Silence
from bot.domain.standing import Pending
from bot.domain.trust import SourceReport


class Clock(Protocol):
    """Where time comes from. The demo and the replay have clocks of their own."""

    def now(self) -> datetime:
        """The present: aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class Chat(Protocol):
    """A place where people talk. It never retries and never waits for a limit: the outbox does, and it is the only retry loop.

    Every method raises only ChatError: RateLimited and Unavailable (nothing was sent), Refused (for good), Uncertain (a post
    may have arrived). `channel` is the chat's own id ("C0123"), without the chat's name.
    """

    name: str
    limits: Limits

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message, in the thread of an earlier one where given. The chat can later `find` it by `key` (<= 25 chars)."""
        ...

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message in place; doing so twice is harmless. Raises Refused(gone=True) when it is no longer there."""
        ...

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """The message posted with `key` since then, or None when there certainly is none.

        With `limits.rolls` it may be an Among: a message for many that was told in its place (`bot.domain.roll`).
        """
        ...

    async def ping(self) -> None:
        """Return when the chat answers and accepts our credentials."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        ...


class Incidents(Protocol):
    """The ledgers. One compare-and-set for each commit."""

    async def read(self, provider: str, revision: int = 0) -> Ledger:
        """The ledger as it stands; an empty one for a provider never seen. Who knows its `revision` spares a question."""
        ...

    def remembered(self, provider: str) -> Ledger | None:
        """The ledger as this worker last saw it, or None: nobody is asked. A commit tells whether it is the newest."""
        ...

    async def commit(self, ledger: Ledger, decision: Decision, now: datetime) -> tuple[Incident, ...]:
        """Write the decision and make its conversations due, all or nothing; give the incidents as written, numbered.

        Raises Conflict when the ledger's revision is no longer that of `ledger`.
        """
        ...

    async def find(self, incident: str) -> Incident | None:
        """An incident by its id, whatever its ledger, or None."""
        ...

    async def providers(self) -> tuple[str, ...]:
        """The names of all ledgers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A due conversation that is ours until the lease ends; every later write must carry `token`.

    `aside` is the store's own: what a newer Fogbell wrote into the conversation, to be written back with it. `must_look`
    says that the chat may hold messages that the store does not know of: look for the next one before posting it. Settled
    with it, the mark stays; whoever looked and found nothing carries on without it. `revision` is that of the provider's
    ledger at that moment, 0 when it is not known; `silences` is another word after each silence that was set or ended.
    """

    talk: Conversation
    token: int
    aside: tuple[Any, ...] = ()
    must_look: bool = False
    revision: int = 0
    silences: str = ""


class Outbox(Protocol):
    """Conversations with something to say."""

    async def claim(
        self, now: datetime, limit: int, lease: timedelta, shards: Collection[int] | None = None
    ) -> Sequence[Claimed]:
        """Up to `limit` due conversations of each of these shards, or of all, the urgent ones first.

        Nobody else holds any of them; those whose holder died are among them.
        """
        ...

    async def begin(self, claimed: Claimed, attempt: Attempt) -> None:
        """Write the intention before the call. Raises LeaseLost when the token is old."""
        ...

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> bool:
        """Write the outcome and let go; due again at `due_at`, or when the incident changes: True when it did meanwhile.

        The intention is forgotten unless `talk` still carries it: then nobody knows yet whether it arrived. Raises LeaseLost.
        """
        ...

    async def begin_all(self, pairs: Sequence[tuple[Claimed, Attempt]]) -> list[bool]:
        """`begin` for many conversations in one go; False where the token is old."""
        ...

    async def settle_all(self, outcomes: Sequence[tuple[Claimed, Conversation, datetime | None]]) -> bool:
        """`settle` for many conversations in one go, but those whose token is old; True when an incident changed meanwhile."""
        ...

    async def wake(self, talk: Conversation, due_at: datetime) -> None:
        """Make a conversation due, whoever holds it now."""
        ...

    async def next_due(self) -> datetime | None:
        """When the earliest unclaimed conversation is due, or None."""
        ...

    async def conversations(self, incident: Incident) -> tuple[Conversation, ...]:
        """What each channel is known to hold of an incident."""
        ...


class Pendings(Protocol):
    """The outbox as operators see it."""

    async def pending(self) -> Sequence[Pending]:
        """Every conversation that is due, now or later, or in work; not those that have nothing to say."""
        ...

    async def claim_one(self, provider: str, incident: str, channel: str, lease: timedelta) -> Claimed | None:
        """This conversation, due or not, to be settled as any other; None while a worker has it."""
        ...

    async def settle(self, claimed: Claimed, talk: Conversation, due_at: datetime | None) -> None:
        """As in Outbox."""
        ...


class Limiter(Protocol):
    """Pace, shared by replicas."""

    async def take(self, bucket: str, per_second: float, burst: int) -> timedelta:
        """Take one token; zero when there was one, else how long until there will be (nothing is taken then)."""
        ...

    async def rest(self, bucket: str, span: timedelta) -> None:
        """Give no tokens for `span`: the chat asked all of us to leave it alone."""
        ...


class Leases(Protocol):
    """Who does what, among replicas."""

    async def hold(self, name: str, lease: timedelta) -> bool:
        """True when `name` is ours for `lease` from now, newly or again."""
        ...

    async def release_all(self) -> None:
        """Let go of everything this worker holds."""
        ...


class Audit(Protocol):
    """What was done, line by line, bounded."""

    async def append(self, *lines: Mapping[str, str]) -> None:
        """Add these lines; the oldest ones are forgotten."""
        ...

    async def tail(self, limit: int) -> tuple[Mapping[str, str], ...]:
        """The newest lines, newest first."""
        ...


class Silences(Protocol):
    """What people asked to be quiet about."""

    async def add(self, silence: Silence) -> None:
        """Keep it in place of one with the same id. Conversations that it no longer holds become due at once."""
        ...

    async def active(self, now: datetime) -> tuple[Silence, ...]:
        """Those that have not ended, the one that ends first in front."""
        ...


class Sources(Protocol):
    """How well we see."""

    async def lines(self) -> tuple[SourceReport, ...]:
        """One report for each configured source, in the order of the configuration."""
        ...

    def reader_of(self, url: str) -> str | None:
        """The name of the source that reads this address, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A source that a person added by a command; `every_s` in seconds."""

    name: str
    provider: str
    url: str
    format: str
    every_s: int
    by: str
    added_at: datetime
    title: str | None = None


class Monitors(Protocol):
    """Sources that people added, beside those of the configuration; the watching pool takes them up within seconds."""

    async def add(self, monitor: Monitor) -> None:
        """Watch it from now on, in place of one with the same name."""
        ...

    async def remove(self, name: str) -> bool:
        """Stop watching; False when there was none of that name."""
        ...

    async def all(self) -> tuple[Monitor, ...]:
        """All of them, by name."""
        ...


class Once(Protocol):
    """Whether something was done before, among replicas."""

    async def first(self, key: str, ttl: timedelta) -> bool:
        """True for the first who asks about `key` within `ttl`, False for everyone after."""
        ...
