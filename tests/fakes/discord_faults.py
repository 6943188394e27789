"""How the fake Discord goes wrong on purpose, and how it counts: faults of coming requests, answers of an edge, rate limits.

`FakeDiscord` in `discord.py` plays them before and around its routes.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Json = dict[str, Any]

# The request is not carried out.
BEFORE = (
    "drop_before",  # the connection is cut
    "429",
    "429 global",
    "429 shared",
    "429 edge",  # a page of Cloudflare's, with the wait in the header alone
    "429 bare",  # neither says how long
    "500",
    "503 edge",
    "403 edge",
)
GARBLED = {
    "bad_json": b'{"id": "1',
    "odd_json": b'{"ok": [1]}',  # JSON, but not what the route answers
    "no_words": b"",
}
LOST_REPLIES = ("drop_after", "drop_in_body", *GARBLED)  # the request was carried out, and the answer is lost
FAULTS = (*BEFORE, "delay", *LOST_REPLIES)


@dataclass(slots=True)
class Fault:
    """What becomes of a coming request.

    `seconds` is the wait of a 429, or the length of a delay. `refusal` is (status, code).
    """

    kind: str
    seconds: float = 30.0
    refusal: tuple[int, int] | None = None


@dataclass(slots=True)
class Bucket:
    """How many calls of a route one channel takes in a window, and how many it had."""

    limit: int
    window_s: float
    used: int = 0
    ends_at: float = 0.0

    def take(self) -> bool:
        """Count one call; False when it is one too many."""
        now = time.monotonic()
        if now >= self.ends_at:
            self.used, self.ends_at = 0, now + self.window_s
        self.used += 1
        return self.used <= self.limit

    def headers(self, name: str) -> dict[str, str]:
        """What Discord says about the bucket with every answer."""
        left = max(0.0, self.ends_at - time.monotonic())
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": name,
        }


def answer(body: object, status: int = 200) -> web.Response:
    """A JSON answer. The header is exactly `application/json`: the client library compares it whole."""
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


def instead(fault: Fault, request: web.Request) -> web.Response | None:
    """The answer in place of doing anything, or None when the fault is of another kind."""
    match fault.kind:
        case "drop_before":
            return dropped(request)
        case "500":
            return answer({"message": "500: Internal Server Error", "code": 0}, 500)
        case "503 edge" | "403 edge":
            return _page(int(fault.kind[:3]))
        case "429":
            return too_many(fault.seconds, {})
        case "429 global" | "429 shared":
            return too_many(fault.seconds, {}, scope=fault.kind[4:])
        case "429 edge":
            page = _page(429)
            page.headers["Retry-After"] = str(int(fault.seconds))
            return page
        case "429 bare":
            return _page(429)
    if fault.refusal:
        status, code = fault.refusal
        return answer({"message": "refused by the test", "code": code}, status)
    return None


def too_many(wait_s: float, headers: dict[str, str], *, scope: str = "user") -> web.Response:
    """Discord's own 429: the wait is exact in the body, whole seconds in the header."""
    body: Json = {"message": "You are being rate limited.", "retry_after": round(max(wait_s, 0.001), 3)}
    response = answer(body | {"global": scope == "global"}, 429)
    response.headers.update(headers | {"Retry-After": str(int(wait_s) + 1), "X-RateLimit-Scope": scope})
    if scope == "global":
        response.headers["X-RateLimit-Global"] = "true"
    response.headers["Via"] = "1.1 google"  # without it, the client library takes the edge for the sender
    return response


def dropped(request: web.Request) -> web.Response:
    """The connection is cut before a byte of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def dropped_in_body(request: web.Request) -> web.StreamResponse:
    """The connection is cut in the middle of an answer."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"id": "1')
    assert request.transport is not None
    request.transport.close()
    return response


def garbled(kind: str) -> web.Response:
    """An answer that says yes, in words that make no sense."""
    words = GARBLED[kind]
    return web.Response(body=words, content_type="application/json") if words else web.Response(status=204)


def _page(status: int) -> web.Response:
    return web.Response(status=status, text="<html>error code: 1015</html>", content_type="text/html")
