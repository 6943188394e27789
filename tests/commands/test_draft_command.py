"""`draft`: a text for customers, for the one who asks."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.trust import SourceState
from bot.domain.words import Kind, Status
from bot.notices import draft
from tests.fakes.desk import NOON, Desk, outage, report, words


async def test_a_draft_is_private_and_ready_to_copy(desk: Desk) -> None:
    desk.incidents.put(outage())

    reply = await desk.say("draft 12")

    assert reply.is_private
    assert reply.card.title == "Draft for INC-12: investigating"
    assert reply.card.sections[0].heading == "Copy and edit"
    assert reply.card.sections[0].text.startswith("We are investigating a problem with Checkout.")
    assert "Next update by 13:00 UTC." in reply.card.sections[0].text
    assert "next update by 2025-10-20 13:00 UTC" in reply.card.footer


async def test_what_to_check_stands_beside_it(desk: Desk) -> None:
    desk.incidents.put(outage(affected=(), severity=None))
    desk.sources.reports = (report("aws", SourceState.UNREACHABLE, last_good_at=NOON - timedelta(hours=1)),)

    text = words(await desk.say("draft 12"))

    assert "• This may be out of date: cannot see AWS since 2025-10-20 11:00 UTC." in text
    assert "• No service of yours is mapped to INC-12: say who is affected." in text
    assert "• Nobody has acknowledged INC-12" in text


async def test_a_stage_and_a_cause_are_the_persons_own(desk: Desk) -> None:
    desk.incidents.put(outage())

    text = words(await desk.say("draft 12 identified network"))

    assert "We have identified the cause: a network fault." in text
    assert "INC-12 is investigating, the draft says identified" in text


async def test_work_that_is_only_announced_needs_a_stage(desk: Desk) -> None:
    desk.incidents.put(outage(kind=Kind.MAINTENANCE, status=Status.SCHEDULED))

    refused, asked = await desk.say("draft 12"), await desk.say("draft 12 investigating")

    assert refused.is_error
    assert '"draft INC-12 investigating"' in words(refused)
    assert "This is planned work" in words(asked)


async def test_customers_have_no_part_in_what_fogbell_cannot_see(desk: Desk) -> None:
    desk.incidents.put(outage(kind=Kind.BLINDNESS))
    refused = await desk.say("draft 12 investigating")

    assert refused.is_error
    assert "what Fogbell can see" in words(refused)


async def test_the_provider_is_named_only_where_the_configuration_says_so(desk: Desk) -> None:
    desk.incidents.put(outage(status=Status.IDENTIFIED))

    unnamed = (await desk.say("draft 12")).card.sections[0].text
    desk.dispatcher.drafts = draft.load(names_providers=True)
    named = (await desk.say("draft 12")).card.sections[0].text

    assert "A provider that we depend on reports a problem." in unnamed
    assert "AWS" not in unnamed
    assert "AWS, a provider that we depend on, reports a problem." in named
