"""`fogbell init`: a configuration of your own, in a few questions."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.cli.load import DEFAULT
from bot.cli.status import FAILED, OK

EPILOG = """\
examples:
  fogbell init                       asks, and writes fogbell.toml
  fogbell init --yes                 takes every default, asks nothing
  fogbell init --force my.toml       writes over a file that is there

Tokens are never written: the file names the environment variables that hold them.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "init",
        help="write a configuration, asking a few questions",
        description="Asks which providers, chats and services to use, writes a configuration and checks that it is valid.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", nargs="?", type=Path, default=DEFAULT, metavar="FILE", help="default: fogbell.toml"
    )
    parser.add_argument("--yes", action="store_true", help="take the defaults and ask nothing")
    parser.add_argument("--force", action="store_true", help="write over an existing file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask and write; 1 when the person leaves before the end."""
    from bot.setup_wizard import init

    try:
        init(args.file, ask=input, say=print, force=args.force, yes=args.yes)
    except (EOFError, KeyboardInterrupt):
        print("\nNothing was written.")
        return FAILED
    return OK
