"""`monitor`: a page is watched by its name or its address, once, and nobody's page takes another provider's place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.commands.monitors import MONITORS_MAX
from bot.domain.words import Role
from bot.ports import Monitor
from bot.sources import catalogue
from tests.fakes.desk import NOON, Desk, words

HOME = "https://status.acme.example"
RSS = '<rss version="2.0"><channel><title>Acme</title></channel></rss>'


def monitor(name: str = "acme", **changes: object) -> Monitor:
    facts: dict[str, object] = {
        "name": name,
        "provider": name,
        "url": f"https://status.{name}.example/rss",
        "format": "rss",
        "every_s": 60,
        "by": "Bob",
        "added_at": NOON - timedelta(days=1),
    }
    return Monitor(**{**facts, **changes})  # type: ignore[arg-type]


async def test_a_provider_of_the_catalogue_is_watched_as_it_stands_there(desk: Desk) -> None:
    reply = await desk.say("monitor add Stripe")

    entry = catalogue.find("stripe")
    assert entry is not None
    assert desk.monitors.held == {
        "stripe": Monitor(
            name="stripe",
            provider="stripe",
            url=entry.feeds[0].url,
            format="statuspage",
            every_s=60,
            by="Ann",
            added_at=NOON,
            title="Stripe",
        )
    }
    assert "Stripe (stripe) is read as statuspage, every 60 s" in words(reply)
    assert "The first look follows within seconds" in words(reply)
    assert desk.web.asked == []


async def test_an_address_may_be_in_the_marks_that_keep_a_chat_from_showing_it(desk: Desk) -> None:
    desk.web.bodies = {HOME + "/rss": RSS}

    await desk.say(f"monitor add <{HOME}/rss>")

    assert list(desk.monitors.held) == ["acme"]


async def test_a_name_of_several_words_needs_no_quotes(desk: Desk) -> None:
    await desk.say("monitor add Let's Encrypt")

    assert list(desk.monitors.held) == ["let-s-encrypt"]


async def test_an_address_is_looked_at_and_the_answer_says_what_was_found_and_why(desk: Desk) -> None:
    desk.web.bodies = {HOME: "<html><title>Acme Status</title>", HOME + "/history.atom": RSS}

    reply = await desk.say("monitor add status.acme.example")

    held = desk.monitors.held["acme"]
    assert (HOME + "/history.atom", "rss", "Acme", 60) == (held.url, held.format, held.title, held.every_s)
    assert "/history.atom is rss" in words(reply)
    assert all(spec.is_from_people for spec in desk.web.asked)


async def test_a_known_page_without_a_known_feed_is_looked_at_by_its_address(desk: Desk) -> None:
    entry = next(e for e in catalogue.entries() if not e.feeds and e.homepage.startswith("https"))
    desk.web.bodies = {entry.homepage + "/rss": RSS}

    await desk.say(f"monitor add {entry.name}")

    held = desk.monitors.held[entry.name]
    assert (entry.title, entry.homepage + "/rss") == (held.title, held.url)


async def test_what_is_watched_already_is_said_and_not_doubled(desk: Desk) -> None:
    desk.monitors.held = {"stripe": monitor("stripe", title="Stripe")}

    reply = await desk.say("monitor add stripe")

    assert "Stripe is watched already" in words(reply)
    assert "by Bob" in words(reply)
    assert not reply.is_error
    assert desk.monitors.held == {"stripe": monitor("stripe", title="Stripe")}


async def test_the_same_feed_under_another_address_is_the_same_page(desk: Desk) -> None:
    desk.monitors.held = {"acme": monitor(url=HOME + "/rss")}
    desk.web.bodies = {HOME + "/rss": RSS}

    reply = await desk.say("monitor add https://status.acme.example/rss")

    assert "watched already" in words(reply)
    assert len(desk.monitors.held) == 1


async def test_a_source_of_the_configuration_is_not_added_again(desk: Desk) -> None:
    reply = await desk.say("monitor add Amazon Web Services")

    assert "AWS is watched already" in words(reply)
    assert desk.monitors.held == {}


async def test_a_strangers_page_does_not_get_the_name_of_a_known_provider(desk: Desk) -> None:
    """It would speak in that provider's ledger."""
    desk.web.bodies = {"https://status.stripe.example/rss": RSS, "https://status.self.example/rss": RSS}

    await desk.say("monitor add https://status.stripe.example/rss")
    await desk.say("monitor add https://status.self.example/rss")

    assert list(desk.monitors.held) == ["status.stripe.example", "status.self.example"]


async def test_two_pages_of_one_owner_get_names_of_their_own(desk: Desk) -> None:
    desk.web.bodies = {"https://status.eu.acme.example/rss": RSS, "https://status.us.acme.example/rss": RSS}

    await desk.say("monitor add status.eu.acme.example/rss")
    await desk.say("monitor add status.us.acme.example/rss")

    assert list(desk.monitors.held) == ["acme", "status.us.acme.example"]


async def test_two_pages_at_one_host_get_names_of_their_own(desk: Desk) -> None:
    """Makers of pages host those of many: the second must not pass for the first."""
    pages = [f"https://pages.acme.example/{n}/rss" for n in "abcd"]
    desk.web.bodies = dict.fromkeys(pages, RSS)

    said = [words(await desk.say(f"monitor add {page}")) for page in pages]

    assert ["acme", "pages.acme.example", "pages.acme.example-2", "pages.acme.example-3"] == list(
        desk.monitors.held
    )
    assert all("The first look follows" in text for text in said)


async def test_a_feed_that_the_configuration_reads_under_another_name_is_not_added_again(desk: Desk) -> None:
    """Every message would come twice."""
    desk.sources.readers = {HOME + "/rss": "payments"}
    desk.web.bodies = {HOME + "/rss": RSS}

    reply = await desk.say("monitor add status.acme.example/rss")

    assert 'The source "payments" reads this feed' in words(reply)
    assert not reply.is_error
    assert desk.monitors.held == {}


async def test_a_known_page_can_be_added_by_its_address_while_it_is_down(desk: Desk) -> None:
    """Pages are added when things are on fire, and burning providers' pages are the first to go."""
    desk.web.gone = {"www.stripestatus.com"}

    reply = await desk.say("monitor add https://www.stripestatus.com/incidents/abc")

    assert list(desk.monitors.held) == ["stripe"]
    assert "could not be looked at just now" in words(reply)


async def test_a_known_page_that_is_watched_is_not_asked_about(desk: Desk) -> None:
    desk.monitors.held = {"stripe": monitor("stripe", title="Stripe")}

    reply = await desk.say("monitor add www.stripestatus.com")

    assert "Stripe is watched already" in words(reply)
    assert desk.web.asked == []


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("monitor add strpie", "There is no such thing"),
        ("monitor remove acmee", "There is no such thing"),
        ("monitor remove aws", "That cannot be done"),
        ("monitor add https://nowhere.example", "That cannot be done"),
        ("monitor add http://10.0.0.1/", "That cannot be done"),
        ("monitor add", "I did not understand that"),
    ],
)
async def test_the_title_of_an_error_is_apt(desk: Desk, line: str, title: str) -> None:
    desk.web.gone = {"nowhere"}
    desk.web.inside = {"10.0.0.1"}

    assert title == (await desk.say(line)).card.title


async def test_a_page_inside_is_for_the_configuration(desk: Desk) -> None:
    desk.web.inside = {"10.0.0.1"}

    said = words(await desk.say("monitor add http://10.0.0.1/"))

    assert "10.0.0.1, which is not a public address" in said
    assert "[[source]]" in said


async def test_a_doubtful_entry_says_so(desk: Desk) -> None:
    entry = next(
        e
        for e in catalogue.entries()
        if e.feeds and e.verified is catalogue.Verified.DOUBTFUL and "-" not in e.name
    )

    assert "not sure of this address" in words(await desk.say(f"monitor add {entry.name}"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("monitor add strpie", 'Did you mean "stripe"'),
        ("monitor add", 'needs a name or an address. Example: "monitor add status.acme.example"'),
        ("monitor remove", '"monitor remove acme"'),
        ("monitor watch acme", "Choose one of: add, list, remove"),
        ("monitor add status.acme.example", "nothing there is of a format that Fogbell reads"),
        ("monitor add https://nowhere.example", "not known to DNS"),
        ("monitor remove acmee", 'Did you mean "acme"?'),
        ("monitor remove aws", "take its [[source]] out there"),
    ],
)
async def test_what_cannot_be_done_says_why_and_what_else(desk: Desk, line: str, says: str) -> None:
    desk.monitors.held = {"acme": monitor()}
    desk.web.gone = {"nowhere"}
    desk.web.bodies = {HOME: "<html><title>Acme Status</title>"}

    reply = await desk.say(line)

    assert reply.is_error
    assert says in words(reply)


async def test_there_is_an_end_to_what_people_may_add(desk: Desk) -> None:
    desk.monitors.held = {f"a{n}": monitor(f"a{n}") for n in range(MONITORS_MAX)}

    reply = await desk.say("monitor add stripe")

    assert "That cannot be done" == reply.card.title
    assert len(desk.monitors.held) == MONITORS_MAX


async def test_a_long_list_names_every_page(desk: Desk) -> None:
    desk.monitors.held = {f"page-{n:03d}": monitor(f"page-{n:03d}") for n in range(60)}

    said = words(await desk.say("monitor list"))

    assert all(name in said for name in desk.monitors.held)


@pytest.mark.parametrize(
    "target",
    [
        "acme",
        "ACME",
        "Acme Inc",
        "https://status.acme.example/rss",
        "https://status.acme.example/",
        "STATUS.acme.example",
    ],
)
async def test_a_page_is_taken_out_by_any_of_its_names(desk: Desk, target: str) -> None:
    desk.monitors.held = {"acme": monitor(title="Acme Inc")}

    reply = await desk.say(f"monitor remove {target}")

    assert "Acme Inc is no longer watched" in words(reply)
    assert desk.monitors.held == {}


async def test_an_address_that_two_pages_share_takes_out_neither(desk: Desk) -> None:
    desk.monitors.held = {n: monitor(n, url=f"https://pages.example/{n}/rss") for n in ("a", "b")}

    reply = await desk.say("monitor remove https://pages.example")

    assert "Watched by command: a, b" in words(reply)
    assert ["a", "b"] == list(desk.monitors.held)


async def test_the_list_says_what_is_watched_by_whom_and_hides_secrets(desk: Desk) -> None:
    assert "No page was added by command" in words(await desk.say("monitor list"))

    desk.monitors.held = {"acme": monitor(url="https://status.acme.example/rss?key=hush")}
    said = words(await desk.say("monitor"))

    assert "acme · rss · every 60 s · https://status.acme.example/rss?... · by Bob" in said
    assert "Besides 2 of the configuration" in said
    assert "hush" not in said


async def test_the_record_of_the_command_holds_no_keys_of_the_address(desk: Desk) -> None:
    await desk.say("monitor add https://status.acme.example/rss?key=hush")

    assert "monitor add https://status.acme.example/rss?..." == desk.audit.lines[0]["command"]


async def test_a_viewer_may_not(desk: Desk) -> None:
    reply = await desk.say("monitor add stripe", role=Role.VIEWER)

    assert reply.is_error
    assert desk.monitors.held == {}


async def test_a_form_of_words_told_apart_does_the_same(desk: Desk) -> None:
    await desk.click("monitor", action="add", target="stripe")

    assert list(desk.monitors.held) == ["stripe"]
