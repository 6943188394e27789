"""Boards show the present of each service and know no incidents, ids or times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.observation import Place, Sighting
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources import FORMATS
from bot.sources.payload import Spec
from tests.build import World
from tests.sources.feedkit import body_of, parse

DAY = datetime(2026, 11, 1, 22, tzinfo=UTC)


def fedora(status: str = "major", message: str = "Down, being looked at") -> dict[str, object]:
    """A board of one service."""
    one = {"name": "Build Farm", "status": status, "message": message}
    return {"global_status": "major", "services": {"builds": one}}


def azure(health: object = "degraded", overall: object = "degraded") -> dict[str, object]:
    """A board of two services in two places."""
    places = [
        {"id": "EU", "name": "Europe", "health": health},
        {"id": "US", "name": "US", "health": "healthy"},
    ]
    services = [{"id": "Boards", "geographies": places}, {"id": "Repos", "geographies": places}]
    return {"status": {"health": overall, "message": "Trouble"}, "services": services}


def upptime(status: str = "down") -> list[dict[str, object]]:
    """A board of one site."""
    return [{"slug": "docs", "name": "Docs", "status": status, "uptimeDay": "1%", "url": "https://d.example"}]


BOARDS = [
    ("fedora-status", fedora(), fedora("good")),
    ("azure-devops-health", azure(), azure("healthy", "healthy")),
    ("upptime", upptime(), upptime("up")),
]


def sightings(name: str, *bodies: tuple[object, timedelta]) -> Iterator[Sighting]:
    """Each body as it is seen that long after DAY."""
    for body, after in bodies:
        payload = replace(body_of(body), fetched_at=DAY + after)
        found = FORMATS[name].parse(payload, Spec(provider="aws"))
        yield Sighting(
            provider="aws",
            source="board",
            seen_at=payload.fetched_at,
            observations=found,
            listing=FORMATS[name].listed(payload),
        )


@pytest.mark.parametrize(("name", "bad", "good"), BOARDS)
def test_an_outage_on_a_board_is_one_incident_over_midnight_until_it_is_gone(
    name: str, bad: object, good: object
) -> None:
    hours = [timedelta(hours=n) for n in range(5)]
    world = World()

    for seen in sightings(name, *((bad, h) for h in hours)):
        world.see(seen)
    assert (len(world.incidents), world.only.is_open) == (1, True)

    for seen in sightings(name, (good, hours[-1] + timedelta(minutes=1))):
        world.see(seen)
    assert (len(world.incidents), world.only.is_open) == (1, False)


@pytest.mark.parametrize(("name", "bad", "good"), BOARDS)
def test_next_weeks_outage_of_the_same_service_is_another_incident(
    name: str, bad: object, good: object
) -> None:
    """The words may be the very same."""
    world = World()

    for seen in sightings(name, (bad, timedelta()), (good, timedelta(hours=1)), (bad, timedelta(days=7))):
        world.see(seen)

    assert [i.is_open for i in world.incidents] == [False, True]


@pytest.mark.parametrize(("name", "bad", "good"), BOARDS)
def test_looking_at_a_board_again_changes_nothing(name: str, bad: object, good: object) -> None:
    world = World()

    decisions = [world.see(seen) for seen in sightings(name, (bad, timedelta()), (bad, timedelta(minutes=5)))]

    assert decisions[1] is None


@pytest.mark.parametrize("name", ["fedora-status", "azure-devops-health", "upptime", "apple-system-status"])
@pytest.mark.parametrize(
    "body", [{}, [], {"services": []}, {"services": None}, {"global_status": "good"}, {"services": 7}]
)
def test_a_board_without_services_is_a_fault_and_not_good_health(name: str, body: object) -> None:
    with pytest.raises(ParseError):
        parse(name, body)


# --- Fedora


def test_fedoras_replaced_message_is_a_new_update_of_one_incident() -> None:
    world = World()
    said = ["Down, being looked at", "Back, being monitored"]

    bodies = [(fedora(message=text), timedelta(minutes=n)) for n, text in enumerate(said)]
    for seen in sightings("fedora-status", *bodies):
        world.see(seen)

    assert [u.text for u in world.only.updates] == said


def test_fedoras_log_gives_each_outage_its_start_and_end() -> None:
    log = [
        {
            "changetype": "single",
            "service": "wiki",
            "status": "major",
            "message": "c",
            "changedate": 1792104000,
        },
        {
            "changetype": "single",
            "service": "wiki",
            "status": "good",
            "message": "b",
            "changedate": 1792100000,
        },
        {
            "changetype": "multiple",
            "services": ["wiki"],
            "status": "minor",
            "message": "a",
            "changedate": 1792090000,
        },
    ]

    found = parse("fedora-status", log)

    assert [(o.key[:4], o.status, len(o.updates)) for o in found] == [
        ("wiki", Status.INVESTIGATING, 1),
        ("wiki", Status.RESOLVED, 2),
    ]
    assert len({o.key for o in found}) == 2


def test_one_bad_service_spares_the_others() -> None:
    body = fedora()
    body["services"] = {"odd": 7, **dict(body["services"])}  # type: ignore[call-overload]

    with pytest.raises(ParseError, match="it is a number") as caught:
        parse("fedora-status", body)

    assert len(caught.value.partial) == 1


# --- Azure DevOps


def test_azure_devops_is_one_incident_with_every_sick_place() -> None:
    found = parse("azure-devops-health", azure("unhealthy"))

    assert [o.title for o in found] == ["Trouble"]
    assert found[0].places == (
        Place(provider="acme", component="Boards", region="Europe"),
        Place(provider="acme", component="Repos", region="Europe"),
    )
    assert found[0].impact is Impact.CRITICAL


@pytest.mark.parametrize(
    ("health", "impact"),
    [("advisory", Impact.MINOR), ("unknown", Impact.MINOR), (2, Impact.CRITICAL), (None, Impact.CRITICAL)],
)
def test_azure_devops_unknown_health_is_not_healthy(health: object, impact: Impact) -> None:
    assert parse("azure-devops-health", azure(health, "healthy"))[0].impact is impact
