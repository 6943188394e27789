"""`fogbell restore`: a backup into the store that is configured."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bot.cli.backup import reporting, words_of
from bot.cli.load import add_config, config_at
from bot.cli.status import BROKEN, NO_INPUT, OK
from bot.errors import BackupError

if TYPE_CHECKING:
    from bot.config import Config
    from bot.store.backup import Contents

EPILOG = """\
examples:
  fogbell restore --dry-run fogbell-backup.gz         say what is in it, and touch nothing
  fogbell restore fogbell-backup.gz                   into an empty store
  fogbell restore --force fogbell-backup.gz           in place of what is in the store
  ssh elsewhere cat fogbell-backup.gz | fogbell restore -

Stop the worker first. The store may be another one than the backup was taken from: embedded, a server of your own, a cluster.
Afterwards start the worker: what the feeds said meanwhile is told, and each chat is asked before anything is said again.
Exit status: 0 restored, 1 the store is not empty, in use, or does not answer, 2 the configuration is wrong or a newer Fogbell
wrote the backup, 3 the file is damaged, 66 it cannot be read.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "restore",
        help="put a backup into the store, in place of what is in it",
        description="Puts what `fogbell backup` wrote into the store that is configured.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what is in the file")
    parser.add_argument("--force", action="store_true", help="replace what is in the store")
    parser.add_argument("file", metavar="FILE", help="what `fogbell backup` wrote, or - for standard input")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look through the whole file, say what is in it, then put it into the store."""
    from bot.store import backup

    contents = backup.Contents()
    try:
        with _opened(args.file) as file:
            for _ in backup.read(file, contents):
                pass
            for line in words_of(contents):
                print(line, file=sys.stderr)
            if args.dry_run:
                return OK
            file.seek(0)
            config = config_at(args.config, data=args.data)
            with reporting() as say:
                asyncio.run(_restored(config, file, contents, say, is_forced=args.force))
    except BackupError as exc:
        print(f"fogbell: {args.file}: {exc}", file=sys.stderr)
        return BROKEN
    except OSError as exc:
        print(f"fogbell: {args.file}: cannot be read: {exc.strerror or exc}", file=sys.stderr)
        return NO_INPUT
    print("Restored. Now start the worker.", file=sys.stderr)
    return OK


async def _restored(
    config: Config, file: IO[bytes], contents: Contents, say: Callable[[str], None], *, is_forced: bool
) -> None:
    from bot.clock import SystemClock
    from bot.store import backup, restoring
    from bot.wiring.store import opened_store

    async with opened_store(config, is_beside=True, as_found=True) as (client, _):
        await restoring.check(client, contents, is_forced=is_forced)
        entries = backup.read(file, backup.Contents())
        await restoring.restore(client, entries, now=SystemClock().now(), progress=say)


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """The file, or a copy of standard input: it is read twice."""
    if name != "-":
        with Path(name).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        yield copy
