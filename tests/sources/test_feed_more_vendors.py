"""The traps of Heroku, Oracle, IBM, Tencent, Volcengine and xAI, row by row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.observation import Observation
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.reading.times import iso, when, when_there
from tests.sources.feedkit import body_of, outcome, parse, rss


def name_of(body: object, url: str = "") -> str | None:
    """The format that a body is taken for."""
    found = detect(body_of(body, url=url))
    return found.name if found else None


# Heroku


def heroku(state: object = "investigating", **more: object) -> dict[str, Any]:
    return {
        "id": 1,
        "title": "Trouble",
        "state": state,
        "resolved": False,
        "created_at": "2026-10-31T09:00:00Z",
        "full_url": "https://status.heroku.com/incidents/1",
        "updates": [],
        **more,
    }


def current(*incidents: object, scheduled: tuple[object, ...] = ()) -> dict[str, object]:
    return {
        "status": [{"system": "Apps", "status": "green"}],
        "incidents": list(incidents),
        "scheduled": list(scheduled),
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (heroku("investigating"), Status.INVESTIGATING),
        (heroku("monitoring"), Status.MONITORING),
        (heroku("resolved", resolved=False), Status.RESOLVED),
        (heroku(None, resolved=True), Status.RESOLVED),
        (heroku(None, resolved=False), Status.INVESTIGATING),
        (heroku(None, updates=[{"update_type": "resolved", "contents": "x"}]), Status.RESOLVED),
    ],
)
def test_herokus_state_wins_over_its_flag(raw: dict[str, Any], expected: Status) -> None:
    assert expected is parse("heroku", current(raw))[0].status


def test_herokus_maintenance_is_over_once_it_says_so() -> None:
    """Its state was seen "upcoming" two months later."""
    done = heroku(
        "upcoming",
        updates=[{"contents": "The maintenance has been completed.", "created_at": "2026-10-01T00:00:00Z"}],
    )
    waits = heroku("upcoming", id=2, updates=[{"contents": "Maintenance is complete once all are moved"}])
    due = heroku("upcoming", id=3)

    found = parse("heroku", current(scheduled=(done, waits, due)))

    assert [Status.COMPLETED, Status.SCHEDULED, Status.SCHEDULED] == [o.status for o in found]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://status.heroku.com/api/v4/current-status", "https://status.heroku.com/api/v4/incidents"),
        ("https://status.heroku.com/api/v4/current-status?x=1", "https://status.heroku.com/api/v4/incidents"),
        ("https://status.heroku.com/api/v4/incidents", None),
    ],
)
def test_what_left_herokus_status_is_looked_up_in_its_list(url: str, expected: str | None) -> None:
    confirm_url = FORMATS["heroku"].confirm_url

    assert confirm_url is not None
    assert expected == confirm_url(url)


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ([], Impact.MINOR),
        (["green"], Impact.MINOR),
        (["yellow", "red"], Impact.CRITICAL),
        (["blue"], Impact.MINOR),
        (["mauve"], Impact.CRITICAL),
    ],
)
def test_herokus_colors_are_weights(colors: list[str], expected: Impact) -> None:
    systems = [{"name": "Apps", "status": color} for color in colors]

    assert expected is parse("heroku", current(heroku(systems=systems)))[0].impact


# Oracle


def oracle(title: str, text: str, pub_date: str = "Sat, 02 Jan 2027 01:00:00 UTC") -> str:
    escaped = text.replace("<", "&lt;")
    return rss(
        f"<item><title>{title}</title><guid>ocid1.oraclecloudincident.oc1.phx.a</guid>"
        f"<description>{escaped}</description><pubDate>{pub_date}</pubDate></item>",
        head="<link>https://ocistatus.oraclecloud.com/</link>",
    )


def block(day: str, clock: str, state: str) -> str:
    return (
        f"<p><small>{day[:3]}<var data-var='date'>{day[3:]}</var><var data-var='time'>{clock}</var> UTC</small>"
        f"<br><strong>{state}</strong> - words</p>"
    )


@pytest.mark.parametrize(
    ("title", "component", "region"),
    [
        ("Networking | US East (Ashburn) | ab12", "Networking", "us-ashburn-1"),
        ("Compute | Brazil East (Sao Paulo) | 1", "Compute", "sa-saopaulo-1"),
        ("Compute | New Region (Nowhere) | 1", "Compute", "New Region (Nowhere)"),
        ("Compute | Multiple Regions | cd34", "Compute", None),
        ("Multiple Services | UK South (London) | 1", None, "uk-london-1"),
        ("Everything is down", "Everything is down", None),
    ],
)
def test_oracles_title_names_service_and_region(
    title: str, component: str | None, region: str | None
) -> None:
    (place,) = parse("oracle-oci", oracle(title, block("Jan02", "01:00", "Identified")))[0].places

    assert (component, region) == (place.component, place.region)


def test_oracles_updates_get_their_years() -> None:
    text = block("Jan02", "01:00", "Resolved") + block("Dec31", "23:50", "Investigating")

    (found,) = parse("oracle-oci", oracle("Compute | UK South (London) | 1", text))

    times = [iso(u.posted_at) for u in found.updates if u.posted_at]
    assert times == ["2026-12-31T23:50:00Z", "2027-01-02T01:00:00Z"]
    assert (found.status, found.ended_at) == (Status.RESOLVED, found.updates[-1].posted_at)


def test_oracles_feed_is_known_by_its_maker_its_ids_or_its_address() -> None:
    empty = rss(head="<link>https://ocistatus.oraclecloud.com/#/</link>")

    assert name_of(empty) == "oracle-oci"
    assert name_of(rss(), "https://ocistatus.oraclecloud.com/api/v2/incident-summary.rss") == "oracle-oci"
    assert name_of(rss("<item><guid>ocid1.oraclecloudincident.oc1.x</guid></item>")) == "oracle-oci"
    assert name_of(rss()) == "rss"
    prose = "https://ocistatus.oraclecloud.com/#/incidents/ocid1.oraclecloudincident.oc1.x"
    assert name_of(rss(f"<item><title>x</title><description>see {prose}</description></item>")) == "rss"


def test_oracles_page_indicator_names_no_incident() -> None:
    body = {"page": {"name": "OCI"}, "status": {"indicator": "minor", "description": "Minor Service Outage"}}

    assert name_of(body) is None
    with pytest.raises(ParseError, match="no list of regionHealthReports"):
        parse("oracle-oci", body)


# IBM


def ibm(title: str, labels: str, url: str = "") -> tuple[Observation, ...]:
    item = (
        f"<item><title>{title}</title><guid>g1</guid><pubDate>Sat, 31 Oct 2026 09:00:00 GMT</pubDate>"
        f"<description>Words.  ID: INC1  {labels}</description></item>"
    )
    return parse("ibm", body_of(rss(item, title="IBM Cloud Status"), url=url))


@pytest.mark.parametrize(
    ("title", "labels", "expected"),
    [
        ("Disks are slow", "Type: incident", Status.INVESTIGATING),
        ("Disks are slow", "Type: incident  Outage End: Sat Oct 31 2026 08:00:00 GMT+0000", Status.RESOLVED),
        (
            "Disks are slow",
            "Type: incident  Outage End: Mon Nov 30 2026 08:00:00 GMT+0000",
            Status.INVESTIGATING,
        ),
        ("RESOLVED: Disks are slow", "Type: incident", Status.RESOLVED),
        ("UNRESOLVED: Disks are slow", "Type: incident", Status.INVESTIGATING),
        ("[Resolved] Disks are slow", "Type: incident", Status.RESOLVED),
        ("Switches", "Type: maintenance  Outage Start: Mon Nov 30 2026 08:00:00 GMT+0000", Status.SCHEDULED),
        (
            "Switches",
            "Type: maintenance  Outage Start: Sat Oct 31 2026 08:00:00 GMT+0000",
            Status.IN_PROGRESS,
        ),
        ("Switches", "Type: maintenance  Outage End: Sat Oct 31 2026 08:00:00 GMT+0000", Status.COMPLETED),
        ("COMPLETED: Switches", "Type: maintenance", Status.COMPLETED),
        ("CANCELLED: Switches", "Type: maintenance", Status.CANCELLED),
    ],
)
def test_where_ibms_event_stands(title: str, labels: str, expected: Status) -> None:
    (found,) = ibm(title, labels)

    assert expected is found.status
    assert found.key == "INC1"
    assert found.updates[0].text == "Words."


@pytest.mark.parametrize("kind", ["announcement", "release", "security", ""])
def test_ibms_news_is_no_incident(kind: str) -> None:
    assert ibm("Something new", f"Type: {kind}") == ()


def test_ibms_labels_within_the_prose_cut_nothing_off() -> None:
    item = (
        "<item><title>t</title><guid>g</guid><description>Status: we work on it. Severity: high, we know.  ID: INC9"
        "  Type: incident  Regions: us-south, eu-de  Resources: is.vpc  </description></item>"
    )

    (found,) = parse("ibm", rss(item, title="IBM Cloud Status"))

    assert found.updates[0].text == "Status: we work on it. Severity: high, we know."
    assert [(p.component, p.region) for p in found.places] == [("is.vpc", "us-south"), ("is.vpc", "eu-de")]


def test_ibms_feed_without_any_types_is_a_fault() -> None:
    """Leaving everything out as news would look like good health."""
    with pytest.raises(ParseError, match="no item says of what type it is"):
        parse(
            "ibm", rss("<item><title>Disks are slow</title><guid>1</guid></item>", title="IBM Cloud Status")
        )


# Tencent


def tencent(**product: object) -> dict[str, object]:
    products = [{"ProductId": "cvm", "ProductName": "CVM", "CurrentStatus": "ABNORMAL", **product}]
    return {"Response": {"RequestId": "r", "Data": {"CategoryList": [{"ProductList": products}]}}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {"Response": {"Error": {"Code": "Busy", "Message": "try later"}}},
            "Tencent answers Busy: try later",
        ),
        ({"Response": {"Data": {"CategoryList": []}}}, "its region is not known there"),
        (
            {"Response": {"Data": {"AreaDetailList": []}}},
            "neither categories of products nor a list of events",
        ),
        ({}, "the Response is null"),
    ],
)
def test_tencents_empty_answers_are_no_good_health(body: object, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        parse("tencent", body)


@pytest.mark.parametrize(
    ("rss_address", "url", "region"),
    [
        ("https://status.cloud.tencent.com/rss/zh/ap-seoul/cvm", "", "ap-seoul"),
        ("https://status.cloud.tencent.com/rss/zh/non-regional/cvm", "", "global"),
        ("", "https://status.tencentcloud.com/v1/api/status/X?BelongSite=1&RegionId=ap-tokyo", "ap-tokyo"),
        ("", "", None),
    ],
)
def test_tencents_region_stands_in_addresses(rss_address: str, url: str, region: str | None) -> None:
    (found,) = parse("tencent", body_of(tencent(Rss=rss_address), url=url))

    assert region == found.places[0].region


@pytest.mark.parametrize(
    ("word", "impact", "is_known"),
    [("NOTIFY", Impact.MINOR, True), ("ABNORMAL", Impact.MAJOR, True), ("BIZARRE", Impact.CRITICAL, False)],
)
def test_tencents_words(word: str, impact: Impact, is_known: bool) -> None:
    (found,) = parse("tencent", tencent(CurrentStatus=word))

    assert (impact, is_known) == (found.impact, not found.unknown_words)


def test_tencents_feed_of_a_product_is_placed_by_its_address() -> None:
    url = "https://status.cloud.tencent.com/rss/zh/ap-seoul/cvm"
    body = rss("<item><title>x(已恢复)</title><guid>1</guid><pubDate>2026-10-31 09:00:00</pubDate></item>")

    (found,) = parse("tencent", body_of(body, url=url))

    assert name_of(body, url) == "tencent"
    assert (found.title, found.is_over) == ("x", True)
    assert (found.places[0].component, found.places[0].region) == ("cvm", "ap-seoul")
    assert found.began_at == when("2026-10-31T01:00:00Z")


# Volcengine


def volcengine(
    title: str, *, channel: str = "火山引擎火山方舟(华北2（北京）)服务状态", url: str = ""
) -> Observation:
    item = f"<item><title>{title}</title><description>x</description><pubDate>2026-10-31 09:00:00</pubDate></item>"
    body = rss(item, title=channel, head="<link>https://status.volcengine.com/</link>")
    return parse("volcengine", body_of(body, url=url))[0]


@pytest.mark.parametrize(
    ("title", "is_over"),
    [
        ("服务异常", False),
        ("服务异常(已恢复)", True),
        ("服务异常（已恢复）", True),
        ("服务异常 【已解决】", True),
        ("服务异常(未恢复)", False),
        ("部分实例已恢复，其余排查中", False),
        ("Errors (Resolved)", True),
    ],
)
def test_volcengines_title_says_what_is_over(title: str, is_over: bool) -> None:
    assert is_over == volcengine(title).is_over


def test_volcengines_event_stays_itself_when_its_title_gets_its_end() -> None:
    before, after = volcengine("服务异常"), volcengine("服务异常(已恢复)")

    assert (before.key, before.title) == (after.key, after.title)
    assert [u.id for u in before.updates] == [u.id for u in after.updates]


@pytest.mark.parametrize(
    ("channel", "url", "region"),
    [
        ("火山引擎火山方舟(华北2（北京）)服务状态", "", "cn-beijing"),
        ("火山引擎火山方舟(火星1（奥林匹斯）)服务状态", "", "火星1(奥林匹斯)"),
        ("x", "https://status.volcengine.com/rss/zh/ap-southeast-1/ModelArk", "ap-southeast-1"),
    ],
)
def test_volcengines_region_is_in_the_channel_or_the_address(channel: str, url: str, region: str) -> None:
    assert region == volcengine("x", channel=channel, url=url).places[0].region


# xAI


def xai(*updates: str, header: str = "<h3>Status: RESOLVED</h3><p>Severity: available</p>") -> Observation:
    text = f"{header}<hr /><h4>Updates:</h4>{''.join(updates)}"
    item = f"<item><title>[API] Errors</title><guid>INC1</guid><description><![CDATA[{text}]]></description></item>"
    return parse("xai", rss(item, head="<link>https://status.x.ai</link>"))[0]


def said(hour: int, label: str) -> str:
    return f"<div><p><strong>Mon, 18 May 2026 {hour:02}:00:00 GMT</strong></p><h3>{label}</h3><p>{label}!</p></div>"


def test_xais_header_has_the_last_word() -> None:
    found = xai(said(2, "Investigating"), said(12, "Updated"))

    assert (found.status, found.updates[-1].status) == (Status.RESOLVED, Status.RESOLVED)
    assert found.ended_at == when("2026-05-18T12:00:00Z")


def test_xais_unknown_labels_say_nothing_of_the_state() -> None:
    found = xai(said(2, "Investigating"), said(3, "Fix rolling out"), header="<h3>Status: IDENTIFIED</h3>")

    assert [Status.INVESTIGATING, None] == [u.status for u in found.updates]
    assert (found.status, found.unknown_words) == (Status.IDENTIFIED, ())


def test_xais_updates_are_the_same_in_either_order() -> None:
    one, other = said(2, "Investigating"), said(12, "Resolved")

    assert xai(one, other).updates == xai(other, one).updates


@pytest.mark.parametrize(
    ("word", "impact", "is_known"),
    [
        ("unavailable", Impact.CRITICAL, True),
        ("degraded", Impact.MINOR, True),
        ("wobbly", Impact.CRITICAL, False),
    ],
)
def test_xais_severities(word: str, impact: Impact, is_known: bool) -> None:
    found = xai(said(2, "Investigating"), header=f"<h3>Status: INVESTIGATING</h3><p>Severity: {word}</p>")

    assert (impact, is_known) == (found.impact, not found.unknown_words)


# All of them


@pytest.mark.parametrize("name", ["xai", "volcengine", "oracle-oci", "ibm"])
def test_a_cut_feed_is_read_in_part_and_says_so(name: str) -> None:
    body = rss("<item><title>a</title><guid>1</guid><description>Type: incident</description></item>")

    found, error = outcome(name, body_of(body.removesuffix("</channel></rss>") + "<item><title>b"))

    assert error is not None
    assert "ends before it is closed" in error
    assert len(found) <= 1


def test_a_bare_time_may_be_that_of_a_place() -> None:
    assert when_there("2026-07-01 10:00:00", timedelta(hours=8)) == when("2026-07-01T02:00:00Z")
    assert when_there("2026-07-01T10:00:00Z", timedelta(hours=8)) == when("2026-07-01T10:00:00Z")
    assert when_there(None, timedelta(hours=8)) is None
