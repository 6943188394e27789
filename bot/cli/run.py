"""`fogbell run`: the worker."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from bot.cli.load import add_config, config_at
from bot.cli.status import OK

EPILOG = """\
examples:
  fogbell run --config config.example.toml
  fogbell run --config fogbell.toml --data /var/lib/fogbell

Stop it with Ctrl-C or SIGTERM: what is being sent is finished first. After a crash, start it again: nothing is lost or
said twice, because what each channel was told is in the store.
"""

NAMES_SHOWN = 12


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "run",
        help="watch providers and checks, and tell the chats",
        description="Runs the worker: watches the configured feeds and checks, tells the channels, answers commands, and "
        "serves the console page.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until stopped."""
    from bot.telemetry import set_up_logging
    from bot.wiring import App, Options
    from bot.wiring import run as run_worker

    config = config_at(args.config, data=args.data)
    set_up_logging(config.fogbell.log, logging.INFO if config.fogbell.log == "json" else logging.WARNING)
    for warning in config.warnings:
        print(f"fogbell: note: {warning}", file=sys.stderr)

    def welcome(app: App) -> None:
        _settle_memory()
        print(words_of_welcome(app), flush=True)

    reread = partial(config_at, args.config, data=args.data)
    run_loop(run_worker(config, Options(on_ready=welcome, reread=reread)))
    return OK


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is to be had: it holds a TLS connection in a third of the memory."""
    import asyncio
    import signal

    from bot import net

    net.lift_file_limit()
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
    for number in (signal.SIGINT, signal.SIGTERM):
        # All is done: an impatient second Ctrl-C must not change the status.
        signal.signal(number, signal.SIG_IGN)


def _settle_memory() -> None:
    """Look for garbage less often, and not among what was built at the start: with thousands of sources a full search of all
    objects holds everything up for a quarter of a second, and finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def words_of_welcome(app: Any) -> str:
    """What a newcomer reads first: what is watched, where the console is, what comes next."""
    feeds = [watch.source.name for watch in app.pool.watches]
    more = f" and {len(feeds) - NAMES_SHOWN} more" if len(feeds) > NAMES_SHOWN else ""
    lines = [
        f"Fogbell watches {len(feeds)} feeds: {', '.join(feeds[:NAMES_SHOWN]) or 'none yet'}{more}.",
        f"Own checks: {', '.join(p.check.name for p in app.probes) or 'none yet'}.",
        f"Console: {app.console_url}",
    ]
    nexts = [name for name in ("slack", "discord") if name not in app.chats]
    if nexts:
        lines.append(
            f"Next: add {' or '.join(n.capitalize() for n in nexts)} (docs/operations.md), or run `fogbell init`. "
            "Until then messages appear on the console page and here."
        )
    lines.append("Stop with Ctrl-C.")
    return "\n".join(lines)
