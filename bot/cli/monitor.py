"""`fogbell monitor`: the chat command of that name, with a help of its own."""

from __future__ import annotations

import argparse

from bot.cli import say
from bot.cli.load import add_config

EPILOG = """\
examples:
  fogbell monitor add stripe                        a provider that the catalogue knows
  fogbell monitor add https://status.acme.example   any other page: its feed is looked for
  fogbell monitor list
  fogbell monitor remove acme

The same as `/incident monitor ...` in a chat: a running worker takes the page up within seconds. Addresses may not lead into
your own network; for those write a [[source]] in the configuration.
Exit status: 0 done, 1 it could not be done, 64 a word is missing.
"""
_ACTIONS = {
    "add": "watch one more status page",
    "list": "show what was added by command",
    "remove": "watch it no longer",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "monitor",
        help="watch one more status page, without a restart: add, list, remove",
        description="Adds status pages to those of the configuration, and takes them out again.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    for name, about in _ACTIONS.items():
        action = actions.add_parser(name, help=about, description=f"{about.capitalize()}.")
        add_config(action)
        if name != "list":
            action.add_argument(
                "target", nargs="+", metavar="NAME_OR_URL", help="a provider, a page or a feed"
            )
    parser.set_defaults(run=run, target=[])


def run(args: argparse.Namespace) -> int:
    """Print the answer; 1 when it is an error."""
    return say.run(argparse.Namespace(config=args.config, data=args.data, words=words_of(args)))


def words_of(args: argparse.Namespace) -> list[str]:
    """The chat command that does the same."""
    return ["monitor", args.action, *args.target]
