"""The page in a real browser: it looks right, it lives, and nothing that comes from a feed runs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from redis.asyncio import Redis

from bot.chats.console.client import ConsoleChat
from bot.commands.spec import Reply
from bot.domain.card import Card, Field, Section, Tone
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import Client, FakeDispatch, FakeState, MakeClient, card
from tests.web.day import POSTS, headline, tell, update

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
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
    browser: Browser, client: Client, console: ConsoleChat, clock: FakeClock, tmp_path: Path, size: str, scheme: str
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
