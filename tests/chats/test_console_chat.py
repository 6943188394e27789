"""The console chat on a real server: the rules of every chat, and its own about memory, order and bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from bot.chats.console.client import EDIT, POST, ConsoleChat, Posted
from bot.clock import SystemClock
from bot.domain.conversation import Receipt
from bot.errors import Refused, Unavailable, Uncertain
from bot.store.redis import connect
from tests.chats import contract
from tests.chats.contract import TIMEOUT, Fault, Rule, Verb, card
from tests.fakes.store_fakes import FakeClock

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
# Redis has no rate limits and no garbled replies, our channels need no permission and our store no credentials.
ELSEWHERE = {
    "a_garbled_reply_is_uncertain",
    "a_rate_limit_says_when_to_come_back_and_waits_for_nobody",
    "a_rate_limited_edit_says_so",
    "an_unknown_channel_is_refused_with_a_remedy",
    "revoked_credentials_are_refused_with_a_remedy",
}
RULES = [rule for rule in contract.CONTRACT if rule.__name__ not in ELSEWHERE]


class ConsoleWorld:
    """A `contract.World`: a Redis client whose next command of a kind goes wrong, and a look into the channel."""

    channel = "ops"

    def __init__(self, redis: Redis, onlooker: ConsoleChat) -> None:
        self._onlooker = onlooker
        self._send = redis.execute_command
        self._faults: dict[Verb, Fault] = {}
        self._counts = dict.fromkeys(Verb, 0)
        self._held: list[Posted] = []
        self._deleted: list[Receipt] = []
        redis.execute_command = self._execute  # type: ignore[method-assign, assignment]

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        self._faults[verb] = fault

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        shown = [p for p in reversed(self._held) if thread is None or p.id == thread.message]
        found = shown if thread is None else [reply for p in shown for reply in p.replies]
        return [posted.card.plain for posted in found]

    def delete(self, receipt: Receipt) -> None:
        self._deleted.append(receipt)

    def requests(self, verb: Verb) -> int:
        return self._counts[verb]

    def revoke(self) -> None:
        """The console has no credentials; the rules that revoke them are not run on it."""

    async def _execute(self, *words: object, **options: object) -> object:
        verb = _verb(words)
        if verb is None:
            return await self._send(*words, **options)
        self._counts[verb] += 1
        for receipt in self._deleted:
            await self._send("DEL", f"fogbell:{{console}}:thread:ops:{receipt.message}")
        answer = await self._go_wrong(self._faults.pop(verb, None), words, options)
        await self._look()
        return answer

    async def _go_wrong(
        self, fault: Fault | None, words: tuple[object, ...], options: dict[str, object]
    ) -> object:
        if fault is Fault.CUT_BEFORE:
            raise RedisConnectionError("cut")
        if fault is Fault.HANG:
            await asyncio.sleep(60)
        if fault in {Fault.SERVER_ERROR, Fault.RATE_LIMIT, Fault.GARBLED}:
            raise ResponseError("OOM command not allowed")
        answer = await self._send(*words, **options)
        if fault is Fault.CUT_AFTER:
            await self._look()
            raise RedisConnectionError("cut")
        return answer

    async def _look(self) -> None:
        """Keep what is in the channel now: the rules look without awaiting."""
        self._held = list((await self._onlooker.snapshot(self.channel)).headlines)


def _verb(words: tuple[object, ...]) -> Verb | None:
    match words[0]:
        case "EVAL":
            return {POST: Verb.POST, EDIT: Verb.EDIT}[str(words[1])]
        case "HGET" if str(words[2]).endswith("|at"):
            return Verb.FIND
        case "PING":
            return Verb.PING
    return None


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def world(redis: Redis, redis_url: str) -> AsyncIterator[ConsoleWorld]:
    onlooker = connect(redis_url)
    yield ConsoleWorld(redis, ConsoleChat(onlooker, clock=SystemClock()))
    await onlooker.aclose()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, redis: Redis, world: ConsoleWorld) -> None:
    await rule(ConsoleChat(redis, clock=SystemClock(), timeout=TIMEOUT), world)


def test_every_rule_left_out_is_one_of_the_contract() -> None:
    assert {rule.__name__ for rule in contract.CONTRACT} >= ELSEWHERE


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def chat(redis: Redis, clock: FakeClock) -> ConsoleChat:
    return ConsoleChat(redis, clock=clock)


async def test_the_same_key_gives_the_first_receipt_and_one_message(
    chat: ConsoleChat, clock: FakeClock
) -> None:
    first = await chat.post("ops", card("once"), key="k")
    revision = (await chat.snapshot("ops")).revision
    clock.at += timedelta(minutes=5)

    second = await chat.post("ops", card("twice"), key="k")

    board = await chat.snapshot("ops")
    assert (first, revision) == (second, board.revision)
    assert [p.card.sections[0].text for p in board.headlines] == ["once"]


async def test_ten_posts_of_one_key_at_once_make_one_message(chat: ConsoleChat) -> None:
    receipts = await asyncio.gather(*(chat.post("ops", card(str(n)), key="k") for n in range(10)))

    assert len(set(receipts)) == 1
    assert (await chat.snapshot("ops")).revision == 1


async def test_an_edit_is_counted_once_and_dated(chat: ConsoleChat, clock: FakeClock) -> None:
    receipt = await chat.post("ops", card("old"), key="k")
    clock.at += timedelta(minutes=1)

    await chat.edit(receipt, card("new"))
    await chat.edit(receipt, card("new"))

    (posted,) = (await chat.snapshot("ops")).headlines
    assert (1, NOON, NOON + timedelta(minutes=1)) == (posted.edits, posted.posted_at, posted.edited_at)


async def test_messages_outlive_the_client(chat: ConsoleChat, clock: FakeClock, redis_url: str) -> None:
    receipt = await chat.post("ops", card("kept"), key="k")
    await chat.post("ops", card("reply"), key="r", thread=receipt)
    client = connect(redis_url)

    board = await ConsoleChat(client, clock=clock).snapshot("ops")

    await client.aclose()
    assert (await chat.snapshot("ops")) == board
    assert [reply.id.rpartition("/")[2] for reply in board.headlines[0].replies] == ["r"]


async def test_replies_stand_in_the_order_of_their_coming(chat: ConsoleChat) -> None:
    receipt = await chat.post("ops", card("headline"), key="h")
    for number in range(12):
        await chat.post("ops", card(str(number)), key=f"r{number}", thread=receipt)

    (posted,) = (await chat.snapshot("ops")).headlines

    assert [str(n) for n in range(12)] == [reply.card.sections[0].text for reply in posted.replies]


async def test_a_reply_without_its_headline_is_refused_as_gone(chat: ConsoleChat) -> None:
    with pytest.raises(Refused) as caught:
        await chat.post("ops", card("reply"), key="r", thread=Receipt(channel="ops", message="never"))

    assert caught.value.gone


async def test_the_oldest_headlines_go_with_their_threads(redis: Redis, clock: FakeClock) -> None:
    chat = ConsoleChat(redis, clock=clock, headlines_max=3)
    for number in range(5):
        receipt = await chat.post("ops", card(str(number)), key=f"h{number}")
        await chat.post("ops", card("reply"), key=f"r{number}", thread=receipt)

    board = await chat.snapshot("ops")

    assert [posted.id for posted in board.headlines] == ["h4", "h3", "h2"]
    assert len(await redis.keys("*thread*")) == 3
    assert [p.id for p in (await chat.snapshot("ops", since=1)).headlines] == ["h4", "h3", "h2"]


async def test_since_gives_the_threads_that_changed(chat: ConsoleChat) -> None:
    first = await chat.post("ops", card("one"), key="one")
    await chat.post("ops", card("two"), key="two")
    await chat.post("ops", card("three"), key="three")
    await chat.post("ops", card("reply"), key="r", thread=first)

    board = await chat.snapshot("ops", since=2)

    assert (board.is_whole, board.revision, [p.id for p in board.headlines]) == (False, 4, ["three", "one"])
    assert (await chat.snapshot("ops", since=4)).headlines == ()


async def test_channels_do_not_mix_whatever_they_are_called(chat: ConsoleChat) -> None:
    names = ["ops", "ops:thread", "ops/é", "{x}", "a b", ""]
    for name in names:
        await chat.post(name, card(f"in {name}"), key="k")

    shown = [(await chat.snapshot(name)).headlines[0].card.sections[0].text for name in names]

    assert [f"in {name}" for name in names] == shown
    assert set(names) == set(await chat.revisions())


async def test_configured_channels_are_listed_first_even_while_empty(redis: Redis, clock: FakeClock) -> None:
    chat = ConsoleChat(redis, clock=clock, channels=("ops", "calm"))
    await chat.post("another", card("words"), key="k")

    assert list((await chat.revisions()).items()) == [("ops", 0), ("calm", 0), ("another", 1)]


async def test_every_key_has_an_end_but_the_revisions(chat: ConsoleChat, redis: Redis) -> None:
    receipt = await chat.post("ops", card("words"), key="k")
    await chat.post("ops", card("reply"), key="r", thread=receipt)
    await chat.edit(receipt, card("edited"))

    endless = [key for key in await redis.keys("*") if await redis.ttl(key) == -1]

    assert [key.decode() if isinstance(key, bytes) else key for key in endless] == [
        "fogbell:{console}:revisions"
    ]


async def test_find_looks_no_further_back_than_asked(chat: ConsoleChat) -> None:
    receipt = await chat.post("ops", card("words"), key="k")

    assert receipt == await chat.find("ops", key="k", since=NOON)
    assert await chat.find("ops", key="k", since=NOON + timedelta(seconds=1)) is None


async def test_a_store_that_is_away_makes_posts_uncertain_and_the_rest_unavailable(
    clock: FakeClock, tmp_path: object
) -> None:
    redis = Redis(unix_socket_path=f"{tmp_path}/nobody", retry=None)
    chat = ConsoleChat(redis, clock=clock)

    with pytest.raises(Uncertain):
        await chat.post("ops", card("words"), key="k")
    for call in (
        chat.edit(Receipt(channel="ops", message="k"), card("x")),
        chat.ping(),
        chat.snapshot("ops"),
        chat.revisions(),
    ):
        with pytest.raises(Unavailable):
            await call
    await redis.aclose()
