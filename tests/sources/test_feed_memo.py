"""Items of a feed that were read before are not read again, and nobody can tell by what comes out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.reading.memo import Memo, forget
from tests.corpus import needs_corpus, recorded
from tests.sources.feedkit import body_of, outcome

HEAD = '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>Acme</title><pubDate>{}</pubDate>'
TAIL = "</channel></rss>"
ITEMS = [
    f"<item><guid>g{n}</guid><title>Part {n}</title><link>https://acme.example/{n}</link>"
    f"<pubDate>Mon, 0{n} Jun 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;It is slow {n}.&lt;/p&gt;</description></item>"
    for n in range(1, 6)
]
# What may stand between the items, beside them and around them: all of it looks like items to a hasty reader.
PIECES = [
    *ITEMS,
    *(item.replace("slow", "down") for item in ITEMS[:2]),
    f"<![CDATA[{ITEMS[0]}]]>",
    f"<!-- {ITEMS[1]} -->",
    f"<image>{ITEMS[2]}</image>",
    f"<item><guid>out</guid><description><![CDATA[{ITEMS[3]}]]></description></item>",
    f"<item><guid>xhtml</guid><description>{ITEMS[0]}</description></item>",
    f"<item><!-- {ITEMS[0]} --><guid>hidden</guid></item>",
    '<item fogbell-known="0"/>',
    '<item\nfogbell-known = "0"><guid>mine</guid></item>',
    "<item/>",
    "<item><guid>open</guid>",
    "</item>",
    "words",
    "\n  ",
    '</channel><channel xmlns="http://www.w3.org/2005/Atom">',
    '<x:y xmlns:x="urn:z"/>',
]


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    forget()
    yield
    forget()


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8), min_size=2, max_size=4))
def test_what_was_read_before_changes_nothing(bodies: list[list[str]]) -> None:
    """The same bodies one after the other, with and without a memory of those before."""
    payloads = [body_of(HEAD.format(number) + "".join(pieces) + TAIL) for number, pieces in enumerate(bodies)]
    forget()

    remembered = [outcome("rss", payload) for payload in payloads]

    for payload, found in zip(payloads, remembered, strict=True):
        forget()
        assert outcome("rss", payload) == found


@given(st.sampled_from(ITEMS), st.sampled_from(["", ' xmlns="urn:a"', ' xmlns:media="urn:b"']))
def test_an_item_below_other_namespaces_is_another_one(item: str, declared: str) -> None:
    item = item.replace("<title>", "<media:title>Other</media:title><title>")
    documents = [
        f"<rss{names}><channel>{item}</channel></rss>"
        for names in (' xmlns:media="http://search.yahoo.com/mrss/"', declared, ' xmlns:media="urn:c"')
    ]
    forget()

    remembered = [outcome("rss", body_of(document)) for document in documents]

    for document, found in zip(documents, remembered, strict=True):
        forget()
        assert outcome("rss", body_of(document)) == found


@needs_corpus
@pytest.mark.parametrize(
    "folder", ["statuspage-history-atom", "statuspage-history-rss", "aws-rss", "azure-rss", "malformed"]
)
def test_recorded_feeds_read_twice_are_the_same(folder: str) -> None:
    name = folder if folder in ("aws-rss", "azure-rss") else "rss"
    for path in recorded(f"all/{folder}"):
        payload = body_of(path.read_bytes())

        first = outcome(name, payload)

        assert first == outcome(name, payload), path.name


def test_a_changed_item_is_seen() -> None:
    outcome("rss", body_of(HEAD.format(1) + "".join(ITEMS) + TAIL))
    changed = [*ITEMS[:2], ITEMS[2].replace("slow", "gone"), *ITEMS[3:]]

    observations, _ = outcome("rss", body_of(HEAD.format(2) + "".join(changed) + TAIL))

    texts = [update.text for observation in observations for update in observation.updates]
    assert texts == ["It is slow 1.", "It is slow 2.", "It is gone 3.", "It is slow 4.", "It is slow 5."]


def test_a_memo_forgets_what_it_has_kept_for_longest() -> None:
    memo: Memo[str] = Memo(10_000)
    for n in range(30):
        memo.keep(n, f"value {n}", 700)

    assert (memo.find(19), memo.find(20), memo.find(29)) == (None, "value 20", "value 29")
    assert memo.bytes <= 10_000


def test_a_memo_does_not_give_all_its_room_to_one_thing() -> None:
    memo: Memo[str] = Memo(10_000)
    memo.keep("small", "small", 10)

    assert memo.keep("large", "large", 9_000) == "large"
    assert (memo.find("small"), memo.find("large")) == ("small", None)


def test_a_memo_counts_a_key_once() -> None:
    memo: Memo[str] = Memo(10_000)
    for n in range(100):
        memo.keep("key", f"value {n}", 500)

    assert (memo.find("key"), memo.bytes) == ("value 99", 800)
