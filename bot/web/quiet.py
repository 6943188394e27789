"""Shows out who connects and does not come to a request: aiohttp waits for the rest of a first head for ever.

`app` tells it of each request, and runs it beside the server.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

HEAD_S = 20.0
KEPT_S = 75.0
SWEEP_S = 5.0


@dataclass(kw_only=True, slots=True)
class Quiet:
    """Closes connections without a request `head_s` after they were opened; aiohttp itself those that idle for `kept_s`."""

    head_s: float = HEAD_S
    kept_s: float = KEPT_S
    sweep_s: float = SWEEP_S
    _spoke: set[web.RequestHandler] = field(default_factory=set)
    _since: dict[web.RequestHandler, float] = field(default_factory=dict)

    def heard(self, request: web.Request) -> None:
        """A request's head is whole."""
        self._spoke.add(request.protocol)

    async def watch(self, server: web.Server) -> None:
        """Look at the server's connections, until cancelled."""
        while True:
            self._sweep(server.connections, asyncio.get_running_loop().time())
            await asyncio.sleep(self.sweep_s)

    def _sweep(self, connections: list[web.RequestHandler], now: float) -> None:
        self._spoke.intersection_update(connections)
        self._since = {one: self._since.get(one, now) for one in connections if one not in self._spoke}
        for one, since in self._since.items():
            if now - since >= self.head_s:
                one.force_close()


QUIET: web.AppKey[Quiet] = web.AppKey("quiet", Quiet)
