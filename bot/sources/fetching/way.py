"""Where a fetch has got to: from the configured address, or where that has moved, through redirects. Used by `fetch` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import aiohttp
from yarl import URL

from bot import net

_FOR_GOOD = frozenset({301, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What tells a body that we know from a new one; empty for a source never committed.

    `moved_to` is where permanent redirects of the configured URL lead, and is asked next time. `place` is a digest of that
    URL: marks of another one are worth nothing. Both may stand for keys in a query, so neither is shown.
    """

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    moved_to: str | None = field(default=None, repr=False)
    place: str | None = field(default=None, repr=False)


class Place:
    """A URL with all that a request to it needs: `proxy`, and in `host` who gets gaps between requests (not this machine).

    `renewed` holds the marks of the last answer that repeated a known body: some servers give the same body a new ETag, and who
    kept asking with the old one would be sent all of it each time.
    """

    __slots__ = ("digest", "host", "proxy", "renewed", "url")

    def __init__(self, url: URL) -> None:
        text = str(url)
        host = url.host or ""
        self.url = url
        self.host = None if net.is_this_machine(host) else host
        self.proxy = net.proxy_for(text)
        self.digest = blake2b(text.encode(), digest_size=8).hexdigest()
        self.renewed: Marks | None = None

    @classmethod
    def of(cls, url: str) -> Self:
        """The place that a text names. Raises ValueError."""
        return cls(URL(url))

    def current(self, marks: Marks) -> Marks:
        """What `marks` are worth here: nothing when they are of another URL, else themselves, or newer ones of that body."""
        if marks.place is not None and marks.place != self.digest:
            return Marks()
        new = self.renewed
        is_same = new is not None and new.body_hash == marks.body_hash and new.moved_to == marks.moved_to
        return new if new is not None and is_same else marks


class Way:
    """One fetch's way: `own` is the configured place, `at` the present one, `asked` the marks that the next request carries.

    After a redirect for good the new place is asked without marks, for they were another's: so its body comes, and the move
    can be remembered with it. `opened` is a session of this way's own.
    """

    __slots__ = ("_is_for_good", "_marks", "_start", "asked", "at", "has_new_token", "opened", "own")

    def __init__(self, own: Place, start: Place, marks: Marks) -> None:
        self.own = own
        self.at = self._start = start
        self.asked = self._marks = marks
        self.has_new_token = False
        self.opened: aiohttp.ClientSession | None = None
        # A password in the URL is not in its redirects: such a feed is always asked for at its own address.
        self._is_for_good = own.url.raw_user is None

    @property
    def is_elsewhere(self) -> bool:
        """True at another host than the operator chose."""
        return self.at is not self.own and self.at.url.host != self.own.url.host

    @property
    def is_at_start(self) -> bool:
        """True before any redirect, remembered ones included."""
        return self.at is self.own

    @property
    def is_at_home(self) -> bool:
        """True where the source's secret may be sent: its own scheme, host and port, or the same host by https."""
        here, own = self.at.url, self.own.url
        is_safe = (here.scheme, here.port) in {(own.scheme, own.port), ("https", 443)}
        return self.at is self.own or (here.host == own.host and is_safe)

    @property
    def remembered(self) -> str | None:
        """Where the feed had moved to before this fetch."""
        return self._marks.moved_to

    @property
    def moved_to(self) -> str | None:
        """Where the feed has moved for good, as far as we know; None when it is at its own address."""
        end = self.at if self._is_for_good else self._start
        return None if end.url == self.own.url else str(end.url)

    def redirect(self, to: Place, status: int) -> None:
        """Go on to `to`."""
        self._is_for_good = self._is_for_good and status in _FOR_GOOD
        self.asked = Marks() if self._is_for_good else self._marks
        self.at = to

    def give_up_move(self) -> bool:
        """Go back to the configured address, when we came by one that was remembered; False when we did not."""
        if self._start is self.own:
            return False
        self.at = self._start = self.own
        self.asked = self._marks = Marks()
        self._is_for_good = self.own.url.raw_user is None
        return True
