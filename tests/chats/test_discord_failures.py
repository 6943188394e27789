"""What each error of the library, the connection or Discord itself means to the outbox."""

from __future__ import annotations

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.chats.discord.client import DiscordChat
from bot.chats.discord.rest import failure
from bot.domain.card import Card, Tone
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from tests.fakes.discord import CHANNEL


class Answer:
    """As much of an HTTP answer as the library's errors look at."""

    reason = "because"

    def __init__(self, status: int, content_type: str = "application/json") -> None:
        self.status = status
        self.headers = {"Content-Type": content_type}


def http(status: int, code: int = 0, content_type: str = "application/json") -> discord.HTTPException:
    answer = Answer(status, content_type)
    return discord.HTTPException(answer, {"code": code, "message": "words"})


def dropped() -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(None, OSError(111, "refused"))  # type: ignore[arg-type]


FAILED_POSTS = [
    (discord.RateLimited(1.5), RateLimited, "a limit known beforehand, or a 429"),
    (discord.LoginFailure("no"), Refused, "a wrong token when logging in"),
    (http(401), Refused, "a token taken away later"),
    (http(403, 50001), Refused, "the channel cannot be seen"),
    (http(403, 50013), Refused, "permissions are missing"),
    (http(404, 10003), Refused, "no such channel"),
    (http(404, 10008), Refused, "no such message"),
    (http(400, 50035), Refused, "a body beyond the limits"),
    (http(400, 50006), Refused, "an empty message"),
    (http(403, 160005), Refused, "a locked thread"),
    (http(400, 160006), RateLimited, "too many threads: they close by themselves"),
    (http(400, 30046), RateLimited, "too many edits of an old message"),
    (http(403, 0, "text/html"), Uncertain, "a page of something on the way, not Discord's word"),
    (http(500), Uncertain, "Discord may have failed after it stored the message"),
    (discord.DiscordServerError(Answer(503), "x"), Uncertain, "the same"),
    (dropped(), Unavailable, "no connection, so nothing was sent"),
    (aiohttp.ConnectionTimeoutError(), Unavailable, "the same"),
    (aiohttp.ServerDisconnectedError(), Uncertain, "the reply is lost"),
    (aiohttp.ClientOSError(104, "reset"), Uncertain, "the same"),
    (aiohttp.ClientPayloadError(), Uncertain, "half a reply"),
    (ConnectionResetError(), Uncertain, "the same"),
    (TimeoutError(), Uncertain, "no reply in time"),
    (ValueError("no JSON"), Uncertain, "a reply that cannot be read"),
    (discord.ClientException("odd"), Uncertain, "what the library may think of next"),
]


@pytest.mark.parametrize(
    ("exc", "kind", "why"), FAILED_POSTS, ids=[f"{type(e).__name__}: {w}" for e, _, w in FAILED_POSTS]
)
def test_every_failure_has_one_meaning(exc: Exception, kind: type[ChatError], why: str) -> None:
    error = failure(exc, CHANNEL, may_have_arrived=True)

    assert (type(error), error.chat, error.channel) == (kind, "discord", CHANNEL)
    if isinstance(error, Refused):
        assert error.remedy
        assert error.gone == ("no such message" in why)


@pytest.mark.parametrize("exc", [exc for exc, kind, _ in FAILED_POSTS if kind is Uncertain], ids=repr)
def test_what_may_be_repeated_is_never_uncertain(exc: Exception) -> None:
    assert type(failure(exc, CHANNEL)) is Unavailable


def test_the_table_holds_every_error_of_the_library() -> None:
    """A new one must be thought about."""
    known = {
        "ClientException",
        "ConnectionClosed",
        "DiscordException",
        "DiscordServerError",
        "Forbidden",
        "GatewayNotFound",
        "HTTPException",
        "InteractionResponded",
        "InvalidData",
        "LoginFailure",
        "MissingApplicationID",
        "NotFound",
        "PrivilegedIntentsRequired",
        "RateLimited",
    }

    assert known == set(discord.errors.__all__) - {"FFmpegProcessError"}  # of sound, which we do not make


async def test_json_is_read_whatever_its_content_type_adds() -> None:
    """The library compares the whole header with "application/json"; a proxy, or aiohttp's own server, names a charset."""

    async def me(_: web.Request) -> web.Response:
        return web.json_response({"id": "9", "username": "fogbell", "discriminator": "0", "avatar": None})

    async def unknown(_: web.Request) -> web.Response:
        return web.json_response({"code": 10003, "message": "Unknown Channel"}, status=404)

    app = web.Application()
    app.router.add_get("/users/@me", me)
    app.router.add_route("*", "/channels/{rest:.*}", unknown)
    async with TestServer(app) as server:
        chat = DiscordChat(token="t", api_url=str(server.make_url("/")))
        await chat.ping()
        with pytest.raises(Refused, match="10003"):
            await chat.post(CHANNEL, Card(title="x", tone=Tone.INFO, fallback="x"), key="k")
        await chat.close()


async def test_a_login_answered_by_something_else_is_no_crash() -> None:
    """A captive portal, a proxy's welcome page: readable, and not Discord."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>welcome</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/users/@me", page)
    async with TestServer(app) as server:
        chat = DiscordChat(token="t", api_url=str(server.make_url("/")))
        with pytest.raises(Unavailable):
            await chat.post(CHANNEL, Card(title="x", tone=Tone.INFO, fallback="x"), key="k")
        await chat.close()
