"""What Fogbell stands on: the data folder, the templates, the store."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bot.config import Config
from bot.config.models import Notices
from bot.doctor.finding import Finding, bad, ok, warn
from bot.errors import ConfigError, StoreError
from bot.notices import draft
from bot.store import embedded
from bot.store.connecting import Client, connect, translated

FREE_MIN_MIB = 200
SKEW_MAX = timedelta(seconds=2)
ANSWER_S = 15.0


def data_folder(folder: Path) -> Finding:
    """Whether the data folder can be written, and has room."""
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return bad(f"data folder {folder}: {there} cannot be written", "name another one in [fogbell] data")
    free = shutil.disk_usage(there).free // 2**20
    if free < FREE_MIN_MIB:
        return warn(
            f"data folder {folder}: only {free} MiB are free", f"make room: {FREE_MIN_MIB} MiB at least"
        )
    return ok(f"data folder {folder}: {free} MiB free")


def templates(notices: Notices) -> Finding:
    """Whether all notices can be written."""
    try:
        draft.load(notices.templates, names_providers=notices.names_providers)
    except ConfigError as exc:
        return bad(
            "templates: " + "; ".join(exc.problems), "mend the file, or remove it to use the built-in one"
        )
    return ok(f"templates: {notices.templates or 'the built-in ones'}")


async def store(config: Config) -> AsyncIterator[Finding]:
    """Whether the store answers, is new enough, keeps what it is told, and agrees on the time."""
    url = config.store.url.reveal() if config.store.url else await embedded.running(config.fogbell.data)
    if url is None:
        yield _embedded()
        return
    client = connect(url)
    try:
        async with asyncio.timeout(ANSWER_S), translated():
            told = await cast(Client, client).of_primaries("all")
            now = datetime.now(UTC)
        # The primaries of a cluster are mostly alike: what is true of several is said once.
        findings = dict.fromkeys(finding for one in told for finding in judged(one, now - _time_of(one, now)))
    except (StoreError, TimeoutError, ValueError) as exc:
        reason = str(exc) or "no answer"
        yield bad(f"store: {reason}", "start the server, or mend [store] url")
    else:
        for finding in findings:
            yield finding
    finally:
        await client.aclose()


def _embedded() -> Finding:
    try:
        return ok(f"store: an embedded server will be started ({embedded.server_binary()})")
    except ConfigError as exc:
        return bad(str(exc), "install one of them")


def _time_of(about: Mapping[str, Any], now: datetime) -> datetime:
    micros = about.get("server_time_usec")
    return now if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)


def judged(about: Mapping[str, Any], offset: timedelta) -> Iterator[Finding]:
    """What a server's INFO and the clocks' difference mean for us."""
    version = str(about.get("redis_version", "0"))
    if int(version.partition(".")[0]) < 7:
        yield bad(f"store: version {version} has no functions", "use Redis or Valkey 7.0 or later")
    else:
        yield ok(f"store: answers, version {about.get('valkey_version', version)}")
    policy = str(about.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        yield bad(f"store: it forgets when memory is short ({policy})", "set maxmemory-policy noeviction")
    if not int(about.get("aof_enabled", 0)):
        yield warn("store: a crash of the server loses the newest changes", "set appendonly yes")
    if about.get("role") == "slave":
        yield bad("store: this is a replica, which takes no writes", "name the primary in [store] url")
    if int(about.get("connected_slaves", 0)) and "min_slaves_good_slaves" not in about:
        yield warn(
            "store: it takes writes that no replica gets, and a fail-over loses them",
            "set min-replicas-to-write 1 (with two replicas or more: alone, it would take no writes)",
        )
    if abs(offset) > SKEW_MAX:
        yield warn(
            f"clocks: ours and the store's differ by {abs(offset).total_seconds():.0f} s",
            "let both machines set their clocks by NTP",
        )
