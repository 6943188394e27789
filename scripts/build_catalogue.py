"""Makes bot/sources/catalogue/pages.tsv of a list of status pages: `python -m scripts.build_catalogue LIST.tsv`.

The list has the columns slug, display_name, status_url, platform, feed_url, source and notes. Names and addresses are taken
over, no sentences: of the notes only old names, and whether a row is thought to be out of date. Rows about one page, or of
one title, become one entry. An entry of providers.toml wins over rows about it: they add names to it, and nothing else.
What `fogbell providers verify --write` has marked stays as it is.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.sources import FORMATS, catalogue
from bot.sources.catalogue import Verified, pages
from bot.sources.catalogue.pages import Page

TARGET = Path(__file__).resolve().parents[1] / "bot" / "sources" / "catalogue" / catalogue.GENERATED

SUMMARY = "/api/v2/summary.json"
# What a platform's pages are read by, and where the feed is on each of them. Platforms that are not here, or whose format
# is not, keep their address only: detection finds out more at the first use.
HOSTED = {
    "statuspage": ("statuspage", SUMMARY),
    "incidentio": ("statuspage", SUMMARY),
    "incident.io": ("statuspage", SUMMARY),
    "instatus": ("instatus", "/summary.json"),
    "betterstack": ("betterstack", "/index.json"),
}
# Platforms of one vendor, or whose feeds are at a place that only the list knows.
LISTED = {
    "apple": "apple-system-status",
    "azure-devops": "azure-devops-health",
    "checkly": "checkly",
    "cstate": "cstate",
    "flashcat": "flashcat",
    "gcp-workspace": "google-workspace",
    "heroku": "heroku",
    "oci": "oracle-oci",
    "rss": "rss",
    "salesforce": "salesforce-trust",
    "uptimerobot": "uptimerobot",
}
VENDORS = {"status.x.ai": "xai", "status.cloud.tencent.com": "tencent"}  # hosts with a format of their own
FEED_TAILS = re.compile(r"/(history\.(rss|atom)|feed\.xml|rss)$")
STATUSIO_ID = re.compile(r"/(?:pages|1\.0/status)/([0-9a-f]{24})\b")
# What follows a page's address in rows that name one of its feeds, or the page in one language.
TAILS = re.compile(
    r"(/en-[a-z]{2})?(/status)?/?(/feed|/rss/all\.rss|/incidents\.json|/api(/.*)?|/dashboard|/data/.*)?$"
)
OLD_NAMES = re.compile(r"old name: ([^;]+)")
OUT_OF_DATE = re.compile(r"OUTDATED|2021 list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list, cleaned."""

    slug: str
    title: str
    url: str
    platform: str
    feeds: tuple[tuple[str, str], ...]
    old_names: tuple[str, ...]
    is_doubtful: bool

    @property
    def host(self) -> str:
        """The page's host, without "www."."""
        return catalogue.place_of(self.url).partition("/")[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """What rows about the same thing have in common with this one."""
        return (f"name {self.title.casefold()}", f"name {self.slug}", f"page {_page_key(self.url)}")

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        """Lowest for the row to take the address from, where several are about one page."""
        return (
            not self.feeds,
            self.is_doubtful,
            urlsplit(self.url).path.count("/"),
            len(self.slug),
            self.slug,
        )


def rows_of(text: str) -> list[Row]:
    """The rows of the list, without those about a page that the same vendor has replaced."""
    reader = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [_row(line) for line in reader if "(old" not in line["display_name"]]


def built(rows: Iterable[Row], kept: Iterable[Page] = ()) -> list[Page]:
    """The pages that the rows make; `kept` are those of the last time, whose dated marks stay."""
    hand = catalogue.hand_kept()
    owner = {key: entry.name for entry in hand for key in _keys_of(entry)}
    taken = {name for entry in hand for name in entry.names}
    marked = {page.slug: page for page in kept if " " in page.mark}
    groups = [(next((owner[k] for r in g for k in r.keys if k in owner), None), g) for g in grouped(rows)]
    slugs = {slug_of(group) for named, group in groups if named is None}
    titles = {_best(group).title.casefold() for named, group in groups if named is None}
    taken |= slugs | titles
    made = [_made(named, group, taken, marked) for named, group in groups]
    return sorted(_joined(page for page in made if page.homepage or page.aliases))


def grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows in groups: those that share a key, directly or through others, are about one thing."""
    group_of: dict[str, list[Row]] = {}
    for row in rows:
        merged = [row]
        for other in {id(g): g for k in row.keys if (g := group_of.get(k))}.values():
            merged = other + merged
        for member in merged:
            group_of.update(dict.fromkeys(member.keys, merged))
    return list({id(group): group for group in group_of.values()}.values())


def slug_of(group: list[Row]) -> str:
    """The name of the group: the shortest of its rows' names."""
    return min((row.slug for row in group), key=lambda slug: (len(slug), slug))


def _made(owner: str | None, group: list[Row], taken: set[str], marked: dict[str, Page]) -> Page:
    slug, best = slug_of(group), _best(group)
    if owner is not None:
        return Page(owner, "", _aliases(group, taken, homepage=_homepage_of(owner)))
    aliases = _aliases(group, taken, homepage=best.url)
    if earlier := marked.get(slug):
        return earlier._replace(aliases=aliases)
    mark = Verified.DOUBTFUL if best.is_doubtful else Verified.CATALOGUE
    return Page(slug, best.title, aliases, best.url, _feeds(best, group), mark.value)


def _homepage_of(owner: str) -> str:
    return next(entry.homepage for entry in catalogue.hand_kept() if entry.name == owner)


def _best(group: list[Row]) -> Row:
    return min(group, key=lambda row: row.rank)


def _joined(made: Iterable[Page]) -> list[Page]:
    """The pages, with all that adds names to one entry in one row."""
    found: dict[str, Page] = {}
    for page in made:
        earlier = found.get(page.slug)
        found[page.slug] = earlier._replace(aliases=(*earlier.aliases, *page.aliases)) if earlier else page
    return list(found.values())


def _aliases(group: list[Row], taken: set[str], *, homepage: str) -> tuple[str, ...]:
    """What else the group is called, also the hosts of its other pages; names that are taken are left out."""
    slugs = {row.slug for row in group}
    numbered = {s for s in slugs if re.fullmatch(r".*-\d", s) and s[:-2] in slugs | taken}
    hosts = {row.host for row in group if not urlsplit(row.url).path.strip("/")}
    hosts.discard(catalogue.place_of(homepage).partition("/")[0])
    names = [
        *(row.title for row in group if "(" not in row.title),
        *(n for row in group for n in row.old_names),
    ]
    found: list[str] = []
    for name in (*names, *sorted(slugs - numbered), *sorted(hosts)):
        folded = name.casefold()
        if folded not in taken:
            taken.add(folded)
            found.append(folded)
    return tuple(found)


def _feeds(best: Row, group: list[Row]) -> tuple[tuple[str, str], ...]:
    """The feeds to list: those of the best row, then one for each further format that others know."""
    found = dict(reversed(best.feeds))
    for row in group:
        for name, url in row.feeds:
            found.setdefault(name, url)
    ahead = [name for name, _ in best.feeds]
    return tuple(sorted(found.items(), key=lambda feed: ahead.index(feed[0]) if feed[0] in ahead else 99))


def _row(line: dict[str, str]) -> Row:
    notes = line["notes"] or ""
    url, platform = line["status_url"].strip(), line["platform"]
    old = OLD_NAMES.search(notes)
    io = STATUSIO_ID.search(url)
    return Row(
        slug=line["slug"],
        title=_title(line["display_name"], line["slug"]),
        url=f"https://status.io/pages/{io[1]}" if io else url.rstrip("/"),
        platform=platform,
        feeds=tuple(_feeds_of(platform, url, line["feed_url"].strip().replace("http://", "https://", 1))),
        old_names=tuple(name.strip() for name in old[1].split(",")) if old else (),
        is_doubtful=bool(OUT_OF_DATE.search(notes)),
    )


def _title(name: str, slug: str) -> str:
    """The name as people write it; where the list has none but the slug, its words."""
    plain = name.replace("|", " ").strip()
    return " ".join(word.capitalize() for word in slug.split("-")) if plain == slug and "-" in slug else plain


def _feeds_of(platform: str, url: str, feed: str) -> Iterator[tuple[str, str]]:
    """The feeds of a row that a format of ours reads, the fullest first."""
    if own := STATUSIO_ID.search(feed or url):
        is_own_host = "hostedstatus.com" in feed
        yield "statusio", feed if is_own_host else f"https://api.status.io/1.0/status/{own[1]}"
    elif name := VENDORS.get(urlsplit(feed).netloc) or LISTED.get(platform):
        if feed and name in FORMATS:
            yield name, feed
            return
    elif platform in HOSTED and not feed.endswith("/api/v1/summary"):
        name, tail = HOSTED[platform]
        is_feed = bool(feed) and not FEED_TAILS.search(feed)
        yield name, feed if is_feed else url.replace("http://", "https://", 1).rstrip("/") + tail
    elif feed.endswith("/api/v1/summary"):
        yield "incidentio-widget", feed
    if FEED_TAILS.search(feed):
        yield "rss", feed


def _page_key(url: str) -> str:
    return TAILS.sub("", catalogue.place_of(url))


def _keys_of(entry: catalogue.CatalogueEntry) -> Iterator[str]:
    yield from (f"name {name}" for name in entry.names)
    yield from (f"page {_page_key(url)}" for url in (entry.homepage, *(feed.url for feed in entry.feeds)))


def main() -> int:
    """Read the list, write the pages, say how many."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("list", type=Path, help="the list of status pages")
    parser.add_argument("--out", type=Path, default=TARGET, help="the file to write")
    args = parser.parse_args()
    kept = pages.read(args.out.read_text(encoding="utf-8")) if args.out.exists() else []
    rows = rows_of(args.list.read_text(encoding="utf-8"))
    made = built(rows, kept)
    args.out.write_text(pages.written(made), encoding="utf-8")
    whole = [page for page in made if page.homepage]
    readable = sum(bool(page.feeds) for page in whole)
    sys.stdout.write(
        f"{len(rows)} rows: {len(whole)} entries, {readable} with a feed; "
        f"{len(made) - len(whole)} add names to entries kept by hand\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
