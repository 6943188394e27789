"""Sources that people add come and go within seconds, and never in place of the operator's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bot.pipeline.monitoring import Monitoring, spec_of
from bot.ports import Monitor
from bot.sources.payload import SourceSpec
from tests.build import at
from tests.fakes.store_fakes import FakeClock


@dataclass
class Wishes:
    """ports.Monitors in memory."""

    held: dict[str, Monitor] = field(default_factory=dict)

    async def add(self, monitor: Monitor) -> None:
        self.held[monitor.name] = monitor

    async def remove(self, name: str) -> bool:
        return self.held.pop(name, None) is not None

    async def all(self) -> tuple[Monitor, ...]:
        return tuple(self.held.values())


@dataclass
class FakePool:
    """What the pool was told."""

    specs: tuple[SourceSpec, ...]
    told: list[str] = field(default_factory=list)

    def add(self, watch: SourceSpec) -> None:
        self.told.append(f"+{watch.name} {watch.url}")
        self.specs = (*(s for s in self.specs if s.name != watch.name), watch)

    def remove(self, name: str) -> None:
        self.told.append(f"-{name}")
        self.specs = tuple(s for s in self.specs if s.name != name)


def wish(name: str, url: str = "https://a.example/api/v2/summary.json", title: str | None = None) -> Monitor:
    return Monitor(
        name=name,
        provider=name,
        url=url,
        format="statuspage",
        every_s=60,
        by="Ann",
        added_at=at(0),
        title=title,
    )


def monitoring_of(wishes: Wishes, pool: FakePool, names: dict[str, str]) -> Monitoring:
    return Monitoring(wishes, pool, FakeClock(at(0)), lambda spec: spec, names)  # type: ignore[arg-type,return-value]


async def test_sources_come_and_go_as_people_wish_and_each_is_taken_up_once() -> None:
    wishes = Wishes()
    pool = FakePool((SourceSpec(name="aws", provider="aws", url="https://b.example"),))
    monitoring = monitoring_of(wishes, pool, {})
    await wishes.add(wish("stripe"))
    await wishes.add(wish("aws"))
    await monitoring.once()
    await monitoring.once()
    await wishes.add(wish("stripe", "https://c.example/api/v2/summary.json"))
    await monitoring.once()
    await wishes.remove("stripe")
    await monitoring.once()

    assert pool.told == [
        "+stripe https://a.example/api/v2/summary.json",
        "+stripe https://c.example/api/v2/summary.json",
        "-stripe",
    ]


async def test_a_page_that_was_added_brings_its_title_unless_the_operator_gave_one() -> None:
    names = {"aws": "Our AWS"}
    wishes = Wishes()
    for name, title in (("aws", "Amazon"), ("acme", "Acme Cloud"), ("plain", None)):
        await wishes.add(wish(name, title=title))

    await monitoring_of(wishes, FakePool(()), names).once()

    assert names == {"aws": "Our AWS", "acme": "Acme Cloud"}


def test_what_a_person_adds_may_not_lead_inside() -> None:
    spec = spec_of(wish("stripe"))

    assert (spec.is_from_people, spec.allow_private, spec.every) == (True, False, timedelta(seconds=60))
