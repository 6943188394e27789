"""Slack and Discord as the fault matrix needs them: the real clients, the fakes they talk to, and what people read there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol, Self

import aiohttp
from aiohttp import web

from bot.chats.discord.client import DiscordChat
from bot.chats.slack.client import SlackChat
from bot.ports import Chat
from tests.fakes import slack as slack_fake
from tests.fakes.discord import CHANNEL, FakeDiscord, readable
from tests.fakes.slack import FakeSlack

TIMEOUT = timedelta(seconds=0.25)  # of a call; what hangs here hangs for longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A message as people read it now, and all that it ever said; `thread` names the message that it hangs from."""

    id: str
    text: str
    ever: str
    thread: str | None


class Side(Protocol):
    """One of the two chats, with its fake."""

    name: str
    address: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    def client(self) -> Chat:
        """A client of a worker's own, with a short time-out."""
        ...

    def fail_next(self, verb: str, fault: str) -> None:
        """Let the next call of "post" or "edit" fail."""
        ...

    def is_waiting(self) -> bool:
        """True while the fault was not met by any call."""
        ...

    def read(self) -> list[Read]:
        """All that can be read, oldest first in each thread."""
        ...

    def delete(self, message: str) -> None:
        """Somebody deletes a message of the channel."""
        ...


class SlackSide:
    """Slack, with a transport in front of it that can repeat a request."""

    name, address = "slack", "C1"
    _METHODS: ClassVar[Mapping[str, str]] = {"post": "chat.postMessage", "edit": "chat.update"}
    _FAULTS: ClassVar[Mapping[str, slack_fake.Fault]] = {
        "429": slack_fake.rate_limited(1),
        "500": slack_fake.server_error(),
        "hang": slack_fake.hang(),
        "lost reply": slack_fake.drop_after(),
        "cut mid-body": slack_fake.cut_mid_body(),
    }

    def __init__(self) -> None:
        self.fake = FakeSlack()

    async def __aenter__(self) -> Self:
        await self.fake.__aenter__()
        self._way = Repeater(self.fake.api_url.removesuffix("/api/"))
        await self._way.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._way.stop()
        await self.fake.__aexit__()

    def client(self) -> Chat:
        return SlackChat(token=self.fake.bot_token, api_url=f"{self._way.url}/api/", timeout=TIMEOUT)

    def fail_next(self, verb: str, fault: str) -> None:
        method = self._METHODS[verb]
        if fault == "duplicate reply":
            self._way.repeat = lambda request: request.path.endswith(method)
        else:
            self.fake.fail_next(method, self._FAULTS[fault])

    def is_waiting(self) -> bool:
        return any(self.fake._faults.values()) or self._way.repeat is not never

    def read(self) -> list[Read]:
        said = [m for m in self.fake.channels[self.address].messages if m.subtype is None]
        return [
            Read(id=m.ts, text=m.text, ever="\n".join([*m.was, m.text]), thread=m.thread_ts) for m in said
        ]

    def delete(self, message: str) -> None:
        self.fake.delete(self.address, message)


class DiscordSide:
    """Discord, the same."""

    name, address = "discord", CHANNEL
    _ROUTES: ClassVar[Mapping[str, str]] = {"post": "create_message", "edit": "edit_message"}
    _FAULTS: ClassVar[Mapping[str, tuple[str, float]]] = {
        "429": ("429", 0.05),
        "500": ("500", 0.0),
        "hang": ("delay", 60.0),
        "lost reply": ("drop_after", 0.0),
        "cut mid-body": ("drop_in_body", 0.0),
    }

    def __init__(self) -> None:
        self.fake = FakeDiscord()
        self._first: dict[str, str] = {}
        self.fake.on_post = lambda message: self._first.update({message["id"]: readable(message)})

    async def __aenter__(self) -> Self:
        await self.fake.start()
        self._way = Repeater(self.fake.api_url.removesuffix("/api/v10"))
        await self._way.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._way.stop()
        await self.fake.stop()

    def client(self) -> Chat:
        return DiscordChat(token=self.fake.token, api_url=f"{self._way.url}/api/v10", timeout=TIMEOUT)

    def fail_next(self, verb: str, fault: str) -> None:
        if fault == "duplicate reply":
            method = {"post": "POST", "edit": "PATCH"}[verb]
            self._way.repeat = lambda request: request.method == method and "/messages" in request.path
        else:
            kind, seconds = self._FAULTS[fault]
            self.fake.fail_next(self._ROUTES[verb], kind, seconds=seconds)

    def is_waiting(self) -> bool:
        return any(self.fake._faults.values()) or self._way.repeat is not never

    def read(self) -> list[Read]:
        return [
            Read(
                id=m["id"],
                text=readable(m),
                ever=f"{self._first[m['id']]}\n{readable(m)}",
                thread=room.id if room.parent else None,
            )
            for room in self.fake.rooms.values()
            for m in room.messages.values()
            if m["type"] == 0
        ]

    def delete(self, message: str) -> None:
        self.fake.delete(self.address, message)


SIDES: dict[str, type[SlackSide] | type[DiscordSide]] = {"slack": SlackSide, "discord": DiscordSide}


def never(request: web.Request) -> bool:
    """Repeats nothing."""
    return False


class Repeater:
    """A proxy that passes everything on, and sends the first request for which `repeat` is true twice, as some do.

    What is cut behind it is cut in front of it.
    """

    def __init__(self, there: str) -> None:
        self._there = there
        self.repeat: Callable[[web.Request], bool] = never
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def stop(self) -> None:
        """Close it."""
        await self._session.close()
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        is_repeated = self.repeat(request)
        if is_repeated:
            self.repeat = never
            await self._ask(request, body)
        try:
            return await self._ask(request, body)
        except (aiohttp.ClientError, TimeoutError):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        kept = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        url = f"{self._there}{request.raw_path}"
        async with self._session.request(request.method, url, data=body, headers=kept) as answer:
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOPS}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


_HOPS = ("content-length", "transfer-encoding", "connection", "date", "server")
