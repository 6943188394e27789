"""The line that goes unseen with a message for many: what is written can be read again, and fits."""

from __future__ import annotations

import pytest

from bot.domain.conversation import Why
from bot.domain.gather import MEMBERS_MAX
from bot.domain.roll import LINE_MAX_CHARS, Roll, mark, read, written

MEMBERS = (
    ("aws|INC-1", "key 1"),
    ("aws|INC-3", "key 3"),
    ("own-checks|INC-22", "key 22"),
    ("aws|INC-4", "key 4"),
    ("Our own pages|INC-5", "key 5"),
    ("Our own pages|INC-6", "key 6"),
)


@pytest.mark.parametrize("why", [None, *Why])
def test_what_was_written_is_read_again(why: Why | None) -> None:
    names = {mark(key): name for name, key in MEMBERS}

    assert Roll(why=why, names=names) == read(written(why, MEMBERS))


def test_a_full_message_of_common_names_fits() -> None:
    members = [(f"digital-ocean-{n}|INC-{n}", f"key {n}") for n in range(1000, 1000 + MEMBERS_MAX)]

    assert 0 < len(written(Why.SILENCE, members)) <= LINE_MAX_CHARS


def test_what_would_be_too_long_is_left_out_for_a_chat_might_refuse_the_whole_message() -> None:
    members = [(f"{n:060}|INC-{n}", f"key {n}") for n in range(MEMBERS_MAX)]

    assert written(None, members) == ""


@pytest.mark.parametrize(
    "line", ["", "-", "later", "later words that|", "later |0123456789", "later INC-1|0123456789"]
)
def test_what_makes_no_sense_is_left_out(line: str) -> None:
    """A newer Fogbell may know more reasons."""
    roll = read(line)

    assert Roll(why=None, names={}) == roll
