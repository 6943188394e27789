"""`fogbell providers`: what the catalogue knows, which feed a page has, and whether the catalogue is still right."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.status import FAILED, OK
from bot.errors import Inside, NotFound, UsageError

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from bot.sources.catalogue import CatalogueEntry
    from bot.sources.fetching.fetch import Fetcher
    from bot.sources.finding.detecting import Access, Found
    from bot.sources.finding.verifying import Checked

EPILOG = """\
examples:
  fogbell providers search stripe
  fogbell providers list --format betterstack
  fogbell providers show aws
  fogbell providers detect https://status.acme.example
  fogbell providers verify github slack

What the catalogue names is watched with `fogbell monitor add NAME`, or with [[source]] and provider = "NAME".
"""
_DETECT = """\
examples:
  fogbell providers detect status.acme.example
  fogbell providers detect http://10.1.2.3/status --allow-private
  ACME="Bearer 0123" fogbell providers detect https://status.acme.example --header Authorization=ACME

Asks the page, and then the usual places one after the other, at most 18 in all. Prints the feed, what it was found by, what its
format cannot tell, and a [[source]] for the configuration.
Exit status: 0 found, 1 not found.
"""
_VERIFY = """\
examples:
  fogbell providers verify github slack
  fogbell providers verify --write           all that have a feed; marks the catalogue of this checkout
  fogbell providers verify --out pages.tsv   the same, into a copy

Four hosts at once, a second between two questions to one host. With --all, pages without a known feed are searched for one,
which takes up to 18 questions each. Entries kept by hand are asked, never changed.
Exit status: 0 all answer, 1 some do not, or have moved.
"""
_SURE = {
    "capture": "recorded bodies of this page are read in tests",
    "online": "asked and read",
    "catalogue": "named by public lists, not verified",
    "doubtful": "named by old lists, or did not answer: look before you rely on it",
}
_NAME_CHARS, _TITLE_CHARS, _FORMAT_CHARS = 28, 30, 22


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "providers",
        help="search the catalogue of status pages, and find the feed of any page",
        description="Fogbell knows more than a thousand status pages by name, and finds the feed of others.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_reading(actions)
    _add_detect(actions)
    _add_verify(actions)


def _add_reading(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = actions.add_parser(
        "search", help="the providers that match all words", description="Searches names and addresses."
    )
    search.add_argument("words", nargs="+", metavar="WORD", help="part of a name or of an address")
    search.set_defaults(run=run_search)
    listing = actions.add_parser(
        "list", help="all providers, or those of one format", description="Lists the catalogue."
    )
    listing.add_argument("--format", metavar="F", help="only those with a feed of this format")
    listing.set_defaults(run=run_list)
    show = actions.add_parser(
        "show", help="all that is known of one", description="Shows one entry, and how to watch it."
    )
    show.add_argument("name", nargs="+", metavar="NAME", help="its name, title, alias or host")
    show.set_defaults(run=run_show)


def _add_detect(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    detect = actions.add_parser(
        "detect",
        help="find the feed of a status page",
        description="Finds out which feed a status page has, and in which format.",
        epilog=_DETECT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    detect.add_argument("url", metavar="URL", help='the page, or a feed; "https://" may be left out')
    detect.add_argument(
        "--allow-private", action="store_true", help="the page may be inside your own network"
    )
    detect.add_argument(
        "--header",
        metavar="NAME=VARIABLE",
        help="send this header to the page's host; its value is in the environment variable, never in the shell's history",
    )
    detect.set_defaults(run=run_detect)


def _add_verify(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = actions.add_parser(
        "verify",
        help="ask pages whether they are still what the catalogue says",
        description="Asks every entry's feed, and says which moved or failed.",
        epilog=_VERIFY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument(
        "names", nargs="*", metavar="NAME", help="only these; all with a feed when there is none"
    )
    verify.add_argument("--all", action="store_true", help="search pages without a known feed too")
    verify.add_argument("--write", action="store_true", help="mark the catalogue of this checkout")
    verify.add_argument("--out", type=Path, metavar="FILE", help="write the marked catalogue to this file")
    verify.set_defaults(run=run_verify)


def run_search(args: argparse.Namespace) -> int:
    """Print the matches. Raises NotFound with near misses."""
    from bot.sources import catalogue

    words = " ".join(args.words)
    at = catalogue.at(words)
    found = catalogue.search(words) or ((at[0],) if at else ())
    if not found:
        raise NotFound(
            f'the catalogue has nothing like "{words}".{_near(words)} `fogbell providers detect URL` finds the feed of a page'
        )
    _print_lines(found)
    return OK


def run_list(args: argparse.Namespace) -> int:
    """Print all, or those of a format. Raises UsageError for a format that there is not."""
    from bot.replay import format_named
    from bot.sources import catalogue

    name = format_named(args.format).name if args.format else None
    _print_lines([e for e in catalogue.entries() if name is None or e.feed(name) is not None])
    return OK


def run_show(args: argparse.Namespace) -> int:
    """Print one entry. Raises NotFound with near misses."""
    from bot.net import shown
    from bot.sources import FORMATS

    entry = _named(" ".join(args.name))
    checked = f" ({entry.checked})" if entry.checked else ""
    print(f"{entry.title}\n")
    _print_field("name", entry.name)
    _print_field("also", ", ".join(entry.aliases))
    _print_field("page", shown(entry.homepage))
    _print_field("verified", f"{entry.verified.value}{checked}: {_SURE[entry.verified]}")
    for feed in entry.feeds:
        about = FORMATS[feed.format].about
        _print_field("feed", f"{feed.format}, every {feed.every.total_seconds():g} s: {feed.url}")
        _print_field("", f"cannot tell: {about.lost}" if about and about.lost else "")
    if entry.feeds:
        print(
            f'\nTo watch it: fogbell monitor add {entry.name}\nor:\n\n[[source]]\nprovider = "{entry.name}"'
        )
    else:
        print(f"\nIts feed is not known yet: fogbell providers detect {entry.homepage}")
    return OK


def run_detect(args: argparse.Namespace) -> int:
    """Print the feed of a page. Raises SourceError when there is none that we read."""
    access = _access(args)
    is_name = not args.allow_private and not {".", ":"} & set(args.url)  # a bare host is one inside
    url = _named(args.url).homepage if is_name else args.url
    try:
        found = asyncio.run(_detected(url, access))
    except Inside as exc:
        raise Inside(f"{exc}; where you mean to look inside, say --allow-private") from exc
    print(f"{found.title} ({found.provider})\n")
    _print_field("format", found.format)
    _print_field("feed", found.feed_url)
    _print_field("pace", f"every {found.every.total_seconds():g} s")
    for n, why in enumerate(found.why):
        _print_field("why" if n == 0 else "", why)
    _print_field("lost", found.lost or "nothing that we know of")
    print(f"\n{_source_table(found, is_private=args.allow_private, header=args.header)}")
    return OK


def run_verify(args: argparse.Namespace) -> int:
    """Ask, print what is not as it was, write the marks where wanted; 1 when something is not as it was."""
    from bot.sources import catalogue

    target = _target(args)
    chosen = [_named(name) for name in args.names] or [e for e in catalogue.entries() if e.feeds or args.all]
    checked = asyncio.run(_verified(chosen))
    good = [one for one in checked if one.outcome.value == "answers"]
    print(f"{len(good)} of {len(checked)} are as the catalogue says")
    if target is not None:
        _write(target, checked)
    return OK if len(good) == len(checked) else FAILED


def _access(args: argparse.Namespace) -> Access:
    from bot.sources.fetching.auth import Header
    from bot.sources.finding.detecting import Access

    if args.header is None:
        return Access(is_trusted=args.allow_private)
    name, _, variable = args.header.partition("=")
    value = os.environ.get(variable, "")
    if not name or not value:
        raise UsageError(
            f'--header is NAME=VARIABLE, such as Authorization=ACME_TOKEN, and the variable "{variable}" has to be set'
        )
    return Access(is_trusted=args.allow_private, auth=Header(name=name, value=value))


async def _detected(url: str, access: Access) -> Found:
    from bot.net import open_session
    from bot.sources.finding.detecting import detect_page

    async with open_session() as session:
        return await detect_page(url, _fetcher(session), datetime.now(UTC), access=access)


async def _verified(entries: Sequence[CatalogueEntry]) -> list[Checked]:
    from rich.console import Console
    from rich.progress import Progress

    from bot.net import open_session
    from bot.sources.finding.verifying import verify

    checked: list[Checked] = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("asking", total=len(entries))

        def told(one: Checked) -> None:
            checked.append(one)
            progress.advance(bar)
            if one.outcome.value != "answers":
                print(f"{one.entry.name}: {one.outcome.value}: {one.words}", flush=True)

        async with open_session() as session:
            await verify(entries, _fetcher(session), datetime.now(UTC), told)
    return checked


def _fetcher(session: ClientSession) -> Fetcher:
    """One that may use the operator's proxy, since it is the operator who asks; inner addresses stay refused."""
    from bot.net import Guard
    from bot.sources.fetching.fetch import Fetcher

    return Fetcher(session, guard=Guard(by_proxy=True))


def _target(args: argparse.Namespace) -> Path | None:
    """Where the marks go, or None. Raises UsageError where there is no checkout to mark."""
    from bot.sources import catalogue

    if args.out is not None or not args.write:
        return Path(args.out) if args.out is not None else None
    own = Path(catalogue.__file__).with_name(catalogue.GENERATED)
    if not (own.parents[3] / "pyproject.toml").exists():
        raise UsageError("this is an installed Fogbell, not a checkout: name a file with --out")
    return own


def _write(target: Path, checked: Sequence[Checked]) -> None:
    from bot.sources import catalogue
    from bot.sources.catalogue import pages
    from bot.sources.finding.verifying import marked

    if len(checked) > 1 and all(one.feed is None for one in checked):
        raise NotFound("no page answered at all, so nothing was written: is this machine online?")
    own = Path(catalogue.__file__).with_name(catalogue.GENERATED)
    rows = pages.read(own.read_text(encoding="utf-8"))
    beside = target.with_suffix(".new")
    try:
        beside.write_text(
            pages.written(marked(rows, checked, f"{datetime.now(UTC):%Y-%m-%d}")), encoding="utf-8"
        )
        beside.replace(target)
    except OSError as exc:
        raise UsageError(
            f"{target} cannot be written ({exc.strerror}); name another file with --out"
        ) from exc
    print(f"marked {target}")
    by_hand = {entry.name for entry in catalogue.hand_kept()}
    if wrong := [o.entry.name for o in checked if o.entry.name in by_hand and o.outcome.value != "answers"]:
        print(f"kept by hand, to be mended in {catalogue.HAND_KEPT}: {', '.join(wrong)}")


def _named(name: str) -> CatalogueEntry:
    from bot.sources import catalogue

    at = catalogue.at(name)
    if entry := catalogue.find(name) or (at and at[0]):
        return entry
    raise NotFound(
        f'the catalogue knows no "{name}".{_near(name)} `fogbell providers search WORD` looks inside names'
    )


def _near(words: str) -> str:
    from bot.commands.parse import did_you_mean
    from bot.sources import catalogue

    return did_you_mean(words, (name for entry in catalogue.entries() for name in entry.names))


def _print_lines(entries: Sequence[CatalogueEntry]) -> None:
    for entry in entries:
        form = entry.feeds[0].format if entry.feeds else "-"
        doubt = " (doubtful)" if entry.verified.value == "doubtful" else ""
        print(
            f"{entry.name:{_NAME_CHARS}} {entry.title:{_TITLE_CHARS}} {form:{_FORMAT_CHARS}} {entry.homepage}{doubt}"
        )


def _print_field(name: str, value: str) -> None:
    if value:
        print(f"  {name:10}{value}")


def _source_table(found: Found, *, is_private: bool, header: str | None) -> str:
    """The [[source]] that watches what was found. Its words are the page's: JSON's quoting keeps them within their quotes."""
    from bot.sources import catalogue

    entry = catalogue.find(found.provider)
    lines = [f"provider = {json.dumps(found.provider)}"]
    if entry is None or not entry.feeds or entry.feeds[0].url != found.feed_url:
        facts = {"name": found.provider, "title": found.title, "url": found.feed_url, "format": found.format}
        lines = [f"{key:6} = {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    lines += ["allow_private = true"] if is_private else []
    if header is not None:
        name, _, variable = header.partition("=")
        lines += [
            "",
            "[source.auth]",
            f"header = {json.dumps(name)}",
            f"value  = {{ env = {json.dumps(variable)} }}",
        ]
    return "\n".join(["[[source]]", *lines])
