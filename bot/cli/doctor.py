"""`fogbell doctor`: what does not work, and what to do about it."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from bot.cli.load import add_config, config_at
from bot.cli.status import FAILED, OK

if TYPE_CHECKING:
    from bot.config import Config

EPILOG = """\
examples:
  fogbell doctor
  fogbell doctor --config fogbell.toml --offline

Tokens, scopes, channels, store, clock, feeds: each is tried, nothing is posted or changed.
Exit status: 0 all well (notes may be among it), 1 something does not work.
"""
_MARKS = {"ok": "ok   ", "warn": "note ", "bad": "BAD  "}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "doctor",
        help="try tokens, channels, store, clock and feeds, and say how to mend what is wrong",
        description="Tries everything that the configuration names.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.add_argument("--offline", action="store_true", help="leave out what needs the network")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings as they come; 1 when one of them is bad."""
    return asyncio.run(_examined(config_at(args.config, data=args.data), probe_network=not args.offline))


async def _examined(config: Config, *, probe_network: bool) -> int:
    from bot.doctor import Level, diagnose

    status = OK
    async for finding in diagnose(config, probe_network=probe_network):
        remedy = f"\n       {finding.remedy}" if finding.remedy else ""
        print(f"{_MARKS[finding.level.value]}  {finding.what}{remedy}", flush=True)
        status = FAILED if finding.level is Level.BAD else status
    return status
