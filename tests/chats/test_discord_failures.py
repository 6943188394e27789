"""What each error of the library, the connection or Discord itself means to the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.chats.discord.client import DiscordChat
from bot.chats.discord.failures import failure
from bot.domain.card import Card, Tone
from bot.domain.conversation import Receipt
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from tests.fakes.discord import CHANNEL, FakeDiscord


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
    (http(400, 50083), Refused, "an archived thread that does not wake"),
    (http(404, 10004), Refused, "the server is gone, or we were sent away"),
    (http(400, 50008), Refused, "a channel that takes no messages"),
    (http(400, 50024), Refused, "a channel that has no threads"),
    (http(400, 40067), Refused, "a forum that wants a tag, and has none"),
    (http(400, 200000), Refused, "the server's AutoMod"),
    (http(403, 40333), Unavailable, "turned away at the edge, so nothing arrived"),
    (http(403, 40006), RateLimited, "switched off for now"),
    (http(503, 130000), Uncertain, "overloaded, and told with a 5xx"),
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
        assert error.remedy.endswith(".")
        assert error.remedy.count(". ") == 0
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


# On the wire: what happened, in which place (a headline, a reply, an edit), what it means, and a word of the remedy.
Arrange = Callable[[FakeDiscord, Receipt], None]


def refused(route: str, status: int, code: int) -> Arrange:
    return lambda fake, _: fake.refuse_next(route, status, code, times=3)


def failing(route: str, kind: str) -> Arrange:
    return lambda fake, _: fake.fail_next(route, kind, times=3, seconds=7)


def closed(status: int, code: int) -> Arrange:
    """The channel and all in it, as for a bot that was sent away."""

    def arrange(fake: FakeDiscord, _: Receipt) -> None:
        for room in fake.rooms.values():
            room.refusal = (status, code, "no")

    return arrange


SMALL = Card(title="x", tone=Tone.INFO, fallback="x")


def _drop(fake: FakeDiscord) -> None:
    fake.rooms.clear()


def _forget(fake: FakeDiscord, headline: Receipt, *, message: bool) -> None:
    del fake.rooms[headline.message]
    if message:
        fake.delete(CHANNEL, headline.message)


def _all_of(*each: Arrange) -> Arrange:
    def arrange(fake: FakeDiscord, headline: Receipt) -> None:
        for one in each:
            one(fake, headline)

    return arrange


ON_THE_WIRE: list[tuple[str, str, Arrange, type[ChatError], str]] = [
    ("the message was deleted", "edit", lambda f, h: f.delete(CHANNEL, h.message), Refused, "post anew"),
    (
        "headline and thread were deleted",
        "reply",
        lambda f, h: _forget(f, h, message=True),
        Refused,
        "post anew",
    ),
    ("the channel was deleted", "post", lambda f, _: _drop(f), Refused, "Correct the channel's id"),
    ("the channel was deleted", "reply", lambda f, _: _drop(f), Refused, "Correct the channel's id"),
    ("the channel was deleted", "edit", lambda f, _: _drop(f), Refused, "Correct the channel's id"),
    ("missing access", "post", closed(403, 50001), Refused, "Invite the bot"),
    ("sent away from the server", "edit", closed(403, 50001), Refused, "Invite the bot"),
    ("missing permissions", "post", closed(403, 50013), Refused, "Let the bot's role"),
    (
        "the thread does not wake",
        "reply",
        _all_of(refused("create_message", 400, 50083), refused("edit_channel", 403, 50013)),
        Refused,
        "Let the bot's role",
    ),
    ("a locked thread", "reply", lambda f, h: f.archive(h.message, locked=True), Refused, "Unlock"),
    ("the token was revoked", "post", lambda f, _: setattr(f, "token", "new"), Refused, "valid bot token"),
    ("the token was revoked", "edit", lambda f, _: setattr(f, "token", "new"), Refused, "valid bot token"),
    ("the server is unavailable", "post", refused("create_message", 404, 10004), Refused, "Invite the bot"),
    ("at the edge", "post", refused("create_message", 403, 40333), Unavailable, ""),
    ("a page of the edge", "post", failing("create_message", "503 edge"), Uncertain, ""),
    ("a page of the edge", "edit", failing("edit_message", "503 edge"), Unavailable, ""),
    ("a ban at the edge", "edit", failing("edit_message", "403 edge"), Unavailable, ""),
    ("a hang", "post", failing("create_message", "delay"), Uncertain, ""),
    ("a hang", "edit", failing("edit_message", "delay"), Unavailable, ""),
    ("a hang before anything was said", "post", failing("channel", "delay"), Unavailable, ""),
    ("cut in the body", "post", failing("create_message", "drop_in_body"), Uncertain, ""),
    ("cut in the body", "reply", failing("create_message", "drop_in_body"), Uncertain, ""),
    ("cut in the body", "edit", failing("edit_message", "drop_in_body"), Unavailable, ""),
    ("no JSON", "post", failing("create_message", "bad_json"), Uncertain, ""),
    ("too fast", "post", failing("create_message", "429"), RateLimited, ""),
]


@pytest.mark.parametrize(
    ("what", "verb", "arrange", "kind", "remedy"), ON_THE_WIRE, ids=[f"{r[1]}: {r[0]}" for r in ON_THE_WIRE]
)
async def test_what_goes_wrong_on_the_wire_has_one_meaning_and_a_remedy(
    what: str, verb: str, arrange: Arrange, kind: type[ChatError], remedy: str
) -> None:
    async with FakeDiscord() as fake:
        chat = DiscordChat(token=fake.token, api_url=fake.api_url, timeout=timedelta(seconds=1))
        headline = await chat.post(CHANNEL, SMALL, key="h")
        await chat.post(CHANNEL, SMALL, key="r", thread=headline)
        fresh = DiscordChat(token=fake.token, api_url=fake.api_url, timeout=timedelta(seconds=1))
        await fresh.ping()
        arrange(fake, headline)

        with pytest.raises(ChatError) as caught:
            await _say(fresh, verb, headline)

        await chat.close()
        await fresh.close()
    assert type(caught.value) is kind, caught.value
    assert remedy in getattr(caught.value, "remedy", "")
    if isinstance(caught.value, Refused):
        assert caught.value.gone == (remedy == "post anew")


async def _say(chat: DiscordChat, verb: str, headline: Receipt) -> None:
    match verb:
        case "post":
            await chat.post(CHANNEL, SMALL, key="new")
        case "reply":
            await chat.post(CHANNEL, SMALL, key="new", thread=headline)
        case "edit":
            await chat.edit(headline, SMALL)
