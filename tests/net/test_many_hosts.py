"""Hundreds of hosts: connections are kept, and dead names hold up nobody."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from bot import net
from bot.errors import FetchError
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import SourceSpec
from tests.fakes.wire import WireServer, good

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOSTS = 300
ROUNDS = 4


def source(url: str) -> SourceSpec:
    return SourceSpec(name=url, provider="acme", url=url)


async def test_polling_300_hosts_again_and_again_connects_once_to_each() -> None:
    """Each new connection costs seven times a kept one: an idle connection must not make room for another host's."""
    net.lift_file_limit()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(WireServer(good, host="0.0.0.0"))
        fetcher = Fetcher(await stack.enter_async_context(net.open_session()))
        specs = [source(server.url(host=f"127.9.{n // 250}.{n % 250 + 1}")) for n in range(HOSTS)]
        for _ in range(ROUNDS):
            await asyncio.gather(*(fetcher.fetch(spec, Marks(), NOON) for spec in specs))

        assert (server.connections, len(server.heads)) == (HOSTS, HOSTS * ROUNDS)


async def test_a_fifth_of_the_names_black_holed_does_not_make_the_others_late() -> None:
    async def resolve(host: str) -> Sequence[str]:
        if host.startswith("dead"):
            await asyncio.Event().wait()
        return ["127.0.0.1"]

    async with WireServer(good) as server, net.open_session(resolve=resolve) as session:
        fetcher = Fetcher(session, total_s=3)
        took: list[float] = []

        async def poll(host: str) -> None:
            began = time.monotonic()
            await fetcher.fetch(source(server.url(host=host)), Marks(), NOON)
            took.append(time.monotonic() - began)

        dead = [asyncio.create_task(poll(f"dead{n}.example")) for n in range(100)]
        await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.gather(*(poll(f"alive{n}.example") for n in range(400)))
            await asyncio.sleep(0.01)

        assert not [task for task in dead if task.done()]
        assert max(took) < 2
        assert server.connections == 400
        for outcome in await asyncio.gather(*dead, return_exceptions=True):
            assert isinstance(outcome, FetchError)


async def test_dead_hosts_that_wait_for_their_deadline_do_not_use_up_the_connections() -> None:
    """More of them than aiohttp would connect to at a time: it counts those that it waits for."""
    async with WireServer(good) as server, net.open_session(resolve=_all_here) as session:
        release = asyncio.Event()

        async def hang(writer: asyncio.StreamWriter) -> None:
            await release.wait()
            await good(writer)

        server.answer = hang
        fetcher = Fetcher(session, total_s=10)
        hosts = [source(server.url(host=f"h{n}.example")) for n in range(150)]
        polls = [asyncio.create_task(fetcher.fetch(spec, Marks(), NOON)) for spec in hosts]
        async with asyncio.timeout(5):
            while len(server.heads) < 150:
                await asyncio.sleep(0.01)
        release.set()

        assert None not in await asyncio.gather(*polls)


async def test_no_more_than_two_requests_at_a_time_go_to_one_host() -> None:
    running, most = 0, 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.01)
        running -= 1
        await good(writer)

    async with WireServer(count) as server, net.open_session() as session:
        fetcher = Fetcher(session)
        await asyncio.gather(*(fetcher.fetch(source(server.url(f"/{n}")), Marks(), NOON) for n in range(20)))

    assert most == 2


@pytest.mark.parametrize("first", ["127.0.0.3", "::1"])
async def test_an_address_that_does_not_answer_is_passed_over_for_the_next(first: str) -> None:
    """A host with IPv6 that does not work, or one dead machine of several, is still reached."""

    async def resolve(host: str) -> Sequence[str]:
        return [first, "127.0.0.1"]

    async with WireServer(good) as server, net.open_session(resolve=resolve) as session:
        assert await Fetcher(session).fetch(source(server.url(host="a.example")), Marks(), NOON) is not None


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python knows no IPv6")
async def test_the_resolver_of_the_house_finds_this_machine() -> None:
    assert set(await net.resolve("localhost")) <= {"127.0.0.1", "::1"}


async def _all_here(host: str) -> Sequence[str]:
    return ["127.0.0.1"]
