"""Who hears of an incident, and how loudly: routes match, groups hold channels; what no route asks for waits for a digest.

`heard` is asked by `decide` at each change, `mentions_for` by the outbox. Why a route does not match is said by `refusals`, so
that `explain` and the rule itself can never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.domain.incident import Incident
from bot.domain.observation import SELF
from bot.domain.services import Service, affected
from bot.domain.words import Impact, Kind, Severity, Status

if TYPE_CHECKING:
    from bot.domain.rules import Rules

BUILT_IN = frozenset(
    {"console", "terminal"}
)  # they call nobody, so they have no digests: they hear it at once
_NAMES_SHOWN = 4
_AS_IS = re.compile(r"(?!)")  # what is left out of a component's name before it is compared: nothing
_BARE = re.compile(r"[^0-9a-z*]+")  # and of a region's: "West US", "west-us" and "westus" are one


class Mode(StrEnum):
    """How a group uses its channels."""

    ALL = "all"  # every one of them
    FIRST_UP = "first_up"  # the first whose chat is usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels that belong together, as "chat:id", in order of preference."""

    name: str
    channels: tuple[str, ...]
    mode: Mode = Mode.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What an incident must be like; what is empty asks for nothing. Each list wants one of its words to fit.

    `worst` is the least severity that matches ("SEV3+": 3 or worse); incidents without severity do not match it.
    `components` and `regions` may hold "*" for any letters; `tiers` are those of services that are hit.
    """

    worst: Severity | None = None
    impact: Impact | None = None
    providers: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Condition):
    """A condition and the groups it leads to. All routes that match apply, unless one of them `is_last`.

    Without `kinds`, maintenance matches only from in_progress on, or where it touches our services, and blindness never does:
    it is for operators. What `unless` fits does not match. `is_digest`: only in the channels' next digests. `is_usual`: the
    rule where nobody wrote a route, which asks for what is heavy, named and ours. `mentions` are who is called at each
    severity, as "slack:S0123" or "discord:role:456".
    """

    to: tuple[str, ...]
    unless: Condition | None = None
    is_digest: bool = False
    is_last: bool = False
    is_usual: bool = False
    mentions: tuple[tuple[Severity, tuple[str, ...]], ...] = ()


_PLAIN = Route(to=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The reason why a condition does not hold: the setting it is about, and words that follow the incident's name."""

    about: str
    words: str


def heard(incident: Incident, rules: Rules) -> Incident:
    """The incident with the channels that hear of it. Who heard it at once hears the rest so, whatever the routes say later."""
    asked = asking(incident, rules)
    before = [c for c in incident.channels if c not in incident.digests]
    live = dict.fromkeys((*before, *_at_once(incident, asked, rules)))
    waiting = [c for group in _waiting(incident, asked, rules) for c in _digests_of(group, live, rules)]
    channels = tuple(dict.fromkeys((*incident.channels, *live, *waiting)))
    return replace(incident, channels=channels, digests=tuple(c for c in channels if c not in live))


def asking(incident: Incident, rules: Rules) -> tuple[Route, ...]:
    """The routes that match, in their order, as far as the first one that ends the list."""
    found = []
    for route in rules.routes:
        if refusal(route, incident, rules) is None:
            found.append(route)
            if route.is_last:
                break
    return tuple(found)


def mentions_for(incident: Incident, channel: str, rules: Rules) -> tuple[str, ...]:
    """Whom a message in this channel ("chat:id") calls for the incident's present severity.

    In the form that the chat's render takes: "S0123" in Slack, "role:456" in Discord. Empty for what waits for a digest.
    """
    if not any(route.mentions for route in rules.routes):
        return ()
    chat = channel.partition(":")[0]
    groups = {group.name for group in rules.groups if channel in group.channels}
    routes = [r for r in asking(incident, rules) if not r.is_digest and groups & set(r.to)]
    names = [
        n for r in routes for severity, names in r.mentions if severity is incident.severity for n in names
    ]
    return tuple(dict.fromkeys(n.partition(":")[2] for n in names if n.partition(":")[0] == chat))


def matches(route: Route, incident: Incident) -> bool:
    """True when the route's own conditions speak of this incident."""
    return next(_route_refusals(route, incident), None) is None


def refusal(route: Route, incident: Incident, rules: Rules) -> Refusal | None:
    """The first reason why the route does not speak of this incident, or None when it does."""
    found = next(_route_refusals(route, incident), None)
    return found or (next(_usual_refusals(incident, rules), None) if route.is_usual else None)


def may_wait(incident: Incident) -> bool:
    """True for what a digest may tell although no route asks for it; maintenance once it has begun or where it touches us."""
    return _usual_kind(incident) is None


def open_channels(group: Group, usable: Collection[str] | None) -> tuple[str, ...]:
    """The channels of a group that speak now. `usable` names the chats that can be used, None for all."""
    reachable = tuple(c for c in group.channels if usable is None or c.partition(":")[0] in usable)
    return reachable[:1] if group.mode is Mode.FIRST_UP else reachable


def _at_once(incident: Incident, asked: Iterable[Route], rules: Rules) -> Iterator[str]:
    """The channels that hear it now. Built-in chats do so even where a route asks for a digest."""
    groups = {group.name: group for group in rules.groups}
    if rules.always and matches(_PLAIN, incident):
        yield from rules.always
    for name, is_digest in dict.fromkeys((name, route.is_digest) for route in asked for name in route.to):
        channels = open_channels(groups[name], rules.usable_chats) if name in groups else ()
        yield from (c for c in channels if not is_digest or c.partition(":")[0] in BUILT_IN)


def _waiting(incident: Incident, asked: Collection[Route], rules: Rules) -> Iterator[Group]:
    """The groups that hear it in a digest only: those that a route says, or all where no route speaks of it."""
    loud = {name for route in asked if not route.is_digest for name in route.to}
    names = {name for route in asked for name in route.to} - loud
    if not asked and may_wait(incident):
        names = set(rules.digest_to)
    return (group for group in rules.groups if group.name in names)


def _digests_of(group: Group, live: Collection[str], rules: Rules) -> tuple[str, ...]:
    """The channels of a group that have digests and do not hear it at once: of a `first_up` group the first one, since a
    digest can wait until its chat is back."""
    chosen = group.channels
    if group.mode is Mode.FIRST_UP:
        chosen = () if set(live) & set(group.channels) else group.channels[:1]
    calm = (c for c in chosen if c not in live and c.partition(":")[0] not in BUILT_IN)
    return tuple(c for c in calm if rules.manners_of(c).digest_at)


def _route_refusals(route: Route, incident: Incident) -> Iterator[Refusal]:
    if not route.kinds and (found := _usual_kind(incident)):
        yield found
    yield from _refusals(route, incident)
    if route.unless and next(_refusals(route.unless, incident), None) is None:
        yield Refusal(about="unless", words="its exception (unless) fits")


def _usual_kind(incident: Incident) -> Refusal | None:
    """Why a route that names no kinds does not speak of it."""
    if incident.kind is Kind.BLINDNESS:
        return Refusal(about="kind", words="it is for operators")
    if _is_announced(incident) and not incident.affected:
        return Refusal(
            about="kind", words="maintenance that is not being done, and touches none of your services"
        )
    return None


def _is_announced(incident: Incident) -> bool:
    """True for maintenance that is not being done."""
    is_begun = incident.status in {Status.IN_PROGRESS, Status.VERIFYING}
    return incident.kind is Kind.MAINTENANCE and not is_begun


def _refusals(asked: Condition, incident: Incident) -> Iterator[Refusal]:
    """Every condition that does not hold, in the order in which people read them."""
    if asked.kinds and incident.kind not in asked.kinds:
        yield Refusal(about="kind", words=f"it is of kind {incident.kind}, not {_either(asked.kinds)}")
    if asked.providers and incident.provider not in asked.providers:
        yield Refusal(
            about="provider", words=f"the provider is {incident.provider}, not {_either(asked.providers)}"
        )
    if asked.worst is not None and (incident.severity is None or incident.severity > asked.worst):
        yield Refusal(about="severity", words=_severity_words(asked.worst, incident))
    if asked.impact is not None and incident.impact.rank < asked.impact.rank:
        yield Refusal(
            about="impact", words=f"the impact is {incident.impact}, not {least_words(asked.impact)}"
        )
    if asked.services and not any(a.service in asked.services for a in incident.affected):
        yield Refusal(about="service", words=f"it does not hit {_either(asked.services)}")
    if asked.tiers and not any(a.tier in asked.tiers for a in incident.affected):
        yield Refusal(about="tier", words=f"it hits no service of tier {_either(asked.tiers)}")
    if asked.components and not _one_fits(asked.components, (p.component for p in incident.places), _AS_IS):
        yield Refusal(about="component", words=f"no component that it names is {_either(asked.components)}")
    if asked.regions and not _one_fits(asked.regions, (p.region for p in incident.places), _BARE):
        yield Refusal(about="region", words=f"no region that it names is {_either(asked.regions)}")


def least_words(impact: Impact) -> str:
    """ "major or worse"; of the worst there is only one."""
    return impact.value if impact is Impact.CRITICAL else f"{impact} or worse"


def _severity_words(worst: Severity, incident: Incident) -> str:
    asked = worst.words if worst is Severity.SEV1 else f"{worst.words} or worse"
    if incident.severity is None:
        return f"it has no severity, because it hits none of your services; {asked} is asked for"
    return f"it is {incident.severity.words}, not {asked}"


def _usual_refusals(incident: Incident, rules: Rules) -> Iterator[Refusal]:
    """Why the usual rule lets it wait. Our own checks, and providers that a person asked to watch, never do."""
    is_asked_for = bool(rules.watched) and incident.provider not in rules.watched
    if incident.provider == SELF or is_asked_for:
        return
    if is_light(incident):
        yield Refusal(about="impact", words=f"the impact is {incident.impact}, not major or worse")
    if not _is_named(incident, rules):
        yield Refusal(about="region", words="nobody named its regions or components")
    if not _is_ours(incident, rules):
        yield Refusal(about="service", words="it hits none of your services")


def is_light(incident: Incident) -> bool:
    """True when a source says that it is less than major; what our reader guessed for want of a word is no such saying."""
    is_graded = any(claim.said.is_graded for claim in incident.claims) or not incident.claims
    return is_graded and incident.impact.rank < Impact.MAJOR.rank


def _is_named(incident: Incident, rules: Rules) -> bool:
    """True where no source of the provider narrows what it asks for, where a service needs it, or where one named it."""
    named = tuple(need for need in rules.named if need.provider == incident.provider)
    if not named or not incident.places or incident.affected:
        return True
    return bool(affected((Service(name="named", needs=named),), incident.places))


def _is_ours(incident: Incident, rules: Rules) -> bool:
    if not rules.services or incident.affected:
        return True
    needed = {need.provider for service in rules.services for need in service.needs}
    return not incident.places and incident.provider in needed  # it does not say what it hits


def _one_fits(patterns: Iterable[str], said: Iterable[str | None], plain: re.Pattern[str]) -> bool:
    names = {plain.sub("", name.casefold()) for name in said if name}
    return any(_glob(plain.sub("", p.casefold())).fullmatch(name) for p in patterns for name in names)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _either(words: Collection[object]) -> str:
    """ "a, b or c"; many are cut."""
    shown = [str(word) for word in list(words)[:_NAMES_SHOWN]]
    if len(words) > _NAMES_SHOWN:
        return f"{', '.join(shown)} or {len(words) - _NAMES_SHOWN} more"
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
