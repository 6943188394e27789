"""The stream of changes, and how the server starts and ends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from bot.chats.console.client import ConsoleChat, Snapshot
from bot.errors import ConfigError
from bot.web import api
from bot.web.app import build_app, serve
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import Client, FakeDispatch, FakeState, MakeClient, card

PATIENCE_S = 5.0


class Listener:
    """Reads server-sent events."""

    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer

    async def hear(self, name: str) -> dict[str, Any]:
        """The data of the next event of this name."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                lines = dict(line.split(": ", 1) for line in await self._block() if ": " in line)
                if lines.get("event") == name:
                    data: dict[str, Any] = json.loads(lines["data"])
                    return data

    async def hear_raw(self, start: str) -> None:
        """Return at the next line that starts so."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(line.startswith(start) for line in await self._block()):
                pass

    async def hear_end(self) -> None:
        """Return when the server ended the stream."""
        async with asyncio.timeout(PATIENCE_S):
            await self._answer.read()

    async def _block(self) -> list[str]:
        block = (await self._answer.content.readuntil(b"\n\n")).decode()
        assert block, "the stream ended"
        return block.strip("\n").split("\n")


@asynccontextmanager
async def listening(client: Client, since: int = 0, **headers: str) -> AsyncIterator[Listener]:
    async with client.get(f"/events?channel=ops&since={since}", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Listener(answer)


async def test_a_new_message_is_heard(client: Client, console: ConsoleChat) -> None:
    async with listening(client) as ear:
        assert (await ear.hear("board"))["headlines"] == []

        await console.post("ops", card("It broke."), key="k")

        heard = await ear.hear("board")
        assert (
            heard["channel"],
            heard["revision"],
            [h["id"] for h in heard["headlines"]],
        ) == ("ops", 1, ["k"])
        assert "It broke." in heard["headlines"][0]["html"]


async def test_a_reply_and_an_edit_bring_their_thread_alone(client: Client, console: ConsoleChat) -> None:
    await console.post("ops", card(), key="other")
    receipt = await console.post("ops", card(), key="k")
    async with listening(client, since=2) as ear:
        assert (await ear.hear("board"))["headlines"] == []

        await console.post("ops", card("A reply."), key="r", thread=receipt)
        reply = await ear.hear("board")
        await console.edit(receipt, card("Edited."))
        edit = await ear.hear("board")

        assert [[h["id"] for h in heard["headlines"]] for heard in (reply, edit)] == [["k"], ["k"]]
        assert "A reply." in reply["headlines"][0]["html"]
        assert "edited 1×" in edit["headlines"][0]["html"]


async def test_a_reconnecting_page_hears_what_it_missed(client: Client, console: ConsoleChat) -> None:
    await console.post("ops", card(), key="seen")
    await console.post("ops", card(), key="missed")

    async with listening(client, since=0, **{"Last-Event-ID": "1"}) as ear:
        heard = await ear.hear("board")

    assert (heard["is_whole"], [h["id"] for h in heard["headlines"]]) == (False, ["missed"])


async def test_a_page_from_before_the_store_was_emptied_is_given_all_anew(
    client: Client, console: ConsoleChat, redis: Redis
) -> None:
    for number in range(3):
        await console.post("ops", card(), key=f"old{number}")
    async with listening(client, since=3) as ear:
        await ear.hear("board")

        await redis.flushall()
        await console.post("ops", card(), key="new")

        heard = await ear.hear("board")
        while not heard["headlines"]:  # the moment in between may be seen too
            heard = await ear.hear("board")
        assert (heard["is_whole"], [h["id"] for h in heard["headlines"]]) == (True, ["new"])


async def test_only_the_regions_that_changed_are_sent(client: Client, state: FakeState) -> None:
    async with listening(client) as ear:
        assert {"masthead", "channels", "watch"} == set(await ear.hear("state"))

        state.shown = replace(state.shown, open_incidents=7)

        heard = await ear.hear("state")
        assert (list(heard), "<strong>7</strong>" in heard["masthead"]) == (["masthead"], True)


async def test_a_silent_stream_beats(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant is shortened: nobody waits 15 s in a test."""
    monkeypatch.setattr(api, "BEAT_S", 0.1)

    async with listening(client) as ear:
        await ear.hear_raw(": still here")


async def test_the_last_message_comes_after_an_outage_of_the_store(
    make_client: MakeClient, console: ConsoleChat, away: ConsoleChat
) -> None:
    switch = Switch(console)
    client = await make_client(console=switch)
    async with listening(client) as ear:
        await ear.hear("board")

        switch.board = away
        assert "store" in (await ear.hear("trouble"))["error"]
        await console.post("ops", card(), key="k")
        switch.board = console

        assert [h["id"] for h in (await ear.hear("board"))["headlines"]] == ["k"]


class Switch:
    """A board that can be exchanged for another one."""

    def __init__(self, board: ConsoleChat) -> None:
        self.board = board

    async def revisions(self) -> dict[str, int]:
        return await self.board.revisions()

    async def snapshot(self, channel: str, *, since: int = 0, limit: int = 50) -> Snapshot:
        return await self.board.snapshot(channel, since=since, limit=limit)

    async def ping(self) -> None:
        await self.board.ping()


async def test_there_is_an_end_to_listeners_and_a_place_once_one_left(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LISTENERS_MAX", 2)
    async with listening(client) as first, listening(client) as second:
        await first.hear("board")
        await second.hear("board")

        refused = await client.get("/events?channel=ops")

        assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
    async with asyncio.timeout(PATIENCE_S):
        while (await client.get("/events?channel=ops", timeout=None)).status == 503:
            await asyncio.sleep(0.05)


async def test_the_server_ends_within_a_second_while_pages_listen(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> None:
    async with (
        running(console, dispatch, state, clock) as (task, port),
        ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get("/events?channel=ops") as answer,
    ):
        ear = Listener(answer)
        await ear.hear("board")
        began = asyncio.get_running_loop().time()

        task.cancel()
        await ear.hear_end()
        await asyncio.wait({task})

        assert asyncio.get_running_loop().time() - began < 1.5
        assert task.cancelled()


async def test_messages_are_still_there_after_a_restart(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock, redis: Redis
) -> None:
    await console.post("ops", card("Before the restart."), key="k")

    async with (
        running(ConsoleChat(redis, clock=clock), dispatch, state, clock) as (_, port),
        ClientSession() as session,
    ):
        page = await (await session.get(f"http://127.0.0.1:{port}/")).text()

    assert "Before the restart." in page


async def test_a_busy_port_is_a_mistake_in_the_configuration(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigError) as caught:
            await serve(_app(console, dispatch, state, clock), "127.0.0.1", port)

    words = f"console: port {port} on 127.0.0.1 is taken by another program; set [console] port or stop it"
    assert [words] == caught.value.problems


async def test_a_host_that_is_not_ours_is_a_mistake_in_the_configuration(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> None:
    """192.0.2.0/24 is kept for documentation: no machine has an address in it."""
    with pytest.raises(ConfigError, match=r"set \[console\] host and port"):
        await serve(_app(console, dispatch, state, clock), "192.0.2.1", 0)


def _app(console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock) -> web.Application:
    options = {"token": None, "bound_to_loopback": True, "registry": CollectorRegistry()}
    return build_app(console, dispatch, state, clock=clock, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def running(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> AsyncIterator[tuple[asyncio.Task[None], int]]:
    """`serve` in a task of its own, and its port."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app = _app(console, dispatch, state, clock)
    task = asyncio.ensure_future(serve(app, "127.0.0.1", 0, on_ready=port.set_result))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield task, await port
    finally:
        task.cancel()
        await asyncio.wait({task})
