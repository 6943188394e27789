"""`routes`: where an incident is told, as the rules of the moment have it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.channels import Manners
from bot.domain.explain import Room
from bot.domain.routing import Group, Mode, Route
from bot.domain.silences import silence
from bot.domain.words import Impact
from tests.fakes.desk import NOON, RULES, Desk, outage, words

OPS = Group(name="ops", channels=("slack:C1",))


def with_route(desk: Desk, route: Route) -> Desk:
    desk.dispatcher.rules = replace(RULES, groups=(OPS,), routes=(route,), digest_to=("ops",))
    return desk


async def test_routes_tells_for_each_route_and_channel_what_happens_and_why(desk: Desk) -> None:
    desk.incidents.put(outage(impact=Impact.MINOR))

    reply = await with_route(desk, Route(to=("ops",), impact=Impact.MAJOR)).say("routes INC-12")

    assert words(reply).splitlines() == [
        "INC-12 · AWS: Increased error rates",
        "",
        "incident (investigating), impact minor, SEV2, hits checkout (tier 1)",
        "Routes",
        "route 1 (major or worse) to ops: no, the impact is minor, not major or worse",
        "Channels",
        "slack:C1: in the digest at 2025-10-21 09:00 UTC: minor, and no route asks for minor",
    ]
    assert reply.is_private


async def test_a_silence_is_part_of_the_answer(desk: Desk) -> None:
    desk.incidents.put(outage())
    await desk.silences.add(silence("aws", lasts=timedelta(hours=1), by="Ann", why="", now=NOON))

    reply = await with_route(desk, Route(to=("ops",))).say("routes 12")

    assert "slack:C1: silenced until 13:00 UTC" in words(reply)


async def test_an_incident_that_does_not_exist_is_answered_with_those_that_do(desk: Desk) -> None:
    desk.incidents.put(outage())

    reply = await desk.say("routes INC-99")

    assert reply.is_error
    assert "INC-12" in words(reply)


async def test_routes_knows_which_chats_are_away(desk: Desk) -> None:
    async def only_discord() -> frozenset[str]:
        return frozenset({"discord"})

    desk.incidents.put(outage())
    with_route(desk, Route(to=("ops",)))
    group = Group(name="ops", mode=Mode.FIRST_UP, channels=("slack:C1", "discord:1"))
    desk.dispatcher.rules = replace(desk.dispatcher.rules, groups=(group,))
    desk.dispatcher.usable = only_discord

    said = words(await desk.say("routes INC-12"))

    assert "slack:C1: nothing, discord:1 speaks for ops" in said
    assert "discord:1: at once" in said


async def test_routes_knows_how_much_a_channel_may_still_hear_in_this_hour(desk: Desk) -> None:
    async def room_of(channel: str, most: int) -> Room:
        return Room(left=most - 5, more_at=NOON + timedelta(minutes=8))

    desk.incidents.put(outage())
    with_route(desk, Route(to=("ops",)))
    desk.dispatcher.room_of = room_of

    said = []
    for most in (7, 5):
        manners = {"slack:C1": Manners(posts_per_hour=most)}
        desk.dispatcher.rules = replace(desk.dispatcher.rules, manners=manners)
        said.append(words(await desk.say("routes INC-12")).splitlines()[-1])

    assert said == [
        "slack:C1: at once; at most 7 messages an hour, 2 of them left",
        "slack:C1: held until 12:08 UTC by its limit of 5 messages an hour; SEV1 would be told now",
    ]
