"""A Slack on loopback that speaks the real protocol: Web API, Socket Mode, answers to slash commands. And it fails on demand.

    async with FakeSlack() as fake:
        chat = SlackChat(token=fake.bot_token, api_url=fake.api_url)
        fake.fail_next("chat.postMessage", drop_after())
        ...
        assert fake.messages("C1")[0].text == ...

`python -m tests.fakes.slack --port 8500` runs it as a process of its own, one JSON line for all that happens; a POST to
/control/slash, mention, fail, delete or socket makes it act, and /control/state says what it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.slack_api import BOT_USER, METHODS, Message, No, Whisper, Workspace, state
from tests.fakes.slack_faults import Fault as Fault
from tests.fakes.slack_faults import bad_json as bad_json
from tests.fakes.slack_faults import cut_mid_body as cut_mid_body
from tests.fakes.slack_faults import delay as delay
from tests.fakes.slack_faults import drop_after as drop_after
from tests.fakes.slack_faults import drop_before as drop_before
from tests.fakes.slack_faults import hang as hang
from tests.fakes.slack_faults import rate_limited as rate_limited
from tests.fakes.slack_faults import refuse as refuse
from tests.fakes.slack_faults import server_error as server_error
from tests.fakes.slack_faults import wrong_type as wrong_type
from tests.fakes.slack_limits import Tiers
from tests.fakes.slack_rules import readable, refusal
from tests.fakes.slack_socket import ACK_WITHIN_S, Envelope, Sockets

ANSWERS_MAX = 5  # a response_url works five times


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was sent to a slash command's response_url."""

    body: dict[str, Any]
    after_s: float

    @property
    def is_ephemeral(self) -> bool:
        """True when only the person saw it: Slack's default."""
        return bool(self.body.get("response_type", "ephemeral") == "ephemeral")

    @property
    def text(self) -> str:
        """All that people could read."""
        return readable(self.body)


@dataclass(slots=True, kw_only=True)
class Sent:
    """Something a person did, and what came of it."""

    envelope: Envelope
    began: float = field(default_factory=time.monotonic)
    is_acked: bool = False
    acked_s: float = 0.0
    answers: list[Answer] = field(default_factory=list)


class FakeSlack(Workspace):
    """A workspace with channels C1, C2 and C3, and the app in each of them."""

    def __init__(self, *, port: int = 0, bot_token: str = "xoxb-fake", app_token: str = "xapp-fake") -> None:
        super().__init__()
        self.bot_token, self.app_token = bot_token, app_token
        self.sockets = Sockets()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._sent: dict[str, Sent] = {}
        self._answered = asyncio.Condition()
        self._port = port
        self.token_word = ""  # what Slack says to our token from now on, as "token_revoked"
        self._closing = asyncio.Event()
        self._number = 0
        self.tiers: Tiers | None = None  # set it to enforce Slack's rate limits: Tiers(time.monotonic)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_get("/link", self.sockets.serve)
        app.router.add_post("/commands/{number}", self._answer)
        app.router.add_post("/control/{what}", self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self.sockets.close()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """What to put into the chat's `api_url`."""
        return f"http://127.0.0.1:{self._port}/api/"

    def fail_next(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method ("chat.postMessage", or "response_url") fail, one fault for each."""
        self._faults[method].extend(faults)

    def messages(self, channel: str) -> list[Message]:
        """The messages of a channel outside of threads, oldest first."""
        return [m for m in self.channels[channel].messages if m.thread_ts in (None, m.ts)]

    def broadcasts(self, channel: str) -> list[Message]:
        """The replies that the channel shows too."""
        return [m for m in self.channels[channel].messages if m.is_broadcast]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies below a message, oldest first."""
        return [m for m in self.channels[channel].messages if m.thread_ts == ts and m.ts != ts]

    def requests(self, method: str) -> int:
        """How often a method was called, failed calls included."""
        return sum(called == method for called, _ in self.calls)

    def delete(self, channel: str, ts: str) -> None:
        """Somebody deletes a message."""
        kept = [m for m in self.channels[channel].messages if m.ts != ts]
        self.channels[channel].messages = kept

    def say(self, channel: str, text: str, *, user: str = "U1", thread_ts: str | None = None) -> str:
        """Somebody writes a message; gives its ts."""
        message = Message(
            ts=self.stamp(), channel=channel, user=user, body={"text": text}, thread_ts=thread_ts
        )
        self.channels[channel].messages.append(message)
        return message.ts

    async def slash(
        self,
        line: str,
        *,
        user: str = "U1",
        channel: str = "C1",
        answers: int = 1,
        within: float = 5.0,
        ack_within: float = ACK_WITHIN_S,
    ) -> Sent:
        """Somebody types a slash command; gives what came of it, after `answers` answers or `within` seconds."""
        command, _, text = line.partition(" ")
        self._number += 1
        number = str(self._number)
        payload = {
            "team_id": "T1",
            "channel_id": channel,
            "user_id": user,
            "user_name": f"name-of-{user}",
            "command": command,
            "text": text,
            "api_app_id": "A1",
            "response_url": f"http://127.0.0.1:{self._port}/commands/{number}",
            "trigger_id": f"{number}.T1.{self.stamp()}",
        }
        sent = Sent(envelope=self._envelope("slash_commands", payload))
        self._sent[number] = sent
        await self.deliver(sent, within=ack_within)
        await self._wait_for(lambda: len(sent.answers) >= answers, within)
        return sent

    async def mention(
        self, text: str, *, user: str = "U1", channel: str = "C1", thread_ts: str | None = None, **more: Any
    ) -> Sent:
        """Somebody writes a message that mentions the app; gives it as soon as it is acknowledged."""
        written = f"<@{BOT_USER}> {text}"
        ts = self.say(channel, written, user=user, thread_ts=thread_ts)
        event = {"type": "app_mention", "user": user, "text": written, "ts": ts, "channel": channel, **more}
        if thread_ts:
            event["thread_ts"] = thread_ts
        payload = {"team_id": "T1", "api_app_id": "A1", "event": event, "type": "event_callback"}
        self._number += 1
        envelope = self._envelope("events_api", {**payload, "event_id": f"Ev{self._number}", "event_time": 1})
        sent = Sent(envelope={**envelope, "retry_attempt": 0, "retry_reason": ""})
        await self.deliver(sent)
        return sent

    async def deliver(self, sent: Sent, *, within: float = ACK_WITHIN_S) -> None:
        """Send the envelope, for the first time or again as after a lost acknowledgement."""
        began = time.monotonic()
        sent.is_acked = await self.sockets.deliver(sent.envelope, within=within)
        sent.acked_s = time.monotonic() - began

    async def whispered(self, count: int = 1, within: float = 5.0) -> list[Whisper]:
        """What single persons were shown, once there is that much of it."""
        await self._wait_for(lambda: len(self.whispers) >= count, within)
        return self.whispers

    async def replied(self, channel: str, ts: str, count: int = 1, within: float = 5.0) -> list[Message]:
        """A thread's replies by the app, once there are that many."""
        await self._wait_for(lambda: len(self._by_app(channel, ts)) >= count, within)
        return self._by_app(channel, ts)

    def _by_app(self, channel: str, ts: str) -> list[Message]:
        return [m for m in self.thread(channel, ts) if m.user == BOT_USER]

    def _envelope(self, kind: str, payload: dict[str, Any]) -> Envelope:
        accepts = kind == "slash_commands"
        name = f"envelope-{self._number}"
        return {"envelope_id": name, "type": kind, "accepts_response_payload": accepts, "payload": payload}

    async def _wait_for(self, ready: Any, within: float) -> None:
        try:
            async with asyncio.timeout(within), self._answered:
                await self._answered.wait_for(ready)
        except TimeoutError:
            return  # the caller looks at what is there

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        self.calls.append((method, arguments))
        if self.tiers and (after := self.tiers.wait(method, str(arguments.get("channel")))):
            self._faults[method].appendleft(rate_limited(after))
        return await self._failing(method, request, lambda: self._reply(method, request, arguments))

    def _reply(self, method: str, request: web.Request, arguments: dict[str, Any]) -> dict[str, Any]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            if token != (self.app_token if method == "apps.connections.open" else self.bot_token):
                raise No("invalid_auth" if token else "not_authed")
            if self.token_word and token == self.bot_token:
                raise No(self.token_word)
            if method == "apps.connections.open":
                url = f"ws://127.0.0.1:{self._port}/link?ticket={self.sockets.ticket()}"
                return {"ok": True, "url": url}
            if method not in METHODS:
                raise No("unknown_method")
            return {"ok": True, **METHODS[method](self, arguments)}
        except No as no:
            return no.reply

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """The response_url of a slash command."""
        sent = self._sent[request.match_info["number"]]
        body = await request.json()
        self.calls.append(("response_url", body))

        def take() -> dict[str, Any]:
            if len(sent.answers) >= ANSWERS_MAX:
                return {"ok": False, "error": "used_url"}
            if word := refusal(body):
                return {"ok": False, "error": word}
            sent.answers.append(Answer(body=body, after_s=time.monotonic() - sent.began))
            self.on_event(
                {
                    "event": "answer",
                    "text": sent.answers[-1].text,
                    "is_ephemeral": sent.answers[-1].is_ephemeral,
                }
            )
            return {"ok": True}

        reply = await self._failing("response_url", request, take)
        if isinstance(reply, web.Response) and reply.text and '"ok": false' in reply.text:
            return web.json_response(json.loads(reply.text), status=404)
        return reply

    async def _failing(self, method: str, request: web.Request, act: Any) -> web.StreamResponse:
        """Carry a call out, or as much of it as the next fault lets."""
        fault = self._faults[method].popleft() if self._faults[method] else Fault(kind="none")
        match fault.kind:
            case "drop_before":
                return _cut(request)
            case "hang":
                await self._closing.wait()
                return _cut(request)
            case "reply":
                headers = {"Retry-After": f"{fault.seconds:g}"} if fault.status == 429 else None
                return web.json_response(
                    {"ok": False, "error": fault.word}, status=fault.status, headers=headers
                )
            case "page":
                return web.Response(status=fault.status, text="<h1>oops</h1>", content_type="text/html")
            case "delay":
                await asyncio.sleep(fault.seconds)
        reply = act()
        async with self._answered:
            self._answered.notify_all()
        if fault.kind == "cut_mid_body":
            return await _half(request, json.dumps(reply))
        return _garbled(fault, request) or web.json_response(reply)

    async def _control(self, request: web.Request) -> web.Response:
        """What the methods of the same names do, for tests that run the fake as a process."""
        body = await request.json()
        match request.match_info["what"]:
            case "slash":
                return web.json_response(asdict(await self.slash(**body)))
            case "mention":
                return web.json_response(asdict(await self.mention(**body)))
            case "state":
                return web.json_response(state(self))
            case "delete":
                self.delete(body["channel"], body["ts"])
                return web.json_response({})
            case "socket":
                await self.sockets.ask_to_leave(body["reason"]) if "reason" in body else self.sockets.cut()
                return web.json_response({})
            case "fail":
                self.fail_next(body.pop("method"), Fault(**body))
                return web.json_response({})
        return web.Response(status=404)


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {**request.query, **await request.post()}


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, text: str) -> web.StreamResponse:
    """A reply that promises more than comes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    response.content_length = len(text)
    await response.prepare(request)
    await response.write(text[: len(text) // 2].encode())
    _cut(request)
    return response


def _garbled(fault: Fault, request: web.Request) -> web.Response | None:
    match fault.kind:
        case "drop_after":
            return _cut(request)
        case "bad_json":
            return web.Response(text='{"ok": tr', content_type="application/json")
        case "wrong_type":
            return web.Response(text="welcome to the hotel", content_type="text/plain")
    return None


async def _main(port: int, *, has_limits: bool) -> None:
    fake = FakeSlack(port=port)
    fake.tiers = Tiers(time.monotonic) if has_limits else None
    fake.on_event = lambda event: print(json.dumps(event), flush=True)
    async with fake:
        fake.on_event({"event": "ready", "api_url": fake.api_url})
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a Slack on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limits", action="store_true", help="enforce Slack's rate limits")
    asked = parser.parse_args()
    asyncio.run(_main(asked.port, has_limits=asked.limits))
