"""The command line: `fogbell run | demo | say | monitor | providers | routes | check-config | doctor | parse | replay | ...`.

Each subcommand is a module with `add` (its words and help) and `run` (which gives the exit status). Heavy libraries are
imported only by the command that needs them.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from bot import __version__
from bot.cli.foreground import own_terminal
from bot.cli.status import BAD_CONFIG, FAILED, OK, USAGE
from bot.errors import BotError, ConfigError, UsageError

_COMMANDS = (
    "run",
    "demo",
    "say",
    "monitor",
    "providers",
    "routes",
    "outbox",
    "init",
    "check_config",
    "doctor",
    "parse",
    "replay",
    "backup",
    "restore",
    "reload",
    "erase",
)

_EPILOG = """\
first steps:
  fogbell demo                          see a real outage replayed, no network, no tokens
  fogbell init                          write a configuration of your own
  fogbell run --config fogbell.toml     watch, and tell
  fogbell say status                    ask the running worker what you would ask in Slack

Every command has a --help of its own, with examples.
"""


class _Parser(argparse.ArgumentParser):
    """Ends with status 64 on bad usage, as sysexits.h has it; 2 is for a bad configuration."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to learn more."""
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}{_near(message)}\nTry: {self.prog} --help", file=sys.stderr)
        raise SystemExit(USAGE)

    def parse_known_args(  # type: ignore[override]  # the library's own signature is three overloads
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """What was understood, and nothing else: a subcommand itself complains about words that it does not know."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def _near(message: str) -> str:
    """A guess at what a mistyped subcommand should be."""
    if "invalid choice" not in message:
        return ""
    typed, *known = re.findall(r"'([^']*)'", message)
    guess = get_close_matches(typed, known, n=1)
    return f'. Did you mean "{guess[0]}"?' if guess else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; gives the exit status. SIGINT and SIGTERM end it with status 0, however early they come."""
    with own_terminal():
        return _status(argv)


def _status(argv: Sequence[str] | None) -> int:
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        words = sys.argv[1:] if argv is None else list(argv)
        args = _parser(words).parse_args(words)
        from bot.telemetry import set_up_logging

        set_up_logging(level=logging.ERROR)  # `run` speaks up; all others print what they were asked for
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except ConfigError as exc:
        for problem in exc.problems:
            print(f"fogbell: {problem}", file=sys.stderr)
        return BAD_CONFIG
    except UsageError as exc:
        print(f"fogbell: {exc}", file=sys.stderr)
        return USAGE
    except BotError as exc:
        print(f"fogbell: {exc}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return OK
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain again while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """All commands, or only the one that `words` begin with: the others' imports would make each command wait for all."""
    parser = _Parser(
        prog="fogbell",
        description="Fogbell: the bell that rings when the cloud goes down. Watches provider status feeds and your own "
        "health checks, and tells Slack, Discord and your customers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fogbell {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    named = words[0].replace("-", "_") if words else ""
    for name in (named,) if named in _COMMANDS else _COMMANDS:
        importlib.import_module(f"bot.cli.{name}").add(commands)
    return parser
