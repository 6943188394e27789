"""The script behind `pages.tsv`: rows about one page become one entry, hand-kept entries win, only facts are taken over."""

from __future__ import annotations

import pytest

from bot.sources import FORMATS
from bot.sources.catalogue import pages
from bot.sources.catalogue.pages import Page
from scripts.build_catalogue import TARGET, built, rows_of
from tests.corpus import CORPUS, needs_corpus

HEADER = "slug\tdisplay_name\tstatus_url\tplatform\tfeed_url\tsource\tnotes\n"


def page_of(*lines: str, kept: tuple[Page, ...] = ()) -> list[Page]:
    """The pages that lines of a list make; columns are told apart by blanks of two."""
    text = HEADER + "".join("\t".join((*line.split("  "), *[""] * 7)[:7]) + "\n" for line in lines)
    return built(rows_of(text.replace("\t-", "\t")), kept)


def test_a_page_of_a_known_platform_has_the_feed_that_such_pages_have() -> None:
    assert page_of("acme  Acme  https://status.acme.example/  statuspage") == [
        Page(
            "acme",
            "Acme",
            (),
            "https://status.acme.example",
            (("statuspage", "https://status.acme.example/api/v2/summary.json"),),
            "catalogue",
        )
    ]


def test_the_json_comes_before_the_rss_that_the_list_names() -> None:
    (page,) = page_of("acme  Acme  http://acme.example  statuspage  http://acme.example/history.rss")

    assert page.feeds == (
        ("statuspage", "https://acme.example/api/v2/summary.json"),
        ("rss", "https://acme.example/history.rss"),
    )
    assert page.homepage == "http://acme.example"


def test_a_page_at_statusio_is_known_by_its_number() -> None:
    number = "0123456789abcdef01234567"
    (page,) = page_of(
        f"acme  Acme  https://status.io/pages/{number}/rss  statusio  https://status.io/pages/{number}/rss"
    )

    assert page.homepage == f"https://status.io/pages/{number}"
    assert [name for name, _ in page.feeds] == ["statusio", "rss"]


@pytest.mark.parametrize("platform", ["unknown", "statuspal", "custom-html"])
def test_a_page_of_another_platform_keeps_its_address_only(platform: str) -> None:
    (page,) = page_of(f"acme  Acme  https://status.acme.example  {platform}")

    assert page == Page("acme", "Acme", (), "https://status.acme.example", (), "catalogue")


def test_rows_of_one_title_are_one_entry_and_the_one_with_a_feed_leads() -> None:
    (page,) = page_of(
        "acme  Acme  https://status.acme.example  unknown",
        "acme-2  ACME  https://acme.statuspage.io  statuspage",
    )

    assert ("acme", "https://acme.statuspage.io") == (page.slug, page.homepage)
    assert page.aliases == ("status.acme.example",)


def test_rows_of_one_page_are_one_entry() -> None:
    (page,) = page_of(
        "acme  Acme  https://www.acme.example  unknown",
        "acme-feed  Acme Feed  https://acme.example/feed  unknown",
    )

    assert ("acme", "Acme", ("acme feed", "acme-feed")) == (page.slug, page.title, page.aliases)


def test_pages_below_one_host_are_entries_of_their_own() -> None:
    assert 2 == len(
        page_of("a  A  https://acme.example/us  unknown", "b  B  https://acme.example/eu  unknown")
    )


def test_what_is_kept_by_hand_wins_and_gets_the_other_names() -> None:
    (page,) = page_of("git-hub  GitHub  https://status.github.example  unknown")

    assert page == Page("github", "", ("git-hub", "status.github.example"))


def test_old_names_are_taken_over_and_nothing_else_of_the_notes() -> None:
    (page,) = page_of(
        "acme  Acme  https://acme.example  unknown  -  somebody/a-list  old name: Acne, Akme; listed as plain http"
    )

    assert page.aliases == ("acne", "akme")
    assert "somebody" not in pages.written([page])
    assert "plain http" not in pages.written([page])


@pytest.mark.parametrize("note", ["OUTDATED?: moved", "only in a 2021 list, unverified"])
def test_what_may_be_out_of_date_is_doubtful(note: str) -> None:
    (page,) = page_of(f"acme  Acme  https://acme.example  unknown  -  x  {note}")

    assert page.mark == "doubtful"


def test_what_verify_has_marked_stays() -> None:
    marked = Page(
        "acme", "Acme", (), "https://new.example", (("rss", "https://new.example/rss"),), "online 2026-11-01"
    )

    assert [marked] == page_of("acme  Acme  https://old.example  unknown", kept=(marked,))


@needs_corpus
def test_the_file_is_what_the_script_makes_of_the_list() -> None:
    rows = rows_of((CORPUS / "catalogue.tsv").read_text(encoding="utf-8"))
    text = TARGET.read_text(encoding="utf-8")

    is_current = text == pages.written(built(rows, pages.read(text)))
    assert is_current, "run: python -m scripts.build_catalogue CORPUS/catalogue.tsv"
    assert {name for page in pages.read(text) for name, _ in page.feeds} <= FORMATS.keys()
