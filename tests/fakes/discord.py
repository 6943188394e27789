"""A fake Discord on loopback that speaks the real protocol: REST, rate-limit headers, and a gateway.

    async with FakeDiscord() as fake:
        chat = DiscordChat(token=fake.token, api_url=fake.api_url)

By hand, printing each post as a JSON line: `python -m tests.fakes.discord --port 8810`. Bodies are judged in
`discord_rules`, the
websocket is in `discord_gateway`, the REST routes in `discord_rest`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes import discord_rest
from tests.fakes.discord_faults import (
    FAULTS,
    GARBLED,
    LOST_REPLIES,
    Bucket,
    Fault,
    answer,
    dropped,
    dropped_in_body,
    garbled,
    instead,
    too_many,
)
from tests.fakes.discord_gateway import Gateway, Interaction

Json = dict[str, Any]
EPOCH_MS = 1_420_070_400_000
CHANNEL = "100000000000000001"
USER = "300000000000000001"
TEXT, PUBLIC_THREAD, FORUM, MEDIA = 0, 11, 15, 16  # types of channels


@dataclass(slots=True)
class Room:
    """A channel, a thread or a forum, and its messages by id, oldest first."""

    id: str
    name: str
    type: int = TEXT
    parent: str | None = None
    archived: bool = False
    locked: bool = False
    touched_at: str = ""  # when it was archived or woken
    refusal: tuple[int, int, str] | None = None  # (status, code, words): what the bot is told here
    may_pin: bool = True
    pins_max: int = 250
    tags: list[Json] = field(default_factory=list)  # that a forum offers
    needs_tag: bool = False
    applied: list[str] = field(default_factory=list)  # ids of the tags of a post
    messages: dict[str, Json] = field(default_factory=dict)

    @property
    def pins(self) -> list[str]:
        """The ids of what is pinned."""
        return [message["id"] for message in self.messages.values() if message["pinned"]]


class FakeDiscord:
    """One server with one channel, one bot, and everything that was ever asked of it.

    `calls` counts requests by route name, `bodies` keeps what was sent as (route, body). Route names are those of
    `discord_rest.ROUTES`: create_message, edit_message, list_messages, start_thread, me ...
    """

    def __init__(self, *, port: int = 0, token: str = "token-of-the-fake") -> None:
        self.token = token
        self.guild = "200000000000000001"
        self.application = "400000000000000001"
        self.bot: Json = {
            "id": self.application,
            "username": "fogbell",
            "discriminator": "0",
            "avatar": None,
            "bot": True,
        }
        self.rooms: dict[str, Room] = {}
        self.commands: list[Json] = []
        self.calls: Counter[str] = Counter()
        self.bodies: list[tuple[str, Json]] = []
        self.nonces: dict[str, tuple[float, Json]] = {}
        self.nonce_window_s = 180.0
        self.archived_refuse = False  # Discord wakes a thread that is posted to; True: as if it did not
        self.clock: Callable[[], float] = time.time
        self.on_post: Callable[[Json], None] = lambda message: None
        self.gateway = Gateway(self)
        self._port = port
        self._faults: dict[str, deque[Fault]] = {}
        self._limits: dict[str, tuple[int, float]] = {}
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._last_snowflake = 0
        self._runner: web.AppRunner | None = None
        self.add_channel(CHANNEL)

    async def __aenter__(self) -> FakeDiscord:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve on loopback, on a free port unless one was named."""
        app = web.Application(middlewares=[self._front])
        discord_rest.add_routes(app, self)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the gateway's connections and stop serving; the port is kept for another start."""
        await self.gateway.close()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @property
    def api_url(self) -> str:
        """The base of all REST paths."""
        return f"http://127.0.0.1:{self._port}/api/v10"

    @property
    def gateway_url(self) -> str:
        """Where the gateway is."""
        return f"ws://127.0.0.1:{self._port}/gateway"

    # What tests arrange.

    def add_channel(self, channel: str, *, refusal: tuple[int, int, str] | None = None) -> Room:
        """A text channel; with `refusal` the bot may not use it."""
        self.rooms[channel] = Room(id=channel, name=f"channel-{channel}", refusal=refusal)
        return self.rooms[channel]

    def add_forum(
        self, channel: str, *, tags: tuple[str, ...] = (), needs_tag: bool = False, kind: int = FORUM
    ) -> Room:
        """A forum or a media channel: people see posts there, and nothing else can be said."""
        room = self.add_channel(channel)
        room.type, room.needs_tag = kind, needs_tag
        plain = {"moderated": False, "emoji_id": None, "emoji_name": None}
        room.tags = [{"id": self.snowflake(), "name": name} | plain for name in tags]
        return room

    def refuse_next(self, route: str, status: int, code: int, *, times: int = 1) -> None:
        """Let the next requests of a route be refused in Discord's own words."""
        assert route in discord_rest.NAMES, route
        fault = Fault("refused", refusal=(status, code))
        self._faults.setdefault(route, deque()).extend([fault] * times)

    def fail_next(self, route: str, kind: str, *, times: int = 1, seconds: float = 30.0) -> None:
        """Let the next requests of a route fail: `seconds` is the wait of a 429, or the length of a delay."""
        assert route in discord_rest.NAMES, route
        assert kind in FAULTS, kind
        self._faults.setdefault(route, deque()).extend([Fault(kind, seconds)] * times)

    def limit(self, route: str, calls: int, window_s: float) -> None:
        """A rate limit for each channel of a route, told in headers, and answered with 429 beyond."""
        self._limits[route] = (calls, window_s)

    def delete(self, channel: str, message: str) -> None:
        """Somebody deletes a message; its thread stays, as it does on Discord."""
        del self.rooms[channel].messages[message]

    def archive(self, thread: str, *, locked: bool = False) -> None:
        """A thread falls asleep; a locked one is woken by moderators alone."""
        self.rooms[thread].archived, self.rooms[thread].locked = True, locked
        self.rooms[thread].touched_at = self.now()

    # What tests read.

    def messages(self, channel: str = CHANNEL) -> list[Json]:
        """The messages of a channel, oldest first."""
        return list(self.rooms[channel].messages.values())

    def thread(self, channel: str, message: str) -> list[Json]:
        """The messages of the thread that hangs from a message, or follow it in a forum; empty where there is none."""
        room = self.rooms.get(message)
        inside = list(room.messages.values()) if room and room.parent == channel else []
        return [each for each in inside if each["id"] != message]

    def posts(self, forum: str) -> list[Room]:
        """The posts of a forum, oldest first."""
        return sorted((room for room in self.rooms.values() if room.parent == forum), key=lambda r: int(r.id))

    async def interact(
        self,
        name: str,
        options: Json | None = None,
        *,
        user: str = USER,
        channel: str = CHANNEL,
        answers: int = 1,
    ) -> Interaction:
        """Type `/incident NAME`, and return when it was answered with that many messages, or after 10 s."""
        interaction = await self.gateway.interact(name, options or {}, user=user, channel=channel)
        await interaction.wait(answers, 10)
        return interaction

    async def suggest(self, name: str, option: str, typed: str) -> list[str]:
        """What is offered to somebody who typed this much into an option."""
        interaction = await self.gateway.suggest(name, option, typed, user=USER, channel=CHANNEL)
        await interaction.wait(1, 3)
        return [choice["value"] for choice in interaction.answers[0]["choices"]]

    # What the routes share.

    def snowflake(self) -> str:
        """A new id: time and a serial number, always growing."""
        number = int(self.clock() * 1000 - EPOCH_MS) << 22
        self._last_snowflake = max(number, self._last_snowflake + 1)
        return str(self._last_snowflake)

    def now(self) -> str:
        """The time as Discord writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).isoformat()

    def channel_payload(self, channel: str) -> Json:
        """A channel or thread as Discord describes it."""
        room = self.rooms[channel]
        payload: Json = {
            "id": room.id,
            "name": room.name,
            "guild_id": self.guild,
            "type": room.type,
            "flags": (1 << 4) if room.needs_tag else 0,
        }
        if room.type in (FORUM, MEDIA):
            payload["available_tags"] = room.tags
        payload |= {"position": 0, "permission_overwrites": [], "nsfw": False, "parent_id": room.parent}
        if room.parent:
            payload["owner_id"] = self.application
            payload["applied_tags"] = room.applied
            payload["message_count"] = payload["member_count"] = len(room.messages)
            payload["thread_metadata"] = {
                "archived": room.archived,
                "locked": room.locked,
                "auto_archive_duration": 1440,
                "archive_timestamp": room.touched_at or self.now(),
            }
        return payload

    def guild_payload(self) -> Json:
        """The one server, as GUILD_CREATE tells it."""
        channels = [self.channel_payload(room.id) for room in self.rooms.values() if not room.parent]
        threads = [self.channel_payload(room.id) for room in self.rooms.values() if room.parent]
        everyone = {"id": self.guild, "name": "@everyone", "permissions": "0", "color": 0, "hoist": False}
        everyone |= {"position": 0, "managed": False, "mentionable": False, "flags": 0}
        lists: Json = {
            key: [] for key in ("members", "emojis", "stickers", "voice_states", "presences", "features")
        }
        facts = {"id": self.guild, "name": "fake", "owner_id": USER, "member_count": 2, "unavailable": False}
        return facts | lists | {"roles": [everyone], "channels": channels, "threads": threads}

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Rate limits, faults and refusals, as they stand before and around every route."""
        name = request.match_info.route.name
        if name is None or name == "gateway":
            answer: web.StreamResponse = await handler(request)
            return answer
        self.calls[name] += 1
        fault = self._next_fault(name)
        if fault and (failed := instead(fault, request)):
            return failed
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        bucket = self._bucket(name, request)
        if not bucket.take():
            return too_many(bucket.ends_at - time.monotonic(), bucket.headers(name))
        response = await self._routed(request, handler)
        response.headers.update(bucket.headers(name))
        if fault and fault.kind in LOST_REPLIES and response.status >= 300:
            self._faults[name].appendleft(
                fault
            )  # nothing was done: the fault waits for a request that does something
        elif fault and fault.kind == "drop_after":
            return dropped(request)
        elif fault and fault.kind == "drop_in_body":
            return await dropped_in_body(request)
        elif fault and fault.kind in GARBLED:
            return garbled(fault.kind)
        return response

    async def _routed(self, request: web.Request, handler: Any) -> web.StreamResponse:
        needs_token = request.match_info.route.name not in discord_rest.BY_INTERACTION_TOKEN
        if needs_token and request.headers.get("Authorization") != f"Bot {self.token}":
            return answer({"message": "401: Unauthorized", "code": 0}, 401)
        try:
            response: web.StreamResponse = await handler(request)
        except discord_rest.Refusal as no:
            body: Json = {"message": no.words, "code": no.code}
            return answer(body | ({"errors": no.errors} if no.errors else {}), no.status)
        return response

    def _next_fault(self, name: str) -> Fault | None:
        waiting = self._faults.get(name)
        return waiting.popleft() if waiting else None

    def _bucket(self, name: str, request: web.Request) -> Bucket:
        key = (name, request.match_info.get("channel", ""))
        if key not in self._buckets:
            self._buckets[key] = Bucket(*self._limits.get(name, (1_000, 1.0)))
        return self._buckets[key]


def readable(message: Json) -> str:
    """All that people can read of a message, line by line."""
    lines = [message.get("content") or ""]
    for embed in message.get("embeds") or []:
        lines += [embed.get("author", {}).get("name"), embed.get("title"), embed.get("description")]
        lines += [f"{field['name']}: {field['value']}" for field in embed.get("fields") or []]
        lines.append(embed.get("footer", {}).get("text"))
    return "\n".join(line for line in lines if line)


async def _serve(port: int) -> None:
    fake = FakeDiscord(port=port)
    fake.on_post = lambda message: print(json.dumps(message), flush=True)
    async with fake:
        about = {
            "api_url": fake.api_url,
            "gateway_url": fake.gateway_url,
            "token": fake.token,
            "channel": CHANNEL,
        }
        print(json.dumps(about), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description="A fake Discord on loopback; prints each post as a JSON line."
    )
    parser.add_argument("--port", type=int, default=8810)
    try:
        asyncio.run(_serve(parser.parse_args().port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
