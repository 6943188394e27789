"""What real feeds do to identity, order, time and places, one table or test for each trap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import UPDATES_MAX, Listing, Place
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.reading.assemble import ENTRIES_MAX, PAIRS_MAX
from tests.sources.feedkit import body_of, incident, page, parse, update

UTF16 = "utf-16-be"


def google(**more: object) -> dict[str, object]:
    """An incident of Google's."""
    return {
        "id": "AAAA",
        "begin": "2026-06-01T10:00:00+00:00",
        "external_desc": "Trouble",
        "status_impact": "SERVICE_OUTAGE",
        **more,
    }


def slack(**more: object) -> dict[str, object]:
    """An incident of Slack's."""
    at = "2026-02-03T09:00:00-08:00"
    return {
        "id": 7,
        "title": "T",
        "type": "incident",
        "status": "active",
        "date_created": at,
        "notes": [],
        **more,
    }


def event(*log: dict[str, object], **more: object) -> dict[str, object]:
    """A current event of AWS."""
    arn = "arn:aws:health:us-east-1::event/EC2/X/Y"
    return {
        "arn": arn,
        "date": "1772369485",
        "status": "2",
        "summary": "S",
        "service": "ec2-us-east-1",
        "event_log": log,
    } | more


# --- Statuspage


def test_an_edited_update_keeps_its_id() -> None:
    """Bodies are replaced in place, and an edited time loses its milliseconds."""
    before = parse("statuspage", page(incident(update("u1", "2026-01-01T00:00:34.790Z", "short"))))
    after = parse("statuspage", page(incident(update("u1", "2026-01-01T00:00:34.000Z", "a longer text"))))

    assert [before[0].updates[0].id, after[0].updates[0].id] == ["u1", "u1"]
    assert after[0].updates[0].text == "a longer text"


def test_updates_are_oldest_first_whatever_the_order_of_the_feed() -> None:
    later, sooner = update("u2", "2026-01-01T02:00:00Z"), update("u1", "2026-01-01T01:00:00+00:00")

    for order in ([later, sooner], [sooner, later]):
        assert [u.id for u in parse("statuspage", page(incident(*order)))[0].updates] == ["u1", "u2"]


def test_updates_of_one_moment_keep_the_feeds_order_reversed() -> None:
    """Statuspage lists the newest first, so of two with one time the lower is the older."""
    same = "2026-01-01T01:00:00Z"

    found = parse("statuspage", page(incident(update("u3", same), update("u2", same), update("u1", same))))

    assert [u.id for u in found[0].updates] == ["u1", "u2", "u3"]


def test_an_update_without_a_time_stays_beside_its_neighbour() -> None:
    timeless = {"id": "u2", "body": "x"}

    found = parse(
        "statuspage",
        page(incident(update("u3", "2026-01-03T00:00:00Z"), timeless, update("u1", "2026-01-01T00:00:00Z"))),
    )

    assert [u.id for u in found[0].updates] == ["u1", "u2", "u3"]
    assert (found[0].updates[1].posted_at, found[0].updates[1].status) == (None, None)


def test_the_pages_indicator_is_not_the_impact() -> None:
    body = page(incident(impact="critical")) | {"status": {"indicator": "none"}}

    assert Impact.CRITICAL is parse("statuspage", body)[0].impact


def test_a_duplicate_id_keeps_the_longer_text() -> None:
    at = "2026-01-01T01:00:00Z"

    found = parse("statuspage", page(incident(update("u1", at, "long text"), update("u1", at, "text"))))

    assert [(u.id, u.text) for u in found[0].updates] == [("u1", "long text")]


def test_an_incident_listed_twice_is_one() -> None:
    old = incident(update("u1", "2026-01-01T00:00:00Z"), updated_at="2026-01-01T00:00:00Z", name="Old")
    new = incident(update("u2", "2026-01-02T00:00:00Z"), updated_at="2026-01-02T00:00:00Z", name="New")

    found = parse("statuspage", page(new, old))

    assert [(o.title, [u.id for u in o.updates]) for o in found] == [("New", ["u1", "u2"])]


def test_only_the_newest_updates_of_a_long_incident_are_kept() -> None:
    updates = [update(f"u{n}", f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z") for n in range(250)]

    found = parse("statuspage", page(incident(*updates)))

    assert [f"u{n}" for n in range(250 - UPDATES_MAX, 250)] == [u.id for u in found[0].updates]


def test_no_more_than_the_cap_of_records_is_read() -> None:
    assert (
        len(parse("statuspage", page(*(incident(id=f"i{n}") for n in range(ENTRIES_MAX + 50)))))
        == ENTRIES_MAX
    )


def test_a_maintenance_is_one_wherever_it_is_listed() -> None:
    in_incidents = incident(status="scheduled", scheduled_for="2026-02-01T00:00:00Z", impact=None)
    apart = page(
        scheduled_maintenances=[
            incident(status="whatever", scheduled_for="2026-02-01T00:00:00Z", impact=None)
        ]
    )

    first, second = parse("statuspage", page(in_incidents))[0], parse("statuspage", apart)[0]

    assert (
        first.kind,
        first.status,
        first.impact,
    ) == (Kind.MAINTENANCE, Status.SCHEDULED, Impact.MAINTENANCE)
    assert (second.kind, second.status) == (Kind.MAINTENANCE, Status.IN_PROGRESS)
    assert datetime(2026, 2, 1, tzinfo=UTC) == first.began_at
    assert second.unknown_words == ("status: whatever",)


def test_an_incident_may_carry_the_impact_maintenance_and_stay_an_incident() -> None:
    found = parse("statuspage", page(incident(impact="maintenance")))[0]

    assert (found.kind, found.impact) == (Kind.INCIDENT, Impact.MAINTENANCE)


@pytest.mark.parametrize(
    ("body", "url", "listing"),
    [
        (page(), "", Listing.OPEN),
        ({"page": {}, "incidents": [], "components": []}, "", Listing.OPEN),
        ({"page": {}, "incidents": []}, "https://x.example/api/v2/incidents.json", Listing.WINDOW),
        ({"page": {}, "incidents": []}, "https://x.example/api/v2/incidents/unresolved.json", Listing.OPEN),
        ("not json", "", Listing.WINDOW),
    ],
)
def test_absence_means_the_end_only_in_a_list_of_open_ones(body: object, url: str, listing: Listing) -> None:
    assert listing is FORMATS["statuspage"].listed(body_of(body, url=url))


def test_places_come_from_the_incident_and_from_its_updates() -> None:
    said = update(
        "u1", "2026-01-01T00:00:00Z", affected_components=[{"code": "c", "name": "Orders"}, {"name": "API"}]
    )
    placeholder = update(
        "u2", "2026-01-01T00:00:00Z", affected_components="No components were affected by this update."
    )

    found = parse("statuspage", page(incident(said, placeholder, components=[{"name": "API"}])))[0]

    assert (
        Place(provider="acme", component="API"),
        Place(provider="acme", component="Orders"),
    ) == found.places


def test_a_body_without_lists_says_so() -> None:
    with pytest.raises(ParseError, match="has no incidents list"):
        parse("statuspage", {"page": {}, "status": {"indicator": "none"}})


def test_one_bad_record_spares_the_others() -> None:
    with pytest.raises(ParseError) as caught:
        parse("statuspage", page(incident(), 7, incident(id=None, name="Nameless")))

    assert [o.key for o in caught.value.partial] == ["inc1"]
    assert str(caught.value) == 'record 1: it is a number, not an object; record 2: "Nameless" has no id'


# --- Google


def test_the_peak_does_not_keep_an_incident_open() -> None:
    """`status_impact` stays SERVICE_OUTAGE for ever; `end` alone says that it is over."""
    found = parse("gcp", [google(end="2026-06-01T12:00:00+00:00"), google(id="BBBB")])

    assert [(o.status, o.impact) for o in found] == [
        (Status.RESOLVED, Impact.CRITICAL),
        (Status.INVESTIGATING, Impact.CRITICAL),
    ]


def test_google_updates_are_known_by_their_when() -> None:
    """The text and `modified` move; two texts of one `when` are two updates."""
    at = "2026-06-01T10:20:00+00:00"
    once = parse("gcp", [google(updates=[{"when": at, "text": "a", "modified": "1"}])])[0]
    edited = parse("gcp", [google(updates=[{"when": at, "text": "a, edited", "modified": "2"}])])[0]
    twice = parse("gcp", [google(updates=[{"when": at, "text": "b"}, {"when": at, "text": "a"}])])[0]

    assert "AAAA@2026-06-01T10:20:00Z" == once.updates[0].id == edited.updates[0].id
    assert [u.id for u in twice.updates] == ["AAAA@2026-06-01T10:20:00Z", "AAAA@2026-06-01T10:20:00Z#2"]


def test_an_available_update_before_the_end_is_not_a_resolution() -> None:
    updates = [{"when": "2026-06-01T10:20:00+00:00", "text": "a", "status": "AVAILABLE"}]

    assert [u.status for u in parse("gcp", [google(updates=updates)])[0].updates] == [None]


@pytest.mark.parametrize(("products", "locations"), [(6, 10), (1, 60), (2, 0), (0, 3)])
def test_narrow_events_name_each_product_in_each_location(products: int, locations: int) -> None:
    found = parse("gcp", [wide(products, locations)])[0].places

    assert max(products, 1) * max(locations, 1) == len(found) <= PAIRS_MAX


def test_wide_events_name_products_and_locations_side_by_side() -> None:
    """55 products in 61 locations were real; more than is hit may be named, never less."""
    found = parse("gcp", [wide(55, 61)])[0].places

    assert sum(p.component is not None and p.region is None for p in found) == 55
    assert sum(p.component is None and p.region is not None for p in found) == 61
    assert (Place(provider="acme"),) == parse("gcp", [wide(200, 200)])[0].places


def wide(products: int, locations: int) -> dict[str, object]:
    """An incident of that many products and locations."""
    return google(
        affected_products=[{"title": f"Product {n}", "id": str(n)} for n in range(products)],
        currently_affected_locations=[{"title": f"Town (xx-{n})", "id": f"xx-{n}"} for n in range(locations)],
    )


def test_a_hopeless_link_is_googles_front_page() -> None:
    assert parse("gcp", [google(uri="//[")])[0].url == "https://status.cloud.google.com/"


def test_unknown_grades_of_google_are_the_worst() -> None:
    found = parse("gcp", [google(status_impact="SERVICE_VANISHED")])[0]

    assert (found.impact, found.unknown_words) == (Impact.CRITICAL, ("status_impact: SERVICE_VANISHED",))


# --- Slack


def test_slack_notes_come_in_both_orders_and_zones() -> None:
    """Newest first until 2024, oldest first in 2026; a note is known by its moment, not by its spelling."""
    older = {"date_created": "2026-03-01T09:00:00-08:00", "body": "older"}
    newer = {"date_created": "2026-03-01T18:30:00Z", "body": "newer"}

    for notes in ([older, newer], [newer, older]):
        found = parse("slack-current", {"active_incidents": [slack(notes=notes)]})[0]
        assert [u.id for u in found.updates] == ["7@2026-03-01T17:00:00Z", "7@2026-03-01T18:30:00Z"]


def test_slack_types_change_in_place() -> None:
    impacts = [
        parse("slack-current", {"active_incidents": [slack(type=t)]})[0].impact
        for t in ("notice", "incident", "outage")
    ]

    assert impacts == [Impact.MINOR, Impact.MAJOR, Impact.CRITICAL]


def test_slacks_history_is_a_window() -> None:
    payload = body_of([slack(status="resolved")])

    assert (
        FORMATS["slack-current"].listed(payload),
        FORMATS["slack-current"].listed(body_of({"active_incidents": []})),
    ) == (Listing.WINDOW, Listing.OPEN)
    assert Status.RESOLVED is parse("slack-current", payload)[0].status


# --- AWS, current events


def test_currentevents_updates_of_one_second_are_numbered() -> None:
    log = [
        {"message": "a", "timestamp": 1772369485},
        {"message": "b", "timestamp": 1772369485},
        {"message": "a", "timestamp": 1772369485},
    ]

    found = parse("aws-currentevents", [event(*log)])[0]

    base = "arn:aws:health:us-east-1::event/EC2/X/Y@2026-03-01T12:51:25Z"
    assert [(base, "a"), (f"{base}#2", "b")] == [(u.id, u.text) for u in found.updates]


@pytest.mark.parametrize(
    "said", [{"summary": "[RESOLVED] S"}, {"status": "0"}, {"status": 0}, {"end_time": "1772370000"}]
)
def test_currentevents_end_in_three_ways(said: dict[str, object]) -> None:
    found = parse("aws-currentevents", [event(**said)])[0]

    assert (found.status, found.title) == (Status.RESOLVED, "S")


def test_an_empty_utf16_list_is_aws_and_any_other_is_nobodys() -> None:
    assert detect(body_of(b"\xfe\xff" + "[]".encode(UTF16))).name == "aws-currentevents"
    assert detect(body_of(b"[]")) is None


@pytest.mark.parametrize(
    ("name", "member"), [("gcp", google()), ("slack-current", slack()), ("aws-currentevents", event())]
)
def test_one_odd_member_does_not_hide_whose_list_it_is(name: str, member: object) -> None:
    assert detect(body_of([None, {"id": 1}, member])).name == name


@pytest.mark.parametrize("words", ["AWS Service Health Dashboard", "https://status.aws.amazon.com/#ec2_1"])
def test_a_feed_that_quotes_aws_is_not_aws(words: str) -> None:
    item = f"<item><title>{words}</title><description>See {words}.</description><guid>https://x.example/1</guid></item>"

    assert detect(body_of(f"<rss><channel><title>Acme Status</title>{item}</channel></rss>")).name == "rss"


# --- filters


@pytest.mark.parametrize(
    ("regions", "components", "kept"),
    [
        ([], [], ["eu", "us", "all", "none"]),
        (["us-central1"], [], ["us", "all", "none"]),
        ([], ["cloud run"], ["eu", "none"]),
        (["US Central1"], ["Pub/Sub"], ["us", "all", "none"]),
        (["mars"], ["Nothing"], ["none"]),
    ],
)
def test_filters_keep_what_touches_and_what_may_touch(
    regions: list[str], components: list[str], kept: list[str]
) -> None:
    """Unknown does not mean unaffected, and "global" is everywhere."""

    def told(key: str, product: str | None, location: str | None) -> dict[str, object]:
        products = [{"title": product}] if product else []
        locations = [{"id": location}] if location else []
        return google(id=key, affected_products=products, currently_affected_locations=locations)

    body = [
        told("eu", "Cloud Run", "europe-west1"),
        told("us", "Google Cloud Pub/Sub", "us-central1"),
        told("all", "Cloud Pub/Sub", "global"),
        told("none", None, None),
    ]

    assert kept == [o.key for o in parse("gcp", body, regions=regions, components=components)]
