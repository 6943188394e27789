"""The rows of `pages.tsv`: how they are read and written. `scripts.build_catalogue` makes them, `providers verify` marks them.

A row without a page (no homepage) only adds other names to an entry of `providers.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

HEADER = ("slug", "title", "aliases", "homepage", "format", "feed_url", "mark")
_BETWEEN_NAMES = "|"


class Page(NamedTuple):
    """A status page. `feeds` holds (format, address), the one to watch first; `mark` says how sure it is."""

    slug: str
    title: str
    aliases: tuple[str, ...] = ()
    homepage: str = ""
    feeds: tuple[tuple[str, str], ...] = ()
    mark: str = ""


def read(text: str) -> list[Page]:
    """The pages of a file's text, in its order."""
    return [_page(line.split("\t")) for line in text.splitlines()[1:] if line]


def written(pages: Iterable[Page]) -> str:
    """The file's text: a header, then a line for each page in the order of their slugs."""
    rows = [HEADER, *(_row(page) for page in sorted(pages))]
    return "".join("\t".join(row) + "\n" for row in rows)


def _page(row: list[str]) -> Page:
    slug, title, aliases, homepage, formats, urls, mark = row
    names = tuple(aliases.split(_BETWEEN_NAMES)) if aliases else ()
    feeds = tuple(zip(formats.split(), urls.split(), strict=True)) if urls else ()
    return Page(slug, title, names, homepage, feeds, mark)


def _row(page: Page) -> tuple[str, ...]:
    formats, urls = (" ".join(feed[n] for feed in page.feeds) for n in (0, 1))
    return (
        page.slug,
        page.title,
        _BETWEEN_NAMES.join(page.aliases),
        page.homepage,
        formats,
        urls,
        page.mark,
    )
