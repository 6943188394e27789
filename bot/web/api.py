"""The page's data routes: JSON for programs, a stream of changes for the page, commands, and the probes of an orchestrator.

Errors have one shape, {"error": "words"}. Who may call is `security`'s business; what a piece of HTML looks like is `pages`'.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from bot.commands.spec import Actor, Front, Reply
from bot.errors import ChatError, StoreError
from bot.ports import Clock
from bot.web.pages import Board, ConsoleState, Message, Page, Pages, State, iso

LISTENERS_MAX = 32  # open event streams; a page beyond them looks again every few seconds by itself
BEAT_S = 15.0  # silence after which a stream says that it lives, below the 30 s after which proxies cut it
LOOK_S = 0.25  # how stale the revisions that all streams share may be
STATE_S = 1.0  # the same for the state around the chat
WRITE_TIMEOUT_S = 10.0  # a listener who does not read for so long is dropped
COMMAND_TIMEOUT_S = 20.0
COMMAND_MAX_CHARS = 2_000
READ_TIMEOUT_S = 10.0
STORE_AWAY = (ChatError, StoreError)
UNREADABLE = (
    ValueError,
    LookupError,
)  # bytes that are not of the charset that they claim, or of one that nobody knows
_ONCE = re.compile(r"[\w-]{1,64}")
_PREFIX = re.compile(r"^\s*/(?:incident|fogbell)\b\s*", re.IGNORECASE)

T = TypeVar("T")


class Dispatch(Protocol):
    """What runs a line of text as a command."""

    async def run_text(
        self, text: str, *, actor: Actor, front: Front, channel: str, once: str | None
    ) -> Reply:
        """The answer; mistakes of the person are answers too. `channel` is "console:id"."""
        ...


class Recent(Generic[T]):
    """The answer of `ask`, at most `max_age_s` old: all who want it within that time share one question."""

    def __init__(self, ask: Callable[[], Awaitable[T]], max_age_s: float) -> None:
        self._ask = ask
        self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._kept: tuple[float, T] | None = None

    async def __call__(self) -> T:
        """The answer, asked anew when the kept one is too old."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._kept is None or now - self._kept[0] > self._max_age_s:
                self._kept = now, await self._ask()
            return self._kept[1]


@dataclass(kw_only=True)
class Desk:
    """What every route works with. `closing` is set when the server shuts down, so that streams end at once."""

    board: Board
    dispatch: Dispatch
    pages: Pages
    clock: Clock
    actor: Actor
    is_alive: Callable[[], bool]
    registry: CollectorRegistry
    revisions: Recent[Mapping[str, int]]
    state: Recent[ConsoleState]
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)


def desk_of(
    board: Board,
    dispatch: Dispatch,
    state: State,
    *,
    pages: Pages,
    clock: Clock,
    actor: Actor,
    is_alive: Callable[[], bool],
    registry: CollectorRegistry,
) -> Desk:
    """A Desk whose readers share their looks at the store."""
    return Desk(
        board=board,
        dispatch=dispatch,
        pages=pages,
        clock=clock,
        actor=actor,
        is_alive=is_alive,
        registry=registry,
        revisions=Recent(board.revisions, LOOK_S),
        state=Recent(state.snapshot, STATE_S),
    )


async def show_state(request: web.Request) -> web.Response:
    """GET /api/state."""
    desk = request.app[DESK]
    state = await desk.state()
    return json_answer({**asdict(state), "channels": dict(await desk.revisions())})


async def show_channel(request: web.Request) -> web.Response:
    """GET /api/channels/{channel}?since=revision."""
    desk = request.app[DESK]
    channel = request.match_info["channel"]
    if channel not in await desk.revisions():
        return _error(404, f"there is no channel {channel}")
    return json_answer(_page_json(await desk.board.snapshot(channel, since=_since(request))))


async def run_command(request: web.Request) -> web.Response:
    """POST /api/command {"text", "channel"?, "once"?}: the reply, also as a piece of HTML for the page."""
    desk = request.app[DESK]
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            body = json.loads(await request.text())
    except (*UNREADABLE, RecursionError, TimeoutError):
        return _error(400, "the body is not JSON")
    text, channel, once = _command_words(body)
    if not text:
        return _error(400, f'write {{"text": "..."}} with 1 to {COMMAND_MAX_CHARS} characters')
    place = f"console:{channel if channel in await desk.revisions() else ''}"
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            reply = await desk.dispatch.run_text(
                _PREFIX.sub("", text), actor=desk.actor, front=Front.CONSOLE, channel=place, once=once
            )
    except TimeoutError:
        return _error(504, "the command took too long; look whether it was carried out before you repeat it")
    return json_answer({**asdict(reply), "html": desk.pages.answer(reply, text, desk.clock.now())})


async def stream_changes(request: web.Request) -> web.StreamResponse:
    """GET /events?channel=...&since=...: server-sent events `board` and `state`, ended when the server shuts down."""
    desk = request.app[DESK]
    channel = request.query.get("channel", "")
    if channel not in await desk.revisions():
        return _error(404, f"there is no channel {channel}")
    if desk.listeners >= LISTENERS_MAX:
        return _error(503, "too many pages are listening", {hdrs.RETRY_AFTER: "10"})
    desk.listeners += 1
    try:
        return await _stream(request, _changes(desk, channel, _since(request)))
    finally:
        desk.listeners -= 1


async def show_health(request: web.Request) -> web.Response:
    """GET /healthz: 200 while the loops turn."""
    is_alive = request.app[DESK].is_alive()
    return json_answer({"alive": is_alive}, 200 if is_alive else 503)


async def show_readiness(request: web.Request) -> web.Response:
    """GET /readyz: 200 while the store answers."""
    try:
        await request.app[DESK].board.ping()
    except STORE_AWAY:
        return json_answer({"ready": False}, 503)
    return json_answer({"ready": True})


async def show_metrics(request: web.Request) -> web.Response:
    """GET /metrics, in the format that the scraper asks for."""
    encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    body = encode(request.app[DESK].registry)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


async def _stream(request: web.Request, events: AsyncIterator[bytes]) -> web.StreamResponse:
    headers = {hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async for event in events:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await response.write(event)
    except (ConnectionError, TimeoutError):
        pass  # the listener left, or does not read: its page asks again
    return response


async def _changes(desk: Desk, channel: str, since: int) -> AsyncIterator[bytes]:
    """What a page should hear, until the server closes. The first events bring it up to date whatever it had."""
    yield b"retry: 2000\n\n"
    loop = asyncio.get_running_loop()
    shown: dict[str, str] = {}
    spoke_at, seen = loop.time(), None
    while not desk.closing.is_set():
        try:
            events = []
            revisions, state = await desk.revisions(), await desk.state()
            if revisions.get(channel) != seen:
                board = await desk.board.snapshot(channel, since=since)
                seen = since = board.revision
                events.append(_board_event(desk, board, state.now))
            fresh = desk.pages.regions(tuple(revisions), channel, state)
            changed = {id_: html for id_, html in fresh.items() if shown.get(id_) != html}
            if changed:
                shown |= changed
                events.append(_event("state", changed))
        except STORE_AWAY:
            events = [_event("trouble", {"error": "the store does not answer"})] if seen is not None else []
            seen = None
        if not events and loop.time() - spoke_at > BEAT_S:
            events = [b": still here\n\n"]
        for event in events:
            spoke_at = loop.time()
            yield event
        await _pause(desk.closing, LOOK_S)


async def _pause(closing: asyncio.Event, seconds: float) -> None:
    """Sleep in real time, whatever the clock of a replay says: people read in real time. Ends early at shutdown."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        pass


def _board_event(desk: Desk, board: Page, now: datetime) -> bytes:
    headlines = [
        {
            "id": message.id,
            "html": desk.pages.headline(message, now),
            "fallback": _newest(message).card.fallback,
        }
        for message in board.headlines
    ]
    words = {"channel": board.channel, "revision": board.revision, "is_whole": board.is_whole}
    return _event("board", {**words, "headlines": headlines}, id_=board.revision)


def _newest(message: Message) -> Message:
    return message.replies[-1] if message.replies else message


def _event(name: str, data: object, id_: int | None = None) -> bytes:
    number = "" if id_ is None else f"id: {id_}\n"
    return f"{number}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _since(request: web.Request) -> int:
    """The revision that the caller has; a reconnecting page says it in a header. Nonsense counts as none."""
    given = request.headers.get("Last-Event-ID") or request.query.get("since", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0


def _command_words(body: object) -> tuple[str, str, str | None]:
    if not isinstance(body, dict):
        return "", "", None
    text, channel, once = body.get("text"), body.get("channel"), body.get("once")
    fits = isinstance(text, str) and len(text) <= COMMAND_MAX_CHARS
    return (
        str(text).strip() if fits else "",
        channel if isinstance(channel, str) else "",
        once if isinstance(once, str) and _ONCE.fullmatch(once) else None,
    )


def _page_json(page: Page) -> dict[str, Any]:
    return {
        "channel": page.channel,
        "revision": page.revision,
        "is_whole": page.is_whole,
        "headlines": [_message_json(message) for message in page.headlines],
    }


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "posted_at": message.posted_at,
        "edited_at": message.edited_at,
        "edits": message.edits,
        "card": asdict(message.card),
        "replies": [_message_json(reply) for reply in message.replies],
    }


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return json_answer({"error": words}, status, headers)


def json_answer(
    data: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The data as JSON: times as ISO 8601 in UTC, durations in seconds."""
    body = json.dumps(data, default=_plain)
    return web.Response(text=body, status=status, headers=headers, content_type="application/json")


def _plain(value: object) -> object:
    """Times as ISO 8601 in UTC, durations in seconds, sets and tuples as lists."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
