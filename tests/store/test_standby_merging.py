"""Which of two records of one thing stands after an outage of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.conversation import Conversation, Message, Receipt, StepKind
from bot.domain.incident import Known, Ledger
from bot.store.standby import words
from bot.store.standby.merging import difference, follows
from tests.build import at, said, seen_before, sighting, update


def told(*names: str) -> Ledger:
    """A ledger with one incident and these updates, each seen a minute after the other."""
    world = seen_before()
    for n in range(len(names)):
        seen = tuple(update(name, m) for m, name in enumerate(names[: n + 1]))
        world.see(sighting(n, said(updates=seen)))
    return world.ledger


def test_nothing_is_written_where_both_are_alike() -> None:
    assert difference(told("a"), told("a")) is None


def test_what_came_while_the_store_was_away_is_written_and_made_due() -> None:
    decision = difference(told("a"), told("a", "b"))

    assert decision is not None
    assert [i.newest.id for i in decision.incidents if i.newest] == ["b"]
    assert (decision.on_revision, decision.due) == (told("a").revision, (("INC-1", "console:ops"),))


def test_what_others_wrote_meanwhile_stands() -> None:
    assert difference(told("a", "b", "c"), told("a", "b")) is None


def test_of_two_that_differ_without_one_being_fuller_the_stores_stands() -> None:
    assert difference(told("a", "b"), told("a", "c")) is None


def test_an_empty_store_gets_everything_back() -> None:
    ours = told("a", "b")

    decision = difference(Ledger(provider="acme"), ours)

    assert decision is not None
    assert decision.incidents == tuple(ours.incidents.values())
    assert (decision.known, decision.sources) == (ours.known, ours.sources)


def test_an_event_that_others_gave_another_number_keeps_that_one() -> None:
    ours, stored = told("a"), told("a")
    (incident,) = stored.incidents.values()
    known = {key: Known(incident="INC-7", listed_on=k.listed_on) for key, k in stored.known.items()}
    stored = replace(stored, incidents={"INC-7": replace(incident, id="INC-7")}, known=known)

    assert difference(stored, ours) is None


def test_another_incident_with_the_same_number_is_not_overwritten() -> None:
    """A store that came back empty may have begun its numbers anew before we could write."""
    stored = told("a")
    (incident,) = stored.incidents.values()
    other = replace(incident, opened_at=incident.opened_at + timedelta(hours=1))

    assert difference(replace(stored, incidents={"INC-1": other}), told("a", "b")) is None


def talk(*keys: str) -> Conversation:
    receipt = Receipt(channel="C1", message="1")
    messages = tuple(
        Message(kind=StepKind.UPDATE, key=key, receipt=receipt, updates=(key,), digest="") for key in keys
    )
    return Conversation(subject="INC-1", provider="acme", channel="slack:C1", messages=messages)


def test_a_conversation_that_holds_all_the_messages_of_the_other_came_after_it() -> None:
    assert follows(None, talk("a"))
    assert follows(talk("a"), talk("a", "b"))
    assert not follows(talk("a", "b"), talk("a"))
    assert not follows(talk("a", "x"), talk("a", "b"))


def test_operators_are_told_what_could_not_be_brought_home() -> None:
    whole, partly = (words.away(at(0), at(30), left) for left in ((), ("acme", "aws")))

    assert (
        whole.updates[-1].text == "The store is back after 30 min, and all that was done meanwhile is in it."
    )
    assert partly.updates[-1].text == (
        "The store is back after 30 min, and all that was done meanwhile is in it, but for what it refused to take:"
        " acme, aws. The log says why."
    )
