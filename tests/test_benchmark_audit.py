"""The auditor of the benchmarks: a count of zero is worth as much as its eye for what is wrong."""

from __future__ import annotations

from benchmarks.delivery.kills import Verdict, audit
from benchmarks.delivery.limits import late_criticals
from benchmarks.delivery.stand import Word

WRITTEN = {"C1": ["zz-a-0", "zz-a-1", "zz-a-2"]}


def word(at: float, *marks: str, verb: str = "reply", key: str = "", channel: str = "C1") -> Word:
    return Word(at=at, verb=verb, channel=channel, key=key or f"k{at}", status=200, marks=marks)


def test_all_told_once_and_in_order_is_no_fault() -> None:
    words = [
        word(1, "zz-a-0", verb="post"),
        word(2, "zz-a-1"),
        word(3, "zz-a-2"),
        word(4, "zz-a-2", verb="edit"),
    ]

    assert audit(words, WRITTEN) == Verdict(lost=0, doubled=0, disordered=0)


def test_what_only_an_edit_shows_is_not_lost() -> None:
    words = [word(1, "zz-a-0", "zz-a-1"), word(2, "zz-a-2", verb="edit")]

    assert audit(words, WRITTEN).lost == 0


def test_a_missing_update_is_lost_even_if_another_channel_was_told() -> None:
    words = [word(1, "zz-a-0", "zz-a-1"), word(2, "zz-a-2", channel="C2")]

    assert audit(words, WRITTEN).lost == 1


def test_the_same_update_twice_is_doubled() -> None:
    words = [word(1, "zz-a-0"), word(2, "zz-a-1", "zz-a-2"), word(3, "zz-a-2")]

    assert audit(words, WRITTEN).doubled == 1


def test_the_same_key_twice_is_doubled_whatever_it_says() -> None:
    words = [word(1, "zz-a-0", key="k"), word(2, "zz-a-1", "zz-a-2", key="k")]

    assert audit(words, WRITTEN).doubled == 1


def test_a_later_update_before_an_earlier_one_is_out_of_order() -> None:
    words = [word(1, "zz-a-0"), word(2, "zz-a-2"), word(3, "zz-a-1")]

    assert audit(words, WRITTEN).disordered == 1


def test_a_critical_after_a_message_without_any_is_late() -> None:
    """Marks 0 to 9 are the criticals of the ten parts, 10 to 19 are not."""
    words = [word(1, "zz-many-0", "zz-many-10"), word(2, "zz-many-100")]

    assert late_criticals(words) == 1
    assert late_criticals(words[:1]) == 0
