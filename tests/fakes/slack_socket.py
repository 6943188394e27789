"""Socket Mode of the fake Slack: envelopes out over a websocket, acknowledgements back. Used by `slack` alone."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

Envelope = dict[str, Any]
ACK_WITHIN_S = 3.0


class Sockets:
    """The open connections of the app, and which envelopes were acknowledged."""

    def __init__(self) -> None:
        self.open: list[web.WebSocketResponse] = []
        self.opened = 0  # connections ever made
        self.acks: dict[str, list[Envelope]] = {}
        self.says_hello = True
        self.answers_pings = True  # of connections that are opened from now on
        self.gaps = 0  # how often the last connection was gone
        self._tickets: set[str] = set()
        self._changed = asyncio.Condition()

    def ticket(self) -> str:
        """What one connection may be opened with, once."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        if self.says_hello:
            await socket.send_json(
                {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}
            )
        await self._note(lambda: self.open.append(socket))
        self.opened += 1
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    reply = frame.json()
                    await self._note(
                        lambda reply=reply: self.acks.setdefault(reply["envelope_id"], []).append(reply)
                    )
        finally:
            await self._note(lambda: self._gone(socket))
        return socket

    async def connected(self, *, opened: int = 1, within: float = 10) -> None:
        """Return when a connection is open, and at least `opened` were made so far."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: bool(self.open) and self.opened >= opened)

    async def disconnected(self, *, within: float = 10) -> None:
        """Return when no connection is open."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: not self.open)

    async def deliver(self, envelope: Envelope, *, within: float = ACK_WITHIN_S, over: int = -1) -> bool:
        """Send an envelope over the newest connection, or the one asked for; True when it was acknowledged in time."""
        name = envelope["envelope_id"]
        before = len(self.acks.get(name, ()))
        await self.connected()
        await self.open[over].send_json(envelope)
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: len(self.acks.get(name, ())) > before)
        return len(self.acks.get(name, ())) > before

    async def ask_to_leave(self, reason: str = "refresh_requested") -> None:
        """Slack renews connections every few hours: the app is to open another one."""
        for socket in tuple(self.open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})

    def cut(self) -> None:
        """Tear every connection without a goodbye."""
        for socket in self.open:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()

    async def close(self) -> None:
        """Say goodbye on every connection."""
        for socket in tuple(self.open):
            await socket.close()

    def _gone(self, socket: web.WebSocketResponse) -> None:
        self.open.remove(socket)
        self.gaps += not self.open

    async def _note(self, change: Any) -> None:
        async with self._changed:
            change()
            self._changed.notify_all()
