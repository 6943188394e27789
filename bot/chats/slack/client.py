"""Slack out: a `ports.Chat` on slack_sdk. No other file of Fogbell sends anything to Slack.

`wiring` builds it, the outbox calls its port, `listen` answers people through the rest. slack_sdk would repeat a POST after a
lost reply and so double a message (measured with 3.47.0): it is given no retry handlers, and nothing here retries either.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chats.reading import Page, Readings, Stretch, Told
from bot.chats.slack import history
from bot.chats.slack.failures import SLACK, At, InDoubt, from_reply, from_transport
from bot.chats.slack.history import EVENT_TYPE, READ_MAX
from bot.chats.slack.pins import WITHIN_S as PIN_WITHIN_S
from bot.chats.slack.pins import Pins
from bot.chats.slack.render import Audience, Body, render
from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt
from bot.domain.roll import Among
from bot.errors import RateLimited, Refused, Unavailable, Uncertain
from bot.net import proxy_for

API_URL = "https://slack.com/api/"
TIMEOUT = timedelta(seconds=10)
CLOCKS_DIFFER = timedelta(minutes=1)  # Slack stamps messages by its clock, and `since` comes from ours
GOODBYE_S = 1.0  # Slack answers a close, and leaves the connection open
HISTORY, REPLIES = "conversations.history", "conversations.replies"  # each has its own limit
_HOSTS = ("slack.com", "slack-gov.com")
_SOCKET_MODE = "Turn Socket Mode on for the app, and make an app-level token (xapp-...) with the scope connections:write."
_PLAIN = {"parse": "none", "link_names": False}  # names and addresses in the text stay plain words
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in the workspace: our ids as a user and as a bot."""

    user: str
    bot: str


class SlackChat:
    """One workspace as the outbox sees it. Build it anywhere; its connections begin with the first call.

    `name` is "slack", or "slack-acme" for a workspace that the configuration calls acme.
    """

    limits = Limits(threads=True, edits=True, find=True, gathers=True, rolls=True)

    def __init__(
        self, *, token: str, api_url: str = API_URL, timeout: timedelta = TIMEOUT, name: str = SLACK
    ) -> None:
        self.name = name
        self.api_url = api_url
        self._proxy = proxy_for(api_url)  # slack_sdk itself ignores NO_PROXY
        self._token = token
        self._timeout_s = timeout.total_seconds()
        self._session: aiohttp.ClientSession | None = None
        self._pins = Pins(name)
        self._readings = Readings(most=READ_MAX, margin=0.0)
        self._shut_until: dict[str, float] = {}  # by method

    def renew(self, token: str) -> None:
        """Use another bot token from the next call on; calls under way end with the old one."""
        self._token = token
        self._pins.forget()

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """Send a message, then pin it where the card says so; a pin that fails changes nothing.

        `find` knows it again by the key in its metadata, and by the roll of a message for many; people see neither.
        """
        body = {**render(card), **_PLAIN, **_NO_PREVIEWS, "channel": channel}
        payload = {"key": key, "roll": card.roll} if card.roll else {"key": key}
        body["metadata"] = {"event_type": EVENT_TYPE, "event_payload": payload}
        if thread:
            body["thread_ts"] = thread.message
            if card.is_broadcast:
                body["reply_broadcast"] = True
        began = time.monotonic()
        async with self._asking(channel, Uncertain):
            reply = await self.web().api_call("chat.postMessage", json=body)
            receipt = _receipt(reply["channel"], reply["ts"])
        if card.pin:
            await self._pins.add(self.web(), receipt, author=_author(reply), within_s=self._left(began))
        return receipt

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Change a message in place, and unpin it where the card says so.

        Slack keeps its metadata, tells nobody, mentions included, and leaves a broadcast reply in the channel.
        """
        body = {**render(card), **_PLAIN, "channel": receipt.channel, "ts": receipt.message}
        began = time.monotonic()
        try:
            async with self._asking(receipt.channel, Unavailable):
                await self.web().api_call("chat.update", json=body)
        except Refused as exc:
            if exc.gone:
                self._readings.drop(_room(receipt.channel, thread), receipt.message)
            raise
        if card.pin is False:
            await self._pins.remove(self.web(), receipt, within_s=self._left(began))

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """The message with this key, read from the channel's history or from a thread; all within one time-out.

        Where there is none, the newest message for many that was told in its place: an Among.
        Who looks at the same time shares the reading; what could not be read in time is read on by the next call. Raises
        Uncertain when more than READ_MAX messages were written since: it may be among those not read.
        """
        method, room = REPLIES if thread else HISTORY, _room(channel, thread)
        oldest = (since - CLOCKS_DIFFER).timestamp()
        try:
            async with self._asking(channel, Unavailable):
                reading = await self._readings.look(
                    room, key=key, since=oldest, ask=lambda stretch: self._page(channel, thread, stretch)
                )
        except RateLimited as exc:
            self._shut_until[method] = time.monotonic() + exc.after.total_seconds()
            raise
        except Refused:
            self._readings.forget()  # perhaps our place in the history is gone
            raise
        if reading is None:
            raise Uncertain(self.name, channel, f"not among {READ_MAX} messages, and there are more")
        if found := reading.ours.get(key):
            return _receipt(channel, found.message)
        return _among(channel, reading.rolled(key))

    async def ping(self) -> None:
        """Return when Slack answers and knows our token."""
        await self.identity()

    async def identity(self) -> Identity:
        """Our own ids, by auth.test."""
        async with self._asking("workspace", Unavailable):
            reply = await self.web().auth_test()
            return Identity(user=str(reply["user_id"]), bot=str(reply["bot_id"] or ""))

    async def open_socket(self, app_token: str) -> str:
        """The address of one Socket Mode connection; it works once, and not for long."""
        try:
            async with self._asking("socket", Unavailable):
                reply = await self.web().apps_connections_open(app_token=app_token)
                return str(reply["url"])
        except Refused as exc:
            raise Refused(self.name, exc.channel, "Slack refuses the app token", remedy=_SOCKET_MODE) from exc

    async def connect(self, app_token: str, *, ping_every: timedelta) -> aiohttp.ClientWebSocketResponse:
        """A Socket Mode connection, whose `receive` ends when it is closed or answers no ping; the taker closes it."""
        url = await self.open_socket(app_token)
        async with self._asking("socket", Unavailable):
            return await self._open().ws_connect(
                url,
                heartbeat=ping_every.total_seconds(),
                proxy=proxy_for(url),
                timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_S),
            )

    async def whisper(self, channel: str, user: str, card: Card, *, thread: str | None = None) -> None:
        """Show a message to one person of a channel; nobody can find it again."""
        body = {**render(card, audience=Audience.PERSON), **_PLAIN, "channel": channel, "user": user}
        if thread:
            body["thread_ts"] = thread
        async with self._asking(channel, Unavailable):
            await self.web().api_call("chat.postEphemeral", json=body)

    async def answer(self, response_url: str, channel: str, card: Card, *, is_private: bool) -> None:
        """Answer a slash command at the address that came with it. Raises Refused when that is not Slack's."""
        if not is_slacks(response_url, self.api_url):
            raise Refused(
                self.name, channel, "the address to answer at is not Slack's", remedy="Check api_url."
            )
        body = _answer(card, is_private=is_private)
        async with (
            self._asking(channel, Unavailable),
            self._open().post(
                response_url, json=body, allow_redirects=False, proxy=proxy_for(response_url)
            ) as reply,
        ):
            if reply.status != 200:
                after = reply.headers.get("Retry-After", "")
                raise from_reply((self.name, channel), Unavailable, status=reply.status, after=after)

    def web(self) -> AsyncWebClient:
        """slack_sdk's client on our connections; it costs nothing to make."""
        client = AsyncWebClient(
            token=self._token,
            base_url=self.api_url,
            session=self._open(),
            retry_handlers=[],
            logger=silent_logger(),
        )
        client.proxy = self._proxy
        return client

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        if self._session is not None:
            await self._session.close()

    def _left(self, began: float) -> float:
        """How many seconds pins may take: the whole of a verb stays within one time-out."""
        return min(PIN_WITHIN_S, self._timeout_s - (time.monotonic() - began))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            # A connection that never came about is told from a lost reply by its own, shorter time-out.
            # The total is for the calls that slack_bolt makes by itself: ours end sooner, in `_asking`.
            timeout = aiohttp.ClientTimeout(total=2 * self._timeout_s, connect=self._timeout_s / 2)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _stay_shut(self, method: str, channel: str) -> None:
        """Slack said when it may be asked again: all wait, and nobody tries."""
        left_s = self._shut_until.get(method, 0.0) - time.monotonic()
        if left_s > 0:
            raise RateLimited(self.name, channel, timedelta(seconds=left_s))

    async def _page(self, channel: str, thread: Receipt | None, stretch: Stretch) -> Page:
        self._stay_shut(REPLIES if thread else HISTORY, channel)
        asked = history.query(stretch)
        async with self._asking(channel, Unavailable):
            if thread:
                return history.page(
                    await self.web().conversations_replies(channel=channel, ts=thread.message, **asked)
                )
            return history.page(await self.web().conversations_history(channel=channel, **asked))

    @asynccontextmanager
    async def _asking(self, channel: str, in_doubt: InDoubt) -> AsyncIterator[None]:
        """The seam: whatever goes wrong inside leaves as a ChatError, and within our time-out."""
        at = (self.name, channel)
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except SlackApiError as exc:
            raise _refusal(at, in_doubt, exc) from exc
        except (aiohttp.ClientError, OSError) as exc:  # TimeoutError is an OSError
            raise from_transport(at, in_doubt, exc) from exc
        except (SlackClientError, AttributeError, KeyError, TypeError, ValueError) as exc:
            # slack_sdk takes any reply for a JSON object, and trips over one that is not.
            raise from_reply(at, in_doubt, status=200) from exc


def is_slacks(url: str, api_url: str) -> bool:
    """True for an address that Slack may be answered at: the very server that api_url names, or a host of that Slack's.

    Behind a proxy, which hides whose Slack it is, both Slack's and GovSlack's hosts are taken.
    """
    try:
        there, api = urlsplit(url), urlsplit(api_url)
        if (there.scheme, there.netloc) == (api.scheme, api.netloc):
            return True
        host, is_usual = there.hostname or "", there.port in {None, 443}
    except ValueError:
        return False
    hosts = (api.hostname,) if api.hostname in _HOSTS else _HOSTS
    return there.scheme == "https" and is_usual and host.endswith(tuple(f".{h}" for h in hosts))


def silent_logger() -> logging.Logger:
    """A logger that says nothing: the libraries' words may hold addresses with secrets, and our errors say the rest."""
    return logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001 - not to be reached by name


def _refusal(at: At, in_doubt: InDoubt, exc: SlackApiError) -> Exception:
    response = exc.response
    if isinstance(response, aiohttp.ClientResponse):  # how slack_sdk reports a body that is not JSON
        return from_reply(at, in_doubt, status=response.status, after=response.headers.get("Retry-After", ""))
    data = response.data if isinstance(response.data, dict) else {}
    return from_reply(
        at,
        in_doubt,
        status=response.status_code,
        word=str(data.get("error") or ""),
        after=response.headers.get("Retry-After", ""),
        needed=str(data.get("needed") or ""),
    )


def _answer(card: Card, *, is_private: bool) -> dict[str, object]:
    body: Body = render(card, audience=Audience.PERSON if is_private else Audience.CHANNEL)
    kind = "ephemeral" if is_private else "in_channel"
    return {**body, **_PLAIN, **_NO_PREVIEWS, "response_type": kind, "replace_original": False}


def _author(reply: AsyncSlackResponse) -> str:
    """Our own user id, which Slack names in its answer to a post; empty when it does not."""
    message = reply.get("message")
    return str(message.get("user") or "") if isinstance(message, dict) else ""


def _room(channel: str, thread: Receipt | None) -> str:
    """What is read by itself: a channel, or one thread of it."""
    return f"{channel} {thread.message}" if thread else channel


def _among(channel: str, told: Told | None) -> Among | None:
    """The message for many, as one of them finds it."""
    if told is None or told.roll is None:
        return None
    receipt, roll = _receipt(channel, told.message), told.roll
    return Among(
        channel=channel,
        message=receipt.message,
        at=receipt.at,
        key=told.key,
        members=tuple(roll.names.values()),
        why=roll.why,
    )


def _receipt(channel: str, ts: str) -> Receipt:
    """A message's id is its time: seconds since 1970 with six digits after the point."""
    return Receipt(channel=channel, message=ts, at=datetime.fromtimestamp(float(ts), UTC))
