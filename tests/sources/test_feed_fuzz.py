"""Random bodies: real ones with bytes, words and parts changed. Every format reads them or refuses them.

Few examples, always the same, in `make test`; thousands, always others, with HYPOTHESIS_PROFILE=long (`make test-all`).
"""

from __future__ import annotations

import json
import os
import random
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sources import FORMATS, detect
from tests.corpus import CORPUS, needs_corpus, recorded
from tests.fuzz.fitness import answer, answered_soon
from tests.fuzz.spoil import (
    BODIES,
    JSON_BODIES,
    ODD_VALUES,
    cases,
    mixed,
    part_at,
    value_of,
    ways,
    with_part,
    without_part,
)
from tests.sources.feedkit import body_of, rss

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
pytestmark = pytest.mark.timeout(900 if IS_LONG else 60)
quickly = settings() if IS_LONG else settings(max_examples=25)
DICE = st.randoms(use_true_random=True)  # one seed for each example, so that what fails fails again
ODD = st.one_of(
    st.sampled_from(ODD_VALUES),
    st.integers(),
    st.floats(),
    st.text(max_size=40),
    st.lists(st.none() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["id", "name", "title", "when", "status"]), st.integers(), max_size=3),
)
JSON_FORMATS = sorted({path.parent.name for path in JSON_BODIES} & FORMATS.keys())
FEED_FORMATS = [name for name in FORMATS if any(b"<rss" in p.read_bytes()[:400] for p in cases(name))]


@pytest.mark.parametrize("name", FORMATS)
@quickly
@given(dice=DICE)
def test_mixed_bytes_are_read_or_refused(name: str, dice: random.Random) -> None:
    own, other = dice.choice(cases(name)), dice.choice(BODIES)

    answered_soon(name, body_of(mixed(own.read_bytes(), other.read_bytes(), dice)))


@pytest.mark.parametrize("name", JSON_FORMATS)
@quickly
@given(data=st.data())
def test_json_with_several_odd_parts_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Parts that are missing, of another kind, or another's."""
    value = value_of(data.draw(st.sampled_from([p for p in JSON_BODIES if p.parent.name == name])))
    for _ in range(data.draw(st.integers(1, 4))):
        every = list(ways(value))
        way = data.draw(st.sampled_from(every))
        match data.draw(st.sampled_from(["gone", "odd", "another's"])):
            case "gone" if way:
                value = without_part(value, way)
            case "odd":
                value = with_part(value, way, data.draw(ODD))
            case _:
                value = with_part(value, way, part_at(value, data.draw(st.sampled_from(every))))
        if not isinstance(value, dict | list):
            break

    answered_soon(name, body_of(json.dumps(value)))


@quickly
@given(
    title=st.text(max_size=60),
    text=st.text(max_size=200),
    at=st.text(max_size=30) | st.datetimes().map(str) | st.integers().map(str),
    guid=st.text(max_size=20),
    link=st.text(max_size=20).map("https://{}".format),
    is_raw=st.booleans(),
)
def test_entries_with_any_words_are_read_or_refused(
    title: str, text: str, at: str, guid: str, link: str, is_raw: bool
) -> None:
    wrapped = text if is_raw else f"<![CDATA[{text}]]>"
    item = (
        f"<item><title>{title}</title><guid>{guid}</guid><link>{link}</link><description>{wrapped}</description>"
        f"<pubDate>{at}</pubDate><category>{title}</category></item>"
    )
    raw = rss(item, item.replace("<title>", "<title>[Resolved] ")).encode("utf-8", errors="surrogatepass")

    for name in FEED_FORMATS:
        answer(name, body_of(raw))


@quickly
@given(raw=st.binary(max_size=200), content_type=st.text(max_size=40), url=st.text(max_size=40))
def test_any_bytes_from_anywhere_are_read_or_refused(raw: bytes, content_type: str, url: str) -> None:
    payload = body_of(raw, content_type=content_type, url=url)
    detect(payload)

    for name in FORMATS:
        answer(name, payload)


@pytest.mark.long
@needs_corpus
@given(dice=DICE)
def test_mixed_real_bodies_are_read_or_refused(dice: random.Random) -> None:
    raw = mixed(dice.choice(recordings()).read_bytes(), dice.choice(recordings()).read_bytes(), dice)
    payload = body_of(raw)
    found = detect(payload)

    for name in {found.name if found else "rss", *dice.sample(sorted(FORMATS), 4)}:
        answer(name, payload)


@lru_cache
def recordings() -> list[Path]:
    """The recorded bodies of all formats, without the few that are too large to be read thousands of times."""
    folders = [folder.name for folder in (CORPUS / "all").iterdir()]
    return [
        path for name in sorted(folders) for path in recorded(f"all/{name}") if path.stat().st_size < 100_000
    ]
