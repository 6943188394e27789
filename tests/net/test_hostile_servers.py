"""Servers that break every rule of HTTP: one plain line each, within a deadline, within memory, and nobody else is harmed."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import net
from bot.errors import FetchError
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import SourceSpec
from tests.fakes.wire import Answer, WireServer, goes_on, good, says, self_signed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def source(server: WireServer, **changes: object) -> SourceSpec:
    return SourceSpec(name="acme", provider="acme", url=server.url(), **changes)  # type: ignore[arg-type]


@pytest.fixture
def memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def packed(size: int) -> bytes:
    body = gzip.compress(b" " * size)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


NOT_HTTP = "it does not speak proper HTTP"
GARBLED = "the answer was cut short or garbled"
EITHER = f"{GARBLED}|{NOT_HTTP}"  # as it comes in one piece or in two


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(says(b"\x16\x03\x01\x00\x02\x02\x28"), NOT_HTTP, id="TLS alert"),
        pytest.param(says(b"220 mail.acme.example ESMTP\r\n"), NOT_HTTP, id="another protocol"),
        pytest.param(says(b"HTTP/1.1 2OO OK\r\n\r\n"), NOT_HTTP, id="status is no number"),
        pytest.param(says(b"HTTP/9.9.9 200 OK\r\n\r\n"), NOT_HTTP, id="version"),
        pytest.param(says(OK + b"no colon here\r\n\r\n"), NOT_HTTP, id="header without colon"),
        pytest.param(says(OK + b"Content-Length: -1\r\n\r\n"), NOT_HTTP, id="negative length"),
        pytest.param(says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), NOT_HTTP, id="two lengths"),
        pytest.param(says(OK + b"X: " + b"a" * MIB + b"\r\n\r\n"), NOT_HTTP, id="header of a MiB"),
        pytest.param(says(OK + b"X: a\r\n" * 100_000 + b"\r\n"), NOT_HTTP, id="100,000 headers"),
        pytest.param(says(OK), "hung up", id="ends within the headers"),
        pytest.param(says(b""), "hung up", id="says nothing"),
        pytest.param(says(OK + b"Content-Length: 9\r\n\r\n{}"), GARBLED, id="shorter than announced"),
        pytest.param(says(CHUNKED + b"ZZ\r\n{}\r\n0\r\n\r\n"), EITHER, id="chunk size is no number"),
        pytest.param(says(CHUNKED + b"2\r\n{}{}{}{}\r\n0\r\n\r\n"), EITHER, id="chunk longer than it says"),
        pytest.param(says(CHUNKED + b"ff\r\n{}\r\n"), GARBLED, id="chunk shorter than it says"),
        pytest.param(says(CHUNKED + b"2\r\n{}\r\n"), GARBLED, id="chunks without an end"),
        pytest.param(says(CHUNKED + b"f" * 40 + b"\r\n{}"), EITHER, id="chunk size beyond all numbers"),
        pytest.param(says(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), GARBLED, id="not gzip"),
        pytest.param(says(b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "answered 101", id="101"),
    ],
)  # fmt: skip
async def test_broken_http_is_one_plain_line_and_its_connection_is_not_used_again(
    answer: Answer, words: str
) -> None:
    async with WireServer(answer) as server, net.open_session() as session:
        fetcher = Fetcher(session, total_s=5)
        with pytest.raises(FetchError, match=words) as caught:
            await fetcher.fetch(source(server), Marks(), NOON)
        before, server.answer = server.connections, good
        found = await fetcher.fetch(source(server), Marks(), NOON)

        assert "\n" not in str(caught.value)
        assert found is not None
        assert found.payload.body == b"{}"
        assert server.connections == before + 1


async def test_bytes_behind_the_body_never_become_the_next_answer() -> None:
    """Else a server could plant the answer to a question that was never asked."""
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
    first = OK + b"Content-Length: 2\r\n\r\n{}" + smuggled

    async with WireServer(says(first, then_hangs=True)) as server, net.open_session() as session:
        fetcher = Fetcher(session, total_s=2)
        bodies = []
        for _ in range(2):
            try:
                found = await fetcher.fetch(source(server), Marks(), NOON)
            except FetchError:
                continue
            bodies.append(found and found.payload.body)

        assert b"smuggled" not in bodies
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            goes_on(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n", times=20 * 16), id="20 MiB in chunks"
        ),
        pytest.param(goes_on(OK + b"\r\n", b" " * 65536, times=20 * 16), id="20 MiB until the end"),
        pytest.param(says(packed(20 * MIB)), id="a bomb of 20 MiB"),
        pytest.param(says(packed(1024 * MIB)[: 900 * 1024], then_hangs=True), id="a bomb of a GiB"),
    ],
)
async def test_a_huge_body_is_refused_at_the_cap_without_being_held(answer: Answer, memory: None) -> None:
    async with WireServer(answer) as server, net.open_session() as session:
        fetcher = Fetcher(session, total_s=10)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        with pytest.raises(FetchError, match="sent more than 2048 KiB"):
            await fetcher.fetch(source(server), Marks(), NOON)
        _, peak = tracemalloc.get_traced_memory()

    assert (peak - before) / MIB < 6


async def test_a_body_that_announces_more_than_the_cap_is_refused_before_it_comes() -> None:
    answer = says(OK + b"Content-Length: 20971520\r\n\r\n", then_hangs=True)
    async with WireServer(answer) as server, net.open_session() as session:
        began = time.monotonic()
        with pytest.raises(FetchError, match="sent more than 2048 KiB"):
            await Fetcher(session, total_s=10).fetch(source(server), Marks(), NOON)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(goes_on(b"HTTP/1.1 200 OK\r\nX: ", b"a", times=1000, pause_s=0.02), id="headers, byte by byte"),
        pytest.param(goes_on(CHUNKED, b"1\r\n \r\n", times=1000, pause_s=0.02), id="body, byte by byte"),
        pytest.param(goes_on(b"", b"HTTP/1.1 100 Continue\r\n\r\n", times=1000, pause_s=0.02), id="100 for ever"),
        pytest.param(goes_on(CHUNKED, b"1;" + b"x" * 1000, times=1000, pause_s=0.02), id="a chunk's extension"),
    ],
)  # fmt: skip
async def test_a_server_that_never_comes_to_an_end_costs_its_own_slot_until_the_deadline_and_nobody_elses(
    answer: Answer,
) -> None:
    async with (
        WireServer(answer) as slow,
        WireServer(good, host="127.0.0.2") as fine,
        net.open_session() as session,
    ):
        fetcher = Fetcher(session, total_s=0.5)
        began = time.monotonic()

        async def give_up() -> float:
            with pytest.raises(FetchError):
                await fetcher.fetch(source(slow), Marks(), NOON)
            return time.monotonic() - began

        hanging = [asyncio.create_task(give_up()) for _ in range(3)]
        await fetcher.fetch(source(fine), Marks(), NOON)
        took = time.monotonic() - began

        assert took < 0.4
        assert max(await asyncio.gather(*hanging)) < 2


async def test_an_endless_head_is_bounded_in_memory(memory: None) -> None:
    answer = goes_on(OK, b"X-Header: " + b"a" * 1000 + b"\r\n", times=20_000)
    async with WireServer(answer) as server, net.open_session() as session:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with pytest.raises(FetchError, match=NOT_HTTP):
            await Fetcher(session, total_s=10).fetch(source(server), Marks(), NOON)
        _, peak = tracemalloc.get_traced_memory()

    assert (peak - before) / MIB < 6


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Type: text/html", b"<!doctype html><p>Sign in</p>"),
        (b"Content-Type: image/png", b'{"incidents": []}'),
        (b"Content-Type: application/json; charset=klingon", b'{"incidents": []}'),
        (b"Content-Type: application/xml; charset=utf-8", "<rss>é</rss>".encode("latin-1")),
        (b"Content-Type: ;;;", b"\0\0\0"),
    ],
)
async def test_what_a_body_calls_itself_is_left_to_its_parser(head: bytes, body: bytes) -> None:
    text = OK + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with WireServer(says(text)) as server, net.open_session() as session:
        found = await Fetcher(session, total_s=5).fetch(source(server), Marks(), NOON)

    assert found is not None
    assert found.payload.body == body
    assert found.payload.headers["content-type"] == head.decode().partition(": ")[2]


async def test_plain_text_where_tls_is_expected_says_so() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.acme.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed"
    async with server, net.open_session() as session:
        with pytest.raises(FetchError, match="TLS could not be agreed on"):
            await Fetcher(session, total_s=5).fetch(
                SourceSpec(name="acme", provider="acme", url=url), Marks(), NOON
            )


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path))
    async with WireServer(good, tls=tls) as server, net.open_session() as session:
        with pytest.raises(FetchError, match="its certificate is not valid for it"):
            await Fetcher(session, total_s=5).fetch(source(server), Marks(), NOON)

        assert server.heads == []


async def test_a_flood_of_interim_answers_does_not_hold_up_the_loop() -> None:
    """They come in thousands at once, and whoever takes one after the other comes to nothing else."""
    flood = goes_on(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000, times=1000)
    async with WireServer(flood) as server, net.open_session() as session:
        with pytest.raises(FetchError, match=NOT_HTTP):
            await Fetcher(session, total_s=5).fetch(source(server), Marks(), NOON)


async def test_a_few_interim_answers_are_passed_over() -> None:
    answer = says(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\n{}"
    )
    async with WireServer(answer) as server, net.open_session() as session:
        assert await Fetcher(session).fetch(source(server), Marks(), NOON) is not None
