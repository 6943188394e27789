"""Fetching against a loopback server that misbehaves in every known way."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

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


def source(url: str, **changes: object) -> SourceSpec:
    return SourceSpec(name="acme", provider="acme", url=url, **changes)  # type: ignore[arg-type]


async def fetched(fetcher: Fetcher, spec: SourceSpec, marks: Marks | None = None) -> Fetched:
    found = await fetcher.fetch(spec, marks or Marks(), NOON)
    assert found is not None
    return found


async def test_a_new_body_comes_with_its_headers_time_and_url(feeds: FeedServer, fetcher: Fetcher) -> None:
    url = feeds.serve("/feed", BODY, content_type="application/json")

    payload = (await fetched(fetcher, source(url))).payload

    assert (BODY, NOON, url) == (payload.body, payload.fetched_at, payload.url)
    assert payload.headers["content-type"].startswith("application/json")


async def test_an_etag_that_was_committed_saves_the_body(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/feed", BODY))
    marks = (await fetched(fetcher, spec)).marks

    assert await fetcher.fetch(spec, marks, NOON) is None
    assert feeds.unchanged["/feed"] == 1


async def test_last_modified_serves_where_there_is_no_etag(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/feed", BODY, has_etag=False, last_modified=NOON))
    marks = (await fetched(fetcher, spec)).marks

    assert await fetcher.fetch(spec, marks, NOON) is None
    assert feeds.unchanged["/feed"] == 1


async def test_the_same_body_is_unchanged_without_any_caching_header(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    spec = source(feeds.serve("/feed", BODY, has_etag=False))
    marks = (await fetched(fetcher, spec)).marks

    assert await fetcher.fetch(spec, marks, NOON) is None
    assert feeds.unchanged["/feed"] == 0


async def test_a_new_date_on_the_same_body_is_asked_with_next_time(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    """Else one restart of a provider's server would cost the whole body at every poll until something happens."""
    spec = source(feeds.serve("/feed", BODY, has_etag=False, last_modified=NOON))
    marks = (await fetched(fetcher, spec)).marks
    feeds.serve("/feed", BODY, has_etag=False, last_modified=NOON + timedelta(hours=1))

    assert [await fetcher.fetch(spec, marks, NOON) for _ in range(3)] == [None, None, None]
    assert feeds.unchanged["/feed"] == 2
    feeds.serve("/feed", b"{}", has_etag=False, last_modified=NOON + timedelta(hours=2))
    assert await fetcher.fetch(spec, marks, NOON) is not None


async def test_a_body_whose_marks_were_not_stored_is_seen_again(feeds: FeedServer, fetcher: Fetcher) -> None:
    """The commit failed, so the caller kept the old marks: the update must come once more, not be lost."""
    spec = source(feeds.serve("/feed", BODY))
    await fetched(fetcher, spec)

    again = await fetched(fetcher, spec)

    assert again.payload.body == BODY


async def test_a_changed_body_is_given_with_new_marks(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/feed", BODY))
    old = (await fetched(fetcher, spec)).marks
    feeds.serve("/feed", b"{}")

    new = await fetched(fetcher, spec, old)

    assert new.payload.body == b"{}"
    assert new.marks != old


async def test_a_304_to_a_question_never_asked_is_an_error(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.fail("/feed", fake.status(304)))

    with pytest.raises(FetchError, match="answered 304"):
        await fetcher.fetch(spec, Marks(), NOON)


async def test_gzip_is_unpacked_and_hashed_as_its_content(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/feed", BODY, has_etag=False, is_gzipped=True))
    found = await fetched(fetcher, spec)
    feeds.serve("/feed", BODY, has_etag=False)

    assert found.payload.body == BODY
    assert await fetcher.fetch(spec, found.marks, NOON) is None


async def test_only_compressions_that_can_be_unpacked_are_asked_for(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    await fetched(fetcher, source(feeds.serve("/feed", BODY)))

    asked = set(feeds.seen[-1][1]["Accept-Encoding"].split(", "))
    has = {"br": "brotli", "zstd": "backports.zstd"}
    assert {"gzip", "deflate"} <= asked
    assert [name for name in asked & has.keys() if not _is_installed(has[name])] == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (fake.drop, "it hung up without an answer"),
        (fake.cut, "the answer was cut short or garbled"),
        (fake.status(500), "answered 500"),
        (fake.status(404), "answered 404"),
        (fake.status(204), "answered 204"),
        (fake.redirect(""), "answered 302 without saying where to"),
        (fake.redirect("/feed"), "redirects more than 5 times"),
        (fake.redirect("ftp://a.example/"), "not a web address"),
        (fake.redirect("http://a:99999/"), "the URL is not valid"),
        (fake.huge(3 * 1024 * 1024), "sent more than 2048 KiB"),
        (fake.huge(60 * 1024 * 1024, is_gzipped=True), "sent more than 2048 KiB"),
    ],
)
async def test_every_failure_is_one_line_of_who_where_and_why(
    feeds: FeedServer, fetcher: Fetcher, fault: fake.Fault, words: str
) -> None:
    feeds.serve("/feed", BODY)
    spec = source(feeds.fail("/feed", fault) + "?token=hunter2")

    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(spec, Marks(), NOON)

    message = str(caught.value)
    assert words in message
    assert message.startswith("acme: http://127.0.0.1:")
    assert "hunter2" not in message
    assert "\n" not in message


@pytest.mark.parametrize("fault", [fake.hang, fake.drip(0.05), fake.delay(5)])
async def test_a_slow_server_is_given_up_at_the_deadline(feeds: FeedServer, fault: fake.Fault) -> None:
    """The deadline is for the whole fetch: a server that sends a byte now and then does not extend it."""
    feeds.serve("/feed", b" " * 200)
    async with net.open_session() as session:
        fetcher = Fetcher(session, total_s=0.3)
        with pytest.raises(FetchError, match=r"did not answer within 0\.3 s"):
            await fetcher.fetch(source(feeds.fail("/feed", fault)), Marks(), NOON)


async def test_a_refused_connection_and_an_unknown_name_say_so(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match="the connection was refused"):
        await fetcher.fetch(source("http://127.0.0.1:9/"), Marks(), NOON)


async def test_a_body_just_below_its_cap_is_taken_and_a_larger_cap_can_be_set(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    url = feeds.serve("/feed", b"x" * 1000)

    assert (await fetched(fetcher, source(url, body_max_bytes=1000))).payload.body == b"x" * 1000
    with pytest.raises(FetchError, match="sent more than"):
        await fetcher.fetch(source(url, body_max_bytes=999), Marks(), NOON)


async def test_after_a_failure_the_same_connection_pool_serves_again(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    feeds.serve("/feed", BODY)
    spec = source(feeds.fail("/feed", fake.huge(3 * 1024 * 1024), times=3))
    for _ in range(3):
        with pytest.raises(FetchError):
            await fetcher.fetch(spec, Marks(), NOON)

    assert (await fetched(fetcher, spec)).payload.body == BODY


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("999999999", timedelta(hours=1)),
        ("Sun, 01 Nov 2026 12:02:00 GMT", timedelta(minutes=2)),
        ("Sun, 01 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Sun, 01 Nov 2036 11:00:00 GMT", timedelta(hours=1)),
        ("Sun, 01 Nov 2026 12:02:00 -0000", timedelta(minutes=2)),
        ("soon", None),
        ("-5", None),
        ("Sun, 01 Nov 99999999999999999999 12:02:00 GMT", None),  # beyond what C can count
        ("Sun, 01 Nov 2026 12:02:00 +99999999999999999999", None),
        ("", None),
        (None, None),
    ],
)
async def test_retry_after_is_honoured_up_to_an_hour(
    feeds: FeedServer, fetcher: Fetcher, header: str | None, expected: timedelta | None
) -> None:
    spec = source(feeds.fail("/feed", fake.status(429, retry_after=header)))

    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(spec, Marks(), NOON)

    assert expected == caught.value.retry_after


async def test_a_redirect_is_followed_and_its_end_is_the_payloads_url(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    url = feeds.serve("/new", BODY)
    spec = source(feeds.fail("/old", fake.redirect("/new", 301)))

    found = await fetched(fetcher, spec)

    assert (BODY, url) == (found.payload.body, found.payload.url)
    assert await fetcher.fetch(spec, found.marks, NOON) is None


async def test_a_feed_behind_a_proxy_is_fetched_through_it(
    feeds: FeedServer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds.serve("/feed", BODY)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", feeds.url("/"))

    found = await fetched(fetcher, source("http://status.acme.example/feed"))

    assert found.payload.body == BODY
    assert feeds.seen[-1][1]["Host"] == "status.acme.example"


async def resolves_inside(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "feeds.acme.example"])
async def test_a_redirect_into_our_own_network_is_refused(feeds: FeedServer, host: str) -> None:
    """The operator chose the first URL; whoever holds the provider's page must not choose one inside."""
    feeds.serve("/inside", BODY)
    spec = source(feeds.fail("/feed", fake.redirect(feeds.url("/inside", host=host))))
    async with net.open_session() as session:
        fetcher = Fetcher(session, resolve=resolves_inside)
        with pytest.raises(FetchError, match="redirected, but"):
            await fetcher.fetch(spec, Marks(), NOON)

    assert feeds.hits["/inside"] == 0


async def test_a_redirect_inside_is_followed_where_the_operator_allows_it(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    feeds.serve("/inside", BODY)
    url = feeds.fail("/feed", fake.redirect(feeds.url("/inside", host="localhost")))

    assert (await fetched(fetcher, source(url, allow_private=True))).payload.body == BODY


async def test_a_page_for_people_is_handed_on_for_the_parser_to_refuse(
    feeds: FeedServer, fetcher: Fetcher
) -> None:
    found = await fetched(fetcher, source(feeds.fail("/feed", fake.html)))

    assert found.payload.headers["content-type"].startswith("text/html")


async def test_polls_reuse_one_connection(feeds: FeedServer, fetcher: Fetcher) -> None:
    spec = source(feeds.serve("/feed", BODY))
    ports = set()
    marks = Marks()
    for _ in range(5):
        found = await fetcher.fetch(spec, marks, NOON)
        marks = found.marks if found else marks
        ports.add(feeds.peers[-1])

    assert len(ports) == 1


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
