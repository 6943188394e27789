"""The live half of the fake Discord: its gateway (websocket) and the interactions that arrive through it.

`FakeDiscord` in `discord.py` owns one `Gateway`. Frames are compressed when the client asks for zlib-stream, as Discord's are.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord

Json = dict[str, Any]
ACKNOWLEDGE_WITHIN_S = 3.0
DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11


@dataclass(slots=True)
class Session:
    """One identified client; its events are kept, so that it can resume."""

    id: str
    intents: int
    events: list[Json] = field(default_factory=list)
    socket: Socket | None = None


@dataclass(slots=True)
class Socket:
    """One websocket connection."""

    ws: web.WebSocketResponse
    deflate: Any = None

    async def send(self, payload: Json) -> None:
        """Send one payload, compressed when the client asked for it."""
        text = json.dumps(payload)
        if self.deflate is None:
            await self.ws.send_str(text)
            return
        data = self.deflate.compress(text.encode()) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        await self.ws.send_bytes(data)


@dataclass(slots=True)
class Interaction:
    """A slash command on its way. `answers` are the messages shown so far; `acknowledged_s` is how long that took."""

    id: str
    token: str
    channel: str
    began: float
    acknowledged: int | None = None
    acknowledged_s: float | None = None
    is_private: bool = False
    answers: list[Json] = field(default_factory=list)
    answered_s: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def texts(self) -> list[str]:
        """All that people can read of each answer."""
        from tests.fakes.discord import readable

        return [readable(answer) for answer in self.answers]

    def elapsed(self) -> float:
        """Seconds since the person pressed return."""
        return time.monotonic() - self.began

    async def wait(self, answers: int, within_s: float) -> None:
        """Return when that many answers are there."""
        async with asyncio.timeout(within_s):
            while len(self.answers) < answers:
                self.changed.clear()
                await self.changed.wait()


class Gateway:
    """The websocket at `/gateway`, all sessions it ever made, and the interactions under way."""

    def __init__(self, fake: FakeDiscord) -> None:
        self._fake = fake
        self.sessions: dict[str, Session] = {}
        self.interactions: dict[str, Interaction] = {}
        self.identifies: list[Json] = []
        self.resumes: list[Json] = []
        self.heartbeats = 0
        self.heartbeat_ms = 41_250
        self.answers_heartbeats = True
        self.identifies_left = 1_000  # of today's; each takes one
        self.reset_after_ms = 0
        self.connections = 0
        self.turn_away = 0  # so many coming connections are closed at once
        self.arrived = asyncio.Event()

    @property
    def connected(self) -> list[Session]:
        """Sessions with an open connection."""
        return [s for s in self.sessions.values() if s.socket and not s.socket.ws.closed]

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until either side closes it."""
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.connections += 1
        if self.turn_away:
            self.turn_away -= 1
            await ws.close(code=1011)
            return ws
        stream = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        socket = Socket(ws, stream)
        await socket.send({"op": HELLO, "s": None, "t": None, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for frame in ws:
            if frame.type is not WSMsgType.TEXT or len(frame.data) > 4_096:
                await ws.close(code=4002)
                break
            await self._received(socket, json.loads(frame.data))
        return ws

    async def wait_connected(self, within_s: float = 5.0) -> None:
        """Return when some client is identified or resumed."""
        async with asyncio.timeout(within_s):
            while not self.connected:
                self.arrived.clear()
                await self.arrived.wait()

    async def cut(self, code: int = 4000) -> None:
        """Close every connection with this code; sessions stay, to be resumed."""
        for session in self.connected:
            assert session.socket is not None
            await session.socket.ws.close(code=code)
            session.socket = None

    async def ask_to_reconnect(self) -> None:
        """What Discord does before it takes a server down."""
        for session in self.connected:
            assert session.socket is not None
            await session.socket.send({"op": RECONNECT, "d": None, "s": None, "t": None})
            session.socket = None

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Tell every session that it is not valid: to be resumed in a moment, or never again."""
        for session in self.connected:
            assert session.socket is not None
            if not resumable:
                del self.sessions[session.id]
            await session.socket.send({"op": INVALID, "d": resumable, "s": None, "t": None})
            session.socket = None

    async def lose_guild(self) -> None:
        """Discord has an outage: the server is not there for now."""
        await self.dispatch("GUILD_DELETE", {"id": self._fake.guild, "unavailable": True})

    async def return_guild(self) -> None:
        """The server is there again."""
        await self.dispatch("GUILD_CREATE", self._fake.guild_payload())

    async def close(self) -> None:
        """Say goodbye to everybody."""
        for session in self.connected:
            assert session.socket is not None
            await session.socket.ws.close(code=WSCloseCode.GOING_AWAY)

    async def dispatch(self, event: str, data: Json) -> None:
        """Send an event to every session, and keep it for those that are away."""
        for session in self.sessions.values():
            await self._tell(session, event, data)

    async def _tell(self, session: Session, event: str, data: Json) -> None:
        payload = {"op": DISPATCH, "t": event, "s": len(session.events) + 1, "d": data}
        session.events.append(payload)
        if session.socket and not session.socket.ws.closed:
            await session.socket.send(payload)

    async def _received(self, socket: Socket, payload: Json) -> None:
        data = payload["d"]
        match payload["op"]:
            case 1:
                self.heartbeats += 1
                if self.answers_heartbeats:
                    await socket.send({"op": ACK, "d": None, "s": None, "t": None})
            case 2:
                await self._identify(socket, data)
            case 6:
                await self._resume(socket, data)
            case _:
                await socket.ws.close(code=4001)

    async def _identify(self, socket: Socket, data: Json) -> None:
        self.identifies.append(data)
        self.identifies_left -= 1
        if data["token"] != self._fake.token:
            await socket.ws.close(code=4004)
            return
        session = Session(id=f"session{len(self.identifies)}", intents=data["intents"], socket=socket)
        self.sessions[session.id] = session
        ready = {
            "v": 10,
            "user": self._fake.bot,
            "guilds": [{"id": self._fake.guild, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self._fake.gateway_url,
            "application": {"id": self._fake.application, "flags": 0},
        }
        await self._tell(session, "READY", ready)
        if session.intents & 1:
            await self._tell(session, "GUILD_CREATE", self._fake.guild_payload())
        self.arrived.set()

    async def _resume(self, socket: Socket, data: Json) -> None:
        self.resumes.append(data)
        session = self.sessions.get(data["session_id"])
        if session is None or data["token"] != self._fake.token:
            await socket.send({"op": INVALID, "d": False, "s": None, "t": None})
            return
        for payload in session.events[data["seq"] or 0 :]:
            await socket.send(payload)
        session.socket = socket
        await self._tell(session, "RESUMED", {})
        self.arrived.set()

    async def interact(self, name: str, options: Json, *, user: str, channel: str) -> Interaction:
        """Type a subcommand of `/incident`; Discord's own client refuses what the offered command does not allow."""
        root, subcommand = self._offered(name)
        _fits(subcommand, options)
        number = self._fake.snowflake()
        interaction = Interaction(number, f"token-{number}", channel, time.monotonic())
        self.interactions[interaction.token] = interaction
        words = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        data = {
            "id": root["id"],
            "name": root["name"],
            "type": 1,
            "options": [{"name": name, "type": 1, "options": words}],
        }
        await self.dispatch("INTERACTION_CREATE", self._payload(interaction, user, 2, data))
        return interaction

    async def suggest(self, name: str, option: str, typed: str, *, user: str, channel: str) -> Interaction:
        """Type into one option; the suggestions arrive as the answer's `choices`."""
        root, _ = self._offered(name)
        number = self._fake.snowflake()
        interaction = Interaction(number, f"token-{number}", channel, time.monotonic())
        self.interactions[interaction.token] = interaction
        words = [{"name": option, "type": 3, "value": typed, "focused": True}]
        options = [{"name": name, "type": 1, "options": words}]
        data = {"id": root["id"], "name": root["name"], "type": 1, "options": options}
        await self.dispatch("INTERACTION_CREATE", self._payload(interaction, user, 4, data))
        return interaction

    async def repeat(self, interaction: Interaction) -> None:
        """Deliver an interaction a second time, as the gateway sometimes does."""
        for session in self.connected:
            for event in [e for e in session.events if e["t"] == "INTERACTION_CREATE"]:
                if event["d"]["id"] == interaction.id:
                    await self._tell(session, "INTERACTION_CREATE", event["d"])

    def _offered(self, name: str) -> tuple[Json, Json]:
        for root in self._fake.commands:
            for option in root.get("options", []):
                if option["name"] == name:
                    return root, option
        raise AssertionError(f"Discord offers no /{name}: was it synced?")

    def _payload(self, interaction: Interaction, user: str, kind: int, data: Json) -> Json:
        person = {"id": user, "username": f"user{user}", "discriminator": "0", "avatar": None}
        return {
            "id": interaction.id,
            "application_id": self._fake.application,
            "type": kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "guild_id": self._fake.guild,
            "channel_id": interaction.channel,
            "channel": self._fake.channel_payload(interaction.channel),
            "member": {
                "user": person,
                "roles": [],
                "joined_at": "2026-01-01T00:00:00+00:00",
                "permissions": "0",
                "deaf": False,
                "mute": False,
                "flags": 0,
            },
            "app_permissions": "0",
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": self._fake.guild},
            "context": 0,
            "attachment_size_limit": 10_485_760,
        }


def _fits(command: Json, options: Json) -> None:
    offered = {option["name"]: option for option in command.get("options", [])}
    missing = [name for name, option in offered.items() if option.get("required") and name not in options]
    strange = options.keys() - offered.keys()
    assert not missing, f"the client asks for {missing} first"
    assert not strange, f"the client knows no option {strange}"
    for name, value in options.items():
        choices = [choice["value"] for choice in offered[name].get("choices") or []]
        assert not choices or value in choices, f"{name} is one of {choices}"
