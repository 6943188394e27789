"""`list`, `show`, `ack` and `silence`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.commands.lines import age_words
from bot.domain.incident import Acknowledgement, Claim, Closure
from bot.domain.observation import Observation, Update
from bot.domain.trust import SourceState
from bot.domain.words import Impact, Status
from tests.fakes.desk import NOON, Desk, outage, report, words

SAID = Observation(
    provider="aws",
    format="aws-rss",
    key="e1",
    is_native=True,
    title="Increased error rates",
    status=Status.INVESTIGATING,
    impact=Impact.MAJOR,
)


async def test_list_shows_one_line_for_each_open_incident(desk: Desk) -> None:
    desk.incidents.put(
        outage(),
        outage("INC-13", title="Two\nlines", began_at=None),
        outage("INC-14", status=Status.RESOLVED),
    )

    reply = await desk.say("list")

    assert reply.card.title == "2 open incidents"
    assert reply.card.sections[0].text.splitlines() == [
        "INC-12 · SEV2 · AWS · investigating · Increased error rates · 4 h 46 min · https://status.example/1",
        "INC-13 · SEV2 · AWS · investigating · Two lines · 4 h 0 min · https://status.example/1",
    ]


async def test_an_empty_list_says_what_cannot_be_seen(desk: Desk) -> None:
    assert (await desk.say("list")).card.title == "No incident is open"

    desk.sources.reports = (report("aws", SourceState.UNREACHABLE),)
    reply = await desk.say("list")

    assert reply.card.title == "No incident is known, but not everything can be seen"
    assert "cannot see AWS since" in words(reply)


async def test_show_tells_the_facts_and_the_newest_first(desk: Desk) -> None:
    updates = tuple(
        Update(
            id=f"u{n}", text=f"text {n}", posted_at=NOON - timedelta(hours=9 - n), status=Status.IDENTIFIED
        )
        for n in range(9)
    )
    claim = Claim(source="aws-rss", said=SAID, seen_at=NOON - timedelta(hours=1), gone=Closure.UNLISTED)
    desk.incidents.put(
        outage(updates=updates, claims=(claim,), acknowledged=Acknowledgement(by="Bob", at=NOON))
    )

    reply = await desk.say("show #12")

    assert reply.card.title == "AWS: Increased error rates"
    assert reply.card.url == "https://status.example/1"
    assert [s.text for s in reply.card.sections if s.at] == ["text 8", "text 7", "text 6", "text 5", "text 4"]
    facts = {field.name: field.value for field in reply.card.fields}
    assert {
        "Status": "Investigating",
        "Severity": "SEV2",
        "Acknowledged": "Bob, 2025-10-20 12:00 UTC",
    }.items() <= facts.items()
    assert "and 4 earlier updates" in words(reply)
    assert (
        "aws-rss says investigating, impact major (changed 2025-10-20 11:00 UTC, no longer listed)"
        in words(reply)
    )
    assert "aws/dynamodb@us-east-1" in words(reply)


async def test_show_works_for_what_is_over_and_cuts_long_texts(desk: Desk) -> None:
    desk.incidents.put(outage(status=Status.RESOLVED, updates=(Update(id="u", text="x" * 8_000),)))

    reply = await desk.say("show 12")

    assert not reply.is_error
    assert len(words(reply)) < 1_500


async def test_show_says_that_an_incident_is_silenced(desk: Desk) -> None:
    desk.incidents.put(outage())
    await desk.say("silence 12 45m")

    assert "until 2025-10-20 12:45 UTC" in words(await desk.say("show 12"))


async def test_ack_puts_a_name_on_it_for_all_to_see(desk: Desk) -> None:
    desk.incidents.put(outage())

    reply = await desk.say("ack 12")

    assert reply.card.title == "Ann is on INC-12 since 2025-10-20 12:00 UTC"
    assert not reply.is_private


async def test_a_second_ack_names_the_first_and_tells_nobody_else(desk: Desk) -> None:
    desk.incidents.put(outage(acknowledged=Acknowledgement(by="Bob", at=NOON - timedelta(hours=1))))

    reply = await desk.say("ack 12")

    assert reply.card.title == "Already: Bob is on INC-12 since 2025-10-20 11:00 UTC"
    assert reply.is_private
    assert desk.acknowledge.calls == []


async def test_what_is_over_cannot_be_acknowledged(desk: Desk) -> None:
    desk.incidents.put(outage(status=Status.RESOLVED))

    reply = await desk.say("ack 12")

    assert reply.is_error
    assert "INC-12 is over (resolved)" in words(reply)


async def test_ack_of_nothing_open_says_so(desk: Desk) -> None:
    assert "No incident is open." in words(await desk.say("ack"))


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("12", "INC-12"),
        ("inc-12", "INC-12"),
        ("AWS", "aws"),
        ("Checkout", "checkout"),
        ('"Google Cloud"', "gcp"),
        ("aws/DynamoDB", "aws/DynamoDB"),
        ("AWS/dynamodb@us-east-1", "aws/dynamodb@us-east-1"),
        ("aws@us-east-1", "aws@us-east-1"),
    ],
)
async def test_a_silence_is_kept_in_the_one_spelling_of_its_target(
    desk: Desk, typed: str, target: str
) -> None:
    desk.incidents.put(outage())

    reply = await desk.say(f"silence {typed} 2h waiting for them")

    held = [(s.target, s.until, s.by, s.why) for s in desk.silences.held.values()]
    assert [(target, NOON + timedelta(hours=2), "Ann", "waiting for them")] == held
    assert f"Silenced: {target} until 2025-10-20 14:00 UTC, by Ann: waiting for them" == reply.card.title
    assert not reply.is_private


@pytest.mark.parametrize("typed", ["99", "azure", "azure/vm", "service:checkout", "a@@b", "chekout"])
async def test_what_does_not_exist_cannot_be_silenced(desk: Desk, typed: str) -> None:
    reply = await desk.say(f"silence {typed} 2h")

    assert reply.is_error
    assert desk.silences.held == {}


async def test_a_silence_says_what_is_quiet_now(desk: Desk) -> None:
    desk.incidents.put(outage(), outage("INC-13", provider="gcp", places=(), affected=()))

    reply = await desk.say("silence checkout 2h")

    assert [line.split(" ")[0] for line in reply.card.sections[-1].text.splitlines()] == ["INC-12"]


async def test_a_new_silence_replaces_the_old_one_and_off_ends_it(desk: Desk) -> None:
    await desk.say("silence aws 2h")
    await desk.say("silence AWS 45m")
    assert [NOON + timedelta(minutes=45)] == [s.until for s in await desk.silences.active(NOON)]

    reply = await desk.say("silence aws off")

    assert reply.card.title == "No longer silenced: aws"
    assert await desk.silences.active(NOON) == ()


@pytest.mark.parametrize("typed", ["2", "soon", "31d", "0m", "-5m"])
async def test_a_wrong_duration_is_answered_with_examples(desk: Desk, typed: str) -> None:
    reply = await desk.say(f"silence aws {typed}")

    assert reply.is_error
    assert "2h" in words(reply) or "at most 30 days" in words(reply)


async def test_help_lists_all_and_teaches_one_by_example(desk: Desk) -> None:
    overview, lesson = words(await desk.say("help")), words(await desk.say("help silence"))

    assert overview == words(await desk.say("   "))
    assert all(c.usage in overview and c.help in overview for c in desk.dispatcher.commands)
    assert "silence aws 2h they know, we wait" in lesson
    assert "<duration>: How long, such as 45m" in lesson
    assert "responder and above" in lesson


async def test_help_on_what_does_not_exist_guesses(desk: Desk) -> None:
    assert 'Did you mean "silence"?' in words(await desk.say("help silense"))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(seconds=-1), "not begun"),
        (timedelta(seconds=59), "under a minute"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
)
def test_an_age_is_as_exact_as_people_need(age: timedelta, expected: str) -> None:
    assert expected == age_words(age)
