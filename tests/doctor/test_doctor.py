"""What the doctor finds, against loopback feeds and chats and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.chats.discord.listen import invite_link
from bot.config import Config, load
from bot.config.models import Notices
from bot.doctor import Finding, Level, diagnose, ground
from bot.store.embedded import EmbeddedStore
from tests.fakes import feeds as fake
from tests.fakes.feeds import FeedServer

SUMMARY = '{"page": {"id": "x", "name": "Acme"}, "status": {"indicator": "none"}, "components": [], "incidents": []}'
TOKENS = {"SLACK": "xoxb-hunter2", "APP": "xapp-hunter2", "DISCORD": "disc-hunter2"}
SCOPES = "chat:write,pins:write,channels:history,commands,app_mentions:read"


@pytest_asyncio.fixture
async def feeds() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


def config(text: str, folder: Path) -> Config:
    return load(text, TOKENS, base=folder)


async def findings(text: str, folder: Path, *, probe_network: bool = True) -> list[Finding]:
    return [f async for f in diagnose(config(text, folder), probe_network=probe_network)]


async def about(what: str, text: str, folder: Path) -> list[tuple[Level, str]]:
    """Level and words of the findings that begin with `what`."""
    return [(f.level, f.what) for f in await findings(text, folder) if f.what.startswith(what)]


async def test_a_sound_configuration_has_only_good_findings(feeds: FeedServer, tmp_path: Path) -> None:
    feed, shop = feeds.serve("/feed", SUMMARY), feeds.serve("/health", "ok")
    text = f"""
    [[source]]
    name = "acme"
    url  = "{feed}"
    [[check]]
    name = "shop"
    url  = "{shop}"
    """

    found = await findings(text, tmp_path)

    assert {Level.OK} == {f.level for f in found}
    subjects = [f.what.split()[0].rstrip(":") for f in found]
    assert subjects == ["data", "templates", "store", "source", "check"]


async def test_without_the_network_no_feed_is_touched(feeds: FeedServer, tmp_path: Path) -> None:
    feed = feeds.serve("/feed", SUMMARY)

    await findings(f'[[source]]\nname = "acme"\nurl = "{feed}"', tmp_path, probe_network=False)

    assert feeds.hits["/feed"] == 0


@pytest.mark.parametrize(
    ("format_line", "fault", "words", "remedy"),
    [
        ("", fake.status(503), "answered 503", "in a browser"),
        ("", fake.html, "of no known format", "the address of its feed"),
        ('format = "gcp"', None, "is not of the format gcp", 'write format = "statuspage"'),
        ('format = "statuspage"', fake.html, "of no known format", "the address of its feed"),
    ],
)
async def test_a_source_that_cannot_be_used_is_bad_and_says_why(
    feeds: FeedServer, tmp_path: Path, format_line: str, fault: fake.Fault | None, words: str, remedy: str
) -> None:
    feed = feeds.serve("/feed", SUMMARY)
    if fault:
        feeds.fail("/feed", fault)
    text = f'[[source]]\nname = "acme"\nurl = "{feed}"\n{format_line}'

    (found,) = [f for f in await findings(text, tmp_path) if f.what.startswith("source acme")]

    assert found.level is Level.BAD
    assert words in found.what
    assert remedy in found.remedy


async def test_a_failing_check_is_a_warning_for_the_configuration_is_right(
    feeds: FeedServer, tmp_path: Path
) -> None:
    url = feeds.fail("/health", fake.status(503))

    found = await about("check", f'[[check]]\nname = "shop"\nurl = "{url}"', tmp_path)

    assert found == [(Level.WARN, f"check shop: {url} answered 503")]


async def test_odd_settings_come_first(tmp_path: Path) -> None:
    text = '[[service]]\nname = "a"\nneeds = "aws"'

    first = (await findings(text, tmp_path))[0]

    assert (first.level, first.what) == (
        Level.WARN,
        'service.0.needs.0: no source watches "aws"; add one to [[source]]',
    )


def test_a_data_folder_below_a_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert ground.data_folder(tmp_path / "file" / "data").level is Level.BAD
    assert ground.data_folder(tmp_path / "new" / "data").level is Level.OK


def test_a_template_with_a_mistake_is_bad(tmp_path: Path) -> None:
    (tmp_path / "investigating.j2").write_text("{{ nonsense }}")

    assert ground.templates(Notices(templates=tmp_path)).level is Level.BAD
    assert ground.templates(Notices(templates=tmp_path / "absent")).level is Level.BAD
    assert ground.templates(Notices()).level is Level.OK


async def test_a_store_that_does_not_answer_is_bad_and_shows_no_password(tmp_path: Path) -> None:
    (found,) = [
        f
        for f in await findings('[store]\nurl = "redis://:hunter2@127.0.0.1:9/0"', tmp_path)
        if f.what.startswith("store")
    ]

    assert found.level is Level.BAD
    assert "hunter2" not in f"{found}"


@pytest.mark.parametrize("kind", ["redis+sentinel", "redis+cluster"])
async def test_nobody_behind_a_store_of_several_servers_is_bad_as_well(tmp_path: Path, kind: str) -> None:
    path = "main" if kind == "redis+sentinel" else "0"
    (found,) = await about("store", f'[store]\nurl = "{kind}://127.0.0.1:9/{path}"', tmp_path)

    assert found[0] is Level.BAD


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_running_store_is_asked_for_version_and_persistence(tmp_path: Path, is_named: bool) -> None:
    """With an address as well as without, where the worker's own embedded server is found."""
    store = EmbeddedStore(tmp_path / "data")
    await store.start()
    try:
        found = await about("store", f'[store]\nurl = "{store.url}"' if is_named else "", tmp_path)
    finally:
        await store.stop()

    assert [level for level, _ in found] == [Level.OK]
    assert found[0][1].startswith("store: answers, version ")


@pytest.mark.parametrize(
    ("server", "offset_s", "expected"),
    [
        ({}, 0, []),
        ({"redis_version": "6.2.14"}, 0, ["store: version 6.2.14 has no functions"]),
        (
            {"maxmemory_policy": "allkeys-lru"},
            0,
            ["store: it forgets when memory is short (allkeys-lru)"],
        ),
        ({"aof_enabled": 0}, 0, ["store: a crash of the server loses the newest changes"]),
        ({"role": "slave"}, 0, ["store: this is a replica, which takes no writes"]),
        (
            {"connected_slaves": 2},
            0,
            ["store: it takes writes that no replica gets, and a fail-over loses them"],
        ),
        ({"connected_slaves": 2, "min_slaves_good_slaves": 2}, 0, []),
        ({}, -30, ["clocks: ours and the store's differ by 30 s"]),
    ],
)
def test_what_is_wrong_with_a_store_is_said(
    server: dict[str, Any], offset_s: int, expected: list[str]
) -> None:
    sound = {"redis_version": "7.2.4", "valkey_version": "9.1.2", "aof_enabled": 1, "role": "master"}

    found = list(ground.judged(sound | server, timedelta(seconds=offset_s)))

    assert expected == [f.what for f in found if f.level is not Level.OK]


Answer = tuple[int, dict[str, Any], dict[str, str]]


@pytest_asyncio.fixture
async def chat() -> AsyncIterator[Callable[[dict[str, Answer]], Awaitable[str]]]:
    """A chat's API that gives fixed answers by path, and refuses other tokens than ours."""
    runners: list[web.AppRunner] = []

    async def serve(answers: dict[str, Answer]) -> str:
        async def answer(request: web.Request) -> web.Response:
            assert request.headers["Authorization"].endswith("-hunter2")
            form = await request.post()
            key = request.path.removeprefix("/api/") + (f" {form['channel']}" if "channel" in form else "")
            status, body, headers = answers.get(key, (404, {"ok": False, "error": "unknown_method"}, {}))
            return web.json_response(body, status=status, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/api/"

    yield serve
    for runner in runners:
        await runner.cleanup()


def slack_config(api_url: str) -> str:
    return f"""
    [chat.slack]
    bot_token = {{ env = "SLACK" }}
    app_token = {{ env = "APP" }}
    api_url   = "{api_url}"
    [[group]]
    name     = "ops"
    channels = ["slack:C123", "console:main"]
    """


SIGNED_IN: Answer = (200, {"ok": True, "user": "fogbell", "team": "Acme"}, {"x-oauth-scopes": SCOPES})
SOCKET: Answer = (200, {"ok": True, "url": "wss://x"}, {})
ROOM: Answer = (200, {"ok": True, "messages": []}, {})


def refused(word: str) -> Answer:
    return 200, {"ok": False, "error": word}, {}


async def test_each_workspace_is_looked_at_by_its_own_name_and_address(chat: Any, tmp_path: Path) -> None:
    ours, acme = [
        await chat({"auth.test": SIGNED_IN, f"conversations.history {channel}": ROOM})
        for channel in ("C1", "C2")
    ]
    text = f"""
    [chat.slack]
    bot_token = {{ env = "SLACK" }}
    api_url   = "{ours}"
    [[chat.slack.workspace]]
    name      = "acme"
    bot_token = {{ env = "SLACK" }}
    api_url   = "{acme}"
    [[group]]
    name     = "ops"
    channels = ["slack:C1", "slack-acme:C2"]
    """

    found = await about("slack", text, tmp_path)

    assert [what for _, what in found if "signed in" in what or "read it back" in what] == [
        "slack: signed in as fogbell in Acme",
        "slack:C1: the bot is in it, and can read it back",
        "slack-acme: signed in as fogbell in Acme",
        "slack-acme:C2: the bot is in it, and can read it back",
    ]


async def test_a_sound_slack_is_signed_in_scoped_and_in_its_channels(chat: Any, tmp_path: Path) -> None:
    url = await chat(
        {"auth.test": SIGNED_IN, "conversations.history C123": ROOM, "apps.connections.open": SOCKET}
    )

    found = await about("slack", slack_config(url), tmp_path)

    assert found == [
        (Level.OK, "slack: signed in as fogbell in Acme"),
        (Level.OK, "slack: it has the scopes it needs"),
        (Level.OK, "slack:C123: the bot is in it, and can read it back"),
        (Level.OK, "slack: Socket Mode opens"),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"auth.test": (200, {"ok": False, "error": "invalid_auth"}, {})},
            (Level.BAD, "slack: the bot token is refused (invalid_auth)"),
        ),
        ({"auth.test": (502, {}, {})}, (Level.BAD, "slack: the bot token is refused (answered 502)")),
        (
            {"auth.test": (200, {"ok": True}, {"x-oauth-scopes": SCOPES.removeprefix("chat:write,")})},
            (Level.BAD, "slack: the scope chat:write is missing: nothing can be posted"),
        ),
        (
            {"auth.test": (200, {"ok": True}, {"x-oauth-scopes": SCOPES.replace("pins:write,", "")})},
            (Level.WARN, "slack: no scope pins:write: headlines are not pinned"),
        ),
        (
            {"auth.test": (200, {"ok": True}, {"x-oauth-scopes": SCOPES.replace("channels:history,", "")})},
            (Level.WARN, "slack: no scope channels:history: after a lost reply a post may be doubled"),
        ),
        (
            {"auth.test": (200, {"ok": True}, {"x-oauth-scopes": SCOPES.removesuffix(",app_mentions:read")})},
            (Level.WARN, "slack: no scope app_mentions:read: mentions in threads are not heard"),
        ),
        (
            {"conversations.history C123": refused("channel_not_found")},
            (Level.BAD, "slack:C123: channel_not_found"),
        ),
        (
            {"conversations.history C123": refused("missing_scope")},
            (Level.WARN, "slack:C123: cannot be looked at"),
        ),
        (
            {"conversations.history C123": refused("not_in_channel")},
            (Level.BAD, "slack:C123: the bot is not in it"),
        ),
        (
            {"conversations.history C123": refused("ratelimited")},
            (Level.WARN, "slack:C123: cannot be looked at: Slack asks us to wait"),
        ),
        (
            {"apps.connections.open": (200, {"ok": False, "error": "not_allowed_token_type"}, {})},
            (Level.BAD, "slack: Socket Mode does not open (not_allowed_token_type)"),
        ),
    ],
)
async def test_what_is_wrong_in_slack_is_said_without_the_token(
    chat: Any, tmp_path: Path, changes: dict[str, Answer], expected: tuple[Level, str]
) -> None:
    sound = {"auth.test": SIGNED_IN, "conversations.history C123": ROOM, "apps.connections.open": SOCKET}
    text = slack_config(await chat(sound | changes))

    found = [
        f for f in await findings(text, tmp_path) if f.what.startswith("slack") and f.level is not Level.OK
    ]

    assert [expected] == [(f.level, f.what) for f in found]
    assert all(f.remedy for f in found)
    assert "hunter2" not in f"{found}"


def discord_config(api_url: str) -> str:
    return f"""
    [chat.discord]
    token   = {{ env = "DISCORD" }}
    api_url = "{api_url}"
    [[group]]
    name     = "ops"
    channels = "discord:998877665544"
    """


@pytest.mark.parametrize(
    ("me", "channel", "expected"),
    [
        (200, (200, {"type": 0, "name": "ops"}, {}), (Level.OK, "discord:998877665544 (#ops): reachable")),
        (
            200,
            (200, {"type": 2, "name": "voice"}, {}),
            (Level.BAD, "discord:998877665544: is not a text channel"),
        ),
        (200, (403, {}, {}), (Level.BAD, "discord:998877665544: the bot may not see it")),
        (200, (404, {}, {}), (Level.BAD, "discord:998877665544: there is none")),
        (200, (500, {}, {}), (Level.WARN, "discord:998877665544: answered 500")),
        (401, (200, {}, {}), (Level.BAD, "discord: the token is refused (answered 401)")),
    ],
)
async def test_what_discord_answers_is_said(
    chat: Any, tmp_path: Path, me: int, channel: Answer, expected: tuple[Level, str]
) -> None:
    url = await chat({"users/@me": (me, {"username": "fogbell"}, {}), "channels/998877665544": channel})

    found = await about("discord", discord_config(url), tmp_path)

    assert expected == found[-1]


async def test_the_link_that_invites_the_discord_bot_is_shown(chat: Any, tmp_path: Path) -> None:
    url = await chat(
        {"users/@me": (200, {"username": "fogbell"}, {}), "applications/@me": (200, {"id": "42"}, {})}
    )

    found = await about("discord: where", discord_config(url), tmp_path)

    assert [level for level, _ in found] == [Level.OK]
    assert invite_link("42") in found[0][1]


async def test_a_chat_that_cannot_be_reached_is_one_bad_finding(tmp_path: Path) -> None:
    text = discord_config("http://127.0.0.1:9/api/") + slack_config("http://127.0.0.1:9/api/").replace(
        '"ops"', '"o2"'
    )

    found = [f for f in await findings(text, tmp_path) if f.what.startswith(("slack", "discord"))]

    assert [f.what for f in found] == [
        "slack: http://127.0.0.1:9/api/ cannot be reached: the connection was refused",
        "discord: http://127.0.0.1:9/api/ cannot be reached: the connection was refused",
    ]
