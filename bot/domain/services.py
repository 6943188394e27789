"""Our services, what they need, and which of them a set of places hits.

A need is written `provider/component@region`, each part after the provider optional, or `service:name`; a trailing `?` makes it
soft: the service limps without it, but lives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.observation import SELF, Place

GLOBAL = "global"
_NEED = re.compile(r"^(?:(service):([\w .-]+)|([\w.-]+)(?:/([^@?]+))?(?:@([\w .-]+))?)(\?)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One edge of the dependency graph: to a place pattern, or to another service of ours."""

    provider: str | None = None
    component: str | None = None
    region: str | None = None
    service: str | None = None
    is_soft: bool = False

    @property
    def words(self) -> str:
        """The need as it is written in the configuration."""
        if self.service:
            core = f"service:{self.service}"
        else:
            core = (self.provider or "") + (f"/{self.component}" if self.component else "")
            core += f"@{self.region}" if self.region else ""
        return core + ("?" if self.is_soft else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something of ours that customers use. `tier` 1 is the most important."""

    name: str
    tier: int = 2
    owner: str | None = None
    title: str | None = None
    needs: tuple[Need, ...] = ()

    @property
    def label(self) -> str:
        """What customers call it."""
        return self.title or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A service of ours that is hit, and why: `path` leads from the service to the place, in words.

    `is_certain` is False when the provider did not say which component or region: unknown does not mean unaffected.
    """

    service: str
    tier: int
    path: tuple[str, ...]
    is_soft: bool = False
    is_certain: bool = True


def parse_need(text: str) -> Need:
    """The need that `text` writes. Raises ValueError with an example when it is not one."""
    found = _NEED.match(text.strip())
    if not found:
        raise ValueError(
            f'"{text}" is not a need; write "aws/dynamodb@us-east-1", "stripe" or "service:sessions?"'
        )
    _, service, provider, component, region, soft = found.groups()
    return Need(
        provider=provider,
        component=component.strip() if component else None,
        region=region,
        service=service,
        is_soft=bool(soft),
    )


def affected(services: Iterable[Service], places: Iterable[Place]) -> tuple[Affected, ...]:
    """The services that the places hit, directly or through each other, worst tier first; each once, by its surest path."""
    graph = {service.name: service for service in services}
    places = tuple(places)
    hit: dict[str, Affected] = {}
    for service in graph.values():
        if any(p.provider == SELF and p.component == service.name for p in places):
            _note(hit, Affected(service=service.name, tier=service.tier, path=(service.name,)))
        for need in service.needs:
            if need.service is None:
                _note(hit, _direct(service, need, places))
    _spread(graph, hit)
    return tuple(sorted(hit.values(), key=lambda a: (a.tier, not a.is_certain, a.is_soft, a.service)))


def providers_of(service: Service, services: Iterable[Service]) -> set[str]:
    """The providers that a service needs, directly or through other services of ours."""
    graph = {s.name: s for s in services}
    found, seen, todo = set[str](), set[str](), [service.name]
    while todo:
        name = todo.pop()
        if name in seen or name not in graph:
            continue
        seen.add(name)
        found |= {n.provider for n in graph[name].needs if n.provider}
        todo += [n.service for n in graph[name].needs if n.service]
    return found


def _direct(service: Service, need: Need, places: Iterable[Place]) -> Affected | None:
    matches = [m for m in (_matches(need, place) for place in places) if m is not None]
    if not matches:
        return None
    return Affected(
        service=service.name,
        tier=service.tier,
        path=(service.name, need.words.rstrip("?")),
        is_soft=need.is_soft,
        is_certain=any(matches),
    )


def _spread(graph: dict[str, Service], hit: dict[str, Affected]) -> None:
    """Carry a hit to the services that need a hit service, until nothing changes. Cycles end because paths only get surer."""
    for _ in range(len(graph)):
        before = dict(hit)
        for service in graph.values():
            for need in service.needs:
                cause = hit.get(need.service) if need.service else None
                if cause is None or service.name in cause.path:
                    continue
                through = Affected(
                    service=service.name,
                    tier=service.tier,
                    path=(service.name, *cause.path),
                    is_soft=need.is_soft or cause.is_soft,
                    is_certain=cause.is_certain,
                )
                _note(hit, through)
        if hit == before:
            return


def _note(hit: dict[str, Affected], new: Affected | None) -> None:
    if new is None:
        return
    old = hit.get(new.service)
    if old is None or (new.is_certain, not new.is_soft, -len(new.path)) > (
        old.is_certain,
        not old.is_soft,
        -len(old.path),
    ):
        hit[new.service] = new


def _matches(need: Need, place: Place) -> bool | None:
    """True for certain, False for perhaps (the provider did not say), None for no."""
    if need.provider != place.provider:
        return None
    verdicts = [_component(need.component, place.component), _region(need.region, place.region)]
    return None if None in verdicts else all(verdicts)


def _component(needed: str | None, said: str | None) -> bool | None:
    if needed is None:
        return True
    if said is None:
        return False
    return True if f" {_plain(needed)} " in f" {_plain(said)} " else None


def _region(needed: str | None, said: str | None) -> bool | None:
    if needed is None or said == GLOBAL or needed == GLOBAL:
        return True
    if said is None:
        return False
    return True if _bare(needed) == _bare(said) else None


@lru_cache(maxsize=4096)
def _bare(region: str) -> str:
    """Letters and digits alone: "West US", "west-us" and "westus" are one region of one provider."""
    return re.sub(r"[^0-9a-z]+", "", region.casefold())


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """Lower case words without the vendor's own name in front: "Amazon DynamoDB" and "dynamodb" are one."""
    words = re.sub(r"[^0-9a-z]+", " ", name.casefold()).split()
    while len(words) > 1 and words[0] in {"amazon", "aws", "google", "azure", "microsoft", "cloud"}:
        words = words[1:]
    return " ".join(words)
