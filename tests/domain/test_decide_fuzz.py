"""Days of a provider whose feeds are mixed up at random: the rules never raise, never see news in the same body twice, and
whatever they make of it fits every chat and rings nobody."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chats.discord import render as discord
from bot.chats.slack import render as slack
from bot.domain import correlate
from bot.domain.card import Card
from bot.domain.conversation import Conversation, Limits, Receipt, Step, settled
from bot.domain.decide import CLOCK, decide
from bot.domain.delivery import plan
from bot.domain.incident import Incident
from bot.domain.observation import UPDATES_MAX, Listing, Sighting, Update
from bot.domain.present import present
from bot.domain.rules import Rules
from bot.domain.services import Service, parse_need
from bot.domain.words import Status
from bot.errors import ParseError
from bot.pipeline.watch import sighting_of
from bot.sources import FORMATS
from bot.sources.payload import SourceSpec
from bot.sources.reading.text import TITLE_MAX_CHARS
from tests.build import RULES, World, at, said, seen_before, sighting, update
from tests.fakes.discord_rules import message_problems, notified
from tests.fakes.slack_rules import UPDATE_TEXT_MAX, refusal, rung
from tests.fuzz.fitness import ODD_CHARS
from tests.fuzz.spoil import cases, spoilt
from tests.sources.feedkit import NOW, body_of

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
pytestmark = pytest.mark.timeout(900 if IS_LONG else 60)
quickly = settings(deadline=None) if IS_LONG else settings(max_examples=12, deadline=None)
DICE = st.randoms(use_true_random=True)  # one seed for each example, so that what fails fails again
OURS: Rules = replace(
    RULES,
    services=(
        Service(name="checkout", tier=1, needs=(parse_need("acme/API"), parse_need("service:login?"))),
        Service(name="login", needs=(parse_need("acme"),)),
    ),
)
LIMITS = Limits()
LOOKS_MAX = 8
STEPS_MAX = 40


@pytest.mark.parametrize("name", FORMATS)
@quickly
@given(dice=DICE)
def test_a_day_of_mixed_up_bodies_is_decided_once_and_told_within_all_limits(
    name: str, dice: random.Random
) -> None:
    world = World(OURS)
    talks: dict[str, Conversation] = {}
    now = NOW

    for _ in range(dice.randint(2, LOOKS_MAX)):
        now += timedelta(minutes=dice.choice([0, 1, 30, 600, 3_000]))
        seen = look(name, dice, now - NOW)
        if seen is None:
            continue
        before = world.ledger
        world.see(seen)
        assert decide(world.ledger, seen, OURS) is None, "the same look again is no news"
        for incident in world.ledger.incidents.values():
            check(incident)
            if incident is not before.incidents.get(incident.id):
                talks[incident.id] = tell(incident, talks.get(incident.id))


def test_updates_without_a_time_stand_where_their_own_body_put_them() -> None:
    """Two records of one body may be one incident to us: the order of its updates must not swing between them."""
    early = said("e1", updated_at=at(5), updates=(Update(id="e1@?", text="no time"),))
    late = said("e2", updated_at=at(20), updates=(update("u2", 20), Update(id="e2@?", text="none either")))
    world = World()
    seen = sighting(60, early, replace(late, key="e1"), source="acme")

    world.see(seen)

    assert decide(world.ledger, seen, RULES) is None


@pytest.mark.parametrize("is_turned", [False, True])
def test_an_event_whose_name_is_another_ones_last_update_stays_itself(is_turned: bool) -> None:
    """Derived names: an outage that begins in the very moment in which the one before it ends, on the same service."""
    ended = said(
        "wiki@1",
        is_native=False,
        status=Status.RESOLVED,
        updates=(update("wiki@1", 1), update("wiki@2", 2)),
        ended_at=at(2),
    )
    begun = said("wiki@2", is_native=False, began_at=at(2), updates=(update("wiki@2", 2),))
    world = seen_before()
    world.see(sighting(1, replace(ended, status=Status.INVESTIGATING, updates=ended.updates[:1])))
    seen = sighting(3, *((begun, ended) if is_turned else (ended, begun)), listing=Listing.WINDOW)

    world.see(seen)

    assert decide(world.ledger, seen, RULES) is None
    assert [(i.is_open, i.reopened) for i in world.incidents] == [(False, 0), (True, 0)]


def look(name: str, dice: random.Random, after: timedelta) -> Sighting | None:
    """A look at one of two sources of the format, or at the clock; None when nothing of it can be used."""
    if dice.random() < 0.1:
        return Sighting(
            provider="acme", source=CLOCK, seen_at=NOW + after, observations=(), listing=Listing.PART
        )
    raw = spoilt(dice.choice(cases(name)), dice.choice(cases(name)), dice)
    source = SourceSpec(name=dice.choice(["acme", "acme-2"]), provider="acme", url="https://x.example")
    try:
        return sighting_of(replace(body_of(raw), fetched_at=NOW + after), source, FORMATS[name])[0]
    except ParseError:
        return None


def check(incident: Incident) -> None:
    """That an incident keeps every bound and can be stored."""
    assert len({u.id for u in incident.updates}) == len(incident.updates) <= UPDATES_MAX
    assert len(incident.places) <= correlate.PLACES_MAX
    assert 0 < len(incident.title) <= TITLE_MAX_CHARS
    assert not ODD_CHARS.search(incident.title)
    assert incident.is_open == (incident.closed_at is None)
    assert incident.is_open == (incident.closure is None)
    assert incident.claims
    assert len({c.source for c in incident.claims}) == len(incident.claims)


def tell(incident: Incident, talk: Conversation | None) -> Conversation:
    """The conversation after all was told, each step of it shown to both chats' rules."""
    talk = talk or Conversation(subject=incident.id, provider=incident.provider, channel="slack:C1")
    for number in range(STEPS_MAX):
        step = plan(incident, talk, LIMITS)
        if not isinstance(step, Step):
            return talk
        show(present(step, incident, names={"acme": "Acme"}))
        talk = settled(talk, step, Receipt(channel="C1", message=str(number)))
    raise AssertionError("plan does not come to an end")


def show(card: Card) -> None:
    """That both chats take the card, and that it rings nobody."""
    block_kit, embed = slack.render(card), discord.render(card, ref="abc")

    assert refusal(block_kit, text_max=UPDATE_TEXT_MAX) is None
    assert rung(block_kit) == []
    assert message_problems(embed) == {}
    rings = notified(embed["content"], embed["allowed_mentions"])
    assert not any((rings["mention_everyone"], rings["mentions"], rings["mention_roles"]))
