"""Saying that we cannot see: when a provider's sources are lost, operators hear of it once, and of the way back.

What Fogbell says about itself is an Observation like any other, in a ledger of its own; it is routed to operators, delivered
exactly as incidents are, and closed in the same thread. Called by `pipeline.sight`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incident import Incident
from bot.domain.observation import WATCHER, Observation, Place, Update
from bot.domain.trust import BLIND_AFTER_TURNS, SourceReport
from bot.domain.words import Impact, Kind, Status

SOURCE = "sight"  # who says so
ALL = "*"  # begins what stands for every provider of a worker: its way out is broken, not the providers
MANY = 4  # so many providers, and more than half of those watched, are lost together for one reason: ours
REASONS_SHOWN = 3
AT_LEAST = timedelta(seconds=10)  # a source that is looked at every second may miss three looks


def observations(
    reports: Iterable[SourceReport],
    held: Iterable[Incident],
    names: Mapping[str, str],
    now: datetime,
    *,
    everyone: str = ALL,
) -> tuple[Observation, ...]:
    """What to say of the providers in `reports` now: those that nobody can see, and those of `held` that are seen again.

    `reports` are those of all sources that this worker looks at, each of them looked at. `held` are the open incidents of the
    WATCHER's ledger that are this worker's to judge (ask `about`). `everyone` is its name for all of its providers at once.
    """
    by_provider: dict[str, list[SourceReport]] = {}
    for report in reports:
        by_provider.setdefault(report.provider, []).append(report)
    blind = {p: found for p, found in by_provider.items() if all(_is_lost(r, now) for r in found)}
    told = {about(i): i for i in held if about(i)}
    if len(blind) >= MANY and 2 * len(blind) > len(by_provider):
        lost = [report for found in blind.values() for report in found]
        everyone = next((p for p in told if p.startswith(ALL)), everyone)
        return (_blind(everyone, lost, f"{len(blind)} of {len(by_provider)} providers", told.get(everyone)),)
    said = [_blind(p, found, names.get(p, p), told.get(p)) for p, found in sorted(blind.items())]
    back = [
        _back(incident, now, is_watched=provider in by_provider)
        for provider, incident in told.items()
        if provider not in blind
    ]
    return (*said, *back)


def _is_lost(report: SourceReport, now: datetime) -> bool:
    """True when three looks in a row failed. What merely was not looked at is no news about the provider."""
    if report.trouble is None or report.failing_since is None:
        return False
    return now - report.failing_since >= max((BLIND_AFTER_TURNS - 1) * report.every, AT_LEAST)


def about(incident: Incident) -> str:
    """The provider that an incident of the WATCHER's ledger is about, or what stands for all of a worker's."""
    chain = next((c.said.chain for c in incident.claims if c.source == SOURCE), None) or ""
    return chain.partition(":")[2]


def _blind(provider: str, reports: list[SourceReport], name: str, held: Incident | None) -> Observation:
    if held is not None:  # it was said: the start and the reason of then stand
        return replace(held.claims[0].said, updates=held.updates)
    since = min((r.last_good_at or r.failing_since for r in reports if r.failing_since), default=None)
    reasons = list(dict.fromkeys(r.reason for r in reports if r.reason))
    more = f"\nAnd {len(reasons) - REASONS_SHOWN} more." if len(reasons) > REASONS_SHOWN else ""
    why = "\n".join(reasons[:REASONS_SHOWN]) + more
    remedy = (
        "Most sources fail together: look at this machine's own way out (DNS, proxy, firewall) first."
        if provider.startswith(ALL)
        else f"Until it is back, silence about {name} means nothing: look at its page yourself."
    )
    key = f"blind:{provider}@{since.isoformat() if since else ''}"
    begun = f" since {since:%H:%M} UTC" if since else ""
    return Observation(
        provider=WATCHER,
        format="sight",
        key=key,
        is_native=False,
        title=f"Blind on {name}{begun}",
        status=Status.INVESTIGATING,
        impact=Impact.MINOR,
        kind=Kind.BLINDNESS,
        began_at=since,
        updated_at=max(r.failing_since for r in reports if r.failing_since),
        places=(Place(provider=WATCHER, component=name),),
        updates=(
            Update(id=f"{key}#lost", text=f"{why}\n{remedy}".strip(), posted_at=since),
        ),
        chain=f"blind:{provider}",
    )  # fmt: skip


def _back(incident: Incident, now: datetime, *, is_watched: bool) -> Observation:
    said = next(c.said for c in incident.claims if c.source == SOURCE)
    minutes = int((now - said.began_at).total_seconds() // 60) if said.began_at else 0
    name = said.places[0].component if said.places else ""
    text = f"{name} can be seen again, after {minutes} min. What it said meanwhile follows, if it still lists it."
    if about(incident).startswith(ALL):
        text = f"Most can be seen again, after {minutes} min. Providers that still cannot are told of one by one."
    elif not is_watched:
        text = f"{name} is not watched any more."
    seen = Update(id=f"{said.key}#back@{now.isoformat()}", text=text, posted_at=now, status=Status.RESOLVED)
    return replace(
        said, status=Status.RESOLVED, ended_at=now, updated_at=now, updates=(*incident.updates, seen)
    )
