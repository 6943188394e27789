"""Slack out, against a Slack that fails in all the ways that networks know. No mocks: the real client library is in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import ModuleType

import aiohttp
import pytest
import slack_sdk.errors

from bot.chats.slack.client import SlackChat, is_slacks
from bot.chats.slack.failures import AWAY, GONE, IN_DOUBT, REMEDIES, TOO_FAST, from_reply
from bot.chats.slack.history import FIND_PAGE, READ_MAX
from bot.domain.conversation import Receipt
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from tests.chats.contract import CONTRACT, RETRY_AFTER, TIMEOUT, Fault, Rule, Verb, card
from tests.fakes import slack as fakes
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_rules import refusal

METHODS = {
    Verb.POST: "chat.postMessage",
    Verb.EDIT: "chat.update",
    Verb.FIND: "conversations.history",
    Verb.PING: "auth.test",
}
FAULTS = {
    Fault.CUT_BEFORE: fakes.drop_before(),
    Fault.CUT_AFTER: fakes.drop_after(),
    Fault.HANG: fakes.hang(),
    Fault.RATE_LIMIT: fakes.rate_limited(RETRY_AFTER.total_seconds()),
    Fault.SERVER_ERROR: fakes.server_error(),
    Fault.GARBLED: fakes.bad_json(),
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class SlackWorld:
    """The fake Slack as the contract sees it."""

    channel = "C1"

    def __init__(self, fake: FakeSlack) -> None:
        self._fake = fake

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        self._fake.fail_next(METHODS[verb], FAULTS[fault])

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        found = self._fake.thread(channel, thread.message) if thread else self._fake.messages(channel)
        return [message.text for message in found]

    def delete(self, receipt: Receipt) -> None:
        self._fake.delete(receipt.channel, receipt.message)

    def requests(self, verb: Verb) -> int:
        return self._fake.requests(METHODS[verb])

    def revoke(self) -> None:
        self._fake.bot_token = "xoxb-another"


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeSlack) -> AsyncIterator[SlackChat]:
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=TIMEOUT)
    yield chat
    await chat.close()


@pytest.mark.parametrize("rule", CONTRACT, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, chat: SlackChat, fake: FakeSlack) -> None:
    await rule(chat, SlackWorld(fake))


async def test_everything_sent_is_what_slack_accepts_and_asks_for_no_previews_or_names(
    chat: SlackChat, fake: FakeSlack
) -> None:
    receipt = await chat.post("C1", card("words"), key="key")
    await chat.post("C1", card("words"), key="key2", thread=receipt)
    await chat.edit(receipt, card("other words"))
    await chat.whisper("C1", "U1", card("words"), thread=receipt.message)

    posts = [body for method, body in fake.calls if method == "chat.postMessage"]
    assert [refusal(body) for _, body in fake.calls] == [None, None, None, None]
    assert all(body["parse"] == "none" and body["link_names"] is False for _, body in fake.calls)
    assert all(body["unfurl_links"] is False and body["unfurl_media"] is False for body in posts)


async def test_the_key_travels_in_metadata_that_holds_nothing_else(chat: SlackChat, fake: FakeSlack) -> None:
    """Other apps of the workspace may read it."""
    await chat.post("C1", card("words"), key="key")

    expected = {"event_type": "fogbell_message", "event_payload": {"key": "key"}}
    assert expected == fake.messages("C1")[0].metadata


async def test_slack_sdk_would_double_a_post_by_itself(fake: FakeSlack) -> None:
    """Why SlackChat gives it no retry handlers. When this fails, the library has changed its ways."""
    from slack_sdk.web.async_client import AsyncWebClient

    library = AsyncWebClient(token=fake.bot_token, base_url=fake.api_url)
    fake.fail_next("chat.postMessage", fakes.drop_after())

    await library.chat_postMessage(channel="C1", text="words")

    assert len(fake.messages("C1")) == 2


async def test_a_connection_that_never_came_about_is_unavailable_not_uncertain() -> None:
    chat = SlackChat(token="xoxb", api_url=f"http://127.0.0.1:{_unused_port()}/api/", timeout=TIMEOUT)

    with pytest.raises(Unavailable):
        await chat.post("C1", card("words"), key="key")

    await chat.close()


async def test_a_host_that_takes_no_connection_is_given_up_as_unavailable() -> None:
    """A full backlog on loopback drops the handshake, as a firewall would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [_connecting(listener.getsockname()) for _ in range(4)]
        chat = SlackChat(
            token="xoxb", api_url=f"http://127.0.0.1:{listener.getsockname()[1]}/api/", timeout=TIMEOUT
        )

        with pytest.raises(Unavailable, match="ConnectionTimeoutError"):
            await chat.post("C1", card("words"), key="key")

        await chat.close()
        for filler in fillers:
            filler.close()


async def test_an_address_that_is_none_is_refused() -> None:
    chat = SlackChat(token="xoxb", api_url="slack.com/api", timeout=TIMEOUT)

    with pytest.raises(Refused, match="no usable address"):
        await chat.ping()

    await chat.close()


@pytest.mark.parametrize(
    "fault", [fakes.bad_json(), fakes.wrong_type(), fakes.drop_after()], ids=lambda f: f.kind
)
async def test_an_unreadable_reply_is_in_doubt_for_posts_alone(
    fault: fakes.Fault, chat: SlackChat, fake: FakeSlack
) -> None:
    receipt = await chat.post("C1", card("words"), key="key")
    for method in METHODS.values():
        fake.fail_next(method, fault)

    with pytest.raises(Uncertain):
        await chat.post("C1", card("words"), key="key2")
    with pytest.raises(Unavailable):
        await chat.edit(receipt, card("words"))
    with pytest.raises(Unavailable):
        await chat.ping()


@pytest.mark.parametrize("word", sorted(REMEDIES))
async def test_every_word_of_refusal_has_a_remedy_of_one_sentence(
    word: str, chat: SlackChat, fake: FakeSlack
) -> None:
    fake.fail_next("chat.postMessage", fakes.refuse(word))

    with pytest.raises(Refused, match=word) as caught:
        await chat.post("C1", card("words"), key="key")

    assert caught.value.remedy.endswith(".")
    assert "{" not in caught.value.remedy
    assert not caught.value.gone


@pytest.mark.parametrize(
    ("words", "posting", "editing"),
    [
        (TOO_FAST, RateLimited, RateLimited),
        (AWAY, Unavailable, Unavailable),
        (IN_DOUBT, Uncertain, Unavailable),
        (GONE, Refused, Refused),
        ({"a_word_of_2031"}, Refused, Refused),
    ],
    ids=["too fast", "away", "in doubt", "gone", "unknown"],
)
async def test_every_other_word_has_its_meaning(
    words: set[str], posting: type[ChatError], editing: type[ChatError], chat: SlackChat, fake: FakeSlack
) -> None:
    receipt = await chat.post("C1", card("words"), key="key")

    for word in words:
        fake.fail_next("chat.postMessage", fakes.refuse(word))
        fake.fail_next("chat.update", fakes.refuse(word))
        with pytest.raises(posting) as post:
            await chat.post("C1", card("words"), key="key2")
        with pytest.raises(editing) as edit:
            await chat.edit(receipt, card("words"))
        for error in (post.value, edit.value):
            assert isinstance(error, Refused) == (posting is Refused)
            assert (word in GONE) == getattr(error, "gone", False)


def test_no_word_has_two_meanings() -> None:
    everything = [*REMEDIES, *GONE, *TOO_FAST, *AWAY, *IN_DOUBT]

    assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Uncertain),
        (400, Refused),
        (403, Refused),
        (404, Refused),
        (429, RateLimited),
        (500, Uncertain),
        (503, Uncertain),
    ],
)
def test_a_status_without_a_word_has_its_meaning(status: int, expected: type[ChatError]) -> None:
    assert expected is type(from_reply(("slack", "C1"), Uncertain, status=status))


@pytest.mark.parametrize(
    ("after", "seconds"), [("7", 7), ("0", 1), ("", 30), ("soon", 30), ("0.5", 1), ("-4", 30)]
)
def test_a_retry_after_that_makes_no_sense_means_half_a_minute(after: str, seconds: int) -> None:
    error = from_reply(("slack", "C1"), Uncertain, status=429, after=after)

    assert isinstance(error, RateLimited)
    assert timedelta(seconds=seconds) == error.after


async def test_a_missing_scope_is_named(chat: SlackChat, fake: FakeSlack) -> None:
    fake.scopes.remove("channels:history")

    with pytest.raises(Refused) as caught:
        await chat.find("C1", key="key", since=LONG_AGO)

    assert "channels:history" in caught.value.remedy


@pytest.mark.parametrize(("state", "word"), [("is_archived", "is_archived"), ("has_bot", "not_in_channel")])
async def test_a_channel_that_cannot_be_written_to_is_refused(
    state: str, word: str, chat: SlackChat, fake: FakeSlack
) -> None:
    setattr(fake.channels["C1"], state, state == "is_archived")

    with pytest.raises(Refused, match=word):
        await chat.post("C1", card("words"), key="key")


async def test_a_message_pages_back_is_found(chat: SlackChat, fake: FakeSlack) -> None:
    receipt = await chat.post("C1", card("words"), key="key")
    for number in range(FIND_PAGE * 2):
        fake.say("C1", f"chatter {number}")

    found = await chat.find("C1", key="key", since=LONG_AGO)

    assert found is not None
    assert (receipt.message, 3) == (found.message, fake.requests("conversations.history"))


async def test_a_search_is_bounded_and_then_says_that_it_does_not_know(
    chat: SlackChat, fake: FakeSlack
) -> None:
    await chat.post("C1", card("words"), key="key")
    for number in range(READ_MAX):
        fake.say("C1", f"chatter {number}")

    with pytest.raises(Uncertain):
        await chat.find("C1", key="key", since=LONG_AGO)

    assert fake.requests("conversations.history") == READ_MAX // FIND_PAGE


async def test_a_search_of_many_slow_pages_ends_in_time(chat: SlackChat, fake: FakeSlack) -> None:
    """It runs under the outbox's lease, as any other call."""
    for number in range(FIND_PAGE * 5):
        fake.say("C1", f"chatter {number}")
    fake.fail_next("conversations.history", *[fakes.delay(0.7 * TIMEOUT.total_seconds())] * 5)

    with pytest.raises(Unavailable):
        await chat.find("C1", key="key", since=LONG_AGO)


async def test_a_search_goes_on_where_it_was_interrupted(chat: SlackChat, fake: FakeSlack) -> None:
    """A few pages at once is all that some apps may read: beginning anew each time would never come to an end."""
    await chat.post("C1", card("words"), key="key")
    for number in range(FIND_PAGE * 3):
        fake.say("C1", f"chatter {number}")
    found = None
    for _ in range(4):
        fake.fail_next("conversations.history", fakes.delay(0), fakes.server_error())
        with suppress(Unavailable):
            found = await chat.find("C1", key="key", since=LONG_AGO)

    assert found is not None
    assert fake.requests("conversations.history") == 4 + 3


async def test_a_message_that_came_while_a_search_was_interrupted_is_found(
    chat: SlackChat, fake: FakeSlack
) -> None:
    for number in range(FIND_PAGE + 1):
        fake.say("C1", f"chatter {number}")
    fake.fail_next("conversations.history", fakes.delay(0), fakes.server_error())
    with pytest.raises(Unavailable):
        await chat.find("C1", key="key", since=LONG_AGO)

    receipt = await chat.post("C1", card("words"), key="key")
    found = await chat.find("C1", key="key", since=LONG_AGO)

    assert found is not None
    assert receipt.message == found.message


async def test_those_who_look_at_the_same_time_share_one_reading(chat: SlackChat, fake: FakeSlack) -> None:
    """After a fail-over of the store a hundred messages are looked for, and Slack allows 50 pages a minute."""
    for number in range(FIND_PAGE * 2):
        fake.say("C1", f"chatter {number}")
    receipt = await chat.post("C1", card("words"), key="key 7")
    keys = [f"key {number}" for number in range(20)]

    found = await asyncio.gather(*(chat.find("C1", key=key, since=LONG_AGO) for key in keys))

    assert [None] * 7 + [receipt.message] + [None] * 12 == [one and one.message for one in found]
    assert fake.requests("conversations.history") <= 4


async def test_what_was_posted_since_the_last_reading_is_read(chat: SlackChat) -> None:
    receipt = await chat.post("C1", card("words"), key="one")
    before = await chat.find("C1", key="two", since=LONG_AGO)
    second = await chat.post("C1", card("words"), key="two")

    found = [await chat.find("C1", key=key, since=LONG_AGO) for key in ("one", "two")]

    assert before is None
    assert [receipt.message, second.message] == [one and one.message for one in found]


async def test_who_looks_further_back_reads_only_what_was_not_read(chat: SlackChat, fake: FakeSlack) -> None:
    for number in range(FIND_PAGE * 3):
        fake.say("C1", f"chatter {number}")
    receipt = await chat.post("C1", card("words"), key="old")
    fake.channels["C1"].messages.insert(0, fake.channels["C1"].messages.pop())
    fake.channels["C1"].messages[0].ts = "1000000000.000001"
    missing = await chat.find("C1", key="none", since=LONG_AGO)
    asked = fake.requests("conversations.history")

    found = await chat.find("C1", key="old", since=datetime(2001, 1, 1, tzinfo=UTC))

    assert (missing, receipt.channel) == (None, "C1")
    assert found is not None
    assert found.message == "1000000000.000001"
    assert fake.requests("conversations.history") - asked == 1


async def test_while_slack_says_wait_nobody_asks_for_a_history(chat: SlackChat, fake: FakeSlack) -> None:
    fake.fail_next("conversations.history", fakes.rate_limited(60))

    for channel in ("C1", "C2", "C1"):
        with pytest.raises(RateLimited) as caught:
            await chat.find(channel, key="key", since=LONG_AGO)

    assert timedelta(seconds=58) < caught.value.after <= timedelta(seconds=60)
    assert fake.requests("conversations.history") == 1


async def test_the_key_of_another_app_is_not_ours(chat: SlackChat, fake: FakeSlack) -> None:
    fake.say("C1", "words")
    fake.channels["C1"].messages[0].metadata = {"event_type": "theirs", "event_payload": {"key": "key"}}

    assert await chat.find("C1", key="key", since=LONG_AGO) is None


async def test_what_was_posted_before_since_is_not_found(chat: SlackChat, fake: FakeSlack) -> None:
    await chat.post("C1", card("words"), key="key")

    assert await chat.find("C1", key="key", since=datetime.now(UTC) + timedelta(minutes=5)) is None


async def test_a_clock_a_little_ahead_of_slacks_still_finds(chat: SlackChat, fake: FakeSlack) -> None:
    await chat.post("C1", card("words"), key="key")

    assert await chat.find("C1", key="key", since=datetime.now(UTC) + timedelta(seconds=30)) is not None


async def test_no_secret_is_in_any_error(fake: FakeSlack) -> None:
    chat = SlackChat(token="xoxb-secret", api_url=fake.api_url, timeout=TIMEOUT)
    fake.fail_next("auth.test", *FAULTS.values())

    for _ in range(len(FAULTS) + 1):
        with pytest.raises(ChatError) as caught:
            await chat.ping()
        assert "secret" not in str(caught.value) + str(caught.value.__cause__)

    await chat.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.slack.com/commands/T1/2/3", True),
        ("https://hooks.slack-gov.com/commands/T1/2/3", True),
        ("http://127.0.0.1:8500/commands/1", True),
        ("http://127.0.0.1:8501/commands/1", False),
        ("http://hooks.slack.com/commands/T1/2/3", False),
        ("https://hooks.slack.com:8443/commands", False),
        ("https://hooks.slack.com.evil.example/commands", False),
        ("https://evilslack.com/commands", False),
        ("https://user@evil.example/.slack.com", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("https://[broken", False),
        ("", False),
    ],
)
def test_answers_go_to_slack_alone(url: str, expected: bool) -> None:
    assert expected is is_slacks(url, "http://127.0.0.1:8500/api/")


async def test_loopback_is_never_reached_through_a_proxy(
    fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=TIMEOUT)

    await chat.ping()

    await chat.close()


async def test_a_proxy_of_the_environment_is_used_unless_it_is_told_not_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{_unused_port()}")
    chat = SlackChat(token="xoxb", api_url="https://slack.invalid/api/", timeout=TIMEOUT)

    with pytest.raises(Unavailable, match="ClientProxyConnectionError"):
        await chat.ping()
    monkeypatch.setenv("NO_PROXY", "slack.invalid")
    direct = SlackChat(token="xoxb", api_url="https://slack.invalid/api/")
    assert direct.web().proxy is None

    await chat.close()
    await direct.close()


@pytest.mark.parametrize("module", [aiohttp.client_exceptions, slack_sdk.errors], ids=lambda m: m.__name__)
def test_every_error_of_the_libraries_passes_the_seam(module: ModuleType) -> None:
    """`_asking` catches these roots; an error of a new family would reach the outbox as it is."""
    caught = (aiohttp.ClientError, slack_sdk.errors.SlackClientError, OSError, TypeError, ValueError)
    errors = [e for e in vars(module).values() if isinstance(e, type) and issubclass(e, Exception)]

    assert len(errors) > 5
    assert [e for e in errors if not issubclass(e, caught)] == []


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connecting(address: tuple[str, int]) -> socket.socket:
    filler = socket.socket()
    filler.setblocking(False)
    filler.connect_ex(address)
    return filler
