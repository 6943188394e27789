"""The console page in a real browser while the demo runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.scenarios.worker import Worker

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt install chromium")
async def test_the_day_fills_the_page_while_one_watches(tmp_path: Path) -> None:
    from playwright.async_api import async_playwright

    words = ("demo", "--speed", "600", "--until", "09:30", "--port", "0", "--data", "day")
    with Worker(tmp_path, *words) as demo:
        url = await demo.console()
        async with async_playwright() as play:
            browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            complaints: list[str] = []
            page.on(
                "console",
                lambda message: complaints.append(message.text) if message.type == "error" else None,
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            await page.get_by_text("Increased Error Rates and Latencies").first.wait_for(timeout=20_000)
            await page.get_by_text("DynamoDB").first.wait_for(timeout=25_000, state="attached")
            text = await page.inner_text("body")
            width = await page.evaluate("document.documentElement.scrollWidth")
            await page.screenshot(path=tmp_path / "console.png", full_page=False)
            await browser.close()

    assert (tmp_path / "console.png").stat().st_size > 20_000
    assert width <= 1280, "it scrolls sideways"
    assert "checkout" in text
    assert "600" in text, "the virtual clock says how fast it runs"
    assert complaints == []
