"""Formats without ids of their own events, and feeds of entries: AWS' RSS and data.json, Azure, and RSS of any kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.observation import Place
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.formats.aws import component_of, region_of
from tests.sources.feedkit import aws_data, aws_entry, aws_item, parse, rss

HOUR = 3600
T0 = 1786986000  # 2026-08-17T17:00:00Z
MIDNIGHT_START = 1638947100  # 2021-12-07 23:05 PST
AZURE = (
    "<item><guid>slug</guid><title>{title}</title>{categories}"
    "<pubDate>{at}</pubDate><description>{text}</description></item>"
)


def azure(
    title: str = "Trouble", categories: str = "", text: str = "words", at: str = "Thu, 23 Jul 2026 16:29:09 Z"
) -> str:
    """Azure's feed with one item."""
    return rss(AZURE.format(title=title, categories=categories, at=at, text=text), title="Azure Status")


def statuspage_entry(*blocks: tuple[str, str], published: str = "Thu, 01 Jan 2026 01:00:00 +0000") -> str:
    """An item as Statuspage's history feeds write it, from (date, label) pairs."""
    html = "".join(
        f"<p><small>{at}</small><br><strong>{label}</strong> - {label} words</p>" for at, label in blocks
    )
    link = "https://status.acme.example/incidents/abcdefgh1234"
    return rss(
        f"<item><title>T</title><description><![CDATA[{html}]]></description><pubDate>{published}</pubDate><link>{link}</link></item>"
    )


# --- AWS RSS


def test_a_chain_is_one_service_and_region() -> None:
    found = parse(
        "aws-rss",
        rss(
            aws_item("ec2-us-east-1", T0 + HOUR), aws_item("ec2-us-west-2", T0), aws_item("ec2-us-east-1", T0)
        ),
    )

    assert [(o.key, len(o.updates)) for o in found] == [
        ("ec2-us-east-1_1786986000", 2),
        ("ec2-us-west-2_1786986000", 1),
    ]
    assert {(False, True)} == {(o.is_native, o.may_lapse) for o in found}
    assert [o.chain for o in found] == ["ec2-us-east-1", "ec2-us-west-2"]


def test_a_resolved_item_ends_its_chain_and_the_next_begins_one() -> None:
    items = [
        aws_item("ec2-us-east-1", T0 + 3 * HOUR, "Service impact: Again"),
        aws_item(
            "ec2-us-east-1", T0 + 2 * HOUR, "Service is operating normally: [RESOLVED] Errors, reworded"
        ),
        aws_item("ec2-us-east-1", T0 + 1 * HOUR, "Service is operating normally: [RESOLVED] Errors"),
        aws_item("ec2-us-east-1", T0, "Service disruption: Errors"),
    ]

    again, first = parse("aws-rss", rss(*items))

    assert (again.title, again.status, len(again.updates)) == ("Again", Status.INVESTIGATING, 1)
    assert (
        first.title,
        first.status,
        first.impact,
        len(first.updates),
    ) == ("Errors, reworded", Status.RESOLVED, Impact.NONE, 3)


@pytest.mark.parametrize(("hours", "events"), [(7, 1), (24, 1), (25, 2)])
def test_a_day_of_silence_ends_a_chain(hours: int, events: int) -> None:
    items = [aws_item("ec2-us-east-1", T0 + hours * HOUR), aws_item("ec2-us-east-1", T0)]

    assert events == len(parse("aws-rss", rss(*items)))


def test_the_order_of_the_feed_does_not_matter_and_the_guid_is_the_updates_id() -> None:
    items = [aws_item("ec2-us-east-1", T0 + n * HOUR, text=str(n)) for n in range(3)]

    straight, turned = parse("aws-rss", rss(*items)), parse("aws-rss", rss(*reversed(items)))

    assert straight == turned
    assert [u.text for u in straight[0].updates] == ["0", "1", "2"]
    assert straight[0].updates[0].id == "https://status.aws.amazon.com/#ec2-us-east-1_1786986000"


@pytest.mark.parametrize(
    ("prefix", "impact", "status", "unknown"),
    [
        ("Informational message: ", Impact.MINOR, Status.INVESTIGATING, ()),
        ("Performance issues: ", Impact.MAJOR, Status.INVESTIGATING, ()),
        ("Service degradation: ", Impact.MAJOR, Status.INVESTIGATING, ()),
        ("Service impact: ", Impact.MAJOR, Status.INVESTIGATING, ()),
        ("Service disruption: ", Impact.CRITICAL, Status.INVESTIGATING, ()),
        ("Informational message: [RESOLVED] ", Impact.MINOR, Status.RESOLVED, ()),
        ("Service wobble: ", Impact.CRITICAL, Status.INVESTIGATING, ("state: Service wobble",)),
        ("", Impact.MAJOR, Status.INVESTIGATING, ()),
    ],
)
def test_state_and_weight_stand_in_the_title(
    prefix: str, impact: Impact, status: Status, unknown: tuple[str, ...]
) -> None:
    found = parse("aws-rss", rss(aws_item("ec2-us-east-1", T0, f"{prefix}Errors")))[0]

    assert (impact, status, unknown) == (found.impact, found.status, found.unknown_words)


def test_an_item_without_any_time_spares_the_others() -> None:
    with pytest.raises(ParseError, match="has no time") as caught:
        parse("aws-rss", rss("<item><title>Odd</title></item>", aws_item("ec2-us-east-1", T0)))

    assert len(caught.value.partial) == 1


@pytest.mark.parametrize(
    ("service", "name", "component", "region"),
    [
        (
            "ec2-us-east-1",
            "Amazon Elastic Compute Cloud (N. Virginia)",
            "Amazon Elastic Compute Cloud (ec2)",
            "us-east-1",
        ),
        ("dynamodb-ap-southeast-2", "Amazon DynamoDB (Sydney)", "Amazon DynamoDB", "ap-southeast-2"),
        ("sqs-us-gov-west-1", "", "Amazon Simple Queue Service (sqs)", "us-gov-west-1"),
        (
            "s3-us-standard",
            "Amazon Simple Storage Service",
            "Amazon Simple Storage Service (s3)",
            "us-east-1",
        ),
        ("route53", "Amazon Route 53", "Amazon Route 53", None),
        ("management-console", "AWS Management Console", "AWS Management Console", None),
        ("multipleservices-me-central-1", "Multiple services", None, "me-central-1"),
        ("newthing-eu-south-2", "", "newthing", "eu-south-2"),
        ("", "", None, None),
    ],
)
def test_service_ids_name_component_and_region(
    service: str, name: str, component: str | None, region: str | None
) -> None:
    """The short name stays beside the long one, because people search for "ec2"."""
    assert (component, region) == (component_of(service, name), region_of(service))


# --- AWS data.json


def times(*clocks: str, date: object = MIDNIGHT_START) -> list[str]:
    """The ids' times of an item with these clocks."""
    found = parse("aws-data-json", aws_data(aws_entry(date, *clocks)))[0]
    return [u.id.removeprefix("ec2-us-east-1@") for u in found.updates]


def test_clock_times_get_the_starts_day_and_run_over_midnight() -> None:
    assert times("11:05 PM PST", "11:50 PM PST", "12:10 AM PST") == [
        "2021-12-08T07:05:00Z",
        "2021-12-08T07:50:00Z",
        "2021-12-08T08:10:00Z",
    ]


def test_a_start_moved_back_over_midnight_leaves_the_times_of_posts_alone() -> None:
    after, before = 1638950700, 1638948300  # 00:05 and, later in its life, 23:25 the day before

    assert times("12:10 AM PST", date=after) == times("12:10 AM PST", date=before) == ["2021-12-08T08:10:00Z"]


def test_a_day_that_is_named_wins() -> None:
    assert times("11:05 PM PST", "Dec  9, 12:30 PM PST", " 5:00 PM PST") == [
        "2021-12-08T07:05:00Z",
        "2021-12-09T20:30:00Z",
        "2021-12-10T01:00:00Z",
    ]


def test_a_named_day_may_lie_in_the_next_year() -> None:
    assert times("11:30 PM PST", "Jan  1, 12:10 AM PST", date=1641020000) == [
        "2022-01-01T07:30:00Z",
        "2022-01-01T08:10:00Z",
    ]


def test_daylight_saving_is_what_the_text_says() -> None:
    assert times("10:11 AM PDT", "10:11 AM PST", date="1659028264") == [
        "2022-07-28T17:11:00Z",
        "2022-07-28T18:11:00Z",
    ]


def test_a_moved_start_keeps_the_ids_of_updates() -> None:
    """On 2020-11-25 the starts of open items were moved back by six hours, and the only key with them."""
    clocks = (" 1:04 PM PST", " 2:30 PM PST")
    before = parse("aws-data-json", aws_data(aws_entry("1606336447", *clocks)))[0]
    after = parse("aws-data-json", aws_data(aws_entry("1606314960", *clocks)))[0]

    assert before.key != after.key
    assert before.chain == after.chain == "ec2-us-east-1"
    assert before.updates == after.updates


def test_a_clock_that_steps_back_a_little_is_bad_order_not_a_day() -> None:
    assert times("11:10 PM PST", "11:05 PM PST") == ["2021-12-08T07:05:00Z", "2021-12-08T07:10:00Z"]


def test_the_archive_is_over_whatever_its_status_says() -> None:
    """Its status numbers are peaks, as text or number; in `current` they are the present."""
    items = [aws_entry(MIDNIGHT_START + n, status=s) for n, s in enumerate((3, "1", "0"))]

    over = parse("aws-data-json", aws_data(archive=items))
    current = parse("aws-data-json", aws_data(*items))

    assert [o.status for o in over] == [Status.RESOLVED] * 3
    assert [o.status for o in current] == [Status.INVESTIGATING, Status.INVESTIGATING, Status.RESOLVED]
    assert [o.impact for o in over] == [Impact.CRITICAL, Impact.MINOR, Impact.NONE]


def test_a_description_without_clocks_is_one_update() -> None:
    found = parse("aws-data-json", aws_data(aws_entry(MIDNIGHT_START, description="<p>Words alone</p>")))[0]

    assert [(u.id, u.text) for u in found.updates] == [("ec2-us-east-1@2021-12-08T07:05:00Z", "Words alone")]


def test_an_item_without_a_start_spares_the_others() -> None:
    with pytest.raises(ParseError, match="no readable date") as caught:
        parse("aws-data-json", aws_data(aws_entry("soon"), aws_entry(MIDNIGHT_START)))

    assert len(caught.value.partial) == 1


# --- Azure


def test_an_azure_item_is_one_update_that_is_edited() -> None:
    before, after = (
        parse("azure-rss", azure(text="short"))[0],
        parse("azure-rss", azure(text="quite another text"))[0],
    )

    assert "slug@2026-07-23T16:29:09Z" == before.updates[0].id == after.updates[0].id
    assert after.updates[0].text == "quite another text"


@pytest.mark.parametrize(
    "text",
    ["Unresolved.", "This is not yet resolved.", "Status: not yet resolved", "It was resolved for some."],
)
def test_azures_prose_does_not_resolve(text: str) -> None:
    assert Status.INVESTIGATING is parse("azure-rss", azure("Unresolved: trouble", text=text))[0].status


@pytest.mark.parametrize(
    ("title", "categories", "places"),
    [
        ("Trouble in West US 2", "", [(None, "West US 2")]),
        ("Trouble", "<category>West US</category>", [(None, "West US")]),
        (
            "Trouble",
            "<category>westus3</category><category>App Service</category>",
            [("App Service", "West US 3")],
        ),
        ("Trouble", "<category>Global</category>", [(None, "global")]),
        (
            "Global Secure Access fails",
            "<category>Network Infrastructure</category>",
            [("Network Infrastructure", None)],
        ),
        ("Trouble", "", [(None, None)]),
    ],
)
def test_azures_regions_come_from_categories_and_title_only(
    title: str, categories: str, places: list[tuple[str | None, str | None]]
) -> None:
    found = parse("azure-rss", azure(title, categories, text="People in East US ask too."))[0]

    assert places == [(p.component, p.region) for p in found.places]


# --- RSS of any kind


def test_statuspages_entry_becomes_its_updates_under_the_pages_own_id() -> None:
    found = parse(
        "rss", statuspage_entry(("Jan  1, 00:30 UTC", "Resolved"), ("Dec 31, 23:10 UTC", "Investigating"))
    )[0]

    assert (found.key, found.is_native, found.status) == ("abcdefgh1234", True, Status.RESOLVED)
    assert [u.id for u in found.updates] == [
        "abcdefgh1234@2025-12-31T23:10:00Z",
        "abcdefgh1234@2026-01-01T00:30:00Z",
    ]
    assert datetime(2026, 1, 1, 0, 30, tzinfo=UTC) == found.ended_at


def test_the_label_update_keeps_the_state_before_it() -> None:
    found = parse(
        "rss", statuspage_entry(("Jan  1, 00:30 UTC", "Update"), ("Jan  1, 00:10 UTC", "Monitoring"))
    )[0]

    assert (found.status, [u.status for u in found.updates]) == (Status.MONITORING, [Status.MONITORING, None])


def test_maintenance_labels_make_a_maintenance() -> None:
    found = parse(
        "rss", statuspage_entry(("Jan  1, 00:30 UTC", "In progress"), ("Dec 20, 00:10 UTC", "Scheduled"))
    )[0]

    assert (
        found.kind,
        found.status,
        found.impact,
    ) == (Kind.MAINTENANCE, Status.IN_PROGRESS, Impact.MAINTENANCE)


@pytest.mark.parametrize(
    "blocks",
    [
        (("Jan  1, 00:30 UTC", "Required Action"),),
        (("sometime", "Resolved"),),
        (("Feb 31, 00:30 UTC", "Resolved"),),
    ],
)
def test_an_entry_that_is_not_as_expected_stays_whole(blocks: tuple[tuple[str, str], ...]) -> None:
    found = parse("rss", statuspage_entry(*blocks))[0]

    assert [u.id for u in found.updates] == ["abcdefgh1234@2026-01-01T01:00:00Z"]


def test_an_entry_is_edited_under_its_published_time() -> None:
    def entry(updated: str, text: str) -> str:
        return (
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>e1</id><title>T</title><published>2026-01-01T00:00:00Z</published>'
            f"<updated>{updated}</updated><content>{text}</content></entry></feed>"
        )

    before = parse("rss", entry("2026-01-01T00:00:00Z", "a"))[0]
    after = parse("rss", entry("2026-01-05T00:00:00Z", "b"))[0]

    assert "e1@2026-01-01T00:00:00Z" == before.updates[0].id == after.updates[0].id
    assert datetime(2026, 1, 5, tzinfo=UTC) == after.updated_at


def test_every_entry_may_lapse_and_places_are_unknown() -> None:
    found = parse("rss", rss("<item><title>[Resolved] T</title><guid>g</guid></item>"))[0]

    assert (True, Status.RESOLVED, (Place(provider="acme"),)) == (found.may_lapse, found.status, found.places)


def test_a_link_that_entries_share_is_no_key() -> None:
    items = [f"<item><title>T{n}</title><link>https://x.example/</link></item>" for n in range(2)]

    shared, own = parse("rss", rss(*items)), parse("rss", rss(items[0]))

    assert len({o.key for o in shared}) == 2
    assert {False} == {o.is_native for o in shared}
    assert (own[0].key, own[0].is_native) == ("https://x.example/", True)


def test_entries_with_one_guid_are_one_event() -> None:
    items = [
        f"<item><title>T</title><guid>g</guid><description>{n}</description>"
        f"<pubDate>Mon, 0{n} Jun 2026 00:00:00 GMT</pubDate></item>"
        for n in (2, 1)
    ]

    found = parse("rss", rss(*items))

    assert [(o.key, [u.text for u in o.updates]) for o in found] == [("g", ["1", "2"])]
