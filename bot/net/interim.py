"""A connector that gives up a server which sends interim answers (1xx) without end. Used by `bot.net.open_session`.

aiohttp passes them over one by one without a pause: some MiB of them would hold up everything else until the deadline.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

WAITING_MAX = 20  # answers that were received and not yet looked at; one request waits for one


class BoundedConnector(aiohttp.TCPConnector):
    """A TCP connector whose connections break off such a flood."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        kind: type[ResponseHandler] = _Bounded
        self._factory = partial(kind, loop=self._loop)  # aiohttp has no public way to choose it


class _Bounded(ResponseHandler):
    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take an answer's head, or break off."""
        if len(self) < WAITING_MAX:
            super().feed_data(data, size)
        elif self.exception() is None:
            self.abort()  # which forgets exceptions
            self.set_exception(HttpProcessingError(message="interim answers without end"))
