"""`fogbell replay`: what would have been said on a recorded day, one JSON object a line for each delivered step."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress

from bot.cli.status import OK
from bot.domain.rules import Rules
from bot.pipeline.outbox import Delivered, Voice
from bot.replay import EVERYTHING_HERE, Summary, format_named, line_of, replay, snapshots_in
from bot.sources import FORMATS, catalogue

EPILOG = """\
examples:
  fogbell replay recordings/github-summary-2026-08-17
  fogbell replay --config fogbell.toml recordings/aws-rss recordings/github | jq -c '[.at, .channel, .step, .title]'

With --config it is a dry run: what this configuration would have posted is counted at the end. The lines tell each
incident for itself; the count knows that a digest or a storm is one message.

A directory holds snapshots of one feed, named NNN-YYYYMMDDTHHMMSSZ.ext; several directories are merged by time. Without
--config every kind of record goes to the one channel console:replay. The summary goes to standard error.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "replay",
        help="play recorded snapshots through the worker's own path, in virtual time",
        description="Plays recorded feed snapshots through ingest, decide, commit, claim, plan and settle, on a store that is "
        "thrown away, and prints each delivered step as a JSON line.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="use this configuration's services and routes"
    )
    parser.add_argument(
        "--format",
        metavar="F",
        help=f"one of {', '.join(sorted(FORMATS))}; found from each body if not given",
    )
    parser.add_argument(
        "--provider", metavar="NAME", help="the provider's name; else the directory's first word"
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", type=Path, help="a directory of snapshots")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the steps; with a configuration, count what it would have posted in a second run."""
    form = format_named(args.format) if args.format else None
    snapshots = snapshots_in(args.folders, args.provider)
    rules, voice = _rules(args.config, {snapshot.provider for snapshot in snapshots})
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("replaying", total=len(snapshots) * (2 if args.config else 1))

        def played(shown: Callable[[Delivered], None], *, may_gather: bool) -> Summary:
            return asyncio.run(
                replay(
                    snapshots,
                    shown,
                    rules=rules,
                    voice=voice,
                    form=form,
                    may_gather=may_gather,
                    on_progress=lambda: progress.advance(task),
                )
            )

        summary = played(_print, may_gather=False)
        counted = played(lambda done: None, may_gather=True) if args.config else None
    _sum_up(summary, counted)
    return OK


def _sum_up(summary: Summary, counted: Summary | None) -> None:
    print(
        f"{summary.snapshots} snapshots, {len(summary.incidents)} incidents announced, {summary.steps} steps, "
        f"{len(summary.skipped)} snapshots not read",
        file=sys.stderr,
    )
    for reason in summary.skipped[:10]:
        print(f"  not read: {reason}", file=sys.stderr)
    if counted:
        print(counted.tally.words, file=sys.stderr)


def _print(done: Delivered) -> None:
    print(json.dumps(line_of(done)))


def _rules(path: Path | None, providers: set[str]) -> tuple[Rules, Voice]:
    """The rules of a configuration, which watches the recorded providers, whatever they are; else that all is told."""
    if path is None:
        return EVERYTHING_HERE, Voice(names={entry.name: entry.title for entry in catalogue.entries()})
    from bot.cli.load import NoSecrets, config_at
    from bot.config import rules

    config = config_at(path, environ=NoSecrets(os.environ))
    found = rules(config)
    found = replace(found, watched=found.watched | providers)
    zone = ZoneInfo(config.fogbell.time_zone)
    return found, Voice(names=dict(found.names), zone=zone, rules=lambda: found)
