"""The whole day through parsers and rules, looked at every two minutes: what people are left with at the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.aws import aws_currentevents
from bot.demo.script import load_day
from bot.demo.statuspage import statuspage_summary
from bot.domain.decide import decide
from bot.domain.incident import Closure, Incident, Opening
from bot.domain.observation import Sighting
from bot.domain.rules import Rules
from bot.domain.services import Service, parse_need
from bot.domain.words import Kind, Severity
from bot.sources import FORMATS
from bot.sources.payload import Payload, Spec
from tests.fakes.store_fakes import FakeIncidents

DAY = load_day()
RULES = Rules(services=(Service(name="checkout", tier=1, needs=(parse_need("aws/dynamodb@us-east-1"),)),))
EVERY = timedelta(minutes=2)


def utc(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-10-20T{clock}+00:00")


def look(page: str, moment: datetime) -> Sighting:
    """What the watching loop would hand to the rules."""
    body = aws_currentevents(DAY, moment) if page == "aws" else statuspage_summary(DAY, page, moment)
    payload = Payload(body=body, fetched_at=moment)
    reader = FORMATS["aws-currentevents" if page == "aws" else "statuspage"]
    return Sighting(
        provider=page,
        source=page,
        seen_at=moment,
        observations=reader.parse(payload, Spec(provider=page)),
        listing=reader.listed(payload),
    )


async def day_of(page: str) -> list[tuple[datetime, Incident]]:
    """Each version of the page's one incident, with the time at which we learned of it."""
    store, versions = FakeIncidents(), []
    moment = DAY.starts_at
    while moment <= DAY.quiet_at + EVERY:
        ledger = await store.read(page)
        decision = decide(ledger, look(page, moment), RULES)
        if decision:
            written = await store.commit(ledger, decision, moment)
            versions += [(moment, incident) for incident in written if incident.kind is Kind.INCIDENT]
        moment += EVERY
    assert len({incident.id for _, incident in versions}) == 1
    return versions


async def test_aws_is_one_incident_through_three_waves() -> None:
    versions = await day_of("aws")

    assert [incident.is_open for _, incident in versions] == [True] * 25 + [False]
    last = versions[-1][1]
    assert (
        len(last.updates),
        last.reopened,
        last.opening,
        last.closure,
    ) == (26, 0, Opening.FRESH, Closure.STATED)
    assert utc("22:01") == last.ended_at


async def test_aws_counts_for_checkout_at_first_perhaps_and_98_minutes_in_for_certain() -> None:
    versions = await day_of("aws")
    certain = next(at for at, incident in versions if incident.affected and incident.affected[0].is_certain)

    assert not versions[0][1].affected[0].is_certain
    assert timedelta(0) <= certain - utc("08:26") <= EVERY
    assert Severity.SEV1 in {incident.severity for _, incident in versions}


@pytest.mark.parametrize("slug", [vendor.slug for vendor in DAY.vendors])
async def test_a_vendor_is_one_incident_that_ends_by_leaving_the_list(slug: str) -> None:
    story = DAY.vendor(slug).incident
    learned_at, last = (await day_of(slug))[-1]

    assert [update.id for update in story.updates] == [update.id for update in last.updates]
    assert next(u.edit.body for u in story.updates if u.edit) in {update.text for update in last.updates}
    assert Closure.UNLISTED is last.closure
    assert timedelta(0) <= learned_at - story.gone_at <= EVERY
    assert last.opened_at < datetime(2025, 10, 20, 9, tzinfo=UTC)
