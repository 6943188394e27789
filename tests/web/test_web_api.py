"""The data routes and the pages as HTML: what they tell, and what they do when something is off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, Counter
from redis.asyncio import Redis

from bot.chats.console.client import ConsoleChat
from bot.commands.spec import Front, Reply
from bot.domain.card import Card, Field, Section, Tone
from bot.domain.trust import SourceState
from bot.web import api
from bot.web.api import COMMAND_MAX_CHARS
from bot.web.app import HEADLINES_SHOWN, OPERATOR
from bot.web.pages import SourceLine, age_words, background, chips, counted, facts, story, when
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import BEGIN, Client, FakeDispatch, FakeState, MakeClient, card
from tests.web.day import POSTS, headline, tell

HOSTILE = "</p><script>alert(1)</script><img src=x onerror=alert(1)>\"'"


async def test_the_state_is_told_as_json(client: Client) -> None:
    told = await (await client.get("/api/state")).json()

    assert (
        told["now"],
        told["is_virtual"],
        told["speed"],
        told["open_incidents"],
    ) == ("2025-10-20T09:25:30Z", True, 400, 2)
    assert told["sources"][2] == {"name": "github", "state": "late", "age": 240.0, "detail": ""}
    assert [service["name"] for service in told["services"]] == ["checkout", "sessions", "search"]
    assert told["channels"] == {"ops": 0, "payments": 0, "status-updates": 0}


async def test_a_channel_is_told_newest_headline_first_with_its_threads(
    client: Client, console: ConsoleChat, clock: FakeClock
) -> None:
    await tell(console, clock)

    told = await (await client.get("/api/channels/ops")).json()

    assert (told["is_whole"], [h["id"] for h in told["headlines"]]) == (True, ["aws", "stripe", "github"])
    aws = told["headlines"][0]
    assert (
        aws["edits"],
        aws["posted_at"],
        aws["card"]["fields"][1]["value"],
    ) == (4, "2025-10-20T07:11:00Z", "SEV1")
    assert [post[2] for post in POSTS[1:]] == [r["card"]["sections"][0]["text"] for r in aws["replies"]]


async def test_only_what_changed_since_a_revision_is_told(client: Client, console: ConsoleChat) -> None:
    first = await console.post("ops", card(), key="one")
    await console.post("ops", card(), key="two")
    seen = (await (await client.get("/api/channels/ops")).json())["revision"]
    await console.edit(first, card("Found it."))

    told = await (await client.get(f"/api/channels/ops?since={seen}")).json()

    assert (told["is_whole"], [h["id"] for h in told["headlines"]]) == (False, ["one"])


@pytest.mark.parametrize("since", ["999999", "-1", "x", "", "٣", "9" * 400])
async def test_a_revision_that_never_was_gives_everything(
    client: Client, console: ConsoleChat, since: str
) -> None:
    await console.post("ops", card(), key="one")

    told = await (await client.get("/api/channels/ops", params={"since": since})).json()

    assert (told["is_whole"], len(told["headlines"])) == (True, 1)


async def test_an_unknown_channel_is_not_found_in_words(client: Client) -> None:
    for path in ("/api/channels/none", "/events?channel=none", "/events"):
        answer = await client.get(path)
        assert (answer.status, (await answer.json())["error"][:19]) == (404, "there is no channel")


async def test_a_command_is_run_by_the_operator_and_its_reply_told(
    client: Client, dispatch: FakeDispatch
) -> None:
    body = {"text": " /incident ack INC-1 ", "channel": "ops", "once": "abc-1"}

    told = await (await client.post("/api/command", json=body)).json()

    assert dispatch.asked == [("ack INC-1", OPERATOR, Front.CONSOLE, "console:ops", "abc-1")]
    assert (told["card"]["title"], told["is_private"], told["is_error"]) == ("INC-1 is yours", True, False)
    assert "INC-1 is yours" in told["html"]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '"x"', "{}", '{"text": ""}', '{"text": "  "}', '{"text": 7}', '{"text": ["a"]}',
     json.dumps({"text": "x" * (COMMAND_MAX_CHARS + 1)}), '{"text": "\\ud800"', "\xff", "[" * 60_000],
)  # fmt: skip
async def test_a_body_that_is_no_command_is_refused_in_words(
    client: Client, dispatch: FakeDispatch, body: str
) -> None:
    answer = await client.post(
        "/api/command", data=body.encode(), headers={"Content-Type": "application/json"}
    )

    assert (answer.status, dispatch.asked) == (400, [])
    assert (await answer.json())["error"]


@pytest.mark.parametrize("odd", [{"once": "../.."}, {"once": 7}, {"channel": "nowhere"}, {"channel": {}}])
async def test_odd_extras_of_a_command_are_left_out(
    client: Client, dispatch: FakeDispatch, odd: dict[str, object]
) -> None:
    answer = await client.post("/api/command", json={"text": "help"} | odd)

    assert (answer.status, dispatch.asked) == (200, [("help", OPERATOR, Front.CONSOLE, "console:", None)])


async def test_text_from_outside_is_escaped_wherever_it_stands(
    client: Client, console: ConsoleChat, dispatch: FakeDispatch
) -> None:
    hostile = Card(
        title=HOSTILE,
        tone=Tone.MINOR,
        fallback=HOSTILE,
        url="javascript:alert(1)",
        fields=(Field(name=f"Status{HOSTILE}", value=HOSTILE), Field(name="Severity", value=HOSTILE)),
        sections=(Section(heading=HOSTILE, text=HOSTILE, at=BEGIN), Section(heading=HOSTILE, text=HOSTILE)),
        footer=HOSTILE,
    )
    receipt = await console.post("ops", hostile, key="k")
    await console.post("ops", hostile, key="r", thread=receipt)
    dispatch.reply = Reply(card=hostile)

    page = await (await client.get("/")).text()
    answer = await (await client.post("/api/command", json={"text": HOSTILE})).json()

    for html in (page, answer["html"]):
        assert "&lt;script&gt;" in html
        assert "<script>" not in html
        assert "<img" not in html
        assert "javascript:" not in html


async def test_without_the_store_everything_says_so_and_the_page_still_opens(
    make_client: MakeClient, away: ConsoleChat
) -> None:
    client = await make_client(console=away)

    answers = [
        await client.get(path)
        for path in ("/api/state", "/api/channels/ops", "/events?channel=ops", "/readyz")
    ]
    page = await client.get("/")

    assert [answer.status for answer in answers] == [503] * 4
    assert {"error"} == set(await answers[0].json())
    assert page.status == 200
    assert "The store does not answer." in await page.text()


async def test_a_command_that_hangs_is_given_up_in_words(
    make_client: MakeClient, dispatch: FakeDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "COMMAND_TIMEOUT_S", 0.05)
    dispatch.delay_s = 30
    client = await make_client()

    answer = await client.post("/api/command", json={"text": "list"})

    assert answer.status == 504
    assert "look whether it was carried out" in (await answer.json())["error"]


async def test_probes_tell_whether_loops_turn(make_client: MakeClient) -> None:
    alive, dead = await make_client(), await make_client(is_alive=lambda: False)

    assert [
        (await alive.get("/healthz")).status,
        (await alive.get("/readyz")).status,
        (await dead.get("/healthz")).status,
    ] == [200, 200, 503]


async def test_metrics_of_the_given_registry_are_told(make_client: MakeClient) -> None:
    registry = CollectorRegistry()
    Counter("bells_total", "Rung", registry=registry).inc()
    client = await make_client(registry=registry)

    answer = await client.get("/metrics")

    assert "bells_total 1.0" in await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_the_page_without_channels_says_so(
    make_client: MakeClient, redis: Redis, clock: FakeClock
) -> None:
    client = await make_client(console=ConsoleChat(redis, clock=clock))

    assert "No channel is configured" in await (await client.get("/")).text()


async def test_people_get_a_page_and_programs_get_json_when_something_is_missing(client: Client) -> None:
    page = await client.get("/nowhere", headers={"Accept": "text/html"})
    told = await client.get("/nowhere")

    assert (page.status, page.content_type) == (404, "text/html")
    assert (told.status, await told.json()) == (404, {"error": "404: Not Found"})


async def test_the_page_shows_the_channel_asked_for(client: Client, console: ConsoleChat) -> None:
    await console.post("payments", card("Only here."), key="k")

    assert "Only here." in await (await client.get("/?channel=payments")).text()
    assert "Only here." not in await (await client.get("/?channel=ops")).text()
    assert "Only here." not in await (await client.get("/?channel=nowhere")).text()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "never"), (-3, "0 s"), (0, "0 s"), (89, "89 s"), (90, "1 min"), (5399, "89 min"), (5400, "1 h"),
     (172_799, "47 h"), (172_800, "2 d")],
)  # fmt: skip
def test_an_age_in_words_never_looks_older_than_it_is(seconds: int | None, words: str) -> None:
    assert words == age_words(None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("days", "words"), [(0, "07:11 UTC"), (1, "20 Oct, 07:11 UTC"), (365, "20 Oct 2025, 07:11 UTC")]
)
def test_a_time_has_its_date_on_other_days(days: int, words: str) -> None:
    assert words == when(BEGIN, BEGIN + timedelta(days=days))


def test_a_noun_is_counted() -> None:
    assert [
        counted(1, "reply"), counted(2, "reply"), counted(1, "update"), counted(0, "update")
    ] == ["1 reply", "2 replies", "1 update", "0 updates"]  # fmt: skip


def test_a_card_is_split_into_chips_facts_story_and_background() -> None:
    shown = headline(5)

    assert [field.name for field in chips(shown)] == ["Severity", "Status"]
    assert [field.name for field in facts(shown)] == [
        "Impact",
        "Began",
        "Acknowledged",
        "Our services",
        "Where",
    ]
    assert (
        [s.heading for s in story(shown)],
        [s.heading for s in background(shown)],
    ) == (["Identified"], ["Before"])


def test_a_card_without_dates_is_all_story() -> None:
    undated = card(sections=(Section(text="one"), Section(text="two")))

    assert ([s.text for s in story(undated)], background(undated)) == (["one", "two"], [])


async def test_bytes_of_a_charset_that_nobody_knows_are_refused_in_words(
    client: Client, dispatch: FakeDispatch
) -> None:
    headers = {"Content-Type": "application/json; charset=nope"}

    answer = await client.post("/api/command", data=b'{"text": "help"}', headers=headers)

    assert (answer.status, dispatch.asked) == (400, [])


@pytest.mark.parametrize(
    ("sources", "open_incidents", "mood", "words"),
    [
        ((SourceState.FRESH, SourceState.LATE), 0, "calm", "All calm"),
        ((SourceState.FRESH, SourceState.UNREACHABLE), 0, "fog", "1 of 2 sources cannot be seen"),
        ((SourceState.UNSEEN,), 0, "fog", "1 of 1 source cannot be seen"),
        ((), 0, "fog", "Nothing is watched"),
        ((SourceState.UNSEEN, SourceState.FRESH), 2, "alert", "1 of 2 sources cannot be seen"),
    ],
)
async def test_what_cannot_be_seen_is_never_called_calm(
    client: Client,
    state: FakeState,
    sources: tuple[SourceState, ...],
    open_incidents: int,
    mood: str,
    words: str,
) -> None:
    lines = tuple(SourceLine(name=f"s{n}", state=seen) for n, seen in enumerate(sources))
    state.shown = replace(state.shown, sources=lines, open_incidents=open_incidents)

    html = await (await client.get("/")).text()

    assert f'<body class="is-{mood}">' in html
    assert words in html
    assert ("All calm" in html) == (mood == "calm")


async def test_a_page_that_leaves_out_old_headlines_says_so(client: Client, console: ConsoleChat) -> None:
    for number in range(HEADLINES_SHOWN - 1):
        await console.post("ops", card(), key=f"k{number}")
    assert "The newest" not in await (await client.get("/")).text()

    await console.post("ops", card(), key="last")

    assert f"The newest {HEADLINES_SHOWN} are here" in await (await client.get("/")).text()
