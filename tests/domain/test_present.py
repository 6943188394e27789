"""What cards say: the words people read first in an outage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

from bot.domain.card import Tone
from bot.domain.delivery import Conversation, Limits, Receipt, Step, plan, settled
from bot.domain.incident import Acknowledgement, Incident
from bot.domain.observation import Place
from bot.domain.present import headline, places_words, present
from bot.domain.words import Impact, Status
from tests.build import World, at, said, sighting, update

NAMES = {"acme": "Acme Cloud"}


def shown(incident: Incident) -> str:
    return headline(incident, names=NAMES).plain


def open_incident(**changes: object) -> Incident:
    world = World()
    world.see(sighting(0, said(**changes)))
    return world.only


def test_a_headline_says_who_what_since_when_and_where() -> None:
    text = shown(open_incident(places=(Place(provider="acme", component="API", region="eu"),)))

    assert text.splitlines() == [
        "Acme Cloud: Title of e1",
        "Status: Investigating",
        "Impact: major (provider's word)",
        "Began: 2025-10-20 07:00 UTC",
        "Where: API in eu",
        "Already in progress since 2025-10-20 07:00 UTC.",
        "INC-1 · 0 updates",
    ]


def test_times_are_said_in_the_zone_that_was_asked_for() -> None:
    berlin = timezone(timedelta(hours=2), "CEST")

    assert "Began: 2025-10-20 09:00 CEST" in headline(open_incident(), names={}, zone=berlin).plain


def test_the_newest_update_is_whole_and_earlier_ones_are_a_line_each() -> None:
    updates = tuple(update(f"u{n}", n, f"{'word ' * 60}number {n}") for n in range(8))

    card = headline(open_incident(updates=updates), names={})

    assert card.sections[1].text.endswith("number 7")
    before = card.sections[2]
    assert before.heading == "Before"
    assert before.text.count("\n") == 5
    assert before.text.endswith("and 2 earlier")
    assert "…" in before.text


def test_many_places_are_counted_not_listed() -> None:
    places = tuple(Place(provider="acme", component=f"Part {n}", region="eu") for n in range(9))

    assert places_words(places) == "Part 0, Part 1, Part 2, Part 3, Part 4, Part 5 and 3 more in eu"
    assert places_words((Place(provider="acme", region="us-east-1"),)) == "us-east-1"
    assert places_words((Place(provider="acme"),)) == ""


def test_who_took_it_on_is_shown() -> None:
    taken = replace(open_incident(), acknowledged=Acknowledgement(by="Ada", at=at(3)))

    assert "Acknowledged: Ada, 2025-10-20 07:03 UTC" in shown(taken)


def test_what_is_over_looks_over_whatever_its_impact_was() -> None:
    over = replace(open_incident(impact=Impact.CRITICAL), status=Status.RESOLVED)

    assert headline(over, names={}).tone is Tone.OVER
    assert headline(open_incident(impact=Impact.CRITICAL), names={}).tone is Tone.CRITICAL


def test_a_reply_shows_its_updates_and_nothing_else() -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0), updates=(update("u1", 0),))))
    talk = Conversation(subject="INC-1", provider="acme", channel="slack:C1")
    first = plan(world.only, talk, Limits())
    assert isinstance(first, Step)
    talk = settled(talk, first, Receipt(channel="C1", message="1"))
    world.see(sighting(5, said(updated_at=at(5), updates=(update("u1", 0), update("u2", 4, "New words.")))))

    step = plan(world.only, talk, Limits())

    assert isinstance(step, Step)
    assert present(step, world.only, names=NAMES).plain.splitlines() == [
        "Acme Cloud: Title of e1",
        "New words.",
        "INC-1",
    ]
