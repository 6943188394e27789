"""What is known of the makers of status pages: how their pages are told apart, and where their feeds are. Pure, no I/O.

`candidates` gives the addresses that are worth asking for a page; `bot.sources.finding.detecting` asks them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from bot.sources.reading.text import line, web_link

PAGE_MAX_CHARS = 512 * 1024  # of a page's source that is looked at
LINKS_MAX = 6
TITLE_MAX_CHARS = 60  # as the configuration's `title`

_SLUG = re.compile(r"/status(?:-page)?/([\w-]{1,80})/?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A maker of pages. `marks` is a pattern for the page's source; `paths` may hold {host} and {slug}.

    Without paths there is no feed of theirs that we read, other than one that the page itself links to.
    """

    name: str
    marks: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address to ask, and why. `format` is what is expected there, where only the address can tell."""

    url: str
    why: str
    format: str | None = None


PLATFORMS = (
    Platform(
        name="Statuspage",
        marks=r"statuspage\.io|atlassian statuspage|dka575ofm4ao0\.cloudfront\.net",
        paths=("/api/v2/summary.json",),
    ),
    Platform(
        name="incident.io",
        marks=r"\bincident\.io\b|incident-io",
        paths=("/api/v2/summary.json", "/proxy/{host}", "/api/v1/summary"),
    ),
    Platform(name="Instatus", marks=r"\binstatus\b", paths=("/summary.json", "/v3/summary.json")),
    Platform(name="Better Stack", marks=r"betterstack|betteruptime|better stack", paths=("/index.json",)),
    Platform(name="cState", marks=r"\bcstate\b", paths=("/index.json",)),
    Platform(name="Uptime Kuma", marks=r"uptime.?kuma", paths=("/api/status-page/{slug}",)),
    Platform(
        name="Cachet",
        marks=r"\bcachet(hq)?\b",
        paths=("/api/incidents?include=updates,components", "/api/v1/incidents?sort=id&order=desc"),
    ),
    Platform(name="Status.io", marks=r"\bstatus\.io\b|hostedstatus\.com"),
    Platform(name="Checkly", marks=r"\bchecklyhq\b|\bcheckly\b"),
    Platform(name="UptimeRobot", marks=r"uptimerobot"),
    Platform(name="Upptime", marks=r"\bupptime\b"),
    Platform(name="Datadog", marks=r"statuspage\.datadoghq|datadog status page"),
    Platform(name="LambStatus", marks=r"lambstatus"),
    Platform(name="StatusPal", marks=r"statuspal"),
    Platform(name="StatusCast", marks=r"statuscast"),
    Platform(name="Sorry", marks=r"sorryapp|sorry™"),
    Platform(name="Hund", marks=r"\bhund\.io"),
    Platform(name="Freshstatus", marks=r"freshstatus"),
    Platform(name="StatusHub", marks=r"statushub"),
    Platform(name="Site24x7", marks=r"site24x7"),
    Platform(name="Uptime.com", marks=r"\buptime\.com\b"),
)

# Addresses in a page, or the page's own, that name a feed: the pattern, where it leads, and the format that is there.
_NAMED = (
    (r"(https://\d+\.hostedstatus\.com/1\.0/status/[0-9a-f]{24})\b", "{0}", "statusio"),
    (r"/(?:pages|1\.0/status)/([0-9a-f]{24})\b", "https://api.status.io/1.0/status/{0}", "statusio"),
    (r"(/api/status-page/[\w-]{1,80}/unresolved-incidents)\b", "{0}", "checkly"),
    (r"(/api/getMonitorList/[\w-]{5,60})", "{0}", "uptimerobot"),
    (r"//stats\.uptimerobot\.com/([\w-]{5,60})", "/api/getMonitorList/{0}", "uptimerobot"),
    (
        r"(https://raw\.githubusercontent\.com/[\w.-]{1,80}/[\w.-]{1,80}/[\w.-]{1,40}/history/summary\.json)",
        "{0}",
        "upptime",
    ),
)

# In this order: what tells most in front, and what few pages have at the end.
WELL_KNOWN = ("/api/v2/summary.json", "/summary.json", "/index.json")
LESS_KNOWN = (
    "/history.atom",
    "/feed.atom",
    "/rss",
    "/history.rss",
    "/feed",
    "/feed.xml",
    "/index.xml",
    "/api/v1/incidents",
    "/api/v1/summary",
    "/incidents.json",
    "/api/status-page/default",
)


def named_by(page: str) -> tuple[Platform, ...]:
    """The platforms whose marks are in a page's source."""
    text = page[:PAGE_MAX_CHARS].casefold()
    return tuple(platform for platform in PLATFORMS if re.search(platform.marks, text))


def of_address(url: str) -> Iterator[Candidate]:
    """The feeds that an address itself names, as that of a page at Status.io does."""
    yield from _named(url, url, "the address names it")


def candidates(url: str, page: str) -> Iterator[Candidate]:
    """What to ask, the most likely first: what the page names, its maker's usual places, its links, well-known places."""
    yield from _named(url, page[:PAGE_MAX_CHARS], "the page names it")
    parts = urlsplit(url)
    for platform in named_by(page):
        for path in platform.paths:
            for base in _bases(parts):
                where = base + path.format(host=parts.netloc, slug=_slug(parts))
                yield Candidate(url=where, why=f"the page names {platform.name}")
    for base in _bases(parts):
        yield from (Candidate(url=base + path, why="a usual place") for path in WELL_KNOWN)
    yield from (Candidate(url=link, why="the page links to it as its feed") for link in _links(url, page))
    yield from (Candidate(url=_bases(parts)[0] + path, why="a usual place") for path in LESS_KNOWN)


def title_of(page: str) -> str:
    """What a page calls its owner: its title without the words around it; empty when it has none."""
    found = re.search(r"<title[^>]{0,200}>([^<]{1,200})", page[:PAGE_MAX_CHARS], re.IGNORECASE)
    words = line(found[1]) if found else ""
    bare = re.sub(r"(?i)\b(system|service|current|live)?\s*status(\s*page)?(\s*(of|for)\b)?", " ", words)
    return line(re.sub(r"^[\s|·:–—-]+|[\s|·:–—-]+$", "", bare), max_chars=TITLE_MAX_CHARS)


def _bases(parts: SplitResult) -> tuple[str, ...]:
    """The page's own address without its last slash, and its host's where that is another."""
    host = f"{parts.scheme}://{parts.netloc}"
    path = re.sub(r"/[^/]*\.\w{1,5}$", "", parts.path).rstrip("/")
    return (host + path, host) if path else (host,)


def _slug(parts: SplitResult) -> str:
    found = _SLUG.search(parts.path)
    return found[1] if found else "default"


def _named(base: str, text: str, why: str) -> Iterator[Candidate]:
    for pattern, to, format_ in _NAMED:
        if found := re.search(pattern, text):
            yield Candidate(url=urljoin(base, to.format(found[1])), why=why, format=format_)


def _links(base: str, page: str) -> Iterator[str]:
    """The feeds that a page's head links to. Found by pattern: the library's parser is slow on hostile pages."""
    tags = re.findall(r"<link\b([^>]{1,1000})>", page[:PAGE_MAX_CHARS], re.IGNORECASE)
    count = 0
    for tag in tags:
        kind = re.search(
            r"""type\s*=\s*["']?application/(?:rss\+xml|atom\+xml|feed\+json)""", tag, re.IGNORECASE
        )
        where = re.search(r"""href\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s"'>]+))""", tag, re.IGNORECASE)
        if kind and where and count < LINKS_MAX:
            count += 1
            with suppress(ValueError):  # "http://[" is no address
                link = urljoin(base, html.unescape(where[1] or where[2] or where[3]))
                if web_link(link) and link.isprintable():
                    yield link
