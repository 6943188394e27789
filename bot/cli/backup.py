"""`fogbell backup`: everything that matters, in one file."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bot.cli.load import add_config, config_at
from bot.cli.status import OK
from bot.errors import BackupError

if TYPE_CHECKING:
    from bot.config import Config
    from bot.store.backup import Contents

EPILOG = """\
examples:
  fogbell backup fogbell-backup.gz
  fogbell backup --config fogbell.toml /var/backups/fogbell.gz
  fogbell backup - | ssh elsewhere 'cat > fogbell-backup.gz'

A worker may go on meanwhile. What is said after the backup is not in it; `fogbell restore` sees to it that the chats are asked
before anything is said again. The file holds names of people, and everybody who may read it may read all that Fogbell knows:
it is made readable for you alone.
Exit status: 0 written, 1 it could not be written or the store does not answer, 2 the configuration is wrong.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "backup",
        help="write everything that Fogbell knows into one file",
        description="Writes incidents, conversations, silences, added pages, the audit and the console's messages into one "
        "file, from whatever store is configured. `fogbell restore` puts it into the same store or another one.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.add_argument("file", metavar="FILE", help="the file to write, or - for standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the file; what is in it goes to stderr."""
    config = config_at(args.config, data=args.data)
    with _written(args.file) as out, reporting() as say:
        contents = asyncio.run(_taken(config, out, say))
    for line in words_of(contents):
        print(line, file=sys.stderr)
    return OK


async def _taken(config: Config, out: IO[bytes], say: Callable[[str], None]) -> Contents:
    from bot.clock import SystemClock
    from bot.store import backup
    from bot.wiring.store import opened_store

    async with opened_store(config, is_beside=True, as_found=True) as (client, _):
        return await backup.take(client, out, now=SystemClock().now(), progress=say)


def words_of(contents: Contents) -> list[str]:
    """What is in a backup, for people."""
    counts = contents.counts
    held = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if name != "keys")
    lines = [
        f"Backup of {contents.taken_at}, by Fogbell {contents.version} (schema {contents.schema}): {counts['keys']} keys.",
        f"In it: {held or 'nothing'}.",
    ]
    if contents.restless:
        lines.append(
            f"{contents.restless} of 16 parts changed all the time while they were read: take it again when it is quieter."
        )
    return lines


@contextmanager
def reporting() -> Iterator[Callable[[str], None]]:
    """Says how far it is, on one line of a terminal; on anything else, nothing."""
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    try:
        yield lambda words: print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def _written(name: str) -> Iterator[IO[bytes]]:
    """The file to write, in its place only when it is whole. Raises BackupError."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    part = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        raise BackupError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    finally:
        part.unlink(missing_ok=True)
