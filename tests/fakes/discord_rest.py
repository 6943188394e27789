"""The REST routes of the fake Discord: messages, threads, commands, and answers to interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import discord_rules as rules
from tests.fakes.discord_faults import answer
from tests.fakes.discord_gateway import ACKNOWLEDGE_WITHIN_S, Interaction

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord, Room

Json = dict[str, Any]
EPHEMERAL = 1 << 6
LOADING = 1 << 7
HAS_THREAD = 1 << 5
PINNED_A_MESSAGE = 6
TEXT, PUBLIC_THREAD, FORUMS = 0, 11, (15, 16)


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: int, words: str, errors: Json | None = None) -> None:
        self.status, self.code, self.words, self.errors = status, code, words, errors
        super().__init__(words)


class Routes:
    """One method for each route, by its name."""

    def __init__(self, fake: FakeDiscord) -> None:
        self._fake = fake

    async def me(self, _: web.Request) -> web.Response:
        """The bot itself."""
        return answer(self._fake.bot)

    async def application(self, _: web.Request) -> web.Response:
        """The bot's application."""
        app = {"id": self._fake.application, "name": "fogbell", "description": "", "icon": None, "flags": 0}
        more = {
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00",
            "summary": "",
            "team": None,
        }
        return answer(app | more | {"owner": self._fake.bot})

    async def gateway_bot(self, _: web.Request) -> web.Response:
        """Where the gateway is."""
        left, reset_ms = self._fake.gateway.identifies_left, self._fake.gateway.reset_after_ms
        start = {"total": 1000, "remaining": left, "reset_after": reset_ms, "max_concurrency": 1}
        return answer({"url": self._fake.gateway_url, "shards": 1, "session_start_limit": start})

    async def channel(self, request: web.Request) -> web.Response:
        """What a channel is."""
        return answer(self._fake.channel_payload(self._room(request).id))

    async def create_message(self, request: web.Request) -> web.Response:
        """Post into a channel or a thread."""
        body = await self._body(request)
        room = self._room(request)
        if room.type in FORUMS:
            raise Refusal(400, 50008, "Cannot send messages in a non-text channel")
        self._awake(room, wakes=True)
        _refuse(rules.message_problems(body))
        if rules.is_blank(body):
            raise Refusal(400, 50006, "Cannot send an empty message")
        earlier = self._repeated(body)
        if earlier:
            return answer(earlier)
        message = self._message(room, body)
        room.messages[message["id"]] = message
        shown = message | {"nonce": body.get("nonce")}  # told to the author alone, and only now
        if body.get("enforce_nonce"):
            self._fake.nonces[str(body["nonce"])] = (self._fake.clock(), shown)
        self._fake.on_post(message)
        return answer(shown)

    async def edit_message(self, request: web.Request) -> web.Response:
        """Change one of the bot's messages."""
        body = await self._body(request)
        room = self._room(request)
        message = self._found(room, request)
        if message["author"]["id"] != self._fake.bot["id"]:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        self._awake(room, wakes=False)
        _refuse(rules.message_problems(body, is_edit=True))
        message |= {key: body[key] for key in ("content", "embeds") if key in body}
        message["edited_timestamp"] = self._fake.now()
        return answer(message)

    async def get_message(self, request: web.Request) -> web.Response:
        """One message."""
        return answer(self._found(self._room(request), request))

    async def list_messages(self, request: web.Request) -> web.Response:
        """Up to 100 messages, newest first; with `after` those that follow it at once, with `before` those before it."""
        room = self._room(request)
        limit, after = int(request.query.get("limit", 50)), request.query.get("after")
        before = int(request.query.get("before", 1 << 64))
        if not 1 <= limit <= 100:
            raise Refusal(
                400, 50035, "Invalid Form Body", {"limit": {"_errors": [{"code": "NUMBER_TYPE_MAX"}]}}
            )
        ids = sorted(each for each in map(int, room.messages) if each < before)
        chosen = ids[-limit:] if after is None else [i for i in ids if i > int(after)][:limit]
        return answer([room.messages[str(i)] for i in reversed(chosen)])

    async def delete_message(self, request: web.Request) -> web.Response:
        """Delete a message: one's own, for others it takes a right that the bot does not ask for."""
        room = self._room(request)
        message = self._found(room, request)
        if message["author"]["id"] != self._fake.bot["id"]:
            raise Refusal(403, 50013, "Missing Permissions")
        del room.messages[message["id"]]
        return web.Response(status=204)

    async def pin(self, request: web.Request) -> web.Response:
        """Pin a message; Discord says so in the channel, in the name of who pinned it."""
        room = self._pinning(request)
        message = self._found(room, request)
        if message["pinned"]:
            return web.Response(status=204)
        if len(room.pins) >= room.pins_max:
            raise Refusal(400, 30003, f"Maximum number of pins reached for the channel ({room.pins_max})")
        message["pinned"] = True
        notice = self._message(room, {}) | {"type": PINNED_A_MESSAGE}
        notice["message_reference"] = {"message_id": message["id"], "channel_id": room.id}
        room.messages[notice["id"]] = notice
        return web.Response(status=204)

    async def unpin(self, request: web.Request) -> web.Response:
        """Take a pin off."""
        self._found(self._pinning(request), request)["pinned"] = False
        return web.Response(status=204)

    async def begin_post(self, request: web.Request) -> web.Response:
        """Begin a post in a forum: a thread, and its first message of the same id."""
        body = await self._body(request)
        forum = self._room(request)
        if forum.type not in FORUMS:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        _refuse(rules.post_problems(body, {tag["id"] for tag in forum.tags}))
        if rules.is_blank(body["message"]):
            raise Refusal(400, 50006, "Cannot send an empty message")
        if forum.needs_tag and not body.get("applied_tags"):
            raise Refusal(400, 40067, "A tag is required to create a forum post in this channel")
        message = self._message(forum, body["message"])
        message["channel_id"] = message["id"]
        post = self._thread(message["id"], forum, body["name"])
        post.applied = body.get("applied_tags") or []
        post.messages[message["id"]] = message
        self._fake.on_post(message)
        return answer(self._fake.channel_payload(post.id) | {"message": message}, 201)

    async def active_threads(self, _: web.Request) -> web.Response:
        """All open threads of the server, whatever their channel."""
        awake = [room.id for room in self._fake.rooms.values() if room.parent and not room.archived]
        threads = [self._fake.channel_payload(each) for each in sorted(awake, key=int, reverse=True)]
        return answer({"threads": threads, "members": [], "has_more": False})

    async def archived_threads(self, request: web.Request) -> web.Response:
        """A channel's archived threads, the last archived first; with `before`, those archived earlier than that."""
        room = self._room(request)
        limit, before = int(request.query.get("limit", 50)), request.query.get("before", "9999")
        asleep = [r for r in self._fake.posts(room.id) if r.archived and r.touched_at < before]
        asleep.sort(key=lambda r: r.touched_at, reverse=True)
        threads = [self._fake.channel_payload(each.id) for each in asleep[:limit]]
        return answer({"threads": threads, "members": [], "has_more": len(asleep) > limit})

    async def start_thread(self, request: web.Request) -> web.Response:
        """Begin the thread of a message: it gets the message's id."""
        body = await self._body(request)
        room = self._room(request)
        message = self._found(room, request)
        _refuse(rules.thread_problems(body))
        if room.type != TEXT:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        if message["id"] in self._fake.rooms:
            raise Refusal(400, 160004, "A thread has already been created for this message")
        thread = self._thread(message["id"], room, body["name"])
        message["flags"] |= HAS_THREAD
        return answer(self._fake.channel_payload(thread.id), 201)

    async def edit_channel(self, request: web.Request) -> web.Response:
        """Wake a thread, or put it to sleep. A sleeping one takes no other change, and channels are not the bot's to change."""
        body = await self._body(request)
        room = self._room(request)
        if room.locked or not room.parent:
            raise Refusal(403, 50013, "Missing Permissions")
        _refuse(rules.thread_edit_problems(body))
        if room.archived and body.get("archived") is not False:
            raise Refusal(400, 50083, "Thread is archived")
        room.archived = bool(body.get("archived", room.archived))
        room.touched_at = self._fake.now()
        room.applied = body.get("applied_tags", room.applied)
        return answer(self._fake.channel_payload(room.id))

    async def list_commands(self, _: web.Request) -> web.Response:
        """The commands that Discord offers people."""
        return answer(self._fake.commands)

    async def put_commands(self, request: web.Request) -> web.Response:
        """Replace them all."""
        body = await self._body(request)
        for command in body:
            _refuse(rules.command_problems(command))
        self._fake.commands = [self._offered(command) for command in body]
        return answer(self._fake.commands)

    async def interaction_callback(self, request: web.Request) -> web.Response:
        """The first response to an interaction: within three seconds, and once."""
        body = await self._body(request)
        interaction = self._interaction(request)
        if interaction.acknowledged is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        if interaction.elapsed() > ACKNOWLEDGE_WITHIN_S:
            raise Refusal(404, 10062, "Unknown interaction")
        data = body.get("data") or {}
        interaction.acknowledged, interaction.acknowledged_s = body["type"], interaction.elapsed()
        interaction.is_private = bool(data.get("flags", 0) & EPHEMERAL)
        if body["type"] == 4:
            self._answered(interaction, data)
        elif body["type"] == 8:
            interaction.answers.append(data)
            interaction.changed.set()
        told = {"id": interaction.id, "type": 2, "response_message_id": interaction.id}
        loading = {
            "response_message_loading": body["type"] == 5,
            "response_message_ephemeral": interaction.is_private,
        }
        return answer({"interaction": told | loading})

    async def edit_original(self, request: web.Request) -> web.Response:
        """Put the answer where "thinking" stands."""
        body = await self._body(request)
        interaction = self._acknowledged(request)
        _refuse(rules.message_problems(body, is_edit=True))
        return answer(self._answered(interaction, body))

    async def follow_up(self, request: web.Request) -> web.Response:
        """A further message; the first one after "thinking" takes its place and its privacy."""
        body = await self._body(request)
        interaction = self._acknowledged(request)
        _refuse(rules.message_problems(body))
        if interaction.answers:
            interaction.is_private = bool(body.get("flags", 0) & EPHEMERAL)
        return answer(self._answered(interaction, body))

    async def _body(self, request: web.Request) -> Any:
        if request.content_type != "application/json":
            raise Refusal(400, 50109, "The request body contains invalid JSON.")
        body = await request.json()
        self._fake.bodies.append((request.match_info.route.name or "", body))
        return body

    def _room(self, request: web.Request) -> Room:
        room = self._fake.rooms.get(request.match_info["channel"])
        if room is None:
            raise Refusal(404, 10003, "Unknown Channel")
        if room.refusal:
            raise Refusal(*room.refusal)
        return room

    def _pinning(self, request: web.Request) -> Room:
        room = self._room(request)
        if not room.may_pin:
            raise Refusal(403, 50013, "Missing Permissions")
        return room

    def _thread(self, thread: str, parent: Room, name: str) -> Room:
        room = self._fake.add_channel(thread)
        room.type, room.name, room.parent, room.touched_at = PUBLIC_THREAD, name, parent.id, self._fake.now()
        return room

    def _found(self, room: Room, request: web.Request) -> Json:
        message = room.messages.get(request.match_info["message"])
        if message is None:
            raise Refusal(404, 10008, "Unknown Message")
        return message

    def _awake(self, room: Room, *, wakes: bool) -> None:
        if not room.archived:
            return
        if room.locked:
            raise Refusal(403, 160005, "Thread is locked")
        if not wakes or self._fake.archived_refuse:
            raise Refusal(400, 50083, "Thread is archived")
        room.archived = False

    def _repeated(self, body: Json) -> Json | None:
        if not body.get("enforce_nonce"):
            return None
        at, message = self._fake.nonces.get(str(body["nonce"]), (float("-inf"), {}))
        return message if self._fake.clock() - at < self._fake.nonce_window_s else None

    def _message(self, room: Room, body: Json) -> Json:
        content = body.get("content") or ""
        message = {"id": self._fake.snowflake(), "channel_id": room.id, "type": 0, "author": self._fake.bot}
        message |= {"content": content, "embeds": [e | {"type": "rich"} for e in body.get("embeds") or []]}
        message |= {"timestamp": self._fake.now(), "edited_timestamp": None, "flags": body.get("flags", 0)}
        message |= {"tts": False, "pinned": False, "attachments": [], "components": []}
        return message | rules.notified(content, body.get("allowed_mentions"))

    def _offered(self, command: Json) -> Json:
        made = {"id": self._fake.snowflake(), "version": self._fake.snowflake()}
        defaults = {"type": 1, "default_member_permissions": None, "nsfw": False, "contexts": None}
        return made | {"application_id": self._fake.application} | defaults | command

    def _interaction(self, request: web.Request) -> Interaction:
        interaction = self._fake.gateway.interactions.get(request.match_info["token"])
        if interaction is None:
            raise Refusal(404, 10062, "Unknown interaction")
        return interaction

    def _acknowledged(self, request: web.Request) -> Interaction:
        interaction = self._interaction(request)
        if interaction.acknowledged is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        return interaction

    def _answered(self, interaction: Interaction, body: Json) -> Json:
        message = self._message(self._fake.rooms[interaction.channel], body)
        message["flags"] |= EPHEMERAL if interaction.is_private else 0
        interaction.answers.append(message)
        interaction.answered_s = interaction.elapsed()
        interaction.changed.set()
        return message


ROUTES = (
    ("me", "GET", "/users/@me"),
    ("application", "GET", "/oauth2/applications/@me"),
    ("gateway_bot", "GET", "/gateway/bot"),
    ("channel", "GET", "/channels/{channel}"),
    ("pin", "PUT", "/channels/{channel}/messages/pins/{message}"),
    ("unpin", "DELETE", "/channels/{channel}/messages/pins/{message}"),
    ("begin_post", "POST", "/channels/{channel}/threads"),
    ("active_threads", "GET", "/guilds/{guild}/threads/active"),
    ("archived_threads", "GET", "/channels/{channel}/threads/archived/public"),
    ("create_message", "POST", "/channels/{channel}/messages"),
    ("list_messages", "GET", "/channels/{channel}/messages"),
    ("get_message", "GET", "/channels/{channel}/messages/{message}"),
    ("edit_message", "PATCH", "/channels/{channel}/messages/{message}"),
    ("delete_message", "DELETE", "/channels/{channel}/messages/{message}"),
    ("start_thread", "POST", "/channels/{channel}/messages/{message}/threads"),
    ("edit_channel", "PATCH", "/channels/{channel}"),
    ("list_commands", "GET", "/applications/{application}/commands"),
    ("put_commands", "PUT", "/applications/{application}/commands"),
    ("interaction_callback", "POST", "/interactions/{interaction}/{token}/callback"),
    ("edit_original", "PATCH", "/webhooks/{application}/{token}/messages/@original"),
    ("follow_up", "POST", "/webhooks/{application}/{token}"),
)
NAMES = frozenset(name for name, _, _ in ROUTES)
BY_INTERACTION_TOKEN = frozenset({"interaction_callback", "edit_original", "follow_up"})


def add_routes(app: web.Application, fake: FakeDiscord) -> None:
    """Everything below /api/v10, and the gateway."""
    routes = Routes(fake)
    for name, method, path in ROUTES:
        app.router.add_route(method, f"/api/v10{path}", getattr(routes, name), name=name)
    app.router.add_get("/gateway", fake.gateway.connect, name="gateway")
    app.router.add_get("/gateway/", fake.gateway.connect)


def _refuse(problems: Json) -> None:
    if problems:
        raise Refusal(400, 50035, "Invalid Form Body", problems)
