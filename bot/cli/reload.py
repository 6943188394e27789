"""`fogbell reload`: have the running worker read its configuration again."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from bot.cli.load import add_config, config_at
from bot.cli.status import FAILED, OK

EPILOG = """\
examples:
  fogbell reload --config fogbell.toml --data /var/lib/fogbell
  systemctl reload fogbell                  the same, with ExecReload=kill -HUP $MAINPID

The file is checked first: with a mistake in it nothing is asked of the worker, and the mistakes are shown. What came of it is
in the worker's log (config.reloaded): what changed, and what needs a restart. Secrets in files are read again; environment
variables of a running process cannot change.
Exit status: 0 asked, 1 no worker uses this data directory, 2 the configuration is wrong.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "reload",
        help="have the running worker read its configuration again, without a restart",
        description="Checks the configuration and sends SIGHUP to the worker of this data directory.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, then ask."""
    from bot.store.lock import holder

    config = config_at(args.config, data=args.data)
    worker = holder(config.fogbell.data)
    if worker is None:
        print(f"fogbell: no worker uses the data directory {config.fogbell.data}", file=sys.stderr)
        return FAILED
    try:
        os.kill(worker, signal.SIGHUP)
    except (ProcessLookupError, PermissionError) as exc:
        print(f"fogbell: process {worker} cannot be asked: {exc.strerror}", file=sys.stderr)
        return FAILED
    print(f"Asked process {worker} to read its configuration again; its log says what came of it.")
    return OK
