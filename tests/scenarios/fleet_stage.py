"""The pages of a scripted day on one loopback server, each as it is at a moment, with all that is wrong with it then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.fakes import feeds as wire
from tests.fakes.feeds import FeedServer
from tests.scenarios import fleet_pages as pages
from tests.scenarios.fleet_pages import Stories
from tests.scenarios.fleet_stories import MIDNIGHT, STEP, Fault, Story, past, story

Body = Callable[[Stories, datetime], bytes]

WIRE: dict[str, wire.Fault] = {
    "500": wire.status(500),
    "503": wire.status(503),
    "asks for 55 min": wire.status(429, retry_after="3300"),
    "hangs": wire.hang,
    "drips": wire.drip(),
    "drops": wire.drop,
    "cut": wire.cut,
    "html": wire.html,
    "redirects to itself": wire.redirect("?again"),
}
_SLOW = frozenset({"hangs", "drips"})
_NONSENSE = story("", "", "Nonsense", "00:00 investigating It has no id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A kind of page: its format, its main address and those beside it. `past`: so much of what is long over it holds, too."""

    format: str
    bodies: Mapping[str, Body]
    past: int = 0
    is_root: bool = False

    def beside_others(self) -> Layout:
        """The same, not at the root of its host, where but one can be."""
        return replace(self, is_root=False)


LAYOUTS = {
    "summary": Layout(format="statuspage", bodies={"/api/v2/summary.json": pages.summary}),
    "both": Layout(
        format="statuspage",
        bodies={"/api/v2/summary.json": pages.summary, "/api/v2/incidents.json": pages.incidents},
    ),
    "atom": Layout(format="rss", bodies={"/history.atom": pages.history}, past=9),
    "items": Layout(format="rss", bodies={"/news.rss": pages.items}),
    "azure": Layout(format="azure-rss", bodies={"/status/feed/": pages.azure}),
    "gcp": Layout(format="gcp", bodies={"/incidents.json": pages.gcp}, past=9),
    "workspace": Layout(format="google-workspace", bodies={"/appsstatus/incidents.json": pages.gcp}, past=2),
    "slack": Layout(
        format="slack-current",
        bodies={"/api/v2.0.0/current": pages.slack, "/api/v2.0.0/history": pages.slack_history},
    ),
    "instatus": Layout(
        format="instatus",
        bodies={"/summary.json": pages.instatus, "/history.atom": pages.history},
        is_root=True,
    ),
    "statusio": Layout(format="statusio", bodies={"/1.0/status/page": pages.statusio}),
    "betterstack": Layout(format="betterstack", bodies={"/index.json": pages.betterstack}, past=9),
    "aws": Layout(format="aws-currentevents", bodies={"/public/currentevents": pages.aws_events}),
    "aws-rss": Layout(format="aws-rss", bodies={"/rss/all.rss": pages.aws_posts}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source to watch."""

    name: str
    provider: str
    layout: Layout
    stories: tuple[Story, ...] = ()

    @property
    def bodies(self) -> dict[str, Body]:
        """What each of its paths serves, the main one first."""
        base = "" if self.layout.is_root else f"/{self.name}"
        return {base + path: body for path, body in self.layout.bodies.items()}


class Stage:
    """Sets the pages of `sources` for a moment. `slow` holds the addresses that are not to be waited for then."""

    def __init__(self, feeds: FeedServer, sources: Sequence[Source], faults: Sequence[Fault]) -> None:
        self.sources = sources
        self.slow: set[str] = set()
        self._feeds = feeds
        self._faults = faults
        scripted = {fault.source for fault in faults}
        self._lively = [source for source in sources if source.stories or source.name in scripted]

    def url(self, source: Source) -> str:
        """The address to watch."""
        return self._feeds.url(next(iter(source.bodies)))

    def set(self, at: datetime) -> None:
        """Serve what the script says for that moment. Where nothing goes on, and nothing is wrong, pages stay as they are."""
        self.slow.clear()
        concerns_all = any(
            f.source == "*" and (f.hits("*", at) or f.hits("*", at - STEP)) for f in self._faults
        )
        for source in self.sources if at == MIDNIGHT or concerns_all else self._lively:
            self._serve(source, at)

    def _serve(self, source: Source, at: datetime) -> None:
        kinds = [fault.kind for fault in self._faults if fault.hits(source.name, at)]
        broken = next((WIRE[kind] for kind in reversed(kinds) if kind in WIRE), None)
        if "flaky" in kinds and _is_odd(at):
            broken = WIRE["500"]
        for n, (path, body) in enumerate(source.bodies.items()):
            here = f"/moved{path}" if "moved" in kinds else path
            self._feeds.serve(here, _body(source, body, at, kinds if n == 0 else []))
            self._feeds.heal(here)
            if here != path:
                self._feeds.fail(path, wire.redirect(self._feeds.url(here), 301))
            if broken:
                self._feeds.fail(path, broken)
                self._feeds.fail(here, broken)
        if _SLOW & set(kinds):
            self.slow.add(self.url(source))


def _is_odd(at: datetime) -> bool:
    """True at every second look."""
    return (at - MIDNIGHT) // STEP % 2 == 1


def _body(source: Source, body: Body, at: datetime, kinds: list[str]) -> bytes:
    stories: Stories = (*source.stories, *past(source.provider)[: source.layout.past])
    for kind in kinds:
        if kind in {"emptied", "left out"}:
            return body((), at)
        if kind == "blank":
            return b""
        if kind == "cut short":
            whole = body(stories, at)
            return whole[: len(whole) // 2]
        if kind == "another shape":
            return b'{"page": {"name": "Page"}, "version": 3, "summary": {"ongoing": []}}'
        if kind == "malformed":
            stories = (*stories, replace(_NONSENSE, provider=source.provider))
        if kind.startswith("stale by ") and _is_odd(at):
            at -= timedelta(minutes=int(kind.split()[-1]))
    return body(stories, at)
