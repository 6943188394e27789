"""Feeds that moved for good are asked for where they are now, and where they were when nobody lives there any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bot import net
from bot.errors import FetchError
from bot.sources.fetching.fetch import Fetched, Fetcher, Marks
from bot.sources.payload import SourceSpec
from tests.fakes import feeds as fake
from tests.fakes.feeds import FeedServer

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BODY = b'{"incidents": []}'


@pytest_asyncio.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with net.open_session() as session:
        yield Fetcher(session, total_s=2.0)


def source(url: str) -> SourceSpec:
    return SourceSpec(name="acme", provider="acme", url=url, allow_private=True)


async def fetched(fetcher: Fetcher, spec: SourceSpec, marks: Marks | None = None) -> Fetched:
    found = await fetcher.fetch(spec, marks or Marks(), NOON)
    assert found is not None
    return found


@pytest.mark.parametrize("status", [301, 308])
async def test_a_move_for_good_is_remembered_told_once_and_asked_directly(
    feeds: FeedServer, fetcher: Fetcher, status: int
) -> None:
    new = feeds.serve("/new", BODY)
    spec = source(feeds.fail("/old", fake.redirect("/new", status)))

    first = await fetched(fetcher, spec)
    assert await fetcher.fetch(spec, first.marks, NOON) is None
    feeds.serve("/new", b"{}")
    second = await fetched(fetcher, spec, first.marks)

    assert (first.moved_to, first.marks.moved_to) == (new, new)
    assert (second.moved_to, second.marks.moved_to) == (None, new)
    assert (feeds.hits["/old"], feeds.hits["/new"]) == (1, 3)


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_a_passing_redirect_is_followed_each_time(
    feeds: FeedServer, fetcher: Fetcher, status: int
) -> None:
    feeds.serve("/new", BODY)
    spec = source(feeds.fail("/old", fake.redirect("/new", status)))

    found = await fetched(fetcher, spec)
    assert await fetcher.fetch(spec, found.marks, NOON) is None

    assert (found.moved_to, found.marks.moved_to) == (None, None)
    assert feeds.hits["/old"] == 2
    assert feeds.unchanged["/new"] == 1


async def test_one_passing_redirect_in_a_chain_makes_all_of_it_passing(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    feeds.serve("/c", BODY)
    feeds.fail("/b", fake.redirect("/c", 302))
    spec = source(feeds.fail("/a", fake.redirect("/b", 301)))

    assert (await fetched(fetcher, spec)).marks.moved_to is None


async def test_a_feed_that_moves_while_it_is_unchanged_gives_its_body_once_more(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    """Only with a body can the caller store new marks; without, every later poll would take the way round."""
    spec = source(feeds.serve("/old", BODY))
    marks = (await fetched(fetcher, spec)).marks
    new = feeds.serve("/new", BODY)
    feeds.fail("/old", fake.redirect("/new", 301))

    found = await fetched(fetcher, spec, marks)

    assert (BODY, new) == (found.payload.body, found.marks.moved_to)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_move_into_nowhere_is_given_up_for_the_address_of_the_configuration(
    feeds: FeedServer, fetcher: Fetcher, status: int
) -> None:
    spec = source(feeds.fail("/old", fake.redirect("/new", 301)))
    feeds.serve("/new", BODY)
    marks = (await fetched(fetcher, spec)).marks
    feeds.serve("/old", b"{}")
    feeds.heal("/old")
    feeds.fail("/new", fake.status(status))

    found = await fetched(fetcher, spec, marks)

    assert found.payload.body == b"{}"
    assert (found.moved_to, found.marks.moved_to) == (None, None)


async def test_a_move_to_a_host_that_is_no_more_is_given_up(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/old", BODY))
    marks = (await fetched(fetcher, spec)).marks

    found = await fetched(fetcher, spec, replace(marks, moved_to="http://127.0.0.1:9/"))

    assert found.marks.moved_to is None


async def test_an_error_of_the_new_place_is_an_error_and_no_reason_to_go_back(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    spec = source(feeds.fail("/old", fake.redirect("/new", 301)))
    feeds.serve("/new", BODY)
    marks = (await fetched(fetcher, spec)).marks
    feeds.fail("/new", fake.status(503))

    with pytest.raises(FetchError, match="answered 503"):
        await fetcher.fetch(spec, marks, NOON)

    assert feeds.hits["/old"] == 1


async def test_both_gone_is_an_error_and_no_loop(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.fail("/old", fake.redirect("/new", 301)))
    feeds.serve("/new", BODY)
    marks = (await fetched(fetcher, spec)).marks
    feeds.fail("/new", fake.status(404))

    with pytest.raises(FetchError, match="answered 404"):
        await fetcher.fetch(spec, marks, NOON)


async def test_a_feed_that_moves_back_is_asked_for_at_its_own_address_again(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    spec = source(feeds.fail("/old", fake.redirect("/new", 301)))
    feeds.serve("/new", BODY)
    marks = (await fetched(fetcher, spec)).marks
    feeds.serve("/old", BODY)
    feeds.heal("/old")
    feeds.fail("/new", fake.redirect("/old", 301))

    assert (await fetched(fetcher, spec, marks)).marks.moved_to is None


async def test_marks_of_another_address_are_worth_nothing(feeds: FeedServer, fetcher: Fetcher) -> None:
    """An operator who changes `url` must not be sent to where the old one moved, nor be told "not modified since"."""
    old = source(feeds.fail("/old", fake.redirect("/new", 301)))
    feeds.serve("/new", BODY)
    marks = (await fetched(fetcher, old)).marks
    mended = source(feeds.serve("/mended", BODY))

    found = await fetched(fetcher, mended, marks)

    assert found.marks.moved_to is None
    assert feeds.hits["/new"] == 1


async def test_marks_that_an_older_version_stored_still_save_the_body(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    spec = source(feeds.serve("/feed", BODY))
    marks = replace((await fetched(fetcher, spec)).marks, place=None)

    assert await fetcher.fetch(spec, marks, NOON) is None


async def test_a_move_is_told_without_the_keys_of_its_address(feeds: FeedServer, fetcher: Fetcher) -> None:
    feeds.serve("/new", BODY)
    spec = source(feeds.fail("/old", fake.redirect("/new?token=hunter2", 301)))

    found = await fetched(fetcher, spec)

    assert found.moved_to == feeds.url("/new?...")
    assert found.marks.moved_to == feeds.url("/new?token=hunter2")
