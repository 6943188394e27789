"""How long after a provider's post we see it, replayed on the real times of recorded incidents: our paces against every 30 s.

The pace function is the worker's own (`bot.domain.pace`). No network and no clock: a simulated source is asked, waits, is asked
again. What was posted when comes from recorded bodies; without them there is nothing to replay.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.measure import Row
from bot.domain.observation import Observation
from bot.domain.pace import LINGER, WORDLESS_AFTER, Paces, Signals, interval
from bot.domain.words import Kind
from bot.errors import ParseError
from bot.sources import detect
from bot.sources.payload import Payload, Spec
from tests.corpus import CORPUS, recorded

TURNS = 3  # with phases and jitter drawn anew
JITTER = 0.1
AROUND = timedelta(days=1)  # of silence before the first post and after the last
CHECK_AHEAD = timedelta(minutes=1)  # our own check turns bad so long before the provider's first post
OURS = Paces(idle=timedelta(seconds=60), live=timedelta(seconds=10), boost=timedelta(seconds=5))
FIXED = timedelta(seconds=30)
HISTORIES = ("statuspage-history-atom", "statuspage-incidents", "statuspage-summary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """When one incident was written about, oldest first, and until when it was open."""

    posts: tuple[datetime, ...]
    over_at: datetime


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a policy saw: seconds from post to sight, of first posts and of later ones; requests, over how many days."""

    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    requests: int = 0
    days: float = 0.0


Wait = Callable[[Signals, datetime], timedelta]


def run() -> Iterator[Row | str]:
    """Later updates, first posts, requests; and first posts when a check of ours failed before."""
    pages = [stories for stories in _pages() if stories]
    if not pages:
        yield "policy: no recorded feeds here: set FOGBELL_CORPUS to their folder"
        return
    ours = _replay(pages, lambda signals, now: interval(OURS, signals, now))
    warned = _replay(pages, lambda signals, now: interval(OURS, signals, now), has_checks=True)
    fixed = _replay(pages, lambda signals, now: FIXED)
    of = f"{sum(len(p) for p in pages)} incidents of {len(pages)} pages"
    against = f"every {FIXED.seconds} s"
    yield _row(f"later updates, mean delay; {of}", ours.later, against, fixed.later, at_most=1 / 2.5)
    yield _row("  first posts, mean delay", ours.first, against, fixed.first)
    yield _row(
        "  the same, our check failed a minute before", warned.first, against, fixed.first, at_most=1 / 2.5
    )
    rates = [seen.requests / seen.days for seen in (ours, fixed)]
    yield Row(
        name="  requests a day and page", ours=rates[0], against=against, theirs=rates[1], at_most=1, unit=""
    )


def _row(
    name: str, ours: list[float], against: str, theirs: list[float], *, at_most: float | None = None
) -> Row:
    means = [statistics.fmean(delays) for delays in (ours, theirs)]
    return Row(name=name, ours=means[0], against=against, theirs=means[1], at_most=at_most, unit="s")


def _replay(pages: list[list[Story]], wait: Wait, *, has_checks: bool = False) -> Seen:
    seen, dice = Seen(), random.Random(20251020)
    for stories in pages * TURNS:
        _watch(stories, wait, seen, dice, has_checks=has_checks)
    return seen


def _watch(stories: list[Story], wait: Wait, seen: Seen, dice: random.Random, *, has_checks: bool) -> None:
    """One page from a day before its first post to a day after its last."""
    posts = [(at, story, at == story.posts[0]) for story in stories for at in story.posts]
    posts.sort(key=lambda post: post[0])
    begin, end = posts[0][0] - AROUND, posts[-1][0] + AROUND
    now, shown = begin + dice.random() * FIXED, 0
    live_until = changed_at = begin
    seen.days += (end - begin) / timedelta(days=1)
    while now < end:
        seen.requests += 1
        while shown < len(posts) and posts[shown][0] <= now:
            at, story, is_first = posts[shown]
            (seen.first if is_first else seen.later).append((now - at).total_seconds())
            live_until = max(live_until, min(story.over_at, at + WORDLESS_AFTER))
            changed_at, shown = now, shown + 1
        coming = posts[shown][0] if shown < len(posts) else end
        is_warned = has_checks and shown < len(posts) and posts[shown][2]
        suspected = coming - CHECK_AHEAD if is_warned else None
        signals = Signals(
            live_at=min(now, live_until) if live_until > begin else None,
            suspected_at=suspected if suspected and suspected <= now else None,
            changed_at=changed_at,
        )
        every = wait(signals, now)
        # Turns in which nothing can change are counted, not taken.
        turns_at = [coming, now + timedelta(hours=6), live_until + LINGER, coming - CHECK_AHEAD]
        idle = max(0, int((min(at for at in turns_at if at > now) - now) / every) - 2)
        seen.requests += idle
        before, now = now, now + every * (idle + dice.uniform(1 - JITTER, 1 + JITTER))
        if suspected and before < suspected < now:
            now = suspected  # whoever is suspected is looked at at once


def _pages() -> Iterator[list[Story]]:
    """The stories of each recorded page: a series is one page, else the captures of one vendor are."""
    series = CORPUS / "series"
    folders = sorted(series.iterdir()) if series.is_dir() else []
    yield from (_stories([file.read_bytes() for file in sorted(folder.iterdir())]) for folder in folders)
    by_vendor: dict[str, list[bytes]] = {}
    for folder_name in HISTORIES:
        for file in recorded(f"all/{folder_name}"):
            by_vendor.setdefault(f"{folder_name}/{file.name.partition('-')[0]}", []).append(file.read_bytes())
    yield from (_stories(bodies) for bodies in by_vendor.values())


def _stories(bodies: list[bytes]) -> list[Story]:
    """The incidents of some bodies that say when they were written about, by their ids."""
    found: dict[str, dict[datetime, Observation]] = {}
    for body in bodies:
        for said in _observations(body):
            for update in said.updates if said.kind is Kind.INCIDENT else ():
                if update.posted_at:
                    found.setdefault(said.key, {})[update.posted_at] = said
    return [_story(posts) for posts in found.values()]


def _story(posts: dict[datetime, Observation]) -> Story:
    times = sorted(posts)
    ended_at = posts[times[-1]].ended_at or times[-1]
    return Story(posts=tuple(times), over_at=max(ended_at, times[-1]))


def _observations(body: bytes) -> tuple[Observation, ...]:
    payload = Payload(body=body, fetched_at=datetime(2026, 9, 1, tzinfo=UTC))
    form = detect(payload)
    try:
        return form.parse(payload, Spec(provider="acme")) if form else ()
    except ParseError:
        return ()
