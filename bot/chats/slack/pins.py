"""Pins: a headline stays in view while its incident is open. A kindness, never a duty: nothing in here can fail a message.

Called by `client` after a message was sent or changed, and within that call's own time. What is too much is left out, never
queued: pins are worth less than messages, and share Slack's patience with them.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chats.slack.failures import AWAY, GONE, IN_DOUBT, REMEDIES, TOO_FAST, pause, safe
from bot.domain.conversation import Receipt
from bot.telemetry import Event, log

WITHIN_S = 3.0  # all calls for one message together
MUTED_FOR_S = 3600.0  # after a refusal that only people can lift
SLOW_FOR_S = 60.0  # after a time-out: messages must not wait again and again for pins that never come
# pins.add and pins.remove are of Tier 2, 20 a minute and workspace, shared by all replicas (docs.slack.dev, rate limits).
PER_MINUTE = 10
BURST = 8
BURST_OFF = 15  # of unpinning: what is left out there stays pinned until its next edit, which may never come
REMEMBERED = 500  # messages that are not pinned, for all we know
NOTICES_LOOKED_AT = 15  # messages newer than the pinned one; Slack gives limited apps no more than these

_EVERYWHERE = frozenset(
    {"missing_scope", "not_allowed_token_type", "no_permission", "team_access_not_granted"}
)
_NOTHING_TO_DO = frozenset({"already_pinned", "not_pinned", "no_pin"}) | GONE
_PASSING = AWAY | IN_DOUBT | {"unreadable"}
_NOTICE = "notice"  # what is muted when Slack does not let us take notices away
_PEOPLE = "Let the app pin messages in this channel, or unpin some: Slack has a limit for each channel."


class Budget:
    """A bucket of tokens, one for each call, filled again by time. It never lets anybody wait."""

    def __init__(
        self, now: Callable[[], float], *, per_minute: float = PER_MINUTE, burst: int = BURST
    ) -> None:
        self._now = now
        self._per_s = per_minute / 60
        self._burst = burst
        self._tokens = float(burst)
        self._at = now()

    def take(self) -> bool:
        """True when there was a token."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Pins:
    """What one workspace lets us pin. `chat` is its name in the log."""

    def __init__(self, chat: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._chat = chat
        self._now = now
        self._adding, self._removing = Budget(now), Budget(now, burst=BURST_OFF)
        self._muted: dict[str, float] = {}  # a channel, _NOTICE or "" for all of it, until when
        self._bare: OrderedDict[tuple[str, str], None] = OrderedDict()  # by channel and message: no pin

    async def add(self, web: AsyncWebClient, receipt: Receipt, *, author: str, within_s: float) -> None:
        """Pin a message, and take away the line that says so. `author` is our user id, or empty when it is not known."""
        channel = receipt.channel
        if self._is_muted("", channel) or within_s <= 0 or not self._adding.take():
            self._has_none(receipt)
            return
        async with self._bounded(within_s):
            word, reply = await _ask(web, "pins.add", channel=channel, timestamp=receipt.message)
            if not word and author:
                await self._hush(web, receipt, author)
            elif word:
                self._note(channel, word, reply)
                if word != "already_pinned" and word not in _PASSING:
                    self._has_none(receipt)

    async def remove(self, web: AsyncWebClient, receipt: Receipt, *, within_s: float) -> None:
        """Unpin a message. Once is enough: later calls for the same message ask nothing."""
        is_bare = (receipt.channel, receipt.message) in self._bare
        if is_bare or self._is_muted("") or within_s <= 0 or not self._removing.take():
            return
        async with self._bounded(within_s):
            word, reply = await _ask(web, "pins.remove", channel=receipt.channel, timestamp=receipt.message)
            if word in _PASSING or word in TOO_FAST or word in _EVERYWHERE:
                self._note("", word, reply)
            else:
                self._has_none(receipt)

    def forget(self) -> None:
        """Ask for everything again: there is another token."""
        self._muted.clear()

    def _has_none(self, receipt: Receipt) -> None:
        """Remember that there is nothing to unpin."""
        self._bare[receipt.channel, receipt.message] = None
        if len(self._bare) > REMEMBERED:
            self._bare.popitem(last=False)

    async def _hush(self, web: AsyncWebClient, receipt: Receipt, author: str) -> None:
        """Delete the notice "... pinned a message": it tells people nothing. Slack may say that it is not ours to delete."""
        if self._is_muted(_NOTICE):
            return
        word, page = await _ask(
            web,
            "conversations.history",
            channel=receipt.channel,
            oldest=receipt.message,
            limit=NOTICES_LOOKED_AT,
        )
        for message in () if word else page["messages"]:
            if message.get("subtype") == "pinned_item" and message.get("user") == author:
                word, _ = await _ask(web, "chat.delete", channel=receipt.channel, ts=message["ts"])
        if word and word not in _PASSING | GONE:
            self._muted[_NOTICE] = self._now() + MUTED_FOR_S

    @asynccontextmanager
    async def _bounded(self, within_s: float) -> AsyncIterator[None]:
        """Whatever happens inside ends in time and goes no further: the message was sent, and that is what counts."""
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError:
            self._muted[""] = self._now() + SLOW_FOR_S
        except (
            OSError,
            aiohttp.ClientError,
            SlackClientError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ):
            pass  # a lost connection, or an answer that makes no sense: as good as none

    def _is_muted(self, *what: str) -> bool:
        return any(self._muted.get(one, 0.0) > self._now() for one in what)

    def _note(self, channel: str, word: str, reply: Mapping[str, Any]) -> None:
        """Remember what Slack said no to, and for how long there is no use in asking again."""
        if word in _NOTHING_TO_DO or word in _PASSING:
            return
        if word in TOO_FAST:
            self._muted[""] = self._now() + reply["after_s"]
            return
        self._muted["" if word in _EVERYWHERE else channel] = self._now() + MUTED_FOR_S
        remedy = REMEDIES[word].format(needed="pins:write") if word in _EVERYWHERE else _PEOPLE
        log().warning(Event.PIN_REFUSED, channel=f"{self._chat}:{channel}", error=word, remedy=remedy)


async def _ask(web: AsyncWebClient, method: str, **arguments: object) -> tuple[str, Mapping[str, Any]]:
    """Slack's error word, empty where it agrees, and its answer, or for how many seconds it wants to be left alone."""
    try:
        reply = await web.api_call(method, params=arguments)
        return "", reply.data if isinstance(reply.data, dict) else {}
    except SlackApiError as exc:
        response = exc.response
        after = {"after_s": pause(response.headers.get("Retry-After", "")).total_seconds()}
        if isinstance(response, aiohttp.ClientResponse):  # a body that is not JSON
            return ("ratelimited" if response.status == 429 else "unreadable"), after
        word = response.data.get("error") if isinstance(response.data, dict) else None
        return ("ratelimited" if response.status_code == 429 else safe(str(word or "unreadable"))), after
