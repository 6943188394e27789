"""Bodies as other companies, years and incidents write them: null for a list, groups, plans, words left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Observation, Update
from bot.domain.words import Kind, Status
from bot.sources import detect
from tests.sources.feedkit import body_of, incident, outcome, page, parse, update

AT = "2026-08-21T01:00:00Z"


def parts_of(found: Observation) -> list[str | None]:
    return [place.component for place in found.places]


# --- Statuspage


def test_a_component_is_named_with_its_group_and_once() -> None:
    """A dozen groups of one page hold an "SGP1"; the updates write "Spaces - SGP1", and older ones say nothing."""
    parts = [
        {"id": "g1", "name": "Spaces", "group": True, "group_id": None},
        {"id": "c1", "name": "SGP1", "group_id": "g1"},
        {"id": "c2", "name": "AMS3", "group_id": "g1"},
        {"id": "c3", "name": "API", "group_id": None},
    ]
    said = update("u1", AT, affected_components=[{"code": "c1", "name": "Spaces - SGP1"}])
    event = incident(said, components=[parts[1], parts[2], parts[3]])

    with_groups, without = (
        parse("statuspage", page(event, components=parts))[0],
        parse("statuspage", page(event))[0],
    )

    assert ["Spaces - SGP1", "Spaces - AMS3", "API"] == parts_of(with_groups)
    assert ["Spaces - SGP1", "AMS3", "API"] == parts_of(without)


@pytest.mark.parametrize(
    ("status", "resolved_at", "ended_at"),
    [
        ("resolved", "2026-08-21T01:30:00Z", datetime(2026, 8, 21, 1, 30, tzinfo=UTC)),
        ("resolved", None, datetime(2026, 8, 21, 1, tzinfo=UTC)),
        ("postmortem", None, datetime(2026, 8, 21, 1, tzinfo=UTC)),
        ("investigating", None, None),
    ],
)
def test_an_end_without_its_own_field_is_the_word_that_said_so(
    status: str, resolved_at: str | None, ended_at: datetime | None
) -> None:
    """incident.io's shim has no `resolved_at`; a post-mortem comes days after the end."""
    posts = [
        update("u3", "2026-08-28T09:00:00Z", status="postmortem"),
        update("u2", AT, status="resolved"),
        update("u1", "2026-08-21T00:00:00Z"),
    ]

    found = parse("statuspage", page(incident(*posts, status=status, resolved_at=resolved_at)))[0]

    assert ended_at == found.ended_at


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("statuspage", {"page": {"id": "p"}, "status": {}, "components": [], "incidents": None}),
        ("statuspage", {"page": {"id": "p"}, "scheduled_maintenances": None}),
        ("datadog-statuspage", {"domainPrefix": "acme", "incidents": None, "maintenances": None}),
        ("statusio", {"result": {"status_overall": {"status_code": 100}, "status": [], "incidents": None}}),
        (
            "m365-graph",
            {
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#admin/serviceAnnouncement/issues",
                "value": [],
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_null_where_a_list_was_is_an_empty_list(name: str, body: object) -> None:
    """What is written in Go writes no list at all as null, and some pages of healthy vendors are."""
    payload = body_of(body)
    found = detect(payload)

    assert (name, ((), None)) == (found and found.name, outcome(name, payload))


# --- history feeds


def history(inner: str, published: str = "2025-12-17T10:00:00Z") -> Observation:
    """The entry of a Statuspage history feed around these blocks."""
    return parse(
        "rss",
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:x,2005:Incident/1</id><published>{published}</published>'
        f'<link href="https://x.example/incidents/abc123def456"/><title>T</title><content type="html"><![CDATA[{inner}]]>'
        "</content></entry></feed>",
    )[0]


def block(at: str, label: str) -> str:
    return f"<p><small>{at} UTC</small><br><strong>{label}</strong> - Words.</p>"


@pytest.mark.parametrize(
    ("written", "began_at"),
    [
        (
            "Jan <var data-var='date'> 9</var>, <var data-var='time'>14:00</var> - <var data-var='time'>18:00</var> UTC",
            datetime(2026, 1, 9, 14, tzinfo=UTC),
        ),
        (
            "Dec <var data-var='date'>18</var>, <var data-var='time'>21:00</var> PST &nbsp;-&nbsp; Dec "
            "<var data-var='date'>19</var>, <var data-var='time'>01:00</var> PST",
            datetime(2025, 12, 19, 5, tzinfo=UTC),
        ),
        ("Jan 9, 14:00 - 18:00 PST", datetime(2026, 1, 9, 22, tzinfo=UTC)),
        ("soon", datetime(2025, 12, 17, 10, tzinfo=UTC)),
    ],
)
def test_an_announced_maintenance_begins_when_it_is_planned(written: str, began_at: datetime) -> None:
    preamble = f"<p><strong>THIS IS A SCHEDULED EVENT {written}</strong></p>"

    found = history(preamble + block("Dec 17, 10:00", "Scheduled"))

    assert (Kind.MAINTENANCE, Status.SCHEDULED, began_at) == (found.kind, found.status, found.began_at)
    assert ["Words."] == [post.text for post in found.updates]


def test_a_maintenance_began_when_it_was_said_to_be_in_progress_not_when_it_was_announced() -> None:
    posts = [("Dec 17, 12:00", "Completed"), ("Dec 17, 10:00", "In progress"), ("Dec 1, 09:00", "Scheduled")]

    found = history("".join(block(*post) for post in posts))

    assert (datetime(2025, 12, 17, 10, tzinfo=UTC), datetime(2025, 12, 17, 12, tzinfo=UTC)) == (
        found.began_at,
        found.ended_at,
    )


# --- others


def test_googles_newest_update_stands_in_for_a_list_without_any() -> None:
    newest = {"when": "2026-08-21T01:00:00+00:00", "text": "Words.", "status": "SERVICE_OUTAGE"}
    body = [{"id": "AAAA", "begin": AT, "external_desc": "T", "updates": [], "most_recent_update": newest}]

    assert ["Words."] == [post.text for post in parse("gcp", body)[0].updates]


def test_cachets_first_words_come_before_an_update_of_the_same_second() -> None:
    at = "2026-08-21 01:00:00"
    post = {
        "id": 1,
        "incident_id": 9,
        "status": 2,
        "message": "Then.",
        "created_at": at,
        "human_status": "Identified",
    }
    body = {
        "data": [
            {"id": 9, "name": "T", "status": 1, "message": "First.", "created_at": at, "updates": [post]}
        ]
    }

    updates: tuple[Update, ...] = parse("cachet-v1", body)[0].updates

    assert ["First.", "Then."] == [update.text for update in updates]
