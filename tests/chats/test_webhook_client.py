"""The webhook against a receiver that checks signatures: the rules of every chat; and ids, answers, secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chats.webhook.client import RETRY_AFTER, WEBHOOK, Webhook, WebhookChat
from bot.clock import SystemClock
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from tests.chats import contract
from tests.chats.contract import TIMEOUT, Fault, Rule, Verb, card
from tests.fakes.webhook import SECRET, Receiver, is_signed

# Nothing can be looked up, any answer's body will do, and nobody can delete what they were sent.
ELSEWHERE = {
    "a_post_is_there_and_can_be_found_by_its_key",
    "an_edited_message_is_still_found",
    "a_reply_is_found_and_edited_in_its_thread",
    "a_lost_reply_is_uncertain_and_the_one_message_is_found",
    "a_lost_reply_in_a_thread_is_found_there",
    "a_garbled_reply_is_uncertain",
    "a_look_up_that_fails_never_says_none",
    "an_edit_of_a_deleted_message_says_that_it_is_gone",
    "a_deleted_message_is_not_found",
}
RULES = [rule for rule in contract.CONTRACT if rule.__name__ not in ELSEWHERE]
HOOK = Webhook(name="bus", url="", secrets=(SECRET,))


@pytest.fixture
async def world() -> AsyncIterator[Receiver]:
    world = Receiver()
    async with world.server:
        yield world


@pytest.fixture
async def chat(world: Receiver) -> AsyncIterator[WebhookChat]:
    hook = replace(HOOK, url=f"{world.server.url}/hook?token=hush")
    chat = WebhookChat([hook], clock=SystemClock(), timeout=TIMEOUT)
    yield chat
    await chat.close()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, chat: WebhookChat, world: Receiver) -> None:
    await rule(chat, world)


async def test_a_lost_reply_is_uncertain_and_its_repetition_is_the_same_delivery(
    chat: WebhookChat, world: Receiver
) -> None:
    world.fail_next(Verb.POST, Fault.CUT_AFTER)

    with pytest.raises(Uncertain):
        await chat.post("bus", card("once"), key="k1")
    await chat.post("bus", card("once"), key="k1")

    first, second = world.ids()
    assert first == second
    assert len(world.texts("bus")) == 1


async def test_what_changed_before_its_repetition_is_another_delivery_of_the_same_message(
    chat: WebhookChat, world: Receiver
) -> None:
    """A receiver that drops ids it has seen would otherwise keep the old words."""
    world.fail_next(Verb.POST, Fault.CUT_AFTER)

    with pytest.raises(Uncertain):
        await chat.post("bus", card("old"), key="k1")
    await chat.post("bus", card("new"), key="k1")

    first, second = world.ids()
    assert first != second
    assert list(world.messages()) == ["k1"]
    assert "new" in world.messages()["k1"]["text"]


async def test_edits_never_share_an_id_even_with_the_same_words(chat: WebhookChat, world: Receiver) -> None:
    """A status may go to and fro; an edit dropped as known would leave the old one standing."""
    receipt = await chat.post("bus", card("a"), key="k1")

    for words in ("b", "a", "b"):
        await chat.edit(receipt, card(words))

    assert len(set(world.ids())) == 4
    assert [taken.json["edits"] for taken in world.server.taken] == [None, "k1", "k1", "k1"]


async def test_a_garbled_reply_to_a_post_is_uncertain(chat: WebhookChat, world: Receiver) -> None:
    world.fail_next(Verb.POST, Fault.GARBLED)

    with pytest.raises(Uncertain):
        await chat.post("bus", card("once"), key="k1")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_answer_of_success_will_do(chat: WebhookChat, world: Receiver, status: int) -> None:
    world.server.accepts = lambda taken: status

    receipt = await chat.post("bus", card("words"), key="k1")

    assert ("bus", "k1") == (receipt.channel, receipt.message)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422])
async def test_a_no_for_good_is_refused_with_a_remedy_and_no_redirect_is_followed(
    chat: WebhookChat, world: Receiver, status: int
) -> None:
    world.server.fail_next("post", status)

    with pytest.raises(Refused) as caught:
        await chat.post("bus", card("words"), key="k1")

    assert str(status) in str(caught.value)
    assert caught.value.remedy
    assert not caught.value.gone
    assert len(world.server.arrived) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_failure_of_the_receiver_is_uncertain_for_posts_and_passes_for_edits(
    chat: WebhookChat, world: Receiver, status: int
) -> None:
    receipt = await chat.post("bus", card("words"), key="k1")
    world.server.fail_next("post", status)
    world.server.fail_next("edit", status)

    with pytest.raises(Uncertain):
        await chat.post("bus", card("words"), key="k2")
    with pytest.raises(Unavailable):
        await chat.edit(receipt, card("new"))


@pytest.mark.parametrize(
    ("status", "header", "kind", "after"),
    [
        (429, "7", RateLimited, timedelta(seconds=7)),
        (429, "soon", RateLimited, RETRY_AFTER),
        (429, "999999999", RateLimited, timedelta(hours=1)),
        (503, "7", Unavailable, timedelta(seconds=7)),
    ],
)
async def test_a_receiver_may_say_when_to_come_back(
    status: int, header: str, kind: type[ChatError], after: timedelta
) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": header})

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    chat = WebhookChat([replace(HOOK, url=url)], clock=SystemClock(), timeout=TIMEOUT)

    with pytest.raises(kind) as caught:
        await chat.post("bus", card("words"), key="k1")

    assert caught.value.after == after  # type: ignore[attr-defined]
    await chat.close()
    await runner.cleanup()


async def test_a_connection_that_never_came_about_is_unavailable_not_uncertain() -> None:
    chat = WebhookChat([replace(HOOK, url="http://127.0.0.1:9/")], clock=SystemClock(), timeout=TIMEOUT)

    with pytest.raises(Unavailable):
        await chat.post("bus", card("words"), key="k1")
    await chat.close()


async def test_neither_address_nor_secret_shows_in_errors_or_representations(
    chat: WebhookChat, world: Receiver
) -> None:
    hook = replace(HOOK, url="http://127.0.0.1:9/?token=hush")
    away = WebhookChat([hook], clock=SystemClock(), timeout=TIMEOUT)
    said = [repr(hook)]
    for fault in (Fault.CUT_AFTER, Fault.HANG, Fault.GARBLED, Fault.SERVER_ERROR, 404):
        world.server.fail_next("post", fault)
    for to in (chat, chat, chat, chat, chat, away):
        with pytest.raises(ChatError) as caught:
            await to.post("bus", card("words"), key="k1")
        said.append(f"{caught.value!r} {caught.value} {getattr(caught.value, 'remedy', '')}")

    assert [words for words in said if "hush" in words or SECRET in words or "127.0.0.1" in words] == []
    await away.close()


async def test_one_webhook_that_is_away_does_not_make_all_of_them_look_away(world: Receiver) -> None:
    up, down = replace(HOOK, url=world.server.url), replace(HOOK, name="gone", url="http://127.0.0.1:9/")
    chat = WebhookChat([up, down], clock=SystemClock(), timeout=TIMEOUT)
    only = WebhookChat([down], clock=SystemClock(), timeout=TIMEOUT)

    await chat.ping()

    with pytest.raises(Unavailable):
        await only.ping()
    assert [taken.json["kind"] for taken in world.server.taken] == ["ping"]
    await chat.close()
    await only.close()


async def test_after_a_change_of_secrets_either_of_them_fits(world: Receiver) -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    hook = replace(HOOK, url=world.server.url, secrets=(new, SECRET))
    chat = WebhookChat([hook], clock=SystemClock(), timeout=TIMEOUT)

    await chat.post("bus", card("words"), key="k1")

    taken = world.server.taken[0]
    assert (is_signed(taken, SECRET), is_signed(taken, new)) == (True, True)
    assert len(taken.headers["Webhook-Signature"].split()) == 2
    await chat.close()


async def test_a_huge_answer_is_not_read(world: Receiver, chat: WebhookChat) -> None:
    world.server.answer = {"padding": "x" * 8_000_000}

    await chat.post("bus", card("words"), key="k1")

    assert len(world.server.taken) == 1
    assert WEBHOOK == chat.name


async def test_the_body_that_is_signed_is_the_body_that_is_sent(chat: WebhookChat, world: Receiver) -> None:
    """Non-ASCII text is where encoders differ."""
    await chat.post("bus", card("Störung – 障害 🔔"), key="k1")

    event = json.loads(world.server.taken[0].body)
    assert event["sections"][0]["text"] == "Störung – 障害 🔔"
