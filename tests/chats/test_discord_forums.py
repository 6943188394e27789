"""Forums and media channels on Discord: the headline is a post, replies follow it inside, and a lost post is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.chats.discord.client import DiscordChat
from bot.chats.discord.rooms import Room, Tag, tags_for
from bot.domain.card import Card, Section, Tone
from bot.domain.conversation import Receipt
from bot.errors import Refused, Unavailable, Uncertain
from tests.chats.contract import CONTRACT, RETRY_AFTER, TIMEOUT, Fault, Rule, Verb, card
from tests.chats.test_discord_client import KIND
from tests.fakes.discord import CHANNEL, FORUM, MEDIA, FakeDiscord, readable

PLACE = "100000000000000015"
KEY = "k" * 25
ROUTES = {Verb.POST: "begin_post", Verb.EDIT: "edit_message", Verb.FIND: "active_threads", Verb.PING: "me"}


class ForumWorld:
    """A forum of the fake Discord as the contract sees it: its headlines are the first messages of posts."""

    channel = PLACE

    def __init__(self, fake: FakeDiscord) -> None:
        self.fake = fake

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        route = ROUTES[verb]
        if verb is Verb.POST and self.fake.posts(PLACE):
            route = "create_message"  # the rules that fail a post with one there mean a reply
        self.fake.fail_next(route, KIND[fault], seconds=RETRY_AFTER.total_seconds())

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        if thread:
            return [readable(message) for message in self.fake.thread(channel, thread.message)]
        posts = self.fake.posts(channel)
        return [readable(post.messages[post.id]) for post in posts if post.id in post.messages]

    def delete(self, receipt: Receipt) -> None:
        del self.fake.rooms[receipt.message]

    def requests(self, verb: Verb) -> int:
        return self.fake.calls[ROUTES[verb]]

    def revoke(self) -> None:
        self.fake.token = "another"


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        fake.add_forum(PLACE)
        yield fake


@pytest.fixture
async def chat(fake: FakeDiscord) -> AsyncIterator[DiscordChat]:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)
    yield chat
    await chat.close()


def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


@pytest.mark.parametrize("rule", CONTRACT, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, fake: FakeDiscord) -> None:
    chat = DiscordChat(token=fake.token, api_url=fake.api_url, timeout=TIMEOUT)

    await rule(chat, ForumWorld(fake))

    await chat.close()


@pytest.mark.parametrize("kind", [FORUM, MEDIA], ids=["forum", "media"])
async def test_a_headline_is_a_post_named_by_its_title_and_replies_follow_inside(
    fake: FakeDiscord, chat: DiscordChat, kind: int
) -> None:
    fake.rooms[PLACE].type = kind

    headline = await chat.post(PLACE, card("headline"), key="h")
    reply = await chat.post(PLACE, card("reply"), key="r", thread=headline)

    [post] = fake.posts(PLACE)
    assert (post.id, post.name, post.applied) == (headline.message, "Checkout is failing", [])
    assert (headline.channel, reply.channel) == (PLACE, PLACE)
    assert [message["id"] for message in post.messages.values()] == [headline.message, reply.message]


@pytest.mark.parametrize("title", ["x" * 300, "", "\n", "😀" * 99, "@everyone"])
async def test_any_title_makes_a_name(fake: FakeDiscord, chat: DiscordChat, title: str) -> None:
    await chat.post(PLACE, replace(card("words"), title=title), key=KEY)

    [post] = fake.posts(PLACE)
    assert 1 <= len(post.name) <= 100


async def test_the_kind_of_a_channel_is_asked_once(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await chat.post(PLACE, card("1"), key="1")
    await chat.post(PLACE, card("2"), key="2", thread=headline)
    await chat.edit(headline, card("3"))
    await chat.post(CHANNEL, card("4"), key="4")
    await chat.post(CHANNEL, card("5"), key="5")

    assert fake.calls["channel"] == 2


async def test_a_channel_that_became_a_forum_is_noticed(fake: FakeDiscord, chat: DiscordChat) -> None:
    await chat.post(CHANNEL, card("text"), key="1")
    fake.rooms[CHANNEL].type = FORUM

    await chat.post(CHANNEL, card("post"), key="2")

    assert len(fake.posts(CHANNEL)) == 1


async def test_a_tag_that_became_a_duty_is_noticed(fake: FakeDiscord, chat: DiscordChat) -> None:
    forum = fake.rooms[PLACE]
    await chat.post(PLACE, card("free"), key="1")
    forum.needs_tag, forum.tags = True, [{"id": "77", "name": "any", "moderated": False}]

    await chat.post(PLACE, card("tagged"), key="2")

    assert [post.applied for post in fake.posts(PLACE)] == [[], ["77"]]


async def test_a_duty_without_tags_is_refused_with_a_remedy(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.rooms[PLACE].needs_tag = True

    with pytest.raises(Refused) as caught:
        await chat.post(PLACE, card("words"), key=KEY)

    assert "tag" in caught.value.remedy


TAGS = (
    Tag(id="1", name="Staff", is_moderated=True),
    Tag(id="2", name="Other"),
    Tag(id="3", name="investigating"),
    Tag(id="4", name="Resolved"),
)
IN_WORK = Card(
    title="x", tone=Tone.MAJOR, fallback="x", sections=(Section(text="x", heading="Investigating"),)
)
CLOSED = Card(title="x", tone=Tone.OVER, fallback="x")
CHOICES = [
    (Room(is_forum=True, tags=TAGS), IN_WORK, [], "nobody asks for one"),
    (Room(is_forum=True, needs_tag=True, tags=TAGS), IN_WORK, ["3"], "named like the status"),
    (Room(is_forum=True, needs_tag=True, tags=TAGS), CLOSED, ["4"], "named like the end"),
    (Room(is_forum=True, needs_tag=True, tags=TAGS[:2]), IN_WORK, ["2"], "the first that we may use"),
    (Room(is_forum=True, needs_tag=True, tags=TAGS[:1]), IN_WORK, ["1"], "better the moderators' than none"),
    (Room(is_forum=True, needs_tag=True), IN_WORK, [], "there is none: Discord will say so"),
]


@pytest.mark.parametrize(("room", "words", "tags", "why"), CHOICES, ids=[row[3] for row in CHOICES])
def test_a_required_tag_is_that_of_the_status_or_the_first(
    room: Room, words: Card, tags: list[str], why: str
) -> None:
    assert tags_for(room, words) == tags


async def test_the_end_archives_the_post_with_the_tag_of_the_end(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    forum = fake.rooms[PLACE]
    forum.needs_tag = True
    forum.tags = [{"id": "1", "name": "Investigating"}, {"id": "2", "name": "Resolved"}]
    headline = await chat.post(PLACE, card("broken"), key="h")

    await chat.edit(headline, replace(card("works"), tone=Tone.OVER, pin=False, sections=()))

    [post] = fake.posts(PLACE)
    assert (post.archived, post.applied, fake.calls["unpin"]) == (True, ["2"], 0)


async def test_an_archived_post_is_corrected_and_rests_again(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await chat.post(PLACE, card("broken"), key="h")
    over = replace(card("works"), pin=False)
    await chat.edit(headline, over)

    await chat.edit(headline, replace(over, title="Checkout failed"))

    [post] = fake.posts(PLACE)
    assert "Checkout failed" in readable(post.messages[post.id])
    assert post.archived


async def test_posts_are_not_pinned(fake: FakeDiscord, chat: DiscordChat) -> None:
    """A forum pins one post of all, and only for moderators."""
    headline = await chat.post(PLACE, replace(card("x"), pin=True), key="h")
    await chat.edit(headline, replace(card("y"), pin=True))

    assert fake.calls["pin"] == 0


async def test_a_lost_post_is_found_by_its_ref_and_not_by_its_name(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    other = await chat.post(PLACE, card("alike"), key="other")
    fake.fail_next("begin_post", "drop_after")
    with pytest.raises(Uncertain):
        await chat.post(PLACE, card("alike"), key=KEY)

    found = await chat.find(PLACE, key=KEY, since=since())

    assert found is not None
    assert [other.message, found.message] == [post.id for post in fake.posts(PLACE)]


async def test_a_lost_post_that_was_archived_meanwhile_is_found(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.fail_next("begin_post", "drop_after")
    with pytest.raises(Uncertain):
        await chat.post(PLACE, card("words"), key=KEY)
    [post] = fake.posts(PLACE)
    fake.archive(post.id)
    for number in range(120):  # posts of years, archived later than ours: more than one page of them
        old = fake.add_channel(str(number + 1))
        old.parent, old.archived, old.touched_at = PLACE, True, fake.now()

    found = await chat.find(PLACE, key=KEY, since=since())

    assert found is not None
    assert (found.message, fake.calls["archived_threads"]) == (post.id, 2)


async def test_only_what_may_be_ours_is_read(fake: FakeDiscord, chat: DiscordChat) -> None:
    """A big server has a thousand open threads; of other channels, older, or of people."""
    headline = await chat.post(CHANNEL, card("text"), key="t")
    await chat.post(CHANNEL, card("reply"), key="r", thread=headline)
    old = fake.add_channel("1")
    old.parent = PLACE
    mine = await chat.post(PLACE, card("mine"), key="mine")

    found = await chat.find(PLACE, key=KEY, since=since())

    assert (found, fake.calls["get_message"]) == (None, 0)
    assert mine.channel == PLACE


async def test_another_process_reads_the_posts_it_does_not_know(fake: FakeDiscord, chat: DiscordChat) -> None:
    for number in range(3):
        await chat.post(PLACE, card(f"{number}"), key=f"{number}")
    other = DiscordChat(token=fake.token, api_url=fake.api_url)

    found = [await other.find(PLACE, key=f"{number}", since=since()) for number in range(3)]

    await other.close()
    assert [receipt.message if receipt else None for receipt in found] == [p.id for p in fake.posts(PLACE)]
    assert fake.calls["get_message"] == 3


async def test_a_post_whose_first_message_was_deleted_is_passed_over(
    fake: FakeDiscord, chat: DiscordChat
) -> None:
    wanted = await chat.post(PLACE, card("wanted"), key=KEY)
    emptied = await chat.post(PLACE, card("emptied"), key="other")
    fake.delete(emptied.message, emptied.message)
    other = DiscordChat(token=fake.token, api_url=fake.api_url)

    found = await other.find(PLACE, key=KEY, since=since())

    await other.close()
    assert found == wanted


async def test_a_look_up_among_too_many_archived_posts_is_uncertain(
    fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.chats.discord.client.READ_MAX", 200)
    chat = DiscordChat(token=fake.token, api_url=fake.api_url)
    for number in range(201):
        old = fake.add_channel(str(number + 1))
        old.parent, old.archived, old.touched_at = PLACE, True, fake.now()

    with pytest.raises(Uncertain):
        await chat.find(PLACE, key=KEY, since=since())
    await chat.close()


@pytest.mark.parametrize("deleted", ["the post", "its first message"])
async def test_an_edit_of_what_was_deleted_says_gone(
    fake: FakeDiscord, chat: DiscordChat, deleted: str
) -> None:
    headline = await chat.post(PLACE, card("words"), key=KEY)
    if deleted == "the post":
        del fake.rooms[headline.message]
    else:
        fake.delete(headline.message, headline.message)

    with pytest.raises(Refused) as caught:
        await chat.edit(headline, card("more"))

    assert caught.value.gone


async def test_a_reply_to_a_deleted_post_says_gone(fake: FakeDiscord, chat: DiscordChat) -> None:
    headline = await chat.post(PLACE, card("words"), key="h")
    del fake.rooms[headline.message]

    with pytest.raises(Refused) as caught:
        await chat.post(PLACE, card("reply"), key="r", thread=headline)

    assert (caught.value.gone, fake.calls["start_thread"]) == (True, 0)


async def test_while_the_channel_cannot_be_asked_what_it_was_still_holds(
    fake: FakeDiscord, chat: DiscordChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat.post(PLACE, card("1"), key="1")
    monkeypatch.setattr("bot.chats.discord.rooms.KNOWN_FOR_S", 0)
    fake.fail_next("channel", "500")

    await chat.post(PLACE, card("2"), key="2")

    assert (len(fake.posts(PLACE)), fake.calls["channel"]) == (2, 2)


async def test_a_channel_of_unknown_kind_is_not_guessed(fake: FakeDiscord, chat: DiscordChat) -> None:
    fake.fail_next("channel", "500")

    with pytest.raises(Unavailable):
        await chat.post(PLACE, card("words"), key=KEY)

    assert fake.calls["create_message"] == 0
