"""Feeds as RSS, Atom, RDF and JSON Feed: updates within entries, dates ahead, labels; and where closed ones are kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Observation
from bot.domain.words import Kind, Status
from bot.sources import FORMATS, detect
from tests.sources.feedkit import body_of, parse, rss


def atom(*posts: tuple[str, str], kind: str = "Incident", published: str, facts: bool = True) -> Observation:
    """An entry of Instatus with these (date, label) pairs, each as "Oct 20, 08:00:00"."""
    head = (
        f"<p><strong>Type:</strong> {kind}</p><p><strong>Affected Components:</strong> A, B</p>"
        if facts
        else ""
    )
    inner = "".join(
        f"<p><small>{at} GMT+0</small><br /><strong>{label}</strong> -\n Words of {label}.</p>"
        for at, label in posts
    )
    return parse(
        "rss",
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:x,2005:Incident/clinc0000a</id>'
        f'<published>{published}</published><link href="https://x.example/incident/clinc0000a"/><title>T</title>'
        f'<content type="html"><![CDATA[{head}{inner}]]></content></entry></feed>',
    )[0]


def item(inner: str, title: str = "T", date: str = "Tue, 20 Oct 2026 08:00:00 GMT") -> Observation:
    """An item of RSS."""
    head = f"<title>{title}</title><guid>g</guid><pubDate>{date}</pubDate>"
    return parse("rss", rss(f"<item>{head}<description><![CDATA[{inner}]]></description></item>"))[0]


def json_item(**fields: object) -> Observation:
    """An item of a JSON Feed."""
    return parse(
        "json-feed", {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "i", **fields}]}
    )[0]


# --- Instatus


@pytest.mark.parametrize("is_reversed", [False, True])
def test_instatus_blocks_are_read_in_either_order(is_reversed: bool) -> None:
    posts = [
        ("Oct 20, 08:00:00", "Investigating"),
        ("Oct 20, 08:00:30", "Monitoring"),
        ("Oct 21, 01:40:38", "Resolved"),
    ]

    found = atom(*(posts[::-1] if is_reversed else posts), published="2026-10-20T08:00:00Z")

    assert [u.status for u in found.updates] == [Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED]
    assert found.status is Status.RESOLVED
    assert found.ended_at == datetime(2026, 10, 21, 1, 40, 38, tzinfo=UTC)
    assert [p.component for p in found.places] == ["A", "B"]
    assert found.key == "clinc0000a"


@pytest.mark.parametrize("is_reversed", [False, True])
def test_instatus_dates_get_their_year_over_new_year(is_reversed: bool) -> None:
    posts = [("Dec 31, 23:50:00", "Investigating"), ("Jan 1, 00:30:00", "Resolved")]

    found = atom(*(posts[::-1] if is_reversed else posts), published="2025-12-31T23:50:00Z")

    assert [u.posted_at and u.posted_at.year for u in found.updates] == [2025, 2026]
    assert found.status is Status.RESOLVED


def test_instatus_maintenance_is_planned_until_the_entrys_date() -> None:
    """It says "Identified" all the way, and dates the entry when the work is to begin."""
    posts = [("Oct 8, 07:24:48", "Identified"), ("Oct 19, 06:00:01", "Identified")]
    announced = atom(posts[0], kind="Maintenance", published="2026-10-19T06:00:00Z")
    begun = atom(*posts, kind="Maintenance", published="2026-10-19T06:00:00Z")

    assert [(o.kind, o.status) for o in (announced, begun)] == [
        (Kind.MAINTENANCE, Status.SCHEDULED),
        (Kind.MAINTENANCE, Status.IN_PROGRESS),
    ]
    assert {o.began_at for o in (announced, begun)} == {datetime(2026, 10, 19, 6, tzinfo=UTC)}


def test_statuspage_blocks_stay_newest_first_whatever_their_dates_look_like() -> None:
    """An incident of ten months: read the other way round, it would have lasted two."""
    found = atom(
        ("Oct 20, 08:00", "Resolved"),
        ("Jan 5, 08:00", "Investigating"),
        published="2026-10-20T08:00:00Z",
        facts=False,
    )

    assert [u.posted_at and u.posted_at.month for u in found.updates] == [1, 10]
    assert found.status is Status.RESOLVED


def test_an_unknown_label_or_a_word_between_leaves_the_entry_whole() -> None:
    found = atom(
        ("Oct 20, 08:00:00", "Investigating"),
        ("Oct 20, 09:00:00", "Fizzled"),
        published="2026-10-20T08:00:00Z",
    )

    assert len(found.updates) == 1
    assert "Words of Fizzled" in found.updates[0].text


# --- any feed


@pytest.mark.parametrize(
    ("inner", "title", "status"),
    [
        ("<b>Status: Resolved</b><br/>It works.", "T", Status.RESOLVED),
        ("<p>Status: Monitoring</p>", "T", Status.MONITORING),
        ("Words.", "[Resolved] T", Status.RESOLVED),
        ("It is not yet resolved.", "T", Status.INVESTIGATING),
        ("Words.", "Resolved: T", Status.RESOLVED),
    ],
)
def test_labels_alone_tell_the_state(inner: str, title: str, status: Status) -> None:
    assert item(inner, title).status is status


def test_an_entry_dated_days_ahead_is_announced_and_one_dated_hours_ahead_is_not() -> None:
    """Hours are a zone that somebody forgot to write."""
    days, hours = (
        item("Words.", date="Tue, 10 Nov 2026 08:00:00 GMT"),
        item("Words.", date="Sun, 01 Nov 2026 07:00:00 GMT"),
    )

    assert [(o.status, o.kind) for o in (days, hours)] == [
        (Status.SCHEDULED, Kind.MAINTENANCE),
        (Status.INVESTIGATING, Kind.INCIDENT),
    ]
    assert {o.updated_at for o in (days, hours)} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert [u.posted_at for o in (days, hours) for u in o.updates] == [None, None]


@pytest.mark.parametrize(
    "document",
    [
        '<rss version="0.91"><channel><item><title>T</title></item></channel></rss>',
        '<rss version="2.0"><channel><item><title>T</title></item></channel></rss>',
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>T</title></entry></feed>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item rdf:about="x">'
        "<title>T</title></item></rdf:RDF>",
    ],
    ids=["rss 0.91", "rss 2.0", "atom", "rdf"],
)
def test_plain_feeds_of_every_kind_are_read(document: str) -> None:
    found = detect(body_of(document))

    assert found is not None
    assert [o.title for o in parse(found.name, document)] == ["T"]
    assert found.name == "rss"


# --- JSON Feed


def test_a_json_feed_is_told_by_the_rules_of_rss() -> None:
    """Only the format's name and what RSS cannot say differ."""
    ours = json_item(
        id="g", title="[Resolved] T", content_html="<p>Words.</p>", date_published="2026-10-20T08:00:00Z"
    )
    theirs = item("<p>Words.</p>", "[Resolved] T")

    assert (ours.key, ours.title, ours.status, ours.updates[0].text) == (
        theirs.key,
        theirs.title,
        theirs.status,
        theirs.updates[0].text,
    )
    assert (ours.began_at, ours.may_lapse) == (theirs.began_at, theirs.may_lapse)


def test_plain_text_of_a_json_feed_is_no_markup() -> None:
    found = json_item(content_text="a <b> is & stays <b>")

    assert found.updates[0].text == "a <b> is & stays <b>"


@pytest.mark.parametrize("version", ["https://jsonfeed.org/version/1", "https://jsonfeed.org/version/1.1"])
def test_a_json_feed_is_known_by_its_version(version: str) -> None:
    found = detect(body_of({"version": version, "items": []}))

    assert found is not None
    assert found.name == "json-feed"
    assert detect(body_of({"version": "1.1", "items": [], "about": "jsonfeed.org"})) is None


# --- where closed ones are kept


@pytest.mark.parametrize(
    ("name", "url", "history"),
    [
        ("statuspage", "https://a.example/api/v2/summary.json", "https://a.example/api/v2/incidents.json"),
        (
            "statuspage",
            "https://a.example/api/v2/incidents/unresolved.json",
            "https://a.example/api/v2/incidents.json",
        ),
        (
            "statuspage",
            "https://a.example/sub/api/v2/summary.json",
            "https://a.example/sub/api/v2/incidents.json",
        ),
        ("statuspage", "https://a.example/api/v2/incidents.json", None),
        ("statuspage", "https://a.example/status.json", None),
        ("slack-current", "https://a.example/api/v2.0.0/current", "https://a.example/api/v2.0.0/history"),
        ("slack-current", "https://a.example/api/v2.0.0/history", None),
        ("incidentio-widget", "https://a.example/api/v1/summary", "https://a.example/api/v2/incidents.json"),
        ("incidentio-widget", "https://a.example/proxy/a.example", "https://a.example/api/v2/incidents.json"),
        ("incidentio-widget", "https://widget.example/123", None),
        ("instatus", "https://a.example/summary.json", "https://a.example/history.atom"),
        ("instatus", "https://a.example/v3/summary.json", "https://a.example/history.atom"),
        ("instatus", "https://a.example/v3/components.json", None),
        ("cstate", "https://a.example/index.json", "https://a.example/issues/index.json"),
        ("cstate", "https://a.example/sub/index.json", "https://a.example/sub/issues/index.json"),
        ("cstate", "https://a.example/issues/index.json", None),
        (
            "uptime-kuma",
            "https://a.example/api/status-page/x",
            "https://a.example/api/status-page/x/incident-history",
        ),
        ("uptime-kuma", "https://a.example/api/status-page/heartbeat/x", None),
        ("uptime-kuma", "https://a.example/api/status-page/x/incident-history", None),
    ],
)
def test_a_list_of_open_events_knows_where_closed_ones_are_kept(
    name: str, url: str, history: str | None
) -> None:
    confirm_url = FORMATS[name].confirm_url

    assert confirm_url is not None
    assert confirm_url(url) == history


@pytest.mark.parametrize(
    "url", ["", "x", "http://[", "//", "https://", "ftp://a/current", "https://a.example/\nsummary.json"]
)
def test_an_odd_address_has_no_history_and_does_no_harm(url: str) -> None:
    for name in ("statuspage", "slack-current", "incidentio-widget", "instatus", "cstate", "uptime-kuma"):
        confirm_url = FORMATS[name].confirm_url
        assert confirm_url is not None
        assert confirm_url(url) in (None, url.replace("/current", "/history"))
