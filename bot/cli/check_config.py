"""`fogbell check-config`: every mistake of a configuration at once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bot.cli.load import DEFAULT, config_at
from bot.cli.status import OK

EPILOG = """\
examples:
  fogbell check-config fogbell.toml

Exit status: 0 valid (notes may follow), 2 mistakes, each with its place and the remedy.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "check-config",
        help="say what is wrong with a configuration",
        description="Reads a configuration and reports every mistake at once. It contacts nothing; `fogbell doctor` does.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", nargs="?", type=Path, default=DEFAULT, metavar="FILE", help="default: fogbell.toml"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say that it is valid, and what is in it."""
    from bot.config import sources
    from bot.notices import draft

    config = config_at(args.file)
    draft.load(config.notices.templates, names_providers=config.notices.names_providers)
    for warning in config.warnings:
        print(f"note: {warning}", file=sys.stderr)
    chats = [name for name in ("slack", "discord", "apprise", "webhook") if getattr(config.chat, name)]
    print(
        f"{args.file}: valid. {len(sources(config))} feeds, {len(config.check)} checks, {len(config.service)} services, "
        f"{len(config.route)} routes; chats: {', '.join([*chats, 'console', 'terminal'])}."
    )
    return OK
