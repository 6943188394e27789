"""`fogbell parse`: what a feed says, one JSON object a line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.cli.status import BROKEN, NO_INPUT, OK
from bot.domain.observation import Observation
from bot.errors import FetchError, ParseError
from bot.replay import format_found, format_named
from bot.sources import FORMATS
from bot.sources.payload import Payload, SourceSpec, Spec
from bot.sources.reading.encode import as_line

FETCH_MAX_BYTES = 32 * 1024 * 1024

EPILOG = """\
examples:
  fogbell parse https://www.githubstatus.com/api/v2/summary.json
  fogbell parse --format gcp --provider gcp incidents.json | jq .title
  curl -s https://status.example.com/history.rss | fogbell parse --provider example -

Formats: {formats}. Without --format it is found from the body.
Exit status: 0 all read (also when there are no incidents), 3 a body is broken (what could be read is printed),
64 unknown format or bad usage, 66 a file or URL cannot be read.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "parse",
        help="read provider feeds and print their incidents as JSON lines",
        description="Reads status feeds, from files or URLs, and prints one JSON object a line for each incident.",
        epilog=EPILOG.format(formats=", ".join(sorted(FORMATS))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--format", metavar="F", help="the feed's format; found from the body when not given")
    parser.add_argument(
        "--provider", metavar="NAME", help="the provider's name; else the file's first word, or the host"
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="PATH_OR_URL", help='a file, a URL, or "-" for standard input'
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what the inputs say; the worst of their exit statuses."""
    form = format_named(args.format) if args.format else None
    worst = OK
    for name in args.inputs:
        try:
            payload = _read(name)
        except (OSError, FetchError) as exc:
            print(f"fogbell parse: {name}: {exc}", file=sys.stderr)
            worst = max(worst, NO_INPUT)
            continue
        try:
            chosen = form or format_found(payload)
            found = chosen.parse(payload, Spec(provider=args.provider or _provider_of(name)))
        except ParseError as exc:
            found = tuple(o for o in exc.partial if isinstance(o, Observation))
            print(f"fogbell parse: {name}: {' '.join(str(exc).split())}", file=sys.stderr)
            worst = max(worst, BROKEN)
        for said in found:
            print(json.dumps(as_line(said)))
    return worst


def _provider_of(name: str) -> str:
    if _is_url(name):
        host = urlsplit(name).hostname or "unknown"
        words = [w for w in host.split(".") if w not in {"www", "status", "api", "com", "net", "org", "io"}]
        return words[0] if words else host
    return "unknown" if name == "-" else Path(name).stem.split("-")[0] or "unknown"


def _is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _read(name: str) -> Payload:
    now = datetime.now(UTC)
    if _is_url(name):
        return asyncio.run(_fetched(name, now))
    body = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return Payload(body=body, fetched_at=now, url=name)


async def _fetched(url: str, now: datetime) -> Payload:
    from bot.net import open_session
    from bot.sources.fetching.fetch import Fetcher, Marks

    source = SourceSpec(name=_provider_of(url), provider="", url=url, body_max_bytes=FETCH_MAX_BYTES)
    async with open_session() as session:
        fetched = await Fetcher(session).fetch(source, Marks(), now)
    if fetched is None:
        raise FetchError(f"{url} answered that nothing changed, without being asked")
    return fetched.payload
