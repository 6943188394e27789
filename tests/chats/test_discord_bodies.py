"""Every body that goes to Discord, whatever the card: within Discord's description of its API, and its stricter limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chats.discord.client import DiscordChat, key_ref
from bot.chats.discord.render import render
from bot.chats.discord.threads import new_thread
from bot.commands.spec import Reply
from bot.domain.card import Card, Tone
from tests.chats.contract import card
from tests.chats.discord_bodies import Json, described, limits, wrong
from tests.chats.test_discord_listen import Desk, listening
from tests.chats.test_discord_render import cards, long_texts, patient
from tests.fakes.discord import CHANNEL, FakeDiscord

PLACE = "100000000000000015"
HUGE = Card(
    title="*title* 😀" * 300,
    tone=Tone.CRITICAL,
    fallback="x",
    sections=card("@everyone [a](https://b.example) ‮ " * 900).sections * 20,
    footer="footer " * 900,
    mentions=tuple(f"user:{number}" for number in range(1, 200)),
    is_quiet=True,
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        fake.add_forum(PLACE, tags=("Open",), needs_tag=True)
        yield fake


@pytest.mark.parametrize("words", [card("words"), HUGE], ids=["small", "huge"])
async def test_everything_that_a_chat_sends_is_well_formed(fake: FakeDiscord, words: Card) -> None:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)
    for place in (CHANNEL, PLACE):
        headline = await chat.post(place, replace(words, pin=True), key="h" * 24 + place[-1])
        reply = await chat.post(place, words, key="r" * 24 + place[-1], thread=headline)
        await chat.edit(reply, words, thread=headline)
        await chat.edit(headline, replace(words, pin=False))
        await chat.post(place, words, key="l" * 24 + place[-1], thread=headline)
    await chat.close()

    sent = {route for route, _ in fake.bodies}
    assert sent == {"create_message", "edit_message", "start_thread", "begin_post", "edit_channel"}
    assert wrong(fake.bodies) == []


@pytest.mark.parametrize("is_private", [True, False], ids=["for one", "for all"])
async def test_everything_that_a_listener_sends_is_well_formed(fake: FakeDiscord, is_private: bool) -> None:
    desk = Desk(reply=Reply(card=HUGE, is_private=is_private))
    async with listening(fake, desk):
        await fake.interact("status", answers=1 if is_private else 2)

    sent = {route for route, _ in fake.bodies}
    more = set() if is_private else {"follow_up"}
    assert sent == {"put_commands", "interaction_callback", "edit_original"} | more
    assert wrong(fake.bodies) == []


@patient
@given(card=cards, key=st.text("0123456789abcdef", min_size=1, max_size=25))
def test_no_card_breaks_a_message(card: Card, key: str) -> None:
    body = render(card, ref=key_ref(key)) | {"nonce": key, "enforce_nonce": True}

    edit = {name: value for name, value in body.items() if name not in ("flags", "nonce", "enforce_nonce")}
    assert wrong([("create_message", body), ("edit_message", edit)]) == []


@patient
@given(card=cards, name=long_texts)
def test_no_card_and_no_title_breaks_a_post_or_a_thread(card: Card, name: str) -> None:
    thread = new_thread(name)

    post = thread | {"message": render(card, ref="0123456789"), "applied_tags": ["1"]}
    assert wrong([("start_thread", thread), ("begin_post", post)]) == []


MISTAKES: list[tuple[str, Json]] = [
    ("create_message", {"embeds": [{"title": "x" * 257}]}),
    ("create_message", {"content": "x", "nonce": "n" * 26}),
    ("create_message", {"embeds": [{"title": "x", "fields": [{"name": "x"}]}]}),
    ("create_message", {"embeds": [{"title": "x"}] * 11}),
    ("create_message", {"embeds": [{"title": "x", "color": 1 << 24}]}),
    ("create_message", {"content": 5}),
    ("edit_message", {"embeds": {"title": "x"}}),
    ("start_thread", {"name": "x" * 101}),
    ("start_thread", {"name": "x", "auto_archive_duration": 61}),
    ("begin_post", {"name": "", "message": {"content": "x"}}),
    ("begin_post", {"name": "x", "message": {"content": "x"}, "applied_tags": ["tag"]}),
]


@pytest.mark.parametrize(("route", "body"), MISTAKES, ids=[f"{r} {b!s:.50}" for r, b in MISTAKES])
def test_the_description_finds_mistakes(route: str, body: Json) -> None:
    """A judge that lets everything pass proves nothing."""
    assert described(route, body)


STRICTER: list[tuple[str, Json]] = [
    ("create_message", {"content": "x" * 2_001}),
    ("create_message", {"content": " "}),
    ("create_message", {"embeds": [{"description": "x" * 4_000}, {"description": "x" * 2_001}]}),
    ("create_message", {"content": "x", "components": [{"custom_id": "a"}, {"custom_id": "a"}]}),
    ("create_message", {"content": "x", "components": [{"custom_id": "x" * 101}]}),
    ("create_message", {"content": "x", "thread_name": "x"}),
    ("start_thread", {"name": " "}),
    ("begin_post", {"name": "x", "message": {"content": "x", "nonce": "1", "enforce_nonce": True}}),
    ("edit_channel", {"archive": True}),
]


@pytest.mark.parametrize(("route", "body"), STRICTER, ids=[f"{r} {b!s:.50}" for r, b in STRICTER])
def test_the_limits_find_what_the_description_does_not(route: str, body: Json) -> None:
    assert limits(route, body)
