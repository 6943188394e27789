"""Slash commands in from Discord: offered, received over a real gateway connection, answered in time, and closed cleanly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.chats.discord.listen import PERMISSIONS, invite_link, listen
from bot.commands import COMMANDS
from bot.commands.spec import Actor, Command, Front, Parameter, Reply
from bot.domain.card import Card, Section, Tone
from bot.domain.words import Impact, Role
from bot.errors import Refused, Unavailable
from tests.fakes.discord import CHANNEL, FakeDiscord


async def not_run(*_: object) -> Reply:
    raise AssertionError("the desk answers")


def word(name: str, words: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name=name, help=words, is_required=required, choices=choices)


STATUS = Command(
    name="status",
    help="What is going on.",
    role=Role.VIEWER,
    parameters=(word("target", "A provider, a service or an incident"), word("depth", "x" * 200)),
    run=not_run,
)
ESCALATE = Command(
    name="escalate",
    help="Raise or lower an incident's impact.",
    role=Role.RESPONDER,
    parameters=(
        word("incident", "Incident, such as INC-12", required=True),
        word("impact", "New impact", choices=tuple(Impact)),
        word("many", "More choices than Discord holds", choices=tuple(map(str, range(26)))),
        word("note", "Why, for the timeline"),
    ),
    run=not_run,
)


@dataclass
class Desk:
    """A dispatcher that notes what it is asked, and answers with a card."""

    commands: tuple[Command, ...] = (STATUS, ESCALATE)
    asked: list[dict[str, Any]] = field(default_factory=list)
    reply: Reply | None = None
    wait: Callable[[], Awaitable[object]] | None = None

    async def run(
        self,
        name: str,
        arguments: Mapping[str, str],
        *,
        actor: Actor,
        front: Front,
        channel: str,
        once: str | None,
    ) -> Reply:
        self.asked.append(
            {
                "name": name,
                "words": dict(arguments),
                "actor": actor,
                "front": front,
                "channel": channel,
                "once": once,
            }
        )
        if self.wait:
            await self.wait()
        card = Card(
            title=f"{name} is done", tone=Tone.INFO, fallback="x", sections=(Section(text="*words*"),)
        )
        return self.reply or Reply(card=card)


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@asynccontextmanager
async def listening(fake: FakeDiscord, desk: Desk, **more: Any) -> AsyncIterator[asyncio.Task[None]]:
    """The listener, connected; it is cancelled at the end."""
    more |= {"api_url": fake.api_url, "gateway_url": fake.gateway_url}
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listen(desk, token=fake.token, **more))
        await fake.gateway.wait_connected()
        yield task
        task.cancel()


async def test_a_command_is_acknowledged_at_once_and_answered_in_private(fake: FakeDiscord) -> None:
    desk = Desk()
    async with listening(fake, desk):
        interaction = await fake.interact("status", {"target": "aws"}, user="42")

    assert desk.asked == [
        {
            "name": "status",
            "words": {"target": "aws"},
            "actor": Actor(id="discord:42", name="user42"),
            "front": Front.DISCORD,
            "channel": f"discord:{CHANNEL}",
            "once": interaction.id,
        }
    ]
    assert ["status is done" in text for text in interaction.texts] == [True]
    assert [answer["flags"] for answer in interaction.answers] == [1 << 6]
    assert interaction.acknowledged_s is not None
    assert interaction.acknowledged_s < 1
    assert interaction.answered_s is not None
    assert interaction.answered_s < 3


async def test_a_slow_command_is_still_acknowledged_in_time(fake: FakeDiscord) -> None:
    gate = asyncio.Event()
    async with listening(fake, Desk(wait=gate.wait)):
        asking = asyncio.ensure_future(fake.interact("status"))
        while not any(i.acknowledged for i in fake.gateway.interactions.values()):
            await asyncio.sleep(0.01)
        gate.set()
        interaction = await asking

    assert (interaction.acknowledged, len(interaction.answers)) == (5, 1)


async def test_an_answer_for_everybody_is_a_message_of_its_own(fake: FakeDiscord) -> None:
    card = Card(title="For all", tone=Tone.INFO, fallback="x", mentions=("user:7",))
    async with listening(fake, Desk(reply=Reply(card=card, is_private=False))):
        interaction = await fake.interact("status", answers=2)

    private, public = interaction.answers
    assert (private["flags"], public["flags"]) == (1 << 6, 0)
    assert "For all" in interaction.texts[1]
    assert public["mentions"] == [{"id": "7"}]


async def test_a_private_answer_rings_nobody(fake: FakeDiscord) -> None:
    card = Card(title="x", tone=Tone.INFO, fallback="x", mentions=("user:7",))
    async with listening(fake, Desk(reply=Reply(card=card))):
        interaction = await fake.interact("status")

    assert [answer["mentions"] for answer in interaction.answers] == [[]]


async def test_a_command_in_a_thread_is_asked_in_its_channel(fake: FakeDiscord) -> None:
    thread = fake.add_channel("500000000000000001")
    thread.parent = CHANNEL
    desk = Desk()
    async with listening(fake, desk):
        await fake.interact("status", channel=thread.id)

    assert [ask["channel"] for ask in desk.asked] == [f"discord:{CHANNEL}"]


async def test_choices_defaults_and_texts_come_from_the_definition(fake: FakeDiscord) -> None:
    async with listening(fake, Desk()):
        [root] = fake.commands

    assert [option["name"] for option in root["options"]] == ["status", "escalate"]
    by_name = {option["name"]: option for option in root["options"][1]["options"]}
    assert [o["name"] for o in by_name.values() if o.get("required")] == ["incident"]
    assert [c["value"] for c in by_name["impact"]["choices"]] == [impact.value for impact in Impact]
    assert "choices" not in by_name["many"]
    assert root["options"][1]["description"] == "Raise or lower an incident's impact."
    assert len(root["options"][0]["options"][1]["description"]) == 100


async def test_words_left_out_are_left_to_the_dispatcher(fake: FakeDiscord) -> None:
    desk = Desk()
    async with listening(fake, desk):
        await fake.interact("escalate", {"incident": "INC-1", "impact": "minor"})

    assert [ask["words"] for ask in desk.asked] == [{"incident": "INC-1", "impact": "minor"}]


async def test_commands_are_synced_only_when_they_changed(fake: FakeDiscord) -> None:
    for _ in range(2):
        async with listening(fake, Desk()):
            pass
    assert fake.calls["put_commands"] == 1

    async with listening(fake, Desk(commands=(STATUS,))):
        pass

    assert (fake.calls["put_commands"], len(fake.commands[0]["options"])) == (2, 1)


async def test_all_our_commands_fit_into_what_discord_takes(fake: FakeDiscord) -> None:
    """The fake judges names, lengths, numbers of options and the 8,000 characters of the whole."""
    async with listening(fake, Desk(commands=COMMANDS)):
        [root] = fake.commands

    assert [option["name"] for option in root["options"]] == [command.name for command in COMMANDS]


async def test_suggestions_come_from_the_hook(fake: FakeDiscord) -> None:
    async def complete(name: str, parameter: str, typed: str) -> list[str]:
        return [f"{name} {parameter} {typed}", *map(str, range(40))]

    async with listening(fake, Desk(), complete=complete):
        offered = await fake.suggest("status", "target", "aw")

    assert (offered[0], len(offered)) == ("status target aw", 25)


async def test_a_redelivered_interaction_is_carried_out_once(fake: FakeDiscord) -> None:
    """Discord tells the second one that it was acknowledged; `once` covers what that does not."""
    desk = Desk()
    async with listening(fake, desk):
        interaction = await fake.interact("status")
        await fake.gateway.repeat(interaction)
        while fake.calls["interaction_callback"] < 2:
            await asyncio.sleep(0.01)
        await fake.interact("status")

    assert len({ask["once"] for ask in desk.asked}) == len(desk.asked) == 2


async def test_only_servers_are_asked_for(fake: FakeDiscord) -> None:
    """Neither messages nor members: no privileged intent is needed."""
    async with listening(fake, Desk()):
        pass

    assert [identify["intents"] for identify in fake.gateway.identifies] == [1]


@pytest.mark.parametrize("how", ["cut", "asked"])
async def test_a_dropped_connection_is_resumed_and_misses_nothing(fake: FakeDiscord, how: str) -> None:
    async with listening(fake, Desk()):
        await (
            fake.gateway.cut(1006 if how == "never" else 4000)
            if how == "cut"
            else fake.gateway.ask_to_reconnect()
        )

        interaction = await fake.interact("status")

    assert len(interaction.answers) == 1
    assert (len(fake.gateway.identifies), len(fake.gateway.resumes)) == (1, 1)


async def test_a_wrong_token_is_refused_with_a_remedy(fake: FakeDiscord) -> None:
    with pytest.raises(Refused) as caught:
        await listen(Desk(), token="wrong", api_url=fake.api_url, gateway_url=fake.gateway_url)

    assert "token" in caught.value.remedy


async def test_a_gateway_that_is_away_is_unavailable(fake: FakeDiscord) -> None:
    with pytest.raises(Unavailable):
        await listen(Desk(), token=fake.token, api_url=fake.api_url, gateway_url="ws://127.0.0.1:9/gateway")


async def test_a_token_taken_away_ends_the_connection(fake: FakeDiscord) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_ended(fake))
        await fake.gateway.wait_connected()
        await fake.gateway.cut(4004)

    assert isinstance(task.result(), Refused | Unavailable)


async def _ended(fake: FakeDiscord) -> BaseException:
    try:
        await listen(Desk(), token=fake.token, api_url=fake.api_url, gateway_url=fake.gateway_url)
    except (Refused, Unavailable) as error:
        return error
    raise AssertionError("it ended without a word")


async def test_nothing_is_left_running_after_a_stop(fake: FakeDiscord) -> None:
    before = asyncio.all_tasks()
    async with listening(fake, Desk()):
        await fake.interact("status")
        serving = {task for task in asyncio.all_tasks() if "RequestHandler" in repr(task)}

    for _ in range(50):  # the server's side of a connection ends a moment later
        left = asyncio.all_tasks() - before - serving
        if not left:
            break
        await asyncio.sleep(0.02)
    assert left == set()
    keepers = [t for t in threading.enumerate() if t.name.startswith("keep-alive-handler")]
    for keeper in keepers:
        await asyncio.to_thread(keeper.join, 2)
    assert [keeper for keeper in keepers if keeper.is_alive()] == []


async def test_an_answer_under_way_is_finished_before_the_stop(fake: FakeDiscord) -> None:
    gate = asyncio.Event()
    desk = Desk(wait=gate.wait)
    async with listening(fake, desk):
        asking = asyncio.ensure_future(fake.interact("status"))
        while not desk.asked:
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.1, gate.set)

    interaction = await asking
    assert len(interaction.answers) == 1


def test_the_invite_link_asks_for_exactly_what_is_used() -> None:
    """View channels, send messages, embed links, read history, begin public threads, write in threads, pin messages."""
    wanted = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 16 | 1 << 35 | 1 << 38 | 1 << 51

    assert (PERMISSIONS.value, wanted) == (2252109051415552, wanted)
    assert invite_link("400000000000000001") == (
        "https://discord.com/oauth2/authorize?client_id=400000000000000001"
        "&scope=bot+applications.commands&permissions=2252109051415552"
    )
