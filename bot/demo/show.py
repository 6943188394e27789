"""Runs the demo: the day's pages on loopback, the same worker as always, a fast clock, and a summary measured at the end.

A demo that was killed goes on where the day would be by now, as life does. One that ended starts from the morning.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.chats.console.client import ConsoleChat, Posted
from bot.config import load
from bot.demo import demo_config
from bot.demo.clock import FastClock
from bot.demo.feeds import serve_feeds
from bot.demo.script import Day
from bot.domain.incident import Incident
from bot.domain.words import Kind
from bot.store.lock import DirectoryLock
from bot.wiring import App, Options, run

BOARD = "ops"  # the console channel of the demo's configuration
REST_SECONDS = 1.5  # of real time at the end, for what is still on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Voyage:
    """Where the day is: the virtual time `at` at the machine's time `since` (epoch seconds), and how fast it goes."""

    at: datetime
    since: float
    speed: float

    def now(self) -> datetime:
        """The virtual present."""
        return self.at + timedelta(seconds=(time.time() - self.since) * self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How late the world heard of one provider's trouble. None where the start is not known."""

    provider: str
    began_at: datetime | None
    posted_at: datetime
    told_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the demo did, counted in its store at the end."""

    incidents: int
    headlines: int
    replies: int
    edits: int
    duplicates: int
    updates_lost: int
    lags: tuple[Lag, ...]
    is_whole: bool


async def show(
    folder: Path, day: Day, *, speed: float, port: int, welcome: Callable[[App, Day], None]
) -> Summary | None:
    """Run the demo below `folder` until the day ends or a signal comes; gives the summary. Raises ConfigError.

    None when it was stopped before it had begun.
    """
    voyage = _embark(folder, day, speed)
    clock = FastClock(voyage.now(), voyage.speed)
    stop = asyncio.Event()
    summaries: list[Summary] = []
    async with serve_feeds(day, clock) as feeds:
        text = demo_config(feeds) + f"\n[console]\nport = {port}\n"
        config = load(text, {}, base=folder)
        config = replace(config, fogbell=config.fogbell.model_copy(update={"data": folder.resolve()}))

        async def sum_up(app: App) -> None:
            summaries.append(await summary(app, day, is_whole=clock.now() >= day.ends_at))

        options = Options(
            clock=clock,
            speed=voyage.speed,
            note="This is a demo: a recorded day, told in Fogbell's own words, served on this machine.",
            on_ready=lambda app: welcome(app, day),
            on_stopped=sum_up,
        )
        left_seconds = (day.ends_at - clock.now()).total_seconds() / voyage.speed
        asyncio.get_running_loop().call_later(left_seconds + REST_SECONDS, stop.set)
        await run(config, options, stop)
    _anchor(folder).unlink(missing_ok=True)
    return summaries[0] if summaries else None


def _embark(folder: Path, day: Day, speed: float) -> Voyage:
    """Go on with a day that was cut off, or start a new one with an empty store. Raises ConfigError."""
    try:
        kept = json.loads(_anchor(folder).read_text())
        voyage = Voyage(at=datetime.fromisoformat(kept["at"]), since=kept["since"], speed=kept["speed"])
        if voyage.now() < day.ends_at:
            return voyage
    except (OSError, ValueError, KeyError):
        pass  # none, or not ours: begin anew
    voyage = Voyage(at=day.starts_at, since=time.time(), speed=speed)
    lock = DirectoryLock(folder)
    lock.take()  # or the store of a demo that is just ending would be swept away
    shutil.rmtree(folder / "store", ignore_errors=True)
    _anchor(folder).write_text(
        json.dumps({"at": voyage.at.isoformat(), "since": voyage.since, "speed": voyage.speed})
    )
    lock.release()
    return voyage


def _anchor(folder: Path) -> Path:
    return folder / "day.json"


async def summary(app: App, day: Day, *, is_whole: bool) -> Summary:
    """Count what the store and the console hold. A duplicate is an update told twice, or a message nobody planned."""
    ledgers = [await app.incidents.read(name) for name in await app.incidents.providers()]
    incidents = [i for ledger in ledgers for i in ledger.incidents.values()]
    told: Counter[tuple[str, str]] = Counter()
    planned = lost = 0
    for incident in incidents:
        for talk in await app.outbox.conversations(incident):
            if talk.channel != f"console:{BOARD}":
                continue
            planned += len(talk.messages)
            told.update((incident.id, u) for m in talk.messages for u in m.updates)
            lost += len({u.id for u in incident.updates} - talk.told)
    board = await _board(app)
    shown = sum(1 + len(headline.replies) for headline in board)
    twice = sum(count - 1 for count in told.values())
    return Summary(
        incidents=len(incidents),
        headlines=len(board),
        replies=shown - len(board),
        edits=sum(h.edits + sum(r.edits for r in h.replies) for h in board),
        duplicates=twice + max(0, shown - planned),
        updates_lost=lost,
        lags=_lags(day, (i for i in incidents if i.kind is Kind.INCIDENT)),
        is_whole=is_whole,
    )


async def _board(app: App) -> tuple[Posted, ...]:
    console = app.chats["console"]
    return (await console.snapshot(BOARD, limit=500)).headlines if isinstance(console, ConsoleChat) else ()


def _lags(day: Day, incidents: Iterable[Incident]) -> tuple[Lag, ...]:
    told = {i.provider: i.opened_at for i in sorted(incidents, key=lambda i: i.opened_at, reverse=True)}
    aws = Lag(
        provider="AWS", began_at=day.aws.true_start, posted_at=day.aws.first_post_at, told_at=told.get("aws")
    )
    vendors = (
        Lag(provider=v.name, began_at=v.true_start, posted_at=v.first_post_at, told_at=told.get(v.slug))
        for v in day.vendors
    )
    return (aws, *vendors)
