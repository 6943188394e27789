"""Detection: the feed of a page is found by what is known, by what the page says, and in the usual places, in few questions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import net
from bot.errors import FetchError, ParseError
from bot.sources import FORMATS, catalogue
from bot.sources.fetching.auth import Header
from bot.sources.fetching.fetch import Fetcher
from bot.sources.finding import platforms
from bot.sources.finding.detecting import ASKED_MAX, Access, Found, detect_page, provider_of
from tests.fakes.feeds import FeedServer
from tests.fakes.feeds import status as fail_with
from tests.fakes.pages import Web

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FEEDS = Path(__file__).parent / "feeds"
HOME = "https://status.acme.example"
RSS = '<rss version="2.0"><channel><title>Acme</title><item><title>Down</title><guid>1</guid></item></channel></rss>'
ID = "0123456789abcdef01234567"


def body(case: str) -> bytes:
    return (FEEDS / case).read_bytes()


def page(head: str = "", body: str = "", title: str = "Acme Status") -> str:
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


async def found(web: Web, url: str = HOME, access: Access | None = None) -> Found:
    return await detect_page(url, web, NOON, access=access or Access(), sleep=no_sleep)


@pytest.mark.parametrize(
    ("mark", "path", "case", "format"),
    [
        ("powered by statuspage.io", "/api/v2/summary.json", "statuspage/summary.json", "statuspage"),
        ("//incident.io/", "/api/v2/summary.json", "statuspage/incidentio.json", "statuspage"),
        ("instatus", "/summary.json", "instatus/summary.json", "instatus"),
        ("betterstack.com", "/index.json", "betterstack/index.json", "betterstack"),
        (
            f'href="/pages/{ID}/rss"',
            f"https://api.status.io/1.0/status/{ID}",
            "statusio/open.json",
            "statusio",
        ),
        (
            "fetch('/api/status-page/acme/unresolved-incidents')",
            "/api/status-page/acme/unresolved-incidents",
            "checkly/incidents.json",
            "checkly",
        ),
        ("Cachet", "/api/v1/incidents?sort=id&order=desc", "cachet-v1/incidents.json", "cachet-v1"),
        (
            "https://raw.githubusercontent.com/acme/up/master/history/summary.json",
            "https://raw.githubusercontent.com/acme/up/master/history/summary.json",
            "upptime/summary.json",
            "upptime",
        ),
    ],
)
async def test_a_page_that_names_its_maker_leads_to_the_feed(
    mark: str, path: str, case: str, format: str
) -> None:
    where = path if path.startswith("https:") else HOME + path
    web = Web({HOME: page(body=mark), where: body(case)})

    seen = await found(web)

    assert (format, where, "Acme") == (seen.format, seen.feed_url, seen.title)
    assert "names" in seen.why[0]
    assert len(web.asked) <= 3


async def test_a_healthy_page_without_a_mark_is_believed_where_its_address_tells_the_format() -> None:
    """Checkly's empty list could be anybody's."""
    path = "/api/status-page/acme/unresolved-incidents"
    web = Web({HOME: page(body=f'"{path}"'), HOME + path: '{"incidents": []}'})

    seen = await found(web)

    assert seen.format == "checkly"


async def test_usual_places_are_tried_in_order_and_the_first_that_is_read_wins() -> None:
    web = Web({HOME: page(), HOME + "/history.atom": body("rss/statuspage_history.atom"), HOME + "/rss": RSS})

    seen = await found(web)

    assert HOME + "/history.atom" == seen.feed_url
    assert web.urls[1:4] == [HOME + path for path in platforms.WELL_KNOWN]
    assert HOME + "/rss" not in web.urls


async def test_a_page_that_fails_may_still_have_a_feed() -> None:
    web = Web({HOME + "/api/v2/summary.json": body("statuspage/quiet.json")})

    assert (await found(web)).format == "statuspage"


async def test_a_feed_that_the_page_links_to_is_found_wherever_it_is() -> None:
    link = '<link href="https://feeds.acme.example/all?a=1&amp;b=2" rel=alternate type="application/rss+xml">'
    web = Web({HOME: page(head=link), "https://feeds.acme.example/all?a=1&b=2": RSS})

    seen = await found(web)

    assert ("rss", "https://feeds.acme.example/all?a=1&b=2") == (seen.format, seen.feed_url)
    assert "the page links to it as its feed" in seen.why


async def test_a_feeds_own_address_is_one_question() -> None:
    web = Web({HOME + "/incidents": RSS})

    seen = await found(web, "status.acme.example/incidents")

    assert (HOME + "/incidents", 1) == (seen.feed_url, len(web.asked))
    assert seen.why == (f"{HOME}/incidents is rss, with 1 incident or maintenance in it",)


async def test_a_page_below_a_path_is_asked_there_first() -> None:
    web = Web({HOME + "/us": page(), HOME + "/us/api/v2/summary.json": body("statuspage/quiet.json")})

    assert (await found(web, HOME + "/us/")).feed_url == HOME + "/us/api/v2/summary.json"


async def test_a_page_that_moved_is_searched_where_it_is_now() -> None:
    web = Web(
        {"https://acme.example/": page(), "https://acme.example/index.json": body("betterstack/index.json")},
        moved={HOME: "https://acme.example/"},
    )

    seen = await found(web)

    assert seen.feed_url == "https://acme.example/index.json"
    assert "the page has moved to https://acme.example/" in seen.why


async def test_what_the_catalogue_knows_is_asked_there_at_once() -> None:
    web = Web({"https://www.githubstatus.com/api/v2/summary.json": body("statuspage/quiet.json")})

    seen = await found(web, "https://githubstatus.com/")

    assert ("github", "GitHub", 1) == (seen.provider, seen.title, len(web.asked))
    assert seen.why[0] == "the catalogue knows this address as GitHub"


async def test_a_known_page_whose_feed_is_gone_is_searched_like_any_other() -> None:
    web = Web(
        {
            "https://www.githubstatus.com": page(),
            "https://www.githubstatus.com/index.json": body("betterstack/index.json"),
        }
    )

    seen = await found(web, "https://www.githubstatus.com")

    assert ("betterstack", "GitHub") == (seen.format, seen.title)
    assert "is not a feed that can be read now" in seen.why[1]


async def test_what_is_lost_is_what_the_format_says_of_itself() -> None:
    web = Web({HOME + "/rss": RSS})

    about = FORMATS["rss"].about

    assert (await found(web, HOME + "/rss")).lost == (about.lost if about else "")


async def test_nothing_readable_says_what_was_asked_and_who_made_the_page() -> None:
    web = Web({HOME: page(body="statuspal.io")})

    with pytest.raises(ParseError) as caught:
        await found(web)

    words = str(caught.value)
    assert "The page names StatusPal." in words
    assert "give the feed's own address" in words
    assert f"Asked: {HOME}, {HOME}/api/v2/summary.json" in words
    assert len(web.asked) <= ASKED_MAX


async def test_a_link_that_is_no_address_is_not_asked() -> None:
    """What a page names ends up on terminals and in configurations."""
    head = "".join(
        f"<link type='application/rss+xml' href='{where}'>"
        for where in ("http://[", '/a b"\nx', "ftp://acme.example/rss", "/\x1b[2J", "/good.xml")
    )
    web = Web({HOME: page(head=head), HOME + "/good.xml": RSS})

    assert HOME + "/good.xml" == (await found(web)).feed_url
    assert all(url.startswith("https://") and url.isprintable() and " " not in url for url in web.urls)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "--header NAME=VARIABLE"), (403, "--header NAME=VARIABLE"), (503, "")]
)
async def test_a_page_that_fails_and_has_no_feed_is_told_by_its_failure(status: int, says: str) -> None:
    async with FeedServer() as feeds, net.open_session() as session:
        feeds.fail("/", fail_with(status))

        with pytest.raises(FetchError) as caught:
            await detect_page(
                feeds.url("/"), Fetcher(session), NOON, access=Access(is_trusted=True), sleep=no_sleep
            )

    assert f"answered {status}" in str(caught.value)
    assert says in str(caught.value)


async def test_a_host_that_is_not_there_is_asked_once() -> None:
    web = Web(gone={"status.acme.example"})

    with pytest.raises(FetchError, match="not known to DNS"):
        await found(web)

    assert web.urls == [HOME]


async def test_a_host_that_asks_for_patience_is_left_alone() -> None:
    web = Web({HOME: page()}, busy={HOME + "/api/v2/summary.json": timedelta(seconds=30)})

    with pytest.raises(FetchError, match="try again later"):
        await found(web)

    assert len(web.asked) == 2


async def test_a_page_that_never_answers_ends_in_time() -> None:
    class Slow(Web):
        async def fetch(self, *asked: object) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    with pytest.raises(FetchError, match=r"no feed was found within 0\.05 s"):
        await detect_page(HOME, Slow(), NOON, within_s=0.05)


async def test_every_question_is_a_persons_unless_the_operator_vouches_for_it() -> None:
    web = Web({HOME + "/rss": RSS})

    await found(web, HOME + "/rss")
    await found(web, HOME + "/rss", Access(is_trusted=True))

    assert [(True, False), (False, True)] == [(s.is_from_people, s.allow_private) for s in web.asked]


async def test_a_secret_is_shown_to_the_pages_own_host_only() -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="https://elsewhere.example/rss">'
    web = Web({HOME: page(head=link), "https://elsewhere.example/rss": RSS})

    await found(web, access=Access(auth=Header(name="Authorization", value="Bearer x")))

    shown = {spec.url: spec.auth is not None for spec in web.asked}
    assert shown.pop("https://elsewhere.example/rss") is False
    assert all(shown.values())


async def test_people_cannot_look_into_our_own_network_and_the_operator_can() -> None:
    async with FeedServer() as feeds, net.open_session() as session:
        feeds.serve("/", page(), content_type="text/html")
        feeds.serve("/index.json", body("betterstack/index.json"))
        fetcher = Fetcher(session, total_s=2.0)

        with pytest.raises(FetchError, match="not a public address"):
            await detect_page(feeds.url("/"), fetcher, NOON, sleep=no_sleep)
        assert feeds.hits == {}
        seen = await detect_page(
            feeds.url("/"), fetcher, NOON, access=Access(is_trusted=True), sleep=no_sleep
        )

    assert ("betterstack", feeds.url("/index.json")) == (seen.format, seen.feed_url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://status.acme.example", "acme"),
        ("https://acme.statuspage.io/api", "acme"),
        ("https://www.acmestatus.com", "acme"),
        ("https://acme-status.com", "acme"),
        ("https://status.acme.co.uk", "acme"),
        ("https://status.eu.acme.com", "acme"),
        ("https://acme.com/status", "acme"),
        ("http://127.0.0.1:8000/x", "127.0.0.1"),
        ("http://localhost/x", "localhost"),
        ("http://[fe80::1]:80/x", "fe80-1"),
        ("https://status.bücher.example", "b-cher"),
        ("https://status.io", "status.io"),
    ],
)
def test_a_page_is_named_after_its_owner(url: str, name: str) -> None:
    assert name == provider_of(url)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Acme Status", "Acme"),
        ("Acme &amp; Co System Status", "Acme & Co"),
        ("Status | Acme", "Acme"),
        ("Acme - Service Status Page", "Acme"),
        ("Status", ""),
        ("\x1b[31mRed\x07 \u202eevil", "[31mRed evil"),
        ("&lt;b&gt;Acme&lt;/b&gt; &#27;[2J Status", "Acme [2J"),
    ],
)
def test_the_title_is_the_owners_name(title: str, name: str) -> None:
    assert name == platforms.title_of(page(title=title))


def test_a_hostile_page_costs_little() -> None:
    hostile = "<link " * 100_000 + "type='application/rss+xml' " * 20_000 + "<title" * 50_000

    async def took() -> float:
        clock = asyncio.get_running_loop()
        begun = clock.time()
        list(platforms.candidates(HOME, hostile))
        platforms.title_of(hostile)
        return clock.time() - begun

    assert asyncio.run(took()) < 2


@given(
    st.lists(
        st.sampled_from(
            [
                "<link ", 'rel="alternate" ', 'type="application/rss+xml" ', 'href="', '"', "http://[", ">", "<title>",
                "incident.io", "statuspage.io", "uptime kuma", "cachet", "{host}", "\\0", "//stats.uptimerobot.com/abcdef",
            ]
        )
        | st.text(max_size=8),
        max_size=40,
    )
)  # fmt: skip
def test_no_page_breaks_the_search(parts: list[str]) -> None:
    text = "".join(parts)

    assert len(list(platforms.candidates(HOME, text))) < 60
    assert len(platforms.title_of(text)) <= 60


@pytest.mark.parametrize(
    "url", ["http://[", "https://", "ftp://acme.example", "http://a:99999999", "javascript:x", ""]
)
async def test_what_is_no_address_is_said_before_anything_is_asked(url: str) -> None:
    web = Web()

    with pytest.raises(FetchError):
        await found(web, url)

    assert web.asked == []


def test_every_expected_format_is_one_of_ours() -> None:
    text = " ".join(
        (
            f"https://1.hostedstatus.com/1.0/status/{ID}",
            "/api/status-page/a/unresolved-incidents",
            "/api/getMonitorList/abcde-123",
            "//stats.uptimerobot.com/abcde",
            "https://raw.githubusercontent.com/a/b/main/history/summary.json",
        )
    )

    expected = {c.format for c in platforms.candidates(HOME, text) if c.format}

    assert {"statusio", "checkly", "uptimerobot", "upptime"} == expected
    assert expected <= FORMATS.keys()


async def test_every_host_of_the_catalogue_leads_to_its_entry() -> None:
    """What a person copies from the browser's address bar is enough."""
    for entry in catalogue.entries():
        known = catalogue.at(entry.homepage)
        assert known is not None
        assert entry.homepage == known[0].homepage
