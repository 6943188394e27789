"""Subscriptions with WebSub hubs: asked for where a watched feed names a hub, confirmed by the hub's call, renewed in time.

Only sources with a push secret take part, and only where the configuration says how we are reached from outside. A hub's
calls arrive in `bot.web.hooks`; polling goes on whatever becomes of them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp

from bot import net
from bot.errors import FetchError
from bot.ports import Clock, Leases
from bot.sources.fetching.websub import Hub, address_token, hub_of
from bot.sources.payload import Payload, SourceSpec
from bot.telemetry import Event, log

LEASE = timedelta(days=5)  # what we ask for; the hub decides
LEASE_MIN = timedelta(minutes=10)
LEASE_MAX = timedelta(days=30)
ASK_AGAIN = timedelta(hours=6)  # a hub that does not confirm is asked so often
ANSWER_WITHIN = timedelta(hours=1)  # after which a confirmation is no answer to our question any more
DENIED_FOR = timedelta(days=1)
TURN_S = 15.0
TURN_LEASE = timedelta(seconds=60)
ASK_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What we want of a hub, or have: `ends_at` is None until the hub has confirmed it. `due_at` is when to ask (again)."""

    hub: str
    topic: str
    secret: str = field(repr=False)
    due_at: datetime
    allow_private: bool = False
    asked_at: datetime | None = None
    ends_at: datetime | None = None


class Subscribed(Protocol):
    """Subscriptions by the source's name, kept over restarts."""

    async def get(self, name: str) -> Subscription | None:
        """The source's subscription, or None."""
        ...

    async def put(self, name: str, value: Subscription) -> None:
        """Keep it in place of an older one."""
        ...

    async def all(self) -> dict[str, Subscription]:
        """All of them."""
        ...

    async def drop(self, *names: str) -> object:
        """Forget these."""
        ...


class Ask(Protocol):
    """What sends a form to a hub. Raises FetchError unless the hub has taken it."""

    async def __call__(self, hub: str, form: Mapping[str, str], *, allow_private: bool) -> None:
        """Return when the hub has taken it."""
        ...


class HubCaller:
    """`Ask` over a session for each call, which are days apart: hubs come from feeds, so that only what `guard` permits is
    called, over https, and no redirect is followed.
    """

    def __init__(self, guard: net.Guard | None = None, *, resolve: net.Resolve | None = None) -> None:
        self._guard = guard or net.Guard()
        self._resolve = resolve

    async def __call__(self, hub: str, form: Mapping[str, str], *, allow_private: bool) -> None:
        """Return when the hub has taken it."""
        if not allow_private and not hub.startswith("https://"):
            raise FetchError(f"{net.shown(hub)} is no https address, and would be sent a secret")
        guard = None if allow_private else self._guard
        if guard is not None:
            guard.check(hub)
        try:
            async with asyncio.timeout(ASK_S):
                status = await self._post(hub, form, guard)
        except TimeoutError as exc:
            raise FetchError(f"{net.shown(hub)} did not answer within {ASK_S:g} s") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise FetchError(f"{net.shown(hub)} could not be asked: {net.in_words(exc)}") from exc
        if not 200 <= status < 300:
            raise FetchError(f"{net.shown(hub)} answered {status}")

    async def _post(self, hub: str, form: Mapping[str, str], guard: net.Guard | None) -> int:
        proxy = net.proxy_for(hub) if guard is None or guard.by_proxy else None
        async with (
            # The proxy is the operator's own and may be inside.
            net.open_session(guard=None if proxy else guard, resolve=self._resolve) as session,
            session.post(hub, data=dict(form), allow_redirects=False, proxy=proxy) as response,
        ):
            return response.status


class Subscriptions:
    """All of them, for one worker. `secret_of` gives a source's push secret, None where it takes no pushes."""

    def __init__(
        self,
        kept: Subscribed,
        ask: Ask,
        clock: Clock,
        leases: Leases,
        *,
        public_url: str | None,
        secret_of: Callable[[str], str | None],
    ) -> None:
        self._kept = kept
        self._ask = ask
        self._clock = clock
        self._leases = leases
        self._public_url = public_url
        self._secret_of = secret_of
        self._offers: dict[str, Hub | None] = {}

    async def offered(self, source: SourceSpec, payload: Payload) -> None:
        """Remember the hub that a polled body names; `run` then subscribes. Costs the store nothing while that is the same."""
        if not self._public_url or not source.push_secret:
            return
        hub = hub_of(payload)
        if source.name in self._offers and self._offers[source.name] == hub:
            return
        held = await self._kept.get(source.name)
        if hub is None and held is not None:
            await self._kept.drop(source.name)
        elif hub is not None and (held is None or Hub(url=held.hub, topic=held.topic) != hub):
            await self._kept.put(source.name, self._wanted(hub, source))
        self._offers[source.name] = hub

    async def run(self) -> None:
        """Ask what is due, for ever; one worker at a time does."""
        while True:
            if self._public_url and await self._leases.hold("websub", TURN_LEASE):
                await self.ask_due()
            await self._clock.sleep(TURN_S)

    async def ask_due(self) -> None:
        """Subscribe, or renew, where it is time. A hub that fails is asked again later, and that is logged."""
        for source in await self._kept.all():
            held, secret, now = await self._kept.get(source), self._secret_of(source), self._clock.now()
            if secret is None:
                await self._kept.drop(source)  # no longer configured; the hub's lease runs out by itself
            elif held is not None and held.due_at <= now:
                # Before the call: some hubs confirm while they still keep us waiting for the answer.
                await self._kept.put(source, replace(held, asked_at=now, due_at=now + ASK_AGAIN))
                await self._subscribe(source, held, secret)

    async def confirmed(self, source: str, *, mode: str, topic: str, lease_s: str) -> bool:
        """True when a hub's question "did you ask for this?" has the answer yes. The subscription then counts."""
        held = await self._kept.get(source)
        now = self._clock.now()
        if held is None or held.topic != topic:
            return False
        if mode == "denied":  # which a hub may also say of what it once granted
            await self._kept.put(source, replace(held, asked_at=None, ends_at=None, due_at=now + DENIED_FOR))
            log().warning(Event.PUSH_UNCONFIRMED, source=source, reason="the hub denied the subscription")
            return True
        if mode != "subscribe" or not _was_asked(held, now):
            return False
        lease = _lease(lease_s)
        await self._kept.put(source, replace(held, ends_at=now + lease, due_at=now + lease / 2))
        if held.ends_at is None:
            log().info(Event.PUSH_CONFIRMED, source=source, by="WebSub hub")
        return True

    async def signing_secret(self, source: str) -> str | None:
        """What the hub signs with, once it has confirmed; None before, and when the lease is over."""
        held = await self._kept.get(source)
        if held is None or held.ends_at is None or held.ends_at < self._clock.now():
            return None
        return held.secret

    def _wanted(self, hub: Hub, source: SourceSpec) -> Subscription:
        return Subscription(
            hub=hub.url,
            topic=hub.topic,
            secret=secrets.token_hex(32),
            due_at=self._clock.now(),
            allow_private=source.allow_private,
        )

    async def _subscribe(self, source: str, held: Subscription, secret: str) -> None:
        form = {
            "hub.mode": "subscribe",
            "hub.topic": held.topic,
            "hub.callback": f"{self._public_url}/hooks/{source}/{address_token(secret, source)}",
            "hub.lease_seconds": str(int(LEASE.total_seconds())),
            "hub.secret": held.secret,
        }
        try:
            await self._ask(held.hub, form, allow_private=held.allow_private)
        except FetchError as exc:
            log().warning(Event.PUSH_UNCONFIRMED, source=source, reason=str(exc))


def _was_asked(held: Subscription, now: datetime) -> bool:
    """True while an answer to our last question may come; hubs repeat themselves when ours was lost."""
    return held.asked_at is not None and now - held.asked_at <= ANSWER_WITHIN


def _lease(seconds: str) -> timedelta:
    """What the hub grants, within bounds; what we asked for where it does not say."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return LEASE
    return min(max(timedelta(seconds=int(seconds)), LEASE_MIN), LEASE_MAX)
