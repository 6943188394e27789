"""A message for many on Slack: each of its members finds it by what it would have been told alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.chats.slack.client import SlackChat
from bot.domain.conversation import Why
from bot.domain.gather import MEMBERS_MAX
from bot.domain.roll import Among, written
from tests.chats.contract import TIMEOUT, card
from tests.chats.slack_blocks import problems
from tests.fakes.slack import FakeSlack

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MEMBERS = (("acme|INC-1", "headline of 1"), ("acme|INC-2", "headline of 2"))
MANY = replace(card("two incidents"), roll=written(Why.QUIET, MEMBERS))


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as slack:
        yield slack


@pytest.fixture
async def chat(fake: FakeSlack) -> AsyncIterator[SlackChat]:
    slack = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=TIMEOUT)
    yield slack
    await slack.close()


async def test_each_member_finds_it_with_all_who_are_in_it(chat: SlackChat) -> None:
    receipt = await chat.post("C1", MANY, key="key")

    found = [await chat.find("C1", key=key, since=LONG_AGO) for _, key in MEMBERS]

    expected = Among(
        channel="C1",
        message=receipt.message,
        at=receipt.at,
        key="key",
        members=("acme|INC-1", "acme|INC-2"),
        why=Why.QUIET,
    )
    assert found == [expected, expected]
    assert await chat.find("C1", key="headline of 3", since=LONG_AGO) is None


async def test_by_its_own_key_it_is_found_as_any_message(chat: SlackChat) -> None:
    receipt = await chat.post("C1", MANY, key="key")

    assert receipt == await chat.find("C1", key="key", since=LONG_AGO)


async def test_what_was_told_alone_comes_first_also_when_it_was_told_after_the_last_look(
    chat: SlackChat,
) -> None:
    await chat.post("C1", MANY, key="key")
    assert isinstance(await chat.find("C1", key="headline of 1", since=LONG_AGO), Among)

    alone = await chat.post("C1", card("one incident"), key="headline of 1")

    assert alone == await chat.find("C1", key="headline of 1", since=LONG_AGO)


async def test_of_two_for_many_the_newer_one_is_found(chat: SlackChat) -> None:
    """The older one is known, or says less."""
    await chat.post("C1", MANY, key="older")
    newer = await chat.post("C1", MANY, key="newer")

    found = await chat.find("C1", key="headline of 1", since=LONG_AGO)

    assert found is not None
    assert newer.message == found.message


async def test_a_full_message_is_one_that_slack_takes(chat: SlackChat, fake: FakeSlack) -> None:
    members = [(f"digital-ocean-{n}|INC-{n}", f"key {n}") for n in range(1000, 1000 + MEMBERS_MAX)]
    await chat.post("C1", replace(MANY, roll=written(None, members)), key="k" * 25)

    (body,) = [body for method, body in fake.calls if method == "chat.postMessage"]
    assert problems(body) == []
    assert await chat.find("C1", key="key 1019", since=LONG_AGO) is not None
