"""What every parser owes its callers, whatever bytes it is fed: observations that can be stored and shown, or ParseError.

Used by the tests of hostile bodies, by the quick fuzzing in `make test` and by the long one of this folder.
"""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.observation import TEXT_MAX_CHARS, UPDATES_MAX, Observation, Place, Update
from bot.sources import FORMATS, detect
from bot.sources.payload import Payload
from bot.sources.reading.assemble import PLACES_MAX
from bot.sources.reading.encode import as_line
from bot.sources.reading.text import ID_MAX_CHARS, TITLE_MAX_CHARS
from tests.sources.feedkit import outcome

T = TypeVar("T")
SMALL_S = 0.2  # of processor time, for a body of up to 16 KiB
SOON_S = 2.0  # for one of 2 MiB or more
ODD_CHARS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def answer(name: str, payload: Payload) -> tuple[Observation, ...]:
    """What a format makes of a body, whole or in part, and a check that it is fit to be stored and shown."""
    format_ = FORMATS[name]
    format_.recognises(payload)
    format_.listed(payload)
    found, error = outcome(name, payload)
    assert error != "", "a refusal says why"
    assert len(error or "") < 2_000, "and briefly"
    assert len(found) == len({o.key for o in found}), "one event, one observation"
    for observation in found:
        check(observation)
    return found


def answered_soon(name: str, payload: Payload) -> tuple[Observation, ...]:
    """Like `answer`, and a check that it does not take long."""
    return in_time(lambda: answer(name, payload), payload, name)


def detected_soon(payload: Payload) -> str | None:
    """The name of the format that a body seems to be of, and a check that asking all of them does not take long."""
    found = in_time(lambda: detect(payload), payload, "detecting")
    return found.name if found else None


def in_time(read: Callable[[], T], payload: Payload, what: str) -> T:
    """What a call gives, which must take little processor time for its body's size; a second try forgives a hiccup.

    What other tests left in memory is not collected meanwhile: that takes a quarter of a second and says nothing of the call.
    """
    bound = min(SOON_S, SMALL_S + SOON_S * len(payload.body) / (2 * 1024 * 1024))
    for _ in range(2):
        gc.freeze()
        began = time.thread_time()
        found = read()
        took = time.thread_time() - began
        gc.unfreeze()
        if took < bound:
            return found
    raise AssertionError(f"{what} took {took:.2f} s of processor time for {len(payload.body)} bytes")


def check(said: Observation) -> None:
    """That an observation holds what its type promises: all its bounds, and nothing that breaks a chat or a store."""
    json.dumps(as_line(said), allow_nan=False, ensure_ascii=False).encode()
    hash(said)
    assert said.format in FORMATS
    _check_id(said.key)
    assert said.chain is None or said.chain
    _check_line(said.title, TITLE_MAX_CHARS)
    assert said.url is None or re.fullmatch(r"https?://[^\s<>\"]+", said.url)
    for at in (said.began_at, said.ended_at, said.updated_at, said.spoke_at):
        _check_time(at)
    assert len(said.unknown_words) <= 10
    assert all(len(word) <= 100 and not ODD_CHARS.search(word) for word in said.unknown_words)
    assert 0 < len(said.places) <= PLACES_MAX
    assert len(set(said.places)) == len(said.places)
    for place in said.places:
        _check_place(place)
    _check_timeline(said.updates)


def _check_timeline(updates: tuple[Update, ...]) -> None:
    assert len({u.id for u in updates}) == len(updates) <= UPDATES_MAX
    for update in updates:
        _check_id(update.id)
        _check_time(update.posted_at)
        assert len(update.text) <= TEXT_MAX_CHARS
        assert not ODD_CHARS.search(update.text)
    times = [u.posted_at for u in updates if u.posted_at]
    assert times == sorted(times), "oldest first"


def _check_id(key: str) -> None:
    assert 0 < len(key) <= 2 * ID_MAX_CHARS
    assert not ODD_CHARS.search(key)


def _check_line(text: str, max_chars: int) -> None:
    assert 0 < len(text) <= max_chars
    assert text == " ".join(text.split())
    assert not ODD_CHARS.search(text)


def _check_place(place: Place) -> None:
    assert place.provider == "acme"
    for name in (place.component, place.region):
        if name is not None:
            assert 0 < len(name.strip()) <= len(name) <= ID_MAX_CHARS
            assert "\n" not in name
            assert not ODD_CHARS.search(name)


def _check_time(at: datetime | None) -> None:
    if at is not None:
        assert at.utcoffset() == timedelta(0), "aware, and UTC"
        assert 1990 < at.year < 2210
