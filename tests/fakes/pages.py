"""A web of pages in memory, asked as a Fetcher is: bodies by address, errors for all other addresses, every question noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import FetchError, Inside
from bot.sources.fetching.fetch import Fetched, Marks
from bot.sources.payload import Payload, SourceSpec


@dataclass
class Web:
    """`bodies` by address, `moved` from an address to another, `gone` hosts that do not answer at all, and those `inside`."""

    bodies: dict[str, bytes | str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)
    busy: dict[str, timedelta] = field(default_factory=dict)
    asked: list[SourceSpec] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        """The addresses that were asked, in order."""
        return [spec.url for spec in self.asked]

    async def fetch(self, spec: SourceSpec, marks: Marks, now: datetime) -> Fetched | None:
        """The body at the address, or a FetchError in the words of the real one."""
        self.asked.append(spec)
        url = self.moved.get(spec.url, spec.url)
        if any(f"//{host}" in url for host in self.gone):
            raise FetchError(f"{spec.name}: {url} could not be fetched: its host name is not known to DNS")
        if host := next((host for host in self.inside if f"//{host}" in url), None):
            raise Inside(f"{spec.name}: {url} leads to {host}, which is not a public address")
        if url in self.busy:
            raise FetchError(f"{spec.name}: {url} answered 429", retry_after=self.busy[url])
        if url not in self.bodies:
            raise FetchError(f"{spec.name}: {url} answered 404")
        body = self.bodies[url]
        raw = body.encode() if isinstance(body, str) else body
        return Fetched(payload=Payload(body=raw, fetched_at=now, url=url), marks=Marks())
