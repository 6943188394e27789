"""Some pages show an update before its text, or without: the text is taken from whoever has it, whenever it comes."""

from __future__ import annotations

import itertools
from dataclasses import replace

from bot.domain import correlate
from bot.domain.incident import Incident
from bot.domain.observation import Observation, Update
from bot.domain.words import Impact, Kind, Status
from tests.build import at, said, update

EMPTY = Incident(
    id="INC-1",
    provider="acme",
    kind=Kind.INCIDENT,
    title="",
    status=Status.INVESTIGATING,
    impact=Impact.NONE,
    opened_at=at(0),
)
BARE = replace(update("u1", 1), text="")


def body(minute: float, *updates: Update) -> Observation:
    """What a page said at a minute."""
    return said(updated_at=at(minute), updates=updates)


def texts(*told: tuple[str, Observation]) -> list[str]:
    """The texts of the timeline after these (source, observation) pairs."""
    incident = EMPTY
    for source, observation in told:
        incident = correlate.merge(incident, source, observation, at(60))
    return [u.text for u in incident.updates]


def test_a_text_that_was_missing_is_taken_from_the_next_poll() -> None:
    filled = replace(BARE, text="A disk is full.")

    assert texts(("shim", body(1, BARE)), ("shim", body(1, filled))) == ["A disk is full."]
    assert texts(("shim", body(1, BARE)), ("shim", body(5, filled))) == ["A disk is full."]


def test_no_words_never_replace_words() -> None:
    filled = replace(BARE, text="A disk is full.")

    assert texts(("shim", body(1, filled)), ("shim", body(5, BARE))) == ["A disk is full."]


def test_a_text_that_was_missing_is_taken_from_another_source_of_the_provider() -> None:
    """The feed dates the post to the minute and has no ids; still it is one post."""
    feed = Update(id="e1@1", text="A disk is full.", posted_at=at(1))

    assert texts(("shim", body(1, BARE)), ("feed", body(1, feed))) == ["A disk is full."]
    assert texts(("feed", body(1, feed)), ("shim", body(1, BARE))) == ["A disk is full."]


def test_the_order_of_polls_does_not_matter_to_missing_texts() -> None:
    polls = [body(n, replace(BARE, text=text)) for n, text in enumerate(["first", "", "second", ""])]

    found = {tuple(texts(*(("shim", poll) for poll in order))) for order in itertools.permutations(polls)}

    assert found == {("second",)}
