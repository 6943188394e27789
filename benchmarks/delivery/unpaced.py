"""The worker for a chat that knows no limits: `python -m benchmarks.delivery.unpaced run --config FILE`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from bot.cli.load import config_at
from bot.cli.run import run_loop
from bot.telemetry import set_up_logging
from bot.wiring import Options
from bot.wiring import run as run_worker


def start(options: Options) -> None:
    """Run until stopped."""
    config = config_at(Path(sys.argv[-1]))
    set_up_logging(config.fogbell.log, logging.WARNING)
    run_loop(run_worker(config, options))


if __name__ == "__main__":
    start(Options(paces={}))
