"""Providers known by name, as data beside this file: `providers.toml`, kept by hand, and `pages.tsv`, made by a script.

`bot.config` asks it for what `provider = "..."` means, `fogbell providers` and `fogbell init` search it, and detection asks
which page an address belongs to. Read once, at the first question; adding a provider takes no code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from bot.sources.catalogue import pages

HAND_KEPT = "providers.toml"
GENERATED = "pages.tsv"

_PACES_S = {"statuspage": 30, "instatus": 30, "betterstack": 30, "checkly": 30}  # made to be asked often
_PACE_S = 60


class Verified(StrEnum):
    """How sure an entry is."""

    CAPTURE = "capture"  # recorded bodies of this page were parsed
    ONLINE = "online"  # `fogbell providers verify` asked the page, and read it
    CATALOGUE = "catalogue"  # public lists name the address
    DOUBTFUL = "doubtful"  # only old lists name it, or it did not answer as it should


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed of a provider."""

    format: str
    url: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A provider: `name` is its slug, the first of `feeds` the one to watch; without feeds only the page is known.

    `checked` is the day of the last `verify`, or empty. `cloud` is the provider that this one is known to run on: their fates
    are joined.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    homepage: str
    verified: Verified
    feeds: tuple[Feed, ...]
    checked: str = ""
    cloud: str = ""

    def feed(self, format: str | None = None) -> Feed | None:
        """The feed of that format, the first one without a wish, or None."""
        return next((feed for feed in self.feeds if format in {None, feed.format}), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All that the provider is called, in small letters."""
        return tuple(name.casefold() for name in (self.name, self.title, *self.aliases))


def find(name: str) -> CatalogueEntry | None:
    """The provider of that name, title or alias, whatever its case, or None."""
    return _by_name().get(name.strip().casefold())


def search(words: str) -> tuple[CatalogueEntry, ...]:
    """The providers in whose names or address every one of the words occurs; all of them when there are no words."""
    wanted = words.casefold().split()
    return tuple(e for e in entries() if all(word in " ".join((*e.names, e.homepage)) for word in wanted))


def at(url: str) -> tuple[CatalogueEntry, Feed | None] | None:
    """The provider that an address belongs to, and its feed when the address is that feed; None for an unknown one.

    A page that shares its host with other pages is known by its whole address only.
    """
    place = place_of(url)
    return _by_place().get(place) or _by_place().get(place.partition("/")[0])


def place_of(url: str) -> str:
    """An address as it is compared: host without "www." and path, without scheme, port, query and last slash.

    Empty for what is no address at all.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    return host + parts.path.rstrip("/")


@cache
def entries() -> tuple[CatalogueEntry, ...]:
    """All providers: those kept by hand in their file's order, then the generated ones by name."""
    rows = pages.read(_text(GENERATED))
    added = {page.slug: page.aliases for page in rows if not page.homepage}
    by_hand = tuple(_with_names(entry, added.get(entry.name, ())) for entry in hand_kept())
    taken = {entry.name for entry in by_hand}
    return by_hand + tuple(_of_page(page) for page in rows if page.homepage and page.slug not in taken)


@cache
def hand_kept() -> tuple[CatalogueEntry, ...]:
    """The providers of `providers.toml`, as they stand there."""
    return tuple(_entry(table) for table in tomllib.loads(_text(HAND_KEPT))["provider"])


def pace_of(format: str) -> timedelta:
    """How often a feed of this format is looked at, where nothing else is said."""
    return timedelta(seconds=_PACES_S.get(format, _PACE_S))


@cache
def _by_name() -> dict[str, CatalogueEntry]:
    found: dict[str, CatalogueEntry] = {}
    for entry in entries():
        for name in entry.names:
            found.setdefault(name, entry)
    return found


@cache
def _by_place() -> dict[str, tuple[CatalogueEntry, Feed | None]]:
    known: dict[str, tuple[CatalogueEntry, Feed | None]] = {}
    for entry in entries():
        for place, feed in _places(entry):
            known.setdefault(place, (entry, feed))
    return known


def _places(entry: CatalogueEntry) -> Iterator[tuple[str, Feed | None]]:
    yield place_of(entry.homepage), None
    yield from ((alias, None) for alias in entry.aliases if "." in alias and " " not in alias)
    yield from ((place_of(feed.url), feed) for feed in entry.feeds)


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _with_names(entry: CatalogueEntry, more: Iterable[str]) -> CatalogueEntry:
    return replace(entry, aliases=(*entry.aliases, *(name for name in more if name not in entry.aliases)))


def _of_page(page: pages.Page) -> CatalogueEntry:
    mark, _, checked = page.mark.partition(" ")
    return CatalogueEntry(
        name=page.slug,
        title=page.title,
        aliases=page.aliases,
        homepage=page.homepage,
        verified=Verified(mark or "catalogue"),
        feeds=tuple(Feed(format=name, url=url, every=pace_of(name)) for name, url in page.feeds),
        checked=checked,
    )


def _entry(table: dict[str, Any]) -> CatalogueEntry:
    return CatalogueEntry(
        name=table["name"],
        title=table["title"],
        aliases=tuple(table["aliases"]),
        homepage=table["homepage"],
        verified=Verified(table["verified"]),
        cloud=table.get("cloud", ""),
        feeds=tuple(_feed(feed) for feed in table["feed"]),
    )


def _feed(table: dict[str, str]) -> Feed:
    unit = {"s": "seconds", "m": "minutes"}[table["every"][-1]]
    return Feed(format=table["format"], url=table["url"], every=timedelta(**{unit: int(table["every"][:-1])}))
