"""Traps of cState, Uptime Kuma, UptimeRobot and Cachet 3: ends named ahead, ids that come back, boards without ids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.payload import Payload, Spec
from tests.sources.feedkit import body_of, outcome, parse

PAST, NEAR, AHEAD = (
    "2026-10-20T08:00:00Z",
    "2026-10-20T10:00:00Z",
    "2026-12-01T08:00:00Z",
)  # it is November 1st


def issue(**fields: object) -> Observation:
    """A cState issue, as one page of the list has it."""
    return parse("cstate", {"is": "issue", "title": "T", "filename": "f.md", "createdAt": PAST, **fields})[0]


def front(body: str = "Words.", **fields: str) -> str:
    """A cState issue as a file."""
    known = {"title": "T", "date": PAST, "resolved": "false", "severity": "down", **fields}
    return "---\n" + "".join(f"{name}: {value}\n" for name, value in known.items()) + f"---\n{body}\n"


def markdown(text: str, url: str = "") -> Observation:
    """What a file says."""
    return parse("cstate-markdown", body_of(text, url=url))[0]


def kuma(**body: object) -> tuple[Observation, ...]:
    """What a page of Uptime Kuma says."""
    return parse("uptime-kuma", {"config": {}, "maintenanceList": [], **body})


def cachet(kind: str = "incidents", included: list[object] | None = None, **said: object) -> Observation:
    """A record of Cachet 3."""
    created = {"human": "now", "string": "2026-10-20 08:00:00"}
    raw = {"id": "5", "type": kind, "attributes": {"name": "T", "created": created, **said}}
    links = {"components": {"data": [{"type": "components", "id": "1"}]}}
    return parse("cachet-v3", {"data": [{**raw, "relationships": links}], "included": included or []})[0]


# --- cState


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"severity": "down"}, Status.INVESTIGATING, Kind.INCIDENT),
        ({"severity": "notice", "createdAt": AHEAD}, Status.SCHEDULED, Kind.MAINTENANCE),
        ({"severity": "down", "resolvedAt": NEAR}, Status.IN_PROGRESS, Kind.MAINTENANCE),
        ({"severity": "down", "resolvedAt": PAST}, Status.INVESTIGATING, Kind.INCIDENT),
        ({"severity": "down", "resolvedAt": "<no value>"}, Status.INVESTIGATING, Kind.INCIDENT),
        ({"severity": "down", "resolvedAt": NEAR, "resolved": True}, Status.RESOLVED, Kind.INCIDENT),
        ({"severity": "notice", "resolvedAt": NEAR, "resolved": True}, Status.COMPLETED, Kind.MAINTENANCE),
        ({"severity": "down", "resolved": True}, Status.RESOLVED, Kind.INCIDENT),
        ({"severity": "down", "resolved": "true"}, Status.INVESTIGATING, Kind.INCIDENT),
    ],
)
def test_only_resolved_says_that_an_issue_is_over(
    fields: dict[str, object], status: Status, kind: Kind
) -> None:
    """The date of the end is there weeks before it."""
    found = issue(**fields)

    assert (found.status, found.kind) == (status, kind)
    assert (found.ended_at is not None) == (status.is_over and "resolvedAt" in fields)


@pytest.mark.parametrize(
    ("fields", "impact"),
    [
        ({"severity": "down", "createdAt": AHEAD}, Impact.MAINTENANCE),
        ({"severity": "down", "resolvedAt": NEAR}, Impact.CRITICAL),
        ({"severity": "notice", "resolvedAt": NEAR}, Impact.MAINTENANCE),
        ({"severity": "notice"}, Impact.MINOR),
    ],
)
def test_a_planned_outage_weighs_what_the_page_says_once_it_has_begun(
    fields: dict[str, object], impact: Impact
) -> None:
    """The end that it names may be a guess about something that nobody planned."""
    assert issue(**fields).impact is impact


def test_an_issue_dated_ahead_has_spoken_today_and_not_in_the_future() -> None:
    """Or no later word of it would ever look newer."""
    found = issue(createdAt=AHEAD, body="<p>Planned.</p>")

    assert found.began_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert [u.posted_at for u in found.updates] == [None]


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-10-20 08:00:00 +0000 UTC", 8),
        ("2026-10-20 08:00:00.482 +0200 CEST", 6),
        ("2026-10-20 08:00:00 +0530 +0530", 2),
        ("2026-10-20T08:00:00-00:00", 8),
        ("2026-10-20 08:00:00", 8),
    ],
)
def test_dates_are_read_as_hugo_prints_them(written: str, hour: int) -> None:
    began_at = issue(createdAt=written).began_at

    assert began_at is not None
    assert began_at.hour == hour


@pytest.mark.parametrize(
    "written",
    ["0001-01-01 00:00:00 +0000 UTC", "<no value>", "", None, 7, [], "2026-13-40 99:00:00 +0000 UTC"],
)
def test_a_date_that_is_none_is_none(written: object) -> None:
    assert issue(createdAt=written, body="w").began_at is None


def test_an_issue_of_several_systems_is_one() -> None:
    one = {"is": "issue", "title": "T", "filename": "f.md", "severity": "down", "affected": ["A", "B"]}
    systems = [{"name": name, "unresolvedIssues": [one]} for name in "AB"] + [None, 7]
    body = {"is": "index", "cStateVersion": "6.0.1", "systems": systems}

    assert [[p.component for p in o.places] for o in parse("cstate", body)] == [["A", "B"]]
    assert FORMATS["cstate"].listed(body_of(body)) is Listing.OPEN


def test_a_word_for_severity_that_is_new_is_the_worst_and_none_is_small() -> None:
    assert issue(severity="melted").unknown_words == ("severity: melted",)
    assert [issue(severity=s).impact for s in ("melted", "notice", "disrupted", "down", None)] == [
        Impact.CRITICAL,
        Impact.MINOR,
        Impact.MAJOR,
        Impact.CRITICAL,
        Impact.MINOR,
    ]
    assert issue(severity="down", informational=True).impact is Impact.NONE


def test_a_file_is_known_by_its_name_else_by_title_and_date() -> None:
    url = "https://raw.example/content/issues/2026-10-20-disk.md"
    bundle = "https://raw.example/content/issues/2026-10-20-disk/index.md"

    assert {markdown(front(), at).key for at in (url, bundle)} == {"2026-10-20-disk"}
    bare = markdown(front())
    assert (bare.is_native, bare.chain) == (False, "file")
    assert bare.key == markdown(front("Other words.", severity="notice")).key


def test_a_file_and_the_json_of_its_page_have_one_key() -> None:
    url = "https://raw.example/content/issues/f.md"

    assert markdown(front(), url).key == issue().key


def test_a_rewording_keeps_its_update_and_the_last_words_are_another() -> None:
    first, second = markdown(front("One.")), markdown(front("Two."))
    last = markdown(front("[Final message]\nDone.\n\nTwo.", resolved="true", resolvedWhen=NEAR))

    assert [u.id for u in first.updates] == [u.id for u in second.updates]
    assert [u.id for u in last.updates] == [f"{last.key}~end"]
    assert last.updates[0].status is Status.RESOLVED


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("affected:\n  - a\n  - 'b c'\n- \"d\" # why", ["a", "b c", "d"]),
        ("affected: [a, 'b, c', \"d\"]", ["a", "b, c", "d"]),
        ("affected: []", [None]),
        ("affected:", [None]),
        ("affected: a", [None]),
    ],
)
def test_lists_are_read_as_people_write_them(written: str, names: list[str | None]) -> None:
    text = front().replace("severity: down\n", f"severity: down\n{written}\n")

    assert [p.component for p in markdown(text).places] == names


def test_quotes_and_comments_are_not_part_of_a_value() -> None:
    assert markdown(front(title='"Disk: full # really"  # said first')).title == "Disk: full # really"
    assert markdown(front(title="C# is slow # not really")).title == "C# is slow"
    assert markdown(front(severity="'down' # or disrupted")).impact is Impact.CRITICAL


@pytest.mark.parametrize(
    "text", ["", "---\n", "---\ntitle: x\n---\n", "# A heading\n---\ntitle: x\n---\n", "---\n" * 9]
)
def test_what_is_no_issue_is_refused(text: str) -> None:
    assert detect(body_of(text)) is None
    assert outcome("cstate-markdown", body_of(text))[1]


def test_windows_line_ends_and_a_mark_in_front_do_not_matter() -> None:
    raw = ("\ufeff" + front().replace("\n", "\r\n")).encode()

    found = detect(body_of(raw))

    assert found is not None
    assert found.name == "cstate-markdown"
    assert [u.text for u in found.parse(body_of(raw), Spec(provider="acme"))[0].updates] == ["Words."]


# --- Uptime Kuma


def test_a_maintenance_that_comes_back_is_a_new_event_each_time() -> None:
    """Its id stays; the same event would be reopened for ever."""
    weekly = {"id": 3, "title": "T", "strategy": "recurring-weekday", "status": "under-maintenance"}
    keys = [
        kuma(maintenanceList=[{**weekly, "timeslotList": [{"startDate": f"2026-10-{day}T02:00:00Z"}]}])[0].key
        for day in (20, 27)
    ]

    assert keys == ["maintenance-3@2026-10-20T02:00:00Z", "maintenance-3@2026-10-27T02:00:00Z"]


def test_a_single_maintenance_keeps_its_key_when_it_is_moved_and_its_time_has_its_own_zone() -> None:
    single = {
        "id": 3,
        "title": "T",
        "strategy": "single",
        "timezoneOffset": "-05:00",
        "status": "under-maintenance",
    }
    found = [
        kuma(maintenanceList=[{**single, "timeslotList": [{"startDate": f"2026-10-20 {hour}:00"}]}])[0]
        for hour in ("02", "03")
    ]

    assert [o.key for o in found] == ["maintenance-3"] * 2
    assert [o.began_at and o.began_at.hour for o in found] == [7, 8]


def test_a_note_and_a_maintenance_of_one_number_are_two() -> None:
    found = kuma(
        incidents=[{"id": 3, "title": "T"}], maintenanceList=[{"id": 3, "title": "T", "strategy": "manual"}]
    )

    assert [o.key for o in found] == ["3", "maintenance-3"]


def test_a_maintenance_that_is_over_or_switched_off_is_none() -> None:
    listed = [{"id": n, "strategy": "single", "status": word} for n, word in enumerate(("ended", "inactive"))]

    assert kuma(maintenanceList=listed) == ()


def test_a_monitor_is_down_from_its_first_bad_beat_on() -> None:
    beats = [{"status": s, "time": f"2026-10-20 08:0{n}:00"} for n, s in enumerate((0, 1, 3, 0, 0))]

    found = parse(
        "uptime-kuma",
        {"heartbeatList": {"9": beats, "10": beats[:2], "11": [], "12": None}, "uptimeList": {}},
    )

    assert [(o.key, o.chain) for o in found] == [("Monitor 9@2026-10-20T08:03:00Z", "Monitor 9")]


def test_a_beat_of_no_status_or_a_day_without_beats_is_not_down() -> None:
    lists = {"1": [0, 0], "2": [{"status": None}], "3": [{"status": "0"}], "4": [{"time": "x"}]}

    assert parse("uptime-kuma", {"heartbeatList": lists, "uptimeList": {}}) == ()


def test_beats_that_are_summed_up_over_days_do_not_tell_the_present_and_are_refused() -> None:
    """One bad minute makes a whole span "down"; a page of a year has spans of four days."""
    span = {"status": 0, "time": "2026-10-20T08:00:00.000Z", "msg": "", "ping": None}

    found, error = outcome("uptime-kuma", body_of({"heartbeatList": {"3": [0, span]}, "uptimeList": {}}))

    assert found == ()
    assert "summed up over days" in (error or "")


# --- UptimeRobot


def test_a_monitor_that_stays_down_over_midnight_keeps_its_chain() -> None:
    body = {"status": "ok", "data": [{"monitorId": 5, "statusClass": "danger", "name": "API"}]}
    days = [datetime(2026, 11, day, 23, tzinfo=UTC) for day in (1, 2)]
    raw = body_of(body)

    found = [
        FORMATS["uptimerobot"].parse(Payload(body=raw.body, fetched_at=day), Spec(provider="acme"))[0]
        for day in days
    ]

    assert [o.key for o in found] == ["5@2026-11-01", "5@2026-11-02"]
    assert [o.chain for o in found] == ["5", "5"]


@pytest.mark.parametrize(
    ("word", "impact"),
    [
        ("success", None),
        ("paused", None),
        ("black", None),
        ("info", None),
        ("warning", Impact.MINOR),
        ("danger", Impact.CRITICAL),
        ("frobnicate", Impact.CRITICAL),
        (None, Impact.CRITICAL),
    ],
)
def test_a_class_that_nobody_knows_is_the_worst(word: object, impact: Impact | None) -> None:
    found = parse("uptimerobot", {"data": [{"monitorId": 5, "statusClass": word, "name": "API"}]})

    assert [o.impact for o in found] == ([impact] if impact else [])
    assert bool([w for o in found for w in o.unknown_words]) == (word in ("frobnicate", None))


def test_an_announcement_may_lapse_and_only_a_date_ends_it() -> None:
    one = {"id": 1, "title": "T", "timestamp": 1792485000, "timeGMT": "08:30"}
    body = {"status": True, "results": [{**one, "status": n, "id": n} for n in (0, 1, 2)], "meta": {}}

    found = parse("uptimerobot", body)

    assert [o.status for o in found] == [Status.INVESTIGATING] * 3
    assert all(o.may_lapse for o in found)
    assert FORMATS["uptimerobot"].listed(body_of(body)) is Listing.WINDOW


def test_a_page_with_neither_monitors_nor_announcements_is_refused() -> None:
    with pytest.raises(ParseError, match="neither a list of monitors nor results"):
        parse("uptimerobot", {"status": "ok"})


# --- Cachet 3


@pytest.mark.parametrize(
    ("code", "status", "planned"),
    [
        (0, Status.INVESTIGATING, Status.SCHEDULED),
        (1, Status.INVESTIGATING, Status.IN_PROGRESS),
        (2, Status.IDENTIFIED, Status.COMPLETED),
        (3, Status.MONITORING, Status.IN_PROGRESS),
        (4, Status.RESOLVED, Status.IN_PROGRESS),
        ("4", Status.RESOLVED, Status.IN_PROGRESS),
        (9, Status.INVESTIGATING, Status.IN_PROGRESS),
        (None, Status.INVESTIGATING, Status.IN_PROGRESS),
    ],
)
def test_cachets_codes_mean_other_things_of_schedules(code: object, status: Status, planned: Status) -> None:
    said = {"human": "?", "value": code}

    assert cachet(status=said).status is status
    assert cachet("schedules", status=said).status is planned


def test_cachets_weight_is_what_the_incident_does_to_a_component_not_how_that_is_now() -> None:
    hit = {"component_status": {"value": 4}}
    part = {
        "type": "components",
        "id": "1",
        "attributes": {"name": "API", "status": {"value": 1}, "pivot": hit},
    }

    found = cachet(included=[part], status={"value": 2})

    assert (found.impact, [p.component for p in found.places]) == (Impact.CRITICAL, ["API"])


def test_ids_of_incidents_are_those_of_older_cachets_and_schedules_have_their_own() -> None:
    old = {
        "data": [{"id": 5, "name": "T", "message": "m", "status": 1, "human_status": "?", "created_at": "x"}]
    }

    assert cachet(status={"value": 1}).key == parse("cachet-v1", old)[0].key == "5"
    assert cachet("schedules", status={"value": 1}).key == "schedule-5"


def test_an_empty_list_of_cachets_is_quiet() -> None:
    assert parse("cachet-v3", {"data": [], "links": {}, "meta": {}}) == ()
