"""Asks the pages of the catalogue whether they are still what it says, politely: few at once, one at a time for each host.

Used by `fogbell providers verify`. Nothing is written here: `marked` gives the rows as they should be from now on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from bot import net
from bot.errors import FetchError, SourceError
from bot.sources.catalogue import CatalogueEntry, Feed, Verified, pace_of
from bot.sources.catalogue.pages import Page
from bot.sources.fetching.fetch import Marks
from bot.sources.finding.detecting import BODY_MAX_BYTES, Fetches, Sleep, detect_page, read_as
from bot.sources.payload import SourceSpec

HOSTS_AT_ONCE = 4
PAUSE_S = 1.0  # between two questions to one host


class Outcome(StrEnum):
    """What came of asking."""

    ANSWERS = "answers"
    MOVED = "moved"  # to another address, or to another format
    FOUND = "found"  # the catalogue knew the page alone, and now its feed too
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One entry, asked: what came of it, in words, and the feed as it is now (None where there is none)."""

    entry: CatalogueEntry
    outcome: Outcome
    words: str
    feed: Feed | None = None


async def verify(
    entries: Iterable[CatalogueEntry],
    fetcher: Fetches,
    now: datetime,
    told: Callable[[Checked], None],
    *,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Ask about every entry and tell what came of it, in the order of the answers."""
    by_host: dict[str, list[CatalogueEntry]] = defaultdict(list)
    for entry in entries:
        by_host[_host(entry)].append(entry)
    turns = asyncio.Semaphore(HOSTS_AT_ONCE)

    async def one_host(those: list[CatalogueEntry]) -> None:
        async with turns:
            for n, entry in enumerate(those):
                if n:
                    await sleep(PAUSE_S)
                told(await check(entry, fetcher, now, sleep=sleep))

    async with asyncio.TaskGroup() as group:
        for those in by_host.values():
            group.create_task(one_host(those))


async def check(
    entry: CatalogueEntry, fetcher: Fetches, now: datetime, *, sleep: Sleep = asyncio.sleep
) -> Checked:
    """What came of asking for an entry's first feed; of searching its page, where no feed is known."""
    try:
        if entry.feeds:
            return await _checked_feed(entry, entry.feeds[0], fetcher, now)
        found = await detect_page(entry.homepage, fetcher, now, sleep=sleep)
    except SourceError as exc:
        return Checked(entry=entry, outcome=Outcome.FAILED, words=str(exc))
    feed = Feed(format=found.format, url=found.feed_url, every=found.every)
    return Checked(
        entry=entry,
        outcome=Outcome.FOUND,
        words=f"{net.shown(feed.url)} is its feed ({feed.format})",
        feed=feed,
    )


def marked(rows: Iterable[Page], checked: Iterable[Checked], day: str) -> list[Page]:
    """The rows, with what came of asking about them; rows that were not asked about stay as they are."""
    news = {one.entry.name: one for one in checked}
    return [_marked(row, news, day) if row.homepage else row for row in rows]


def _marked(row: Page, news: Mapping[str, Checked], day: str) -> Page:
    one = news.get(row.slug)
    if one is None:
        return row
    if one.feed is None:
        return row._replace(mark=f"{Verified.DOUBTFUL} {day}")
    feeds = ((one.feed.format, one.feed.url), *row.feeds[1:])
    return row._replace(feeds=feeds, mark=f"{Verified.ONLINE} {day}")


async def _checked_feed(entry: CatalogueEntry, feed: Feed, fetcher: Fetches, now: datetime) -> Checked:
    spec = SourceSpec(
        name=entry.name,
        provider=entry.name,
        url=feed.url,
        is_from_people=True,  # lists of pages are made by people
        body_max_bytes=BODY_MAX_BYTES,
    )
    fetched = await fetcher.fetch(spec, Marks(), now)
    if fetched is None:
        raise FetchError(f"{net.shown(feed.url)} answered that nothing changed, without being asked")
    read = await asyncio.to_thread(read_as, fetched.payload, feed.format, entry.name)
    if read is None:
        return Checked(
            entry=entry, outcome=Outcome.FAILED, words=f"{net.shown(feed.url)} is not {feed.format} any more"
        )
    url = fetched.marks.moved_to or feed.url
    name = read[0].name
    if (url, name) == (feed.url, feed.format):
        return Checked(entry=entry, outcome=Outcome.ANSWERS, words=f"{read[1]} events in it", feed=feed)
    words = f"{net.shown(feed.url)} is now {name} at {net.shown(url)}"
    new = Feed(format=name, url=url, every=pace_of(name))
    return Checked(entry=entry, outcome=Outcome.MOVED, words=words, feed=new)


def _host(entry: CatalogueEntry) -> str:
    return urlsplit(entry.feeds[0].url if entry.feeds else entry.homepage).hostname or ""
