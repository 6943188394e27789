"""Who may talk to the page: the guard in front of every route, the login, and the headers of every answer.

On loopback there is no login, so the guard sees to it that no web site can reach through somebody's browser (DNS rebinding,
cross-site requests). Bound elsewhere, a token is needed as well. Text from feeds is escaped by the templates, not here.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import hdrs, web

BODY_MAX_BYTES = 64 * 1024
COOKIE = "fogbell_session"
SESSION_S = 12 * 3600
TRIES_MAX = (
    10  # wrong tokens within TRIES_WINDOW_S, from all visitors together: a token is never guessed by hand
)
TRIES_WINDOW_S = 60

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HOOK_PATH = "/hooks/{source}/{secret}"  # the address itself is the secret; see `hooks`
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/login"})  # and /static/: no secrets there
READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send "Origin: null" with our own login form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True, slots=True)
class Guard:
    """The rules of one server. `wall` is the real time: a session lasts hours for people, also when a replay runs fast."""

    token: str | None
    is_loopback: bool
    wall: Callable[[], float] = time.time
    wrong_tries: deque[float] = field(default_factory=deque)

    def knows(self, request: web.Request) -> bool:
        """True when no token is needed, or the request carries it: as a bearer or as the login's cookie."""
        if self.token is None:
            return True
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return self.is_session(request.cookies.get(COOKIE, ""))

    def is_token(self, given: str) -> bool:
        """True when it is the token; takes equally long however much of it is right."""
        wanted = self.token or ""
        return bool(wanted) and is_same(wanted, given)

    def session(self) -> str:
        """A new cookie's value: when it ends, signed. A change of the token ends all sessions."""
        ends = str(int(self.wall()) + SESSION_S)
        return f"{ends}.{self._sign(ends)}"

    def may_try(self) -> bool:
        """False while too many wrong tokens came lately."""
        while self.wrong_tries and self.wrong_tries[0] < self.wall() - TRIES_WINDOW_S:
            self.wrong_tries.popleft()
        return len(self.wrong_tries) < TRIES_MAX

    def is_session(self, cookie: str) -> bool:
        """True for a value that `session` gave, until it ends."""
        ends, _, signature = cookie.partition(".")
        if not hmac.compare_digest(_digest(self._sign(ends)), _digest(signature)):
            return False
        return int(ends) > self.wall()  # a number: only we sign

    def _sign(self, ends: str) -> str:
        key = _digest(f"fogbell console session {self.token}")
        return hmac.new(key, _digest(ends), hashlib.sha256).hexdigest()


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through what comes from our own page or a program that knows the token; refuse the rest in words."""
    guard = request.app[GUARD]
    if _is_hook(request):
        return await handler(request)
    if guard.is_loopback and _host_name(request.host) not in LOOPBACK_NAMES:
        raise web.HTTPMisdirectedRequest(text="This console answers only to localhost, 127.0.0.1 and [::1].")
    if reason := _foreign(request):
        raise web.HTTPForbidden(text=reason)
    if not _is_open(request.path) and not guard.knows(request):
        return _ask_for_token(request)
    return await handler(request)


async def stamp_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, also on errors, files and streams."""
    response.headers.update(HEADERS)
    # Files are asked for again each time and answered "not modified", so that an upgrade shows at once.
    is_file = request.path.startswith("/static/")
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-cache" if is_file else "no-store")


def _foreign(request: web.Request) -> str:
    """Why a request seems to be sent by another site through a browser, or an empty string."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_visit = request.method in READING and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in {"same-origin", "none"} and not is_visit:
        return "Requests from other sites are not served."
    if request.method in READING:
        return ""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and urlsplit(origin).netloc != request.host:
        return "Requests from other origins are not served."
    is_form = request.path in {"/login", "/logout"}
    wanted = "application/x-www-form-urlencoded" if is_form else "application/json"
    return "" if request.content_type == wanted else f"Send {wanted}."


def _host_name(host: str) -> str:
    """The name in a Host header, without the port: any port will do, because a tunnel (ssh -L) may choose another one."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_same(wanted: str, given: str) -> bool:
    """True when two secrets are equal; takes equally long however much of it is right."""
    return hmac.compare_digest(_digest(wanted), _digest(given))


def _is_hook(request: web.Request) -> bool:
    """By the route that was chosen, not by the path, which can be written in many ways. Senders know no token of the page, and
    call us by the name of whatever stands in front of us."""
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical == HOOK_PATH


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith("/static/")


def _ask_for_token(request: web.Request) -> web.StreamResponse:
    if request.method in READING and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        raise web.HTTPSeeOther("/login")
    words = {"error": "a token is needed: Authorization: Bearer <token>"}
    return web.json_response(words, status=401, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})


def _digest(text: str) -> bytes:
    """Of equal length for every text, so that a comparison does not tell how long the token is."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
