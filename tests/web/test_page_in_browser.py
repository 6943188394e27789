"""The page in a real browser: it looks right, it lives, and nothing that comes from a feed runs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.chats.console.client import ConsoleChat
from bot.commands.spec import Reply
from bot.domain.card import Card, Field, Section, Tone
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import Client, FakeDispatch, FakeState, MakeClient, card
from tests.web.day import POSTS, headline, tell, update

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": (1440, 1000), "tablet": (900, 1100), "phone": (360, 780)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install the package chromium"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        await started.close()


async def _opened(browser: Browser, client: Client, size: str = "desktop", scheme: str = "dark") -> Page:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = await context.new_page()
    page.errors = []  # type: ignore[attr-defined]
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda e: page.errors.append(str(e)))  # type: ignore[attr-defined]
    await page.goto(str(client.make_url("/?channel=ops")))
    return page


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_page_shows_an_outage_and_fits_every_width(
    browser: Browser,
    client: Client,
    console: ConsoleChat,
    clock: FakeClock,
    tmp_path: Path,
    size: str,
    scheme: str,
) -> None:
    await tell(console, clock)

    page = await _opened(browser, client, size, scheme)

    await expect(page.locator(".headlines > .card")).to_have_count(3)
    await expect(page.locator(".card.critical h2")).to_have_text(headline(5).title)
    await expect(page.locator(".card.critical .severity")).to_contain_text("SEV1")
    await expect(page.locator(".card.critical .reply .text").last).to_be_visible()
    await expect(page.locator(".watch .line.bad .name")).to_have_text("checkout")
    await expect(page.locator(".clock")).to_contain_text("virtual time, 400×")
    widths = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    await page.screenshot(path=tmp_path / f"{size}-{scheme}.png")
    await page.screenshot(path=tmp_path / f"{size}-{scheme}-whole.png", full_page=True)
    assert page.errors == []  # type: ignore[attr-defined]


async def test_a_new_message_and_a_new_state_arrive_without_a_reload(
    browser: Browser, client: Client, console: ConsoleChat, clock: FakeClock, state: FakeState
) -> None:
    await tell(console, clock, posts=2)
    page = await _opened(browser, client)
    await expect(page.locator(".card.critical .reply")).to_have_count(1)
    receipt = await console.find("ops", key="aws", since=clock.at.replace(hour=0))

    await console.post("ops", update(POSTS[2]), key="aws2", thread=receipt)
    await console.post("ops", card("Brand new.", title="Stripe: Payments fail"), key="new")
    state.shown = replace(state.shown, open_incidents=3)

    await expect(page.locator(".card.critical .reply")).to_have_count(2)
    await expect(page.locator(".card.critical .reply .text").last).to_have_text(POSTS[2][2])
    await expect(page.locator(".headlines > .card h2").first).to_have_text("Stripe: Payments fail")
    await expect(page.locator("#masthead .sign.alert")).to_contain_text("3")
    await expect(page).to_have_title("(3) Fogbell")
    assert page.errors == []  # type: ignore[attr-defined]


async def test_an_edit_shows_in_place_and_leaves_what_was_unfolded(
    browser: Browser, client: Client, console: ConsoleChat, clock: FakeClock
) -> None:
    await tell(console, clock, posts=4)
    page = await _opened(browser, client)
    await page.locator(".card.critical .thread > summary").click()
    receipt = await console.find("ops", key="aws", since=clock.at.replace(hour=0))
    assert receipt is not None

    await console.edit(receipt, headline(5))

    await expect(page.locator(".card.critical .edited").first).to_have_text("edited 4×")
    await expect(page.locator(".card.critical .reply").first).to_be_hidden()
    await expect(page.locator(".headlines > .card")).to_have_count(3)


async def test_a_page_left_open_over_a_restart_of_the_server_catches_up(
    browser: Browser, make_client: MakeClient, console: ConsoleChat, clock: FakeClock
) -> None:
    first = await make_client()
    page = await _opened(browser, first)
    await expect(page.locator(".calm-title.when-alert")).to_be_visible()
    port = first.port
    await first.close()
    await console.post("ops", card("While you were away."), key="k")

    await make_client(port=port)

    await expect(page.locator(".headlines > .card .text")).to_have_text(
        "While you were away.", timeout=15_000
    )
    await expect(page.locator("#offline")).to_be_hidden()


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_a_command_is_answered_for_the_person_alone(
    browser: Browser,
    client: Client,
    console: ConsoleChat,
    clock: FakeClock,
    dispatch: FakeDispatch,
    tmp_path: Path,
    size: str,
) -> None:
    await tell(console, clock)
    dispatch.reply = Reply(card=_list_of_incidents())
    page = await _opened(browser, client, size)

    await page.keyboard.press("/")
    await page.keyboard.type("list open")
    await page.keyboard.press("Enter")

    answer = page.locator("#answers .answer")
    await expect(answer.locator("h2")).to_have_text("2 open incidents")
    await expect(answer.locator(".whom")).to_have_text("only you see this")
    await page.screenshot(path=tmp_path / f"command-{size}.png")
    assert [(asked[0], asked[3]) for asked in dispatch.asked] == [("list open", "console:ops")]
    assert await page.evaluate("window.scrollY") == 0
    await page.keyboard.press("Escape")
    await expect(answer).to_have_count(0)
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#text")).to_have_value("list open")


async def test_nothing_that_comes_from_a_feed_runs(
    browser: Browser, client: Client, console: ConsoleChat, dispatch: FakeDispatch
) -> None:
    """Once as the page loads, once as a live change, once as the answer to a command."""
    await console.post("ops", hostile_card(), key="first")
    dispatch.reply = Reply(card=hostile_card())
    page = await _opened(browser, client)
    await expect(page.locator(".headlines > .card")).to_have_count(1)

    await console.post("ops", hostile_card(), key="second")
    await expect(page.locator(".headlines > .card")).to_have_count(2)
    await page.locator("#text").fill("<img src=x onerror=document.title='run'>")
    await page.keyboard.press("Enter")
    await expect(page.locator("#answers .answer h2")).to_have_text(hostile_card().title)

    assert await page.title() != "run"
    assert await page.locator(".card img, .card script, .answer img, .answer script").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    assert page.errors == []  # type: ignore[attr-defined]


async def test_the_page_can_be_read_without_javascript(
    browser: Browser, client: Client, console: ConsoleChat, clock: FakeClock
) -> None:
    await tell(console, clock)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()

    await page.goto(str(client.make_url("/")))

    await expect(page.locator(".card.critical h2")).to_have_text(headline(5).title)
    await expect(page.locator(".card.critical .reply .text").last).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_every_text_has_enough_contrast(
    browser: Browser, client: Client, console: ConsoleChat, clock: FakeClock, scheme: str
) -> None:
    """WCAG AA: 4.5 to 1. The backgrounds are the solid ones that the style sheet names."""
    await tell(console, clock)
    page = await _opened(browser, client, scheme=scheme)

    ratios = await page.evaluate(CONTRASTS)

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


async def test_signing_in_opens_the_page_and_signing_out_closes_it(
    browser: Browser, make_client: MakeClient, console: ConsoleChat, tmp_path: Path
) -> None:
    client = await make_client(token="a long token", bound_to_loopback=False)
    page = await _opened(browser, client)
    await page.screenshot(path=tmp_path / "login.png")

    await page.get_by_label("Access token").fill("a long token")
    await page.get_by_role("button", name="Come aboard").click()

    await expect(page.locator(".calm-title.when-alert")).to_be_visible()
    await page.screenshot(path=tmp_path / "calm.png")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Access token")).to_be_visible()


def hostile_card() -> Card:
    """Every place of a card that takes text, with markup that would change the page's title."""
    run = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    return Card(
        title=f"Title {run}",
        tone=Tone.MINOR,
        fallback=run,
        url="javascript:document.title='run'",
        fields=(Field(name=f"Status{run}", value=run), Field(name="Severity", value=run)),
        sections=(Section(heading=run, text=f"</p>{run}"),),
        footer=run,
    )


def _list_of_incidents() -> Card:
    return Card(
        title="2 open incidents",
        tone=Tone.INFO,
        fallback="2 open incidents",
        sections=(
            Section(text="INC-1  SEV1  identified  AWS: Increased error rates and latencies in US-EAST-1\n"
                         "INC-2  maintenance  in progress  Stripe: Planned upgrade of card payments in Japan"),
        ),
    )  # fmt: skip


CONTRASTS = """() => {
  const names = (list) => list.split(" ");
  const paper = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (name) => {
    paper.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    paper.fillRect(0, 0, 1, 1);
    return [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ratio = (a, b) => {
    const [low, high] = [light(colour(a)), light(colour(b))].sort((x, y) => x - y);
    return (high + .05) / (low + .05);
  };
  const found = {};
  const tones = names("critical major minor info maintenance over");
  for (const back of names("page panel panel-2 raised"))
    for (const ink of [...names("ink ink-2 link"), ...tones]) found[ink + " on " + back] = ratio(ink, back);
  for (const tone of tones) found["chip-ink on " + tone] = ratio("chip-ink", tone);
  return found;
}"""
