"""`fogbell outbox`: what waits to be said, and what operators do about it; the chat command of that name, and JSON."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
from dataclasses import asdict
from datetime import datetime

from bot.cli.load import add_config, config_at
from bot.cli.status import FAILED, OK
from bot.commands.spec import Actor, Front, Reply
from bot.domain.standing import Entry
from bot.domain.words import Role
from bot.errors import UsageError

EPILOG = """\
examples:
  fogbell outbox                                       what waits, and why
  fogbell outbox list --json INC-12
  fogbell outbox retry INC-12 slack:C0123ABCD
  fogbell outbox retry --all-parked                    after the channel or the token was mended
  fogbell outbox retry --channel slack:C0123ABCD
  fogbell outbox park INC-12 slack:C0123ABCD --reason "they asked us to wait"
  fogbell outbox drop INC-12 slack:C0123ABCD --reason "the channel was given up"

`park`: nothing is said there before somebody retries it. `drop`: all there is so far counts as told there; what comes later is
sent. Who did it, and why, goes into the audit. In chats: /incident outbox ...
Exit status: 0 done, 1 it could not be done, 64 a word is missing.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "outbox",
        help="show what waits to be said and why; retry, park or drop it",
        description="Shows every conversation that is due, held, failing or parked, and lets you act on it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(
        run=run, action="list", target="", channel_of="", channel="", all_parked=False, reason="", json=False
    )
    add_config(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    listing = actions.add_parser("list", help="what waits (the same as no action)")
    listing.add_argument(
        "target", nargs="?", default="", metavar="INC-12", help="only this incident, channel or provider"
    )
    listing.add_argument("--json", action="store_true", help="for programs")
    retry = actions.add_parser("retry", help="try at once, also what a person parked")
    retry.add_argument("--all-parked", action="store_true", help="everything that is parked")
    park = actions.add_parser("park", help="say nothing there before somebody retries it")
    drop = actions.add_parser("drop", help="count all there is so far as told there")
    for action in (retry, park, drop):
        action.add_argument("target", nargs="?", default="", metavar="INC-12", help="the incident")
        action.add_argument(
            "channel_of", nargs="?", default="", metavar="CHAT:ID", help="the channel, as slack:C0123ABCD"
        )
        action.add_argument(
            "--channel", default="", metavar="CHAT:ID", help="all that waits for this channel"
        )
    for action in (park, drop):
        action.add_argument("--reason", required=True, metavar="WHY", help="goes into the audit")
    for action in (listing, retry, park, drop):
        _add_config_again(action)


def _add_config_again(parser: argparse.ArgumentParser) -> None:
    """--config and --data after the action as well; what was said before it stays unless it is said again."""
    add_config(parser)
    parser.set_defaults(config=argparse.SUPPRESS, data=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Print the answer; 1 when it is an error."""
    args.action = args.action or "list"
    words = words_of(args)
    return asyncio.run(_listed(args) if args.json else _said(args, words))


def words_of(args: argparse.Namespace) -> dict[str, str]:
    """The words of the chat command that does the same. Raises UsageError where two targets are named, or none."""
    named = [bool(args.target), bool(args.channel), args.all_parked]
    if args.action != "list" and sum(named) != 1:
        ways = "INC-12 CHAT:ID or --channel CHAT:ID" + (" or --all-parked" if args.action == "retry" else "")
        raise UsageError(f"outbox {args.action}: write {ways}")
    target = "all" if args.all_parked else args.channel or args.target
    words = {"action": args.action, "target": target, "channel": args.channel_of, "reason": args.reason}
    return {name: word for name, word in words.items() if word}


async def _said(args: argparse.Namespace, words: dict[str, str]) -> int:
    from bot.wiring import Options, build

    name = getpass.getuser()
    async with build(config_at(args.config, data=args.data), Options(is_beside=True)) as app:
        reply = await app.dispatcher.run(
            "outbox",
            words,
            actor=Actor(id=f"cli:{name}", name=name, role=Role.ADMIN),
            front=Front.CLI,
            channel="terminal:cli",
        )
    _show(reply)
    return FAILED if reply.is_error else OK


def _show(reply: Reply) -> None:
    """The answer as lines that are never broken: programs may look for words in them."""
    print(reply.card.title)
    for section in reply.card.sections:
        print("\n".join([section.heading, *(f"  {line}" for line in section.text.splitlines())]).lstrip("\n"))


async def _listed(args: argparse.Namespace) -> int:
    """The list as JSON, one object a line of it."""
    from bot.wiring import Options, build

    async with build(config_at(args.config, data=args.data), Options(is_beside=True)) as app:
        entries = await app.dispatcher.backlog.entries() if app.dispatcher.backlog else ()
    wanted = [e for e in entries if not args.target or args.target in {e.incident, e.channel, e.provider}]
    print(json.dumps([as_json(entry) for entry in wanted], indent=1, default=datetime.isoformat))
    return OK


def as_json(entry: Entry) -> dict[str, object]:
    """A line for programs; times as ISO 8601."""
    return {**asdict(entry), "missing": entry.missing}
