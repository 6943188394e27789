"""What providers push to us: `POST /hooks/<source>/<secret>`, and the questions that senders ask before they push.

The address is the authority: it holds the source's secret. What a body means is found out where polls are read, behind
`Pushes`; pushing the same body twice changes nothing there. Called by `app`; the way past its login is in `security`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from aiohttp import hdrs, web

from bot import telemetry
from bot.errors import FetchError, NotFound, ParseError, StoreError
from bot.pipeline.websub import Subscriptions
from bot.ports import Clock
from bot.sources.fetching.websub import address_token, is_signed
from bot.sources.payload import Payload
from bot.telemetry import Event, log
from bot.web import sns
from bot.web.security import is_same

BODY_MAX_BYTES = 512 * 1024  # SNS: a message of 256 KiB, quoted as a JSON string
READ_S = 5.0
WORK_S = 4.0  # less than the 5 s that EventBridge waits; SNS waits 15, Statuspage 30
PUSHES_MAX = 600  # within PUSHES_WINDOW_S, for each source: a large page sends one for each component
PUSHES_WINDOW_S = 60.0
CHALLENGE_MAX_CHARS = 2_000
SIGNATURES = ("X-Hub-Signature-256", "X-Hub-Signature")
_CHUNK_BYTES = 64 * 1024
_LATER: Mapping[str, str] = {hdrs.RETRY_AFTER: "30"}

Confirm = Callable[[str], Awaitable[None]]
"""Opens the address that confirms a subscription of Amazon SNS. Raises FetchError."""


class Pushes(Protocol):
    """Where pushed bodies go."""

    def secret_of(self, source: str) -> str | None:
        """The secret of a source's address; None where there is no such source, or it takes no pushes."""
        ...

    async def pushed(self, source: str, payload: Payload) -> int:
        """Take what a body says; gives how many observations that were, once they are committed.

        Raises ParseError for a body that makes no sense, StoreError when it could not be kept.
        """
        ...


class Door(Enum):
    """Which of a source's two addresses was called: the one for senders, or the one for its WebSub hub."""

    SENDER = auto()
    HUB = auto()


@dataclass(kw_only=True, slots=True)
class Hooks:
    """The rules of the inbound addresses. Without `confirm`, letters of SNS are left for the operator to answer."""

    pushes: Pushes
    clock: Clock
    subscriptions: Subscriptions | None = None
    confirm: Confirm | None = None
    tick: Callable[[], float] = time.monotonic
    read_s: float = READ_S
    work_s: float = WORK_S
    lately: dict[str, deque[float]] = field(default_factory=dict)
    nobodys: str = field(default_factory=secrets.token_hex, repr=False)

    def door(self, source: str, given: str) -> Door | None:
        """Which address of a source ends in `given`; takes equally long for sources that there are not."""
        secret = self.pushes.secret_of(source)
        wanted = secret or self.nobodys
        is_sender, is_hub = is_same(wanted, given), is_same(address_token(wanted, source), given)
        if not secret:
            return None
        return Door.SENDER if is_sender else Door.HUB if is_hub else None

    def may_push(self, source: str) -> bool:
        """Count a push; False when there were too many lately."""
        pushes = self.lately.setdefault(source, deque(maxlen=PUSHES_MAX))
        is_full = len(pushes) == PUSHES_MAX and pushes[0] > self.tick() - PUSHES_WINDOW_S
        if not is_full:
            pushes.append(self.tick())
        return not is_full

    async def is_forged(self, door: Door, source: str, headers: Mapping[str, str], body: bytes) -> bool:
        """True for a body whose signature is wrong, and for one of a hub that is not signed."""
        given = [headers[name] for name in SIGNATURES if name in headers]
        secret = self.pushes.secret_of(source)
        if door is Door.HUB:
            secret = await self.subscriptions.signing_secret(source) if self.subscriptions else None
            if not given:
                return True
        return bool(given) and (secret is None or not all(is_signed(each, body, secret) for each in given))


HOOKS: web.AppKey[Hooks] = web.AppKey("hooks", Hooks)


async def answer_hook(request: web.Request) -> web.Response:
    """POST: a push. GET: a hub asks whether its subscription is wanted. An unknown source and a wrong secret look alike."""
    if request.method not in {hdrs.METH_POST, hdrs.METH_GET}:
        return _refusal(405, "post what you have to say", {hdrs.ALLOW: "GET, POST"})
    hooks, source = request.app[HOOKS], request.match_info["source"]
    door = hooks.door(source, request.match_info["secret"])
    if door is None or (door is Door.SENDER and request.method == hdrs.METH_GET):
        return _nothing_here()
    if request.method == hdrs.METH_GET:
        return await _answer_hub(hooks, source, request.query)
    if not hooks.may_push(source):
        _count(source, "too_many")
        return _refusal(429, "too many pushes, come back later", _LATER)
    body = await _body(request, hooks.read_s)
    try:
        async with asyncio.timeout(hooks.work_s):
            if await hooks.is_forged(door, source, request.headers, body):
                _count(source, "forged", "the signature does not fit the body")
                return _refusal(403, "the signature does not fit the body")
            return await _take(hooks, source, _payload(hooks, request, body))
    except (StoreError, TimeoutError):
        _count(source, "not_kept")
        return _refusal(503, "this could not be kept now, send it again", _LATER)


async def _take(hooks: Hooks, source: str, payload: Payload) -> web.Response:
    letter = sns.letter_of(payload.body)
    if letter is not None:
        return await _answer_letter(hooks, source, letter)
    try:
        taken = await hooks.pushes.pushed(source, payload)
    except ParseError as exc:
        _count(source, "unreadable", str(exc))
        return _refusal(400, str(exc))
    except NotFound:  # removed while the body was on its way
        return _nothing_here()
    _count(source, "taken")
    return web.json_response({"taken": taken}, status=202)


async def _answer_hub(hooks: Hooks, source: str, asked: Mapping[str, str]) -> web.Response:
    """Repeat a hub's challenge, when the subscription that it speaks of is one that we asked for."""
    challenge = asked.get("hub.challenge", "")
    try:
        async with asyncio.timeout(hooks.work_s):
            is_ours = hooks.subscriptions is not None and await hooks.subscriptions.confirmed(
                source,
                mode=asked.get("hub.mode", ""),
                topic=asked.get("hub.topic", ""),
                lease_s=asked.get("hub.lease_seconds", ""),
            )
    except (StoreError, TimeoutError):
        return _refusal(503, "ask again later", _LATER)
    if not is_ours or len(challenge) > CHALLENGE_MAX_CHARS:
        return _nothing_here()
    return web.Response(text=challenge, content_type="text/plain")


async def _answer_letter(hooks: Hooks, source: str, letter: sns.Letter) -> web.Response:
    """Confirm a subscription of SNS where that is safe; else say in the log what an operator can do."""
    if letter.kind == sns.FAREWELL:
        log().warning(Event.PUSH_UNCONFIRMED, source=source, reason=f"unsubscribed from {letter.topic}")
        return web.json_response({"taken": 0}, status=202)
    if not sns.is_genuine(letter):
        _count(source, "forged", "the SubscribeURL is not one of Amazon SNS for this topic")
        return _refusal(400, "the SubscribeURL is not one of Amazon SNS for this topic")
    if hooks.confirm is None:
        reason = f"confirm the subscription to {letter.topic} in the console of SNS"
        log().warning(Event.PUSH_UNCONFIRMED, source=source, reason=reason)
        return web.json_response({"confirmed": False}, status=202)
    try:
        await hooks.confirm(letter.subscribe_url)
    except FetchError as exc:
        log().warning(Event.PUSH_UNCONFIRMED, source=source, reason=str(exc))
        return _refusal(503, "the subscription could not be confirmed now", _LATER)
    log().info(Event.PUSH_CONFIRMED, source=source, by=letter.topic)
    return web.json_response({"confirmed": True}, status=202)


async def _body(request: web.Request, within_s: float) -> bytes:
    """The body, decompressed. Raises the refusal of one that is too long, too slow or garbled."""
    body, too_long = bytearray(), web.HTTPRequestEntityTooLarge(BODY_MAX_BYTES, text=_TOO_LONG)
    if (request.content_length or 0) > BODY_MAX_BYTES:
        raise too_long
    try:
        async with asyncio.timeout(within_s):
            async for piece in request.content.iter_chunked(_CHUNK_BYTES):
                body += piece
                if len(body) > BODY_MAX_BYTES:
                    raise too_long
    except TimeoutError as exc:
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {within_s:g} s") from exc
    except web.RequestPayloadError as exc:
        raise web.HTTPBadRequest(text="the body is cut or garbled") from exc
    return bytes(body)


_TOO_LONG = f"more than {BODY_MAX_BYTES // 1024} KiB"


def _payload(hooks: Hooks, request: web.Request, body: bytes) -> Payload:
    """What was pushed, as if it had been fetched. Without the address, which holds the secret."""
    headers = {
        name.lower(): request.headers[name]
        for name in (hdrs.CONTENT_TYPE, hdrs.LINK)
        if name in request.headers
    }
    return Payload(body=body, fetched_at=hooks.clock.now(), headers=headers)


def _count(source: str, outcome: str, reason: str = "") -> None:
    """Count what became of a push. A refusal of somebody who knows the address is worth a line in the log."""
    telemetry.PUSHES.labels(source, outcome).inc()
    if reason:
        log().warning(Event.PUSH_REFUSED, source=source, reason=reason)


def _nothing_here() -> web.Response:
    return _refusal(404, "there is nothing at this address")


def _refusal(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": words}, status=status, headers=headers)
