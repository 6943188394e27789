"""The store dies while two workers run: the last leader alone goes on, and nothing is lost or said twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.config import load
from bot.store import keys
from bot.store.redis import connect
from bot.store.standby import Patience
from bot.tasks import end
from bot.wiring import App, Options, run
from tests.fakes.feeds import FeedServer
from tests.fakes.outage import Store
from tests.fakes.slack import FakeSlack, delay
from tests.scenarios.worker import fetched

pytestmark = pytest.mark.slow

# As in life, but faster: what was being sent when the store died arrives at once here.
QUICK = Patience(tick=0.2, ask=1.0, copy=1.0, lease=5.0, shut=1.0, alone=2.0, grace=4.0, drain=5.0)

CONFIG = """
[fogbell]
operators = ["ops"]
log = "json"
[chat.slack]
bot_token = {{ env = "SLACK_BOT_TOKEN" }}
api_url = "{api_url}"
[console]
port = 0
[[source]]
name = "acme"
url = "{feed}"
format = "statuspage"
every = "1s"
[[group]]
name = "ops"
channels = ["slack:C1", "console:main"]
[store]
url = "{store}"
"""

WORDS = (
    "We look into it.",
    "A switch is broken.",
    "It is being replaced.",
    "It is replaced.",
    "We watch it.",
    "All good.",
)


def listed(**incidents: int) -> bytes:
    """A summary.json with these incidents, each with so many updates."""
    events = [
        {
            "id": name,
            "name": f"Trouble {name}",
            "status": "investigating",
            "impact": "major",
            "created_at": "2025-10-20T07:00:00Z",
            "updated_at": f"2025-10-20T07:{count:02d}:00Z",
            "incident_updates": [
                {
                    "id": f"{name}-{n}",
                    "status": "investigating",
                    "body": f"{WORDS[n]} ({name})",
                    "created_at": f"2025-10-20T07:{n:02d}:00Z",
                }
                for n in reversed(range(count))
            ],
        }
        for name, count in incidents.items()
    ]
    page = {"page": {"id": "x"}, "incidents": events, "scheduled_maintenances": [], "components": []}
    return json.dumps(page).encode()


@dataclass
class World:
    """Two workers on one store, a feed, a Slack."""

    store: Store
    slack: FakeSlack
    feeds: FeedServer
    folder: Path

    def serve(self, **incidents: int) -> str:
        """The provider lists this from now on."""
        return self.feeds.serve("/summary.json", listed(**incidents))

    @asynccontextmanager
    async def worker(self, name: str) -> AsyncIterator[App]:
        """A worker, running."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        text = CONFIG.format(
            api_url=self.slack.api_url, feed=self.feeds.url("/summary.json"), store=self.store.url
        )
        config = load(text, {"SLACK_BOT_TOKEN": self.slack.bot_token}, base=folder)
        ready: asyncio.Future[App] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        options = Options(
            patience=QUICK, paces={}, on_ready=lambda app: ready.done() or ready.set_result(app)
        )
        task = asyncio.create_task(run(config, options, stop))
        try:
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED, timeout=20)
            yield ready.result()
        finally:
            stop.set()
            await asyncio.wait([task], timeout=15)
            await end([task])

    async def is_watched(self, *apps: App) -> None:
        """The feed was seen, by one of them."""
        await self.until(lambda: any(watch.has_looked for app in apps for watch in app.pool.watches))
        await asyncio.sleep(0.5)

    def said(self, name: str) -> list[str]:
        """What people read of an incident in its thread, its headline excepted."""
        heads = [m for m in self.slack.messages("C1") if f"Trouble {name}" in m.text]
        assert len(heads) <= 1, [m.text for m in heads]
        return [words_in(m.text) for head in heads for m in self.slack.thread("C1", head.ts)]

    def heads(self, words: str) -> int:
        """How many headlines hold these words."""
        return sum(words in m.text for m in self.slack.messages("C1"))

    async def until(self, holds: Callable[[], bool], within: float = 25.0) -> None:
        """Wait for it."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = [m.text[:300] for m in self.slack.channels["C1"].messages]
            raise AssertionError("it never came; the channel holds:\n" + "\n--\n".join(shown)) from None


def words_in(text: str) -> str:
    return next((w for w in WORDS if w in text), text)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Store() as store, FakeSlack() as slack, FeedServer() as feeds:
        feeds.serve("/summary.json", listed())
        yield World(store, slack, feeds, tmp_path)


@pytest.mark.parametrize("way", ["killed", "killed, back empty", "frozen"])
async def test_the_last_leader_alone_goes_on_and_nothing_is_lost_or_doubled(world: World, way: str) -> None:
    async with world.worker("a") as one, world.worker("b") as two:
        await world.is_watched(one, two)
        world.serve(one=2)
        await world.until(lambda: world.heads("Trouble one") == 1)
        await asyncio.sleep(1.0)  # more than a copy takes
        if way == "frozen":
            world.store.freeze()
        else:
            await world.store.kill()

        world.serve(one=3)
        await world.until(lambda: WORDS[2] in world.said("one"))
        world.serve(one=4, two=1)
        await world.until(lambda: WORDS[3] in world.said("one") and world.heads("Trouble two") == 1)
        await world.until(lambda: world.heads("store is away") == 1)
        leader, other = sorted((one, two), key=lambda app: not is_away(app))
        pages = [await fetched(f"{app.console_url}api/state") for app in (leader, other)]
        board = await fetched(f"{leader.console_url}api/channels/main")

        if way == "frozen":
            world.store.thaw()
        else:
            await world.store.back(empty="empty" in way)
        world.serve(one=5, two=2)
        await world.until(lambda: WORDS[4] in world.said("one") and WORDS[1] in world.said("two"))
        await world.until(lambda: not is_away(leader))
        world.serve(one=6, two=2)
        await world.until(lambda: WORDS[5] in world.said("one"))
        await asyncio.sleep(2.0)  # more than enough for somebody to say something twice
        names = {i.keys[0]: i.id for i in (await other.incidents.read("acme")).incidents.values()}

    assert not is_away(other)
    assert world.said("one") == list(WORDS[2:6])
    assert world.said("two") == [WORDS[1]]
    assert (world.heads("Trouble one"), world.heads("Trouble two"), world.heads("store is away")) == (1, 1, 1)
    assert [status for status, _ in pages] == [200, 503]
    assert json.loads(pages[0][1])["open_incidents"] == 3
    assert all(f"Trouble {name}" in board[1] for name in ("one", "two"))
    assert names["one"] == "INC-1"
    assert world.heads(names["two"]) == 1


@pytest.mark.parametrize("what", ["headline", "update"])
async def test_what_was_being_said_when_the_store_died_is_looked_up(world: World, what: str) -> None:
    async with world.worker("a") as one, world.worker("b") as two:
        await world.is_watched(one, two)
        if what == "update":
            world.serve(one=1)
            await world.until(lambda: world.heads("Trouble one") == 1)
            await asyncio.sleep(1.0)
        before = world.slack.requests("chat.postMessage")
        world.slack.fail_next("chat.postMessage", delay(1.0))
        world.serve(one=2)
        await world.until(lambda: world.slack.requests("chat.postMessage") > before)
        await asyncio.sleep(0.3)  # a copy takes milliseconds; this machine may be busy
        await world.store.kill()

        world.serve(one=3)
        await world.until(lambda: WORDS[2] in world.said("one"))
        await world.store.back()
        await world.until(lambda: not is_away(one) and not is_away(two))
        world.serve(one=4)
        await world.until(lambda: WORDS[3] in world.said("one"))

    assert world.heads("Trouble one") == 1
    assert world.said("one") == list(WORDS[1:4] if what == "update" else WORDS[2:4])


async def test_a_leader_that_never_comes_back_leaves_nothing_that_is_said_again(world: World) -> None:
    """What it said while it was away is in no store that others can read: they find it in the chat."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(world.worker("a"))
        await world.is_watched(one)
        async with world.worker("b") as other:
            world.serve(one=1)
            await world.until(lambda: world.heads("Trouble one") == 1)
            await asyncio.sleep(1.0)
            await world.store.kill()
            for told in (2, 3, 4):
                world.serve(one=told)
                await world.until(lambda told=told: WORDS[told - 1] in world.said("one"))
            assert is_away(one)
            await stack.aclose()

            await world.store.back()
            await forget_leases(world.store)  # they end after 30 s
            world.serve(one=5)
            await world.until(lambda: WORDS[4] in world.said("one"))
            await asyncio.sleep(1.0)
            assert not is_away(other)

    assert world.said("one") == list(WORDS[1:5])


async def forget_leases(store: Store) -> None:
    client = connect(store.url)
    await client.delete(*[keys.lease(f"sources:{n}") for n in range(16)])
    await client.aclose()


def is_away(app: App) -> bool:
    return app.standby is not None and app.standby.is_away
