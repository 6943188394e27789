"""The webhook as a chat: posts signed events to the addresses of the configuration, and judges their answers.

The channel is the name of a [[chat.webhook]] table. An event cannot be read back, but its repetition carries the same
Webhook-Id: who keeps the ids of the last days sees it once. Made by `wiring`; the address and the secrets are never told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp

from bot import net
from bot.chats.webhook import render
from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from bot.net.wishes import retry_after
from bot.ports import Clock

WEBHOOK = "webhook"
TIMEOUT = timedelta(seconds=10)
RETRY_AFTER = timedelta(seconds=30)  # when the receiver says "too fast" and not for how long
AT_ONCE = 32  # as many as the outbox has in work: none waits for another, and loses its time by that

InDoubt = type[Uncertain] | type[Unavailable]
"""The error for a call that may or may not have been carried out: Uncertain where a repetition would be seen."""

# Nothing can have been sent when no connection came about.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_REMEDIES = {
    401: "The receiver does not accept the signature: give both sides the same secret, and look at their clocks.",
    403: "The receiver does not accept the signature: give both sides the same secret, and look at their clocks.",
    404: "Check url of the [[chat.webhook]] table: nobody listens there.",
    410: "The receiver wants no more events: take the [[chat.webhook]] table out, or correct its url.",
    413: "The receiver must take bodies of 512 KiB.",
}
_REDIRECTED = "Write the address that it redirects to as url of the [[chat.webhook]] table."
_OTHERWISE = "Look at the receiver's log: it must answer 200 to 299 to events of docs/sinks.md."


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where events go. `secrets` are written as Standard Webhooks does ("whsec_..."); each of them signs."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class WebhookChat:
    """A chat with one channel for each webhook."""

    name = WEBHOOK
    limits = Limits(threads=True, edits=True, find=False, bundles=True)

    def __init__(self, hooks: Iterable[Webhook], *, clock: Clock, timeout: timedelta = TIMEOUT) -> None:
        self._hooks = {hook.name: hook for hook in hooks}
        self._clock = clock
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message; the same words with the same `key` are the same event to the receiver."""
        event = render.said(card, channel=channel, key=key, thread=thread.message if thread else None)
        at = await self._send(self._hook(channel), event, Uncertain)
        return Receipt(channel=channel, message=key, at=at)

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Send the message as it is now, named by the first one's id."""
        under = thread.message if thread else None
        event = render.corrected(card, channel=receipt.channel, message=receipt.message, thread=under)
        await self._send(self._hook(receipt.channel), event, Unavailable)

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """None: what was sent cannot be looked up."""
        return None

    async def ping(self) -> None:
        """Send each webhook a signed ping; returns when one at least takes it, for one that is away is not all of them."""
        sent = (self._send(hook, render.ping(hook.name), Unavailable) for hook in self._hooks.values())
        results = await asyncio.gather(*sent, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures and len(failures) == len(results):
            raise failures[0]

    async def close(self) -> None:
        """Let go of connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _hook(self, channel: str) -> Webhook:
        hook = self._hooks.get(channel)
        if hook is None:
            remedy = (
                f'Add a table [[chat.webhook]] with name = "{channel}", or name another channel in the group.'
            )
            raise Refused(self.name, channel, "there is no webhook of that name", remedy=remedy)
        return hook

    async def _send(self, hook: Webhook, event: render.Event, in_doubt: InDoubt) -> datetime:
        """When it was sent. The answer's body is not read: only its status counts."""
        at = self._clock.now()
        body = render.encode(event)
        headers = render.headers(render.delivery_id(event, at), body, hook.secrets, at)
        proxy = net.proxy_for(hook.url)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                async with self._open().post(
                    hook.url, data=body, headers=headers, allow_redirects=False, proxy=proxy
                ) as response:
                    failure = _refusal(hook, response, in_doubt, self._clock.now())
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise _broken(hook, exc, in_doubt) from exc
        if failure is not None:
            raise failure
        return at

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = net.open_session(per_host=AT_ONCE)
        return self._session


def _refusal(
    hook: Webhook, response: aiohttp.ClientResponse, in_doubt: InDoubt, now: datetime
) -> ChatError | None:
    """The error for an answer that says no; None for a yes."""
    status, after = response.status, retry_after(response, now)
    what = f"answered {status}"
    if 200 <= status < 300:
        return None
    if status == 429:
        return RateLimited(WEBHOOK, hook.name, after or RETRY_AFTER)
    if status == 503 and after is not None:
        return Unavailable(WEBHOOK, hook.name, what, after=after)
    if status >= 500 or status == 408:
        return in_doubt(WEBHOOK, hook.name, what)
    remedy = _REDIRECTED if status < 400 else _REMEDIES.get(status, _OTHERWISE)
    return Refused(WEBHOOK, hook.name, what, remedy=remedy)


def _broken(hook: Webhook, exc: Exception, in_doubt: InDoubt) -> ChatError:
    """The error for a call without an answer. Its words hold no address: that may be a secret."""
    words = net.in_words(exc)
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Refused(WEBHOOK, hook.name, words, remedy="Check url of the [[chat.webhook]] table.")
    if isinstance(exc, _NOT_SENT):
        return Unavailable(WEBHOOK, hook.name, words)
    return in_doubt(WEBHOOK, hook.name, words)
