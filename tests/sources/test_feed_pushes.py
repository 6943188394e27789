"""Traps of Statuspage's webhooks, incident.io, Flashcat and DatoCMS: pushes, last words, bare ids, files without one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.payload import Payload, Spec
from tests.sources.feedkit import body_of, incident, page, parse, update

AT, LATER = "2026-10-20T08:00:00Z", "2026-10-20T09:00:00Z"
NO_COMPONENTS = {"name": "No components were affected by this update."}


def pushed(**about: object) -> dict[str, object]:
    """A body of Statuspage's webhook."""
    return {"meta": {}, "page": {"id": "p", "status_indicator": "none"}, **about}


def widget(**one: object) -> Observation:
    """What incident.io's widget says of one ongoing incident."""
    return parse(
        "incidentio-widget", {"ongoing_incidents": [{"id": "i", "name": "T", "status": "identified", **one}]}
    )[0]


def flashcat(**one: object) -> Observation:
    """What Flashcat says of one change."""
    change = {"change_id": 1, "title": "T", "status": "identified", **one}
    named = [{"component_id": "c1", "name": "API"}]
    body = {"page": {"components": named}, "active_changes": [change]}
    return parse("flashcat", {"data": body})[0]


def datocms(*updates: tuple[str, str], url: str = "") -> Observation:
    """The incident of a file with these (date, status) pairs."""
    posts = [{"date": at, "status": status, "content": f"{status}."} for at, status in updates]
    raw = body_of({"name": "T", "impact": "major", "updates": posts}, url=url)
    return parse("datocms-incident", raw)[0]


# --- Statuspage's webhook


def test_a_push_and_a_poll_of_one_page_tell_the_same() -> None:
    """Or the ledger would hold two incidents, or join two that are not one."""
    one = incident(update("u1", AT), shortlink="https://stspg.example/1")

    assert parse("statuspage-webhook", pushed(incident=one)) == parse("statuspage", page(one))


def test_a_push_proves_no_absence() -> None:
    payload = body_of(pushed(incident=incident(update("u1", AT))))

    assert FORMATS["statuspage-webhook"].listed(payload) is Listing.PART


def test_a_push_about_a_component_is_no_incident() -> None:
    body = pushed(component={"id": "c"}, component_update={"new_status": "major_outage"})

    found = detect(body_of(body))

    assert found is not None
    assert (found.name, parse(found.name, body)) == ("statuspage-webhook", ())


def test_the_words_for_no_components_are_no_component() -> None:
    one = incident({**update("u1", AT), "affected_components": [NO_COMPONENTS, {"name": "API"}]})

    assert [p.component for p in parse("statuspage-webhook", pushed(incident=one))[0].places] == ["API"]


@pytest.mark.parametrize("odd", [None, [], "x", 7, {}, {"incident_updates": None}])
def test_a_push_of_something_odd_is_refused(odd: object) -> None:
    with pytest.raises(ParseError):
        parse("statuspage-webhook", pushed(incident=odd))


def test_a_push_of_nothing_is_refused_by_its_keys() -> None:
    with pytest.raises(
        ParseError, match=r"neither an incident nor a component_update \(its keys: meta, page\)"
    ):
        parse("statuspage-webhook", pushed())


# --- incident.io


def test_the_widgets_last_message_is_one_update_and_the_next_is_another() -> None:
    first = widget(last_update_at=AT, last_update_message="One.")
    second = widget(last_update_at=LATER, last_update_message="Two.", status="monitoring")

    assert [[(u.id, u.text, u.status) for u in o.updates] for o in (first, second)] == [
        [("i@2026-10-20T08:00:00Z", "One.", Status.IDENTIFIED)],
        [("i@2026-10-20T09:00:00Z", "Two.", Status.MONITORING)],
    ]


@pytest.mark.parametrize(
    "message", [None, "", {}, [], 7.5, {"text_node": None}, {"text_node": {"content": [None, 1]}}]
)
def test_a_message_without_words_is_no_update_of_the_widget_and_an_empty_one_of_the_proxy(
    message: object,
) -> None:
    assert len(widget(last_update_message=message if message != 7.5 else None).updates) == 0
    assert [u.text for u in widget(updates=[{"id": "u", "message": message}]).updates] in ([""], ["7.5"])


def test_a_tree_of_text_is_read_in_order_and_to_a_bound() -> None:
    deep: dict[str, object] = {"text": "bottom"}
    for _ in range(50_000):
        deep = {"content": [deep]}
    words = {"content": [{"type": "paragraph", "content": [{"text": "a"}, {"text": "b"}]}, {"text": "c"}]}

    assert [u.text for u in widget(updates=[{"id": "u", "message": {"text_node": words}}]).updates] == [
        "ab\nc"
    ]
    spec = Spec(provider="acme")
    assert FORMATS["incidentio-widget"].parse(body_of({"ongoing_incidents": []}), spec) == ()
    with pytest.raises(ParseError):
        parse("incidentio-widget", '{"ongoing_incidents": [' + '{"content": [' * 50_000)


def test_what_hits_now_weighs_and_what_hit_before_does_not() -> None:
    over = {"component_id": "c", "status": "full_outage", "end_at": LATER}
    now = {"component_id": "c", "status": "degraded_performance", "end_at": None}

    assert widget(component_impacts=[over, now]).impact is Impact.MINOR
    assert widget(component_impacts=[over]).impact is Impact.CRITICAL
    assert widget().impact is Impact.MINOR
    assert widget(current_worst_impact="meltdown").impact is Impact.CRITICAL


def test_the_widget_is_nobody_elses_and_lists_open_ones_only() -> None:
    quiet: dict[str, object] = {name: [] for name in ("ongoing_incidents", "scheduled_maintenances")}

    for body in (quiet, {"summary": quiet}):
        found = detect(body_of(body))
        assert found is not None
        assert (found.name, found.listed(body_of(body))) == ("incidentio-widget", Listing.OPEN)


# --- Flashcat


def test_flashcats_components_are_named_by_the_page_where_the_change_has_ids() -> None:
    found = flashcat(updates=[{"at_seconds": 1792483200, "component_changes": [{"component_id": "c1"}]}])

    assert [p.component for p in found.places] == ["API"]


def test_flashcats_weight_is_that_of_its_worst_component() -> None:
    hits = [{"component_id": "c1", "status": status} for status in ("degraded", "full_outage", "operational")]

    assert flashcat(affected_components=hits).impact is Impact.CRITICAL
    assert flashcat(affected_components=[{"status": "melted"}]).unknown_words == ("impact: melted",)
    assert flashcat(type="maintenance", status="in_progress").kind is Kind.MAINTENANCE


# --- DatoCMS


def test_a_file_is_known_by_its_name_else_by_its_first_update() -> None:
    named = datocms((AT, "investigating"), url="https://raw.example/incidents/2026-10-20-slow.json?ref=main")
    bare = datocms((AT, "investigating"), (LATER, "resolved"))

    assert (named.key, named.is_native, named.chain) == ("2026-10-20-slow", True, None)
    assert (bare.key, bare.is_native, bare.chain) == ("file@2026-10-20T08:00:00Z", False, "file")


def test_an_edit_of_title_text_or_last_date_leaves_the_files_key_and_the_older_updates_alone() -> None:
    before = datocms((AT, "investigating"), (LATER, "identified"))
    after = datocms((AT, "investigating"), ("2026-10-20T09:30:00Z", "monitoring"))

    assert before.key == after.key
    assert before.updates[0] == after.updates[0]


@pytest.mark.parametrize(
    ("statuses", "status", "ended_hour"),
    [
        (["investigating"], Status.INVESTIGATING, None),
        (["investigating", "resolved"], Status.RESOLVED, 9),
        (["investigating", "resolved", "resolved"], Status.RESOLVED, 9),
        (["investigating", "resolved", "identified"], Status.IDENTIFIED, None),
        (["resolved", "identified", "resolved"], Status.RESOLVED, 10),
        (["resolved", "resolved"], Status.RESOLVED, 8),
    ],
)
def test_the_last_update_tells_the_state_and_the_end_is_the_first_of_the_last_words(
    statuses: list[str], status: Status, ended_hour: int | None
) -> None:
    found = datocms(*((f"2026-10-20T{8 + n:02}:00:00Z", said) for n, said in enumerate(statuses)))

    ended_at = datetime(2026, 10, 20, ended_hour, tzinfo=UTC) if ended_hour else None
    assert (found.status, found.ended_at) == (status, ended_at)


def test_a_file_always_holds_an_incident() -> None:
    assert not FORMATS["datocms-incident"].may_be_empty
    assert (
        parse("datocms-incident", {"name": "T", "impact": "minor", "updates": []})[0].status
        is Status.INVESTIGATING
    )
    with pytest.raises(ParseError, match="no list of updates"):
        parse("datocms-incident", {"name": "T", "impact": "minor", "updates": None})


def test_an_object_with_an_id_is_not_datocms() -> None:
    posts = [{"date": AT, "status": "resolved", "content": "c"}]
    raw: Payload = body_of({"id": 1, "name": "T", "impact": "major", "updates": posts})

    assert detect(raw) is None
