"""`fogbell demo`: a real outage in two minutes, without network or tokens."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.status import FAILED, OK, USAGE

if TYPE_CHECKING:
    from bot.demo.script import Day
    from bot.demo.show import Summary
    from bot.wiring import App

SECONDS = 125.0  # of real time, for the whole day
SLOWEST, FASTEST = 60.0, 600.0

EPILOG = """\
examples:
  fogbell demo                  the whole day in two minutes
  fogbell demo --speed 60       slower: a minute is an hour
  fogbell demo --until 09:30    the first hours only
  fogbell demo --port 8090      the console page elsewhere

It is the same worker as `fogbell run`, on a fast clock, watching pages of AWS and three vendors that this command serves on
loopback. Kill it and start it again: it goes on where the day would be, and says nothing twice.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo",
        help="watch the AWS outage of 2025-10-20 again, in two minutes",
        description="Replays 20 October 2025, when AWS us-east-1 failed, against the real worker.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--speed", type=float, metavar="N", help="how many times faster than life, 60 to 600")
    parser.add_argument(
        "--until", metavar="HH:MM", type=_time, help="end the day earlier, such as 09:30 (UTC)"
    )
    parser.add_argument(
        "--port", type=int, default=8080, help="of the console page (default: 8080; 0 takes a free one)"
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/demo"), metavar="DIR", help="default: data/demo"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the day, then its summary; 1 when an update was lost or doubled."""
    from bot.cli.run import run_loop
    from bot.demo.script import load_day
    from bot.demo.show import show

    whole = load_day()
    day = _shortened(whole, args.until)
    speed = args.speed or (whole.ends_at - whole.starts_at).total_seconds() / SECONDS
    if not SLOWEST <= speed <= FASTEST:
        print(f"fogbell demo: --speed {speed:g} is not between {SLOWEST:g} and {FASTEST:g}")
        return USAGE
    if day.ends_at <= day.starts_at:
        print(f"fogbell demo: the day begins at {day.starts_at:%H:%M}; --until names a later time")
        return USAGE
    found: list[Summary | None] = []

    async def main() -> None:
        found.append(await show(args.data, day, speed=speed, port=args.port, welcome=_welcome))

    run_loop(main())
    summary = found[0]
    if summary is None:
        return OK
    print(words_of(summary))
    return FAILED if summary.duplicates or summary.updates_lost else OK


def _time(text: str) -> time:
    return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of the demo's day, which is in UTC


def _shortened(day: Day, until: time | None) -> Day:
    if until is None:
        return day
    return replace(day, ends_at=datetime.combine(day.starts_at.date(), until, tzinfo=day.starts_at.tzinfo))


def _welcome(app: App, day: Day) -> None:
    print(
        f"\n{day.title}\n"
        f"Console: {app.console_url}  (open it now: the day begins at {app.clock.now():%H:%M} UTC)\n"
        "Ctrl-C ends it early.\n",
        flush=True,
    )


def words_of(summary: Summary) -> str:
    """The summary as people read it."""
    lines = [
        "",
        "The day is over." if summary.is_whole else "Stopped before the day was over.",
        f"incidents   {summary.incidents}",
        f"messages    {summary.headlines} headlines, {summary.replies} replies, {summary.edits} edits",
        f"duplicates  {summary.duplicates}",
        f"lost        {summary.updates_lost}",
        "",
        f"{'provider':<24}{'began':>8}{'posted':>8}{'lag':>9}{'Fogbell told':>15}",
    ]
    for lag in summary.lags:
        minutes = (
            f"{(lag.posted_at - lag.began_at).total_seconds() / 60:.0f} min" if lag.began_at else "unknown"
        )
        lines.append(
            f"{lag.provider:<24}{_clock(lag.began_at):>8}{_clock(lag.posted_at):>8}{minutes:>9}{_clock(lag.told_at):>15}"
        )
    return "\n".join(lines)


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M}" if at else "-"
