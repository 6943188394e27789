"""The console with a real store behind it, a scripted dispatch, and a day worth looking at: AWS us-east-1 on 2025-10-20."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from bot.chats.console.client import ConsoleChat
from bot.commands.spec import Actor, Front, Reply
from bot.domain.card import Card, Field, Section, Tone
from bot.domain.trust import SourceState
from bot.store.redis import connect
from bot.web.app import build_app
from bot.web.pages import CheckLine, ConsoleState, Health, ServiceLine, SourceLine
from tests.fakes.store_fakes import FakeClock

BEGIN = datetime(2025, 10, 20, 7, 11, 30, tzinfo=UTC)

Client = TestClient[web.Request, web.Application]
MakeClient = Callable[..., Awaitable[Client]]


@dataclass
class FakeState:
    """A `State` that a test sets."""

    shown: ConsoleState

    async def snapshot(self) -> ConsoleState:
        return self.shown


@dataclass
class FakeDispatch:
    """Remembers what was asked, and gives one reply to all of it."""

    reply: Reply
    delay_s: float = 0
    asked: list[tuple[str, Actor, Front, str, str | None]] = field(default_factory=list)

    async def run_text(
        self, text: str, *, actor: Actor, front: Front, channel: str, once: str | None
    ) -> Reply:
        self.asked.append((text, actor, front, channel, once))
        await asyncio.sleep(self.delay_s)
        return self.reply


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(BEGIN)


@pytest.fixture
def console(redis: Redis, clock: FakeClock) -> ConsoleChat:
    return ConsoleChat(redis, clock=clock, channels=("ops", "payments", "status-updates"))


@pytest.fixture
def state() -> FakeState:
    return FakeState(busy_state())


@pytest.fixture
def dispatch() -> FakeDispatch:
    return FakeDispatch(Reply(card=Card(title="INC-1 is yours", tone=Tone.INFO, fallback="INC-1 is yours")))


@pytest.fixture
async def make_client(
    console: ConsoleChat, dispatch: FakeDispatch, state: FakeState, clock: FakeClock
) -> AsyncIterator[MakeClient]:
    """Start the app, with options changed, and give a client of it."""
    clients: list[Client] = []

    async def make(port: int | None = None, **options: object) -> Client:
        words: dict[str, object] = {"token": None, "bound_to_loopback": True, "registry": CollectorRegistry()}
        board = options.pop("console", console)
        app = build_app(board, dispatch, state, clock=clock, **(words | options))  # type: ignore[arg-type]
        clients.append(TestClient(TestServer(app, port=port)))
        await clients[-1].start_server()
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def away(clock: FakeClock, tmp_path: Path) -> AsyncIterator[ConsoleChat]:
    """A console whose store is not there."""
    redis = Redis(unix_socket_path=str(tmp_path / "nobody"), retry=None)
    yield ConsoleChat(redis, clock=clock, channels=("ops",))
    await redis.aclose()


@pytest.fixture
async def client(make_client: MakeClient) -> Client:
    return await make_client()


def card(text: str = "We are investigating.", **changes: object) -> Card:
    """A small headline."""
    plain = Card(
        title="AWS: Increased error rates",
        tone=Tone.MAJOR,
        fallback="INC-1 AWS: Increased error rates",
        fields=(Field(name="Status", value="Investigating"), Field(name="Severity", value="SEV1")),
        sections=(Section(heading="Investigating", text=text, at=BEGIN),),
        footer="INC-1 · 1 update",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def busy_state() -> ConsoleState:
    """Three services and four sources, in the middle of it."""
    return ConsoleState(
        now=BEGIN + timedelta(hours=2, minutes=14),
        is_virtual=True,
        speed=400,
        open_incidents=2,
        services=(
            ServiceLine(
                name="checkout",
                tier=1,
                health=Health.BAD,
                why="aws/dynamodb@us-east-1 (INC-1)",
                checks=(
                    CheckLine(
                        name="checkout-http", health=Health.BAD, detail="HTTP 503 instead of 200, 4 times"
                    ),
                    CheckLine(name="checkout-tls", health=Health.GOOD),
                ),
            ),
            ServiceLine(
                name="sessions",
                tier=2,
                health=Health.PERHAPS,
                why="perhaps aws@us-east-1 (INC-1)",
                checks=(CheckLine(name="sessions-redis", health=Health.GOOD),),
            ),
            ServiceLine(name="search", tier=3, health=Health.GOOD),
        ),
        sources=(
            SourceLine(name="aws us-east-1", state=SourceState.FRESH, age=timedelta(seconds=24)),
            SourceLine(name="stripe", state=SourceState.FRESH, age=timedelta(seconds=41)),
            SourceLine(name="github", state=SourceState.LATE, age=timedelta(minutes=4)),
            SourceLine(
                name="slack",
                state=SourceState.UNREACHABLE,
                age=timedelta(minutes=31),
                detail="time-out, 6 times",
            ),
        ),
    )
