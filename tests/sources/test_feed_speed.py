"""Reading a feed stays cheap. Generous limits, for busy machines: `python -m benchmarks parse` holds the real ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import feedparser
import pytest

from benchmarks import feeds
from bot.sources.formats import rss
from bot.sources.payload import Payload
from bot.sources.reading import feed
from bot.sources.reading.memo import MEMO_MAX_BYTES, forget
from tests.sources.feedkit import NOW, body_of, parse

FIRST_AT_MOST, AGAIN_AT_MOST = 1 / 2, 1 / 8
ROUNDS = 5

pytestmark = pytest.mark.slow


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """Our CPU time against theirs: the least of some rounds each, in turns."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for which, call in enumerate((ours, theirs)):
            began = time.process_time()
            call()
            best[which] = min(best[which], time.process_time() - began)
    return best[0] / best[1]


FEEDS = {
    "rss": feeds.statuspage_rss(25),
    "atom": feeds.statuspage_atom(25),
    "aws-rss": feeds.aws_rss(25),
    "azure-rss": feeds.azure_rss(25),
}


@pytest.mark.parametrize("name", FEEDS)
def test_a_first_reading_costs_less_than_feedparsers(name: str) -> None:
    body = FEEDS[name]

    def ours() -> None:
        forget()
        parse("rss" if name == "atom" else name, Payload(body=body, fetched_at=NOW))

    assert ratio(ours, lambda: feedparser.parse(body)) <= FIRST_AT_MOST


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("changing", [feeds.IN_HEAD, feeds.IN_ITEM])
def test_another_reading_costs_next_to_nothing(name: str, changing: bytes) -> None:
    numbers = count(100_000)
    body = FEEDS[name]

    def ours() -> None:
        parse("rss" if name == "atom" else name, body_of(body.replace(changing, b"%d" % next(numbers))))

    ours()

    assert ratio(ours, lambda: feedparser.parse(body)) <= AGAIN_AT_MOST


def test_a_thousand_feeds_do_not_fill_the_memory() -> None:
    """Whatever is remembered is bounded, in bytes."""
    forget()
    for number in range(150):
        parse(
            "rss",
            body_of(
                FEEDS["rss"].replace(b"Part", b"Part %d of" % number).replace(b"slow", b"late%d" % number)
            ),
        )

    kept = [feed.MEMO.bytes, rss.MEMO.bytes]
    assert all(MEMO_MAX_BYTES // 2 < size <= MEMO_MAX_BYTES for size in kept)
