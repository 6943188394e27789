"""Providers known by name, as data: `providers.toml` beside this file. Adding one takes no code.

`bot.config` asks it for what `provider = "..."` means, `fogbell init` searches it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any


class Verified(StrEnum):
    """How sure an entry is."""

    CAPTURE = "capture"  # recorded bodies of this page were parsed
    CATALOGUE = "catalogue"  # public lists name the address


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed of a provider."""

    format: str
    url: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A provider: `name` is its slug, the first of `feeds` the one to watch."""

    name: str
    title: str
    aliases: tuple[str, ...]
    homepage: str
    verified: Verified
    feeds: tuple[Feed, ...]

    def feed(self, format: str | None = None) -> Feed | None:
        """The feed of that format, the first one without a wish, or None."""
        return next((feed for feed in self.feeds if format in {None, feed.format}), None)


def find(name: str) -> CatalogueEntry | None:
    """The provider of that name, title or alias, whatever its case, or None."""
    wanted = name.strip().casefold()
    return next((entry for entry in entries() if wanted in _names(entry)), None)


def search(words: str) -> tuple[CatalogueEntry, ...]:
    """The providers in whose names or address every one of the words occurs; all of them when there are no words."""
    wanted = words.casefold().split()
    return tuple(e for e in entries() if all(word in " ".join((*_names(e), e.homepage)) for word in wanted))


@cache
def entries() -> tuple[CatalogueEntry, ...]:
    """All providers, in the file's order."""
    text = resources.files(__name__).joinpath("providers.toml").read_text(encoding="utf-8")
    return tuple(_entry(table) for table in tomllib.loads(text)["provider"])


def _names(entry: CatalogueEntry) -> tuple[str, ...]:
    return tuple(name.casefold() for name in (entry.name, entry.title, *entry.aliases))


def _entry(table: dict[str, Any]) -> CatalogueEntry:
    return CatalogueEntry(
        name=table["name"],
        title=table["title"],
        aliases=tuple(table["aliases"]),
        homepage=table["homepage"],
        verified=Verified(table["verified"]),
        feeds=tuple(_feed(feed) for feed in table["feed"]),
    )


def _feed(table: dict[str, str]) -> Feed:
    unit = {"s": "seconds", "m": "minutes"}[table["every"][-1]]
    return Feed(format=table["format"], url=table["url"], every=timedelta(**{unit: int(table["every"][:-1])}))
