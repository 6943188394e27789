"""docs/sources.md is what the formats say of themselves."""

from __future__ import annotations

from bot.sources import FORMATS
from scripts import sources_page


def test_the_page_of_formats_is_current() -> None:
    """Else: run `python -m scripts.sources_page`."""
    kept = sources_page.PAGE.read_text(encoding="utf-8")

    assert sources_page.difference(kept, sources_page.page()) == ""


def test_a_format_without_a_capture_says_so_on_the_page() -> None:
    untested = {name for name, format_ in FORMATS.items() if not format_.about.tested}
    rows = [row for row in sources_page.page().splitlines() if f"| {sources_page.UNTESTED} |" in row]

    assert {f"`{name}`" for name in untested} == {row.split(" | ")[0].removeprefix("| ") for row in rows}


def test_what_differs_is_shown_line_by_line() -> None:
    assert sources_page.difference("a\nb\n", "a\nb\n") == ""
    assert "-b\n+c" in sources_page.difference("a\nb\n", "a\nc\n")
