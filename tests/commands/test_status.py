"""`status` answers "are we hit?", and never calls fine what it cannot see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands.services import providers_of
from bot.domain.card import Tone
from bot.domain.observation import SELF
from bot.domain.rules import Rules
from bot.domain.services import Affected, Service, parse_need
from bot.domain.trust import SourceReport, SourceState
from bot.domain.words import Impact, Kind, Severity, Status
from tests.fakes.desk import NOON, Desk, outage, report, words

PERHAPS = (Affected(service="search", tier=2, path=("search", "gcp"), is_certain=False),)


async def test_nothing_open_and_everything_seen_is_the_only_calm_answer(desk: Desk) -> None:
    reply = await desk.say("status")

    assert reply.card.title == "No: nothing is open, every source is fresh"
    assert Tone.OVER is reply.card.tone
    assert "AWS is fresh: seen 2025-10-20 11:59 UTC" in words(reply)


@pytest.mark.parametrize(
    ("seen", "title", "line"),
    [
        pytest.param(
            report("aws", SourceState.UNREACHABLE, last_good_at=NOON - timedelta(hours=4, minutes=46)),
            "Cannot say: AWS cannot be seen",
            "cannot see AWS since 2025-10-20 07:14 UTC",
            id="unreachable",
        ),
        pytest.param(
            SourceReport(provider="aws", name="aws-rss", state=SourceState.UNSEEN),
            "Cannot say: AWS cannot be seen",
            "cannot see AWS (aws-rss): there was no good look yet",
            id="never seen",
        ),
        pytest.param(
            SourceReport(provider="aws", name="aws", state=SourceState.UNSEEN, reason="it answered 404"),
            "Cannot say: AWS cannot be seen",
            "cannot see AWS: it answered 404",
            id="never seen, and why",
        ),
        pytest.param(
            report("aws", SourceState.LATE, last_good_at=NOON - timedelta(minutes=9)),
            "No sign of it, but not all sources are up to date",
            "AWS is late: last seen 2025-10-20 11:51 UTC",
            id="late",
        ),
    ],
)
async def test_a_source_that_is_not_seen_is_never_green(
    desk: Desk, seen: SourceReport, title: str, line: str
) -> None:
    desk.sources.reports = (report("gcp"), seen)

    reply = await desk.say("status")

    assert title == reply.card.title
    assert Tone.OVER is not reply.card.tone
    assert line == reply.card.sections[0].text.splitlines()[0]


async def test_without_any_source_nothing_can_be_said(desk: Desk) -> None:
    desk.sources.reports = ()

    assert (await desk.say("status")).card.title == "Cannot say: nothing is watched"


async def test_a_hit_is_told_with_its_why(desk: Desk) -> None:
    desk.incidents.put(outage())

    reply = await desk.say("status")

    assert reply.card.title == "Yes, hit: checkout"
    assert Tone.MAJOR is reply.card.tone
    assert "checkout because of aws/dynamodb@us-east-1 (INC-12)" in words(reply)
    expected = (
        "INC-12 · SEV2 · AWS · investigating · Increased error rates · 4 h 46 min · https://status.example/1"
    )
    assert expected in words(reply)


async def test_a_hit_that_nobody_is_sure_of_is_perhaps(desk: Desk) -> None:
    desk.incidents.put(outage(provider="gcp", affected=PERHAPS))

    reply = await desk.say("status")

    assert reply.card.title == "Perhaps: search may be hit"
    assert "perhaps search because of gcp (INC-12)" in words(reply)


async def test_an_incident_elsewhere_is_no_hit(desk: Desk) -> None:
    desk.incidents.put(outage(affected=(), severity=None))

    assert (await desk.say("status")).card.title == "Not known to be hit, but 1 incident is open"


async def test_a_hit_is_told_even_when_another_source_is_blind(desk: Desk) -> None:
    desk.incidents.put(outage())
    desk.sources.reports = (report("aws"), report("gcp", SourceState.UNREACHABLE))

    reply = await desk.say("status")

    assert reply.card.title == "Yes, hit: checkout"
    assert "cannot see Google Cloud" in words(reply)


async def test_without_services_it_says_that_it_cannot_judge(desk: Desk) -> None:
    desk.incidents.put(outage(affected=(), severity=None))
    desk.dispatcher.rules = Rules()

    assert "none of your services is configured" in (await desk.say("status")).card.title


async def test_work_that_is_only_announced_is_no_hit(desk: Desk) -> None:
    desk.incidents.put(outage(kind=Kind.MAINTENANCE, status=Status.SCHEDULED))

    reply = await desk.say("status")

    assert reply.card.title == "No: nothing is open, every source is fresh"
    assert "scheduled" in words(reply)


async def test_the_worst_severity_comes_first_and_none_comes_last(desk: Desk) -> None:
    desk.incidents.put(
        outage("INC-1", severity=None, affected=(), impact=Impact.CRITICAL),
        outage("INC-2", severity=Severity.SEV3),
        outage("INC-3", severity=Severity.SEV1, provider="gcp"),
    )

    text = words(await desk.say("status"))

    assert sorted((f"INC-{n} ·" for n in (1, 2, 3)), key=text.index) == ["INC-3 ·", "INC-2 ·", "INC-1 ·"]


async def test_of_equal_severity_the_greater_impact_comes_first(desk: Desk) -> None:
    desk.incidents.put(outage("INC-1", impact=Impact.MINOR), outage("INC-2", impact=Impact.CRITICAL))

    text = words(await desk.say("list"))

    assert text.index("INC-2") < text.index("INC-1")


async def test_a_silence_is_shown_so_that_quiet_is_understood(desk: Desk) -> None:
    await desk.say("silence gcp 2h they know")

    assert "gcp until 2025-10-20 14:00 UTC, by Ann: they know" in words(await desk.say("status"))


@pytest.mark.parametrize("typed", ["aws", "AWS"])
async def test_a_provider_narrows_the_answer(desk: Desk, typed: str) -> None:
    desk.incidents.put(outage(), outage("INC-13", provider="gcp", affected=PERHAPS))
    desk.sources.reports = (report("aws"), report("gcp", SourceState.UNREACHABLE))

    reply = await desk.say(f"status {typed}")

    assert reply.card.title == "AWS: Yes, hit: checkout"
    assert "INC-13" not in words(reply)
    assert "Google Cloud" not in words(reply)


async def test_a_provider_may_be_named_as_people_name_it(desk: Desk) -> None:
    assert (await desk.say("status google cloud")).card.title.startswith("Google Cloud: No")


async def test_a_service_is_judged_by_all_that_it_needs_even_through_others(desk: Desk) -> None:
    """Search needs Google Cloud, and AWS through the checkout: blind there means unknown here."""
    desk.sources.reports = (report("aws", SourceState.UNREACHABLE), report("gcp"), report("azure"))

    reply = await desk.say("status search")

    assert reply.card.title == "search: Cannot say: AWS cannot be seen"
    assert "azure" not in words(reply)


async def test_a_service_is_not_called_hit_by_what_hits_another(desk: Desk) -> None:
    desk.incidents.put(outage())

    assert (await desk.say("status Checkout")).card.title == "checkout: Yes, it is hit"
    assert (
        await desk.say("status search")
    ).card.title == "search: No: nothing open hits it, every source is fresh"


async def test_a_service_may_be_hit_perhaps(desk: Desk) -> None:
    desk.incidents.put(outage(provider="gcp", affected=PERHAPS))

    assert (await desk.say("status search")).card.title == "search: Perhaps: it may be hit"


async def test_what_only_our_own_checks_say_is_told_as_such(desk: Desk) -> None:
    desk.incidents.put(
        outage(provider=SELF, affected=(Affected(service="checkout", tier=1, path=("checkout",)),))
    )

    assert "checkout because of its own checks (INC-12)" in words(await desk.say("status"))


async def test_an_unknown_name_is_guessed_and_the_known_ones_are_listed(desk: Desk) -> None:
    reply = await desk.say("status chekout")

    assert reply.is_error
    assert 'Did you mean "checkout"?' in words(reply)
    assert "Known: aws, gcp" in words(reply).replace("Our services, ", "")


async def test_a_storm_is_cut_and_counted(desk: Desk) -> None:
    desk.incidents.put(*(outage(f"INC-{n}") for n in range(1, 61)))

    reply = await desk.say("status")

    assert "and 40 more" in words(reply)
    assert len(words(reply)) < 6_000


def test_needs_that_go_in_a_circle_end() -> None:
    left = Service(name="left", needs=(parse_need("service:right"), parse_need("aws")))
    right = Service(name="right", needs=(parse_need("service:left"), parse_need("gcp")))

    assert {"aws", "gcp"} == providers_of(left, (left, right))
    assert {"aws"} == providers_of(left, (left, replace(right, needs=())))


async def test_one_service_hit_by_many_incidents_is_one_line(desk: Desk) -> None:
    hit = (Affected(service="search", tier=2, path=("search", "gcp"), is_certain=True),)
    for number in range(1, 8):
        desk.incidents.put(outage(f"INC-{number}", provider="gcp", affected=hit))

    reply = await desk.say("status")

    assert "search because of gcp (INC-1, INC-2, INC-3, INC-4 and 3 more)" in words(reply)
