"""The http check against a loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from bot import net
from bot.domain.checks import Check, CheckResult
from bot.probes import PROBES
from tests.fakes import feeds as fake
from tests.fakes.feeds import FeedServer

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.serve("/health", "all is ok here", content_type="text/plain")
        yield server


async def result(url: str, **changes: object) -> CheckResult:
    check = Check(name="shop", kind="http", target=url, **changes)  # type: ignore[arg-type]
    async with net.open_session() as session:
        return await PROBES[check.kind](check, session, NOON)


async def test_a_healthy_answer_is_good_and_says_how_long_it_took(shop: FeedServer) -> None:
    found = await result(shop.url("/health"), expect_text="is ok", slower_than=timedelta(seconds=5))

    assert (found.is_good, found.at, found.detail) == (True, NOON, "")
    assert found.latency is not None
    assert timedelta(0) < found.latency < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("code", "expected_codes", "is_good"),
    [
        (200, (), True),
        (204, (), True),
        (404, (), False),
        (500, (), False),
        (503, (503,), True),
        (200, (201, 202), False),
        (202, (201, 202), True),
    ],
)
async def test_the_status_decides_against_those_expected(
    shop: FeedServer, code: int, expected_codes: tuple[int, ...], is_good: bool
) -> None:
    url = shop.fail("/health", fake.status(code))

    assert is_good == (await result(url, expect_status=expected_codes)).is_good


async def test_a_redirect_is_followed_unless_it_is_what_is_expected(shop: FeedServer) -> None:
    url = shop.fail("/old", fake.redirect("/health"))

    assert (await result(url, expect_text="all is ok")).is_good
    assert (await result(url, expect_status=(302,))).is_good
    assert not (await result(shop.url("/health"), expect_status=(302,))).is_good


async def test_a_text_beyond_the_first_part_of_a_page_does_not_count(shop: FeedServer) -> None:
    shop.serve("/long", b" " * 300_000 + b"needle")
    shop.serve("/edge", b" " * (256 * 1024 - 6) + b"needle")

    assert not (await result(shop.url("/long"), expect_text="needle")).is_good
    assert (await result(shop.url("/edge"), expect_text="needle")).is_good


@pytest.mark.parametrize(
    ("fault", "changes", "words"),
    [
        (fake.status(503), {}, "answered 503"),
        (fake.status(503), {"expect_status": (200, 204)}, "answered 503 instead of 200 or 204"),
        (fake.status(200), {"expect_text": "ok here"}, 'answered 200 without "ok here" in its text'),
        (fake.drop, {}, "it hung up without an answer"),
        (fake.cut, {}, "the answer was cut short or garbled"),
        (fake.redirect("/health"), {}, "it redirects in circles"),
        (fake.hang, {"timeout": timedelta(seconds=0.2)}, "no answer within 0.2 s"),
        (fake.drip(0.05), {"timeout": timedelta(seconds=0.2)}, "no answer within 0.2 s"),
        (fake.delay(0.2), {"slower_than": timedelta(seconds=0.1)}, "longer than 0.1 s"),
    ],
)
async def test_what_was_wrong_is_said_in_plain_words_without_secrets(
    shop: FeedServer, fault: fake.Fault, changes: dict[str, object], words: str
) -> None:
    found = await result(shop.fail("/health", fault) + "?key=hunter2", **changes)

    assert not found.is_good
    assert words in found.detail
    assert found.detail.startswith("http://127.0.0.1:")
    assert "hunter2" not in found.detail


async def test_a_refused_connection_is_a_bad_result() -> None:
    assert (await result("http://127.0.0.1:9/")).detail == "http://127.0.0.1:9/: the connection was refused"


async def test_an_endless_page_is_left_after_its_beginning(shop: FeedServer) -> None:
    assert (await result(shop.fail("/health", fake.huge(50 * 1024 * 1024)))).is_good
