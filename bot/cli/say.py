"""`fogbell say`: a command without a chat."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys

from bot.cli.load import add_config, config_at
from bot.cli.status import FAILED, OK, USAGE
from bot.domain.words import Role

EPILOG = """\
examples:
  fogbell say status
  fogbell say status aws
  fogbell say silence aws 2h known, we are on it
  fogbell say help

The words are those of /incident in Slack and Discord. A running worker's store is used; without one, the store is
opened for this command alone.
Exit status: 0 answered, 1 it could not be done, 64 no such command, or a word is missing.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "say",
        help="run a chat command from the shell: status, list, show, ack, silence, routes, draft, help ...",
        description="Runs one of the chat commands and prints the answer.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="COMMAND ...",
        help='such as "status aws"; "help" lists all',
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the answer; 1 when it is an error. Raises UsageError for what is no command."""
    from bot.commands import COMMANDS, parse

    line = _line(args.words)
    is_whole = not parse.from_words(parse.split(line), COMMANDS).missing
    status = asyncio.run(_said(args, line))
    return status if is_whole else USAGE


def _line(words: list[str]) -> str:
    """The words as one line of a chat; the shell has seen to quotes, so that "it's" and "Harbor Chat" stay whole."""
    if len(words) == 1:
        return words[0]  # somebody quoted the whole line: fogbell say "status aws"
    plain = (word.replace('"', "'") for word in words)
    return " ".join(f'"{word}"' if not word or " " in word else word for word in plain)


async def _said(args: argparse.Namespace, line: str) -> int:
    from bot.commands.spec import Actor, Front
    from bot.wiring import Options, build

    config = config_at(args.config, data=args.data)
    name = getpass.getuser()
    async with build(config, Options(is_beside=True)) as app:
        reply = await app.dispatcher.run_text(
            line,
            actor=Actor(id=f"cli:{name}", name=name, role=Role.ADMIN),
            front=Front.CLI,
            channel="terminal:cli",
        )
        await app.chats["terminal"].post("cli", reply.card, key="say")
    sys.stdout.flush()
    return FAILED if reply.is_error else OK
