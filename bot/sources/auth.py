"""What opens a private feed: a header with a secret. Read by `fetch`, built by `bot.config`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that is sent to the source's own host, and to no other that it redirects to."""

    name: str
    value: str = field(repr=False)


Auth = Header
