"""What makes us hurry: open incidents, news of a sister on the same cloud, and checks of ours that point at a provider."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.incident import Incident, Opening
from bot.domain.observation import SELF, Place
from bot.domain.services import Service, parse_need
from bot.domain.words import Impact, Kind, Status
from bot.pipeline.tempo import Tempo
from tests.build import at
from tests.fakes.store_fakes import FakeClock

SERVICES = (
    Service(name="checkout", needs=(parse_need("stripe/api"), parse_need("service:sessions"))),
    Service(name="sessions", needs=(parse_need("aws/dynamodb@us-east-1"),)),
)
SISTERS = {"aws": frozenset({"slack", "github"}), "slack": frozenset({"aws", "github"})}


def incident(
    provider: str,
    number: int = 1,
    *,
    status: Status = Status.INVESTIGATING,
    opening: Opening = Opening.FRESH,
    component: str | None = None,
) -> Incident:
    places = (Place(provider=provider, component=component),) if component else ()
    return Incident(
        id=f"INC-{number}", provider=provider, kind=Kind.INCIDENT, title="Errors", status=status,
        impact=Impact.MAJOR, opened_at=at(0), updated_at=at(0), opening=opening, places=places,
    )  # fmt: skip


class Hurried:
    """A tempo at a clock that the test moves, and who was told to hurry."""

    def __init__(self) -> None:
        self.clock = FakeClock(at(0))
        self.tempo = Tempo(self.clock, SERVICES, SISTERS)
        self.calls: list[set[str]] = []
        self.tempo.hurry = self._note

    def _note(self, providers: Iterable[str]) -> None:
        self.calls.append(set(providers))


def test_a_provider_is_live_while_an_incident_is_open_and_when_the_last_one_closed() -> None:
    told = Hurried()
    told.tempo.saw([incident("aws")])
    told.clock.at = at(60)
    during = told.tempo.signals("aws", told.clock.now()).live_at
    told.tempo.saw([incident("aws", status=Status.RESOLVED)])
    told.clock.at = at(120)

    assert during == at(60)
    assert told.tempo.signals("aws", told.clock.now()).live_at == at(60)
    assert told.tempo.signals("gcp", told.clock.now()).live_at is None


def test_what_another_worker_closed_does_not_keep_us_in_a_hurry() -> None:
    told = Hurried()
    told.tempo.saw([incident("aws"), incident("aws", 2)])
    told.tempo.saw_all("aws", [])
    told.clock.at = at(60)

    assert told.tempo.signals("aws", told.clock.now()).live_at is None


def test_news_of_a_cloud_makes_its_sisters_be_looked_at_once() -> None:
    told = Hurried()
    told.tempo.saw([incident("aws")])
    told.tempo.saw([incident("aws")])

    assert told.calls == [{"aws", "slack", "github"}]
    assert told.tempo.signals("slack", told.clock.now()).live_at == at(0)


def test_what_was_open_when_we_started_is_no_news() -> None:
    told = Hurried()
    told.tempo.saw([incident("aws", opening=Opening.IN_PROGRESS)])

    assert told.calls == []
    assert told.tempo.signals("aws", told.clock.now()).live_at == at(0)


def test_a_failing_check_suspects_all_that_the_service_leans_on() -> None:
    told = Hurried()
    told.tempo.saw([incident(SELF, component="checkout")])

    assert told.calls == [{"stripe", "aws"}]
    assert told.tempo.signals("aws", told.clock.now()).suspected_at == at(0)
    assert told.tempo.signals("slack", told.clock.now()).suspected_at is None
