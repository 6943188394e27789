"""The delivery log in a real browser: it fits, it keeps itself fresh, it filters, and it says when nobody answers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.domain.standing import State
from bot.web.deliveries import Deliveries
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import BEGIN, Client, MakeClient
from tests.web.test_deliveries import FakeAudit, deliveries_of, entry, line

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
SIZES = {"desktop": (1440, 1000), "phone": (360, 780)}

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


@pytest.fixture
def audit() -> FakeAudit:
    """A day's deliveries, some of which went wrong."""
    outcomes = ("sent", "found", "refused", "unavailable", "maybe_doubled")
    lines = [
        line(n, incident=f"INC-{n % 4}", outcome=outcomes[n % 5], reason="new update") for n in range(1, 60)
    ]
    by_hand = line(0, outcome="dropped", step="by hand", actor="cli:ann", reason="the channel was given up")
    return FakeAudit(lines=[by_hand, *lines])


@pytest.fixture
def deliveries(audit: FakeAudit, clock: FakeClock) -> Deliveries:
    held = entry(state=State.HELD, incident="INC-3", why="waits for its next digest", needs_headline=False)
    failing = entry(state=State.FAILING, incident="INC-1", channel="discord:998877665544332211", failures=4)
    return deliveries_of(audit, clock, entry(), failing, held)


async def _opened(
    browser: Browser, client: Client, path: str = "/deliveries", size: str = "desktop", scheme: str = "dark"
) -> Page:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    page.errors = []  # type: ignore[attr-defined]
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda e: page.errors.append(str(e)))  # type: ignore[attr-defined]
    await page.clock.install(time=BEGIN)
    await page.goto(str(client.make_url(path)))
    return page


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_log_shows_what_needs_somebody_and_fits_every_width(
    browser: Browser, make_client: MakeClient, deliveries: Deliveries, tmp_path: Path, size: str, scheme: str
) -> None:
    page = await _opened(browser, await make_client(deliveries=deliveries), size=size, scheme=scheme)

    await expect(page.locator("#waiting tbody tr")).to_have_count(3)
    await expect(page.locator("#waiting tr.parked .why")).to_contain_text("Unarchive the channel.")
    await expect(page.locator("#chats li.away .word")).to_contain_text("away since 07:02 UTC")
    await expect(page.locator("#lines tbody tr")).to_have_count(60)
    await expect(page.locator("#lines tbody tr").first).to_contain_text("by cli:ann")
    widths = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    await page.screenshot(path=tmp_path / f"deliveries-{size}-{scheme}.png")
    assert page.errors == []  # type: ignore[attr-defined]


async def test_a_new_delivery_appears_by_itself_and_one_incident_can_be_picked(
    browser: Browser, make_client: MakeClient, deliveries: Deliveries, audit: FakeAudit
) -> None:
    page = await _opened(browser, await make_client(deliveries=deliveries))
    await page.get_by_label("Incident").fill("3")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#lines-title")).to_contain_text("INC-3")
    rows = await page.locator("#lines tbody tr").count()

    await audit.append(line(0, incident="INC-3", step="catch_up"))
    await audit.append(line(0, incident="INC-1"))
    await page.clock.run_for(10_500)

    await expect(page.locator("#lines tbody tr")).to_have_count(rows + 1)
    await expect(page.locator("#lines tbody tr").first).to_contain_text("catch up")
    await expect(page.locator("#waiting tbody tr")).to_have_count(1)
    assert page.errors == []  # type: ignore[attr-defined]


async def test_a_log_that_nobody_answers_for_keeps_what_it_showed_and_says_so(
    browser: Browser, make_client: MakeClient, deliveries: Deliveries, audit: FakeAudit
) -> None:
    page = await _opened(browser, await make_client(deliveries=deliveries))
    audit.is_away = True
    await page.clock.run_for(10_500)
    await expect(page.locator("#offline")).to_contain_text("may be old")
    shown = await page.locator("#lines tbody tr").count()

    audit.is_away = False
    await page.clock.run_for(10_500)

    await expect(page.locator("#offline")).to_be_hidden()
    assert shown == 60
