"""The web server: routes, the pages themselves, and a clean start and end. `wiring` builds the app and runs `serve`."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import REGISTRY, CollectorRegistry

from bot.commands.spec import Actor
from bot.domain.words import Role
from bot.errors import ConfigError
from bot.ports import Clock
from bot.web import api
from bot.web.api import DESK, STORE_AWAY, UNREADABLE, Dispatch, desk_of
from bot.web.deliveries import Deliveries, add_deliveries
from bot.web.hooks import HOOKS, Hooks, answer_hook
from bot.web.pages import HERE, Board, Page, Pages, State
from bot.web.quiet import QUIET, Quiet
from bot.web.security import (
    BODY_MAX_BYTES,
    COOKIE,
    GUARD,
    HOOK_PATH,
    SESSION_S,
    TRIES_WINDOW_S,
    Guard,
    Handler,
    guarded,
    stamp_headers,
)

HEADLINES_SHOWN = 50
CLOSE_S = 1.0  # what open requests get to end in
CLEANUP_S = 5.0
OPERATOR = Actor(id="console:operator", name="console", role=Role.ADMIN)


def build_app(
    console: Board,
    dispatch: Dispatch,
    state: State,
    *,
    clock: Clock,
    token: str | None,
    bound_to_loopback: bool,
    actor: Actor = OPERATOR,
    examples: Sequence[str] = (),
    registry: CollectorRegistry = REGISTRY,
    is_alive: Callable[[], bool] = lambda: True,
    hooks: Hooks | None = None,
    deliveries: Deliveries | None = None,
) -> web.Application:
    """The console as a web application. Whoever may open the page acts as `actor`; `hooks` lets providers push, `deliveries`
    adds the delivery log.

    Raises ConfigError when it is to be reachable from elsewhere without a token.
    """
    if not bound_to_loopback and not token:
        raise ConfigError(
            [
                'console: a host other than 127.0.0.1 needs a token; set [console] token = { env = "FOGBELL_TOKEN" }'
            ]
        )
    app = web.Application(middlewares=[worded, guarded], client_max_size=BODY_MAX_BYTES)
    app[QUIET] = Quiet()
    app[GUARD] = Guard(token=token or None, is_loopback=bound_to_loopback)
    app[DESK] = desk_of(
        console,
        dispatch,
        state,
        pages=Pages(examples, has_log=deliveries is not None),
        clock=clock,
        actor=actor,
        is_alive=is_alive,
        registry=registry,
    )
    app.add_routes(_routes())
    if deliveries is not None:
        add_deliveries(app, deliveries)
    if hooks is not None:
        app[HOOKS] = hooks
        app.router.add_route(hdrs.METH_ANY, HOOK_PATH, answer_hook)
    app.on_response_prepare.append(stamp_headers)
    app.on_shutdown.append(_end_streams)
    return app


async def serve(
    app: web.Application, host: str, port: int, *, on_ready: Callable[[int], None] | None = None
) -> None:
    """Answer on host and port until cancelled; then streams end at once and other requests within a second.

    `on_ready` hears the port when the server listens, which matters for port 0. Raises ConfigError when the port cannot be had.
    """
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    quiet = app[QUIET]
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=CLOSE_S,
        handler_cancellation=True,
        keepalive_timeout=quiet.kept_s,
    )
    await runner.setup()
    try:
        await _listen(runner, host, port)
        if on_ready:
            on_ready(runner.addresses[0][1])
        assert runner.server is not None  # noqa: S101 - setup made it
        await quiet.watch(runner.server)
    finally:
        async with asyncio.timeout(CLEANUP_S):
            await runner.cleanup()


def _is_ours(record: logging.LogRecord) -> bool:
    """False for malformed requests: whoever sent one got a 400, and must not fill our log with tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            words = f"port {port} on {host} is taken by another program; set [console] port or stop it"
        else:
            words = f"cannot listen on {host} port {port} ({exc.strerror}); set [console] host and port"
        raise ConfigError([f"console: {words}"]) from exc


def _routes() -> list[web.AbstractRouteDef]:
    return [
        web.get("/", show_home),
        web.get("/login", show_login),
        web.post("/login", log_in),
        web.post("/logout", log_out),
        web.get("/api/state", api.show_state),
        web.get("/api/channels/{channel}", api.show_channel),
        web.post("/api/command", api.run_command),
        web.get("/events", api.stream_changes),
        web.get("/healthz", api.show_health),
        web.get("/readyz", api.show_readiness),
        web.get("/metrics", api.show_metrics),
        web.static("/static", HERE / "static"),
    ]


@web.middleware
async def worded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every refusal words: JSON for programs, a page for people."""
    request.app[QUIET].heard(request)
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        return _refusal(request, exc.status, exc.reason, exc.text or exc.reason)
    except TimeoutError:
        return _refusal(request, 408, "Too slow", "The request did not arrive in time.")
    except STORE_AWAY:
        return _refusal(
            request, 503, "The store does not answer", "Fogbell tries again; so may you, in a moment."
        )


def _refusal(request: web.Request, status: int, title: str, words: str) -> web.Response:
    if "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        html = request.app[DESK].pages.trouble(title, words)
        return web.Response(text=html, status=status, content_type="text/html")
    return web.json_response({"error": words}, status=status)


async def show_home(request: web.Request) -> web.Response:
    """GET /?channel=...: the whole page; the first channel when none is named."""
    desk = request.app[DESK]
    channels: Sequence[str] = ()
    board: Page | None = None
    trouble = ""
    try:
        channels = tuple(await desk.revisions())
        wanted = request.query.get("channel", "")
        if channels:
            chosen = wanted if wanted in channels else channels[0]
            board = await desk.board.snapshot(chosen, limit=HEADLINES_SHOWN)
    except STORE_AWAY:
        trouble = "The store does not answer. Messages will be here as soon as it does."
    has_login = request.app[GUARD].token is not None
    is_cut = board is not None and len(board.headlines) >= HEADLINES_SHOWN
    html = desk.pages.home(
        board, channels, await desk.state(), trouble=trouble, can_leave=has_login, is_cut=is_cut
    )
    return web.Response(text=html, content_type="text/html")


async def show_login(request: web.Request) -> web.Response:
    """GET /login."""
    if request.app[GUARD].knows(request):
        raise web.HTTPSeeOther("/")
    return web.Response(text=request.app[DESK].pages.login(), content_type="text/html")


async def log_in(request: web.Request) -> web.Response:
    """POST /login with `token`: a cookie and the page, or the form again."""
    guard, pages = request.app[GUARD], request.app[DESK].pages
    given = await _token_in(request)  # before the tries are counted: slow bodies would all count the same
    if not guard.may_try():
        headers = {hdrs.RETRY_AFTER: str(TRIES_WINDOW_S)}
        words = "Too many wrong tokens. Try again in a minute."
        return web.Response(text=pages.login(words), status=429, headers=headers, content_type="text/html")
    if not guard.is_token(given):
        guard.wrong_tries.append(guard.wall())
        return web.Response(text=pages.login("That is not the token."), status=403, content_type="text/html")
    response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
    response.set_cookie(
        COOKIE, guard.session(), max_age=SESSION_S, httponly=True, samesite="Strict", secure=request.secure
    )
    return response


async def _token_in(request: web.Request) -> str:
    """The form's token; empty where it cannot be read."""
    try:
        async with asyncio.timeout(api.READ_TIMEOUT_S):
            given = (await request.post()).get("token", "")
    except UNREADABLE:
        return ""
    return given.strip() if isinstance(given, str) else ""


async def log_out(request: web.Request) -> web.Response:
    """POST /logout: the cookie is forgotten."""
    response = web.Response(status=303, headers={hdrs.LOCATION: "/login"})
    response.del_cookie(COOKIE, httponly=True, samesite="Strict")
    return response


async def _end_streams(app: web.Application) -> None:
    app[DESK].closing.set()
