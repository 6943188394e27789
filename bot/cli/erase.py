"""`fogbell erase`: take a person out of what Fogbell keeps."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

from bot.cli.load import add_config, config_at
from bot.cli.status import OK

if TYPE_CHECKING:
    from collections import Counter

    from bot.config import Config

EPILOG = """\
examples:
  fogbell erase --dry-run "Ada Lovelace"          count where the name stands
  fogbell erase "Ada Lovelace" slack:U012AB3CD    both as they are shown and as the chat calls them

Each of the words is looked for as a whole, in small letters or capitals, and becomes "someone": in acknowledgements, silences,
added pages, the audit (with what people typed) and the console's messages. A running worker then edits what Slack and Discord
still show of incidents that it remembers. Not reached: older messages in the chats, logs, the reason of what was parked by
hand (`fogbell outbox`), and backups: take a new one.
Exit status: 0 done, 1 the store does not answer, 2 the configuration is wrong.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "erase",
        help='replace a person\'s name by "someone", wherever it is kept',
        description='Replaces a person\'s name or id by "someone" in everything that Fogbell keeps.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.add_argument("--dry-run", action="store_true", help="only count, change nothing")
    parser.add_argument(
        "person", nargs="+", metavar="PERSON", help="a name or an id; several of one person may be given"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say how many things it stood in."""
    config = config_at(args.config, data=args.data)
    found = asyncio.run(_erased(config, args.person, is_dry_run=args.dry_run))
    words = ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in sorted(found.items()) if n)
    print(f"{'Would change' if args.dry_run else 'Changed'}: {words or 'nothing'}.", file=sys.stdout)
    return OK


async def _erased(config: Config, persons: list[str], *, is_dry_run: bool) -> Counter[str]:
    from bot.clock import SystemClock
    from bot.store.erasing import Eraser
    from bot.wiring.store import opened_store

    async with opened_store(config, is_beside=True) as (client, _):
        eraser = Eraser(client, persons, now=SystemClock().now(), is_dry_run=is_dry_run)
        return await eraser.erase(by=f"cli:{getpass.getuser()}")
