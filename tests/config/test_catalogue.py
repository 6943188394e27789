"""The catalogue: found by any of a provider's names, made of known formats only, read fast, and one entry for each provider."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.config import load, sources
from bot.config.fields import plain_name
from bot.errors import ConfigError
from bot.sources import FORMATS, catalogue
from bot.sources.catalogue import Verified, pages
from bot.sources.catalogue.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = catalogue.entries()
HAND_KEPT = catalogue.hand_kept()


@pytest.mark.parametrize("word", ["aws", "AWS", " amazon ", "Amazon Web Services", "status.aws.amazon.com"])
def test_a_provider_is_found_by_name_title_alias_and_host(word: str) -> None:
    entry = catalogue.find(word)

    assert entry is not None
    assert (entry.name, entry.title) == ("aws", "AWS")


def test_an_unknown_name_finds_nothing() -> None:
    assert catalogue.find("acme") is None
    assert catalogue.find("") is None


def test_a_search_wants_all_of_its_words() -> None:
    assert next(entry.name for entry in catalogue.search("google cloud")) == "gcp"
    assert [entry.name for entry in catalogue.search("atlassian JIRA soft")] == ["jira"]
    assert catalogue.search("no such thing") == ()
    assert catalogue.entries() == catalogue.search("")


def test_the_first_feed_is_the_usual_one_and_others_are_chosen_by_format() -> None:
    aws = catalogue.find("aws")
    assert aws is not None

    assert [feed.format for feed in aws.feeds][:2] == ["aws-currentevents", "aws-rss"]
    assert aws.feeds[0] == aws.feed()
    assert aws.feeds[1] == aws.feed("aws-rss")
    assert aws.feed("gcp") is None


def test_there_are_enough_of_them() -> None:
    assert len(HAND_KEPT) >= 25
    assert len(ENTRIES) >= 1_300
    assert sum(bool(entry.feeds) for entry in ENTRIES) >= 380


@pytest.mark.parametrize("entry", HAND_KEPT, ids=lambda entry: entry.name)
def test_an_entry_kept_by_hand_is_whole(entry: catalogue.CatalogueEntry) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", entry.name)
    assert plain_name(entry.title) == entry.title
    assert entry.feeds


def test_every_feed_is_of_a_format_of_ours_over_https_and_looked_at_once_or_twice_a_minute() -> None:
    for entry in ENTRIES:
        for feed in entry.feeds:
            assert feed.format in FORMATS, entry.name
            assert urlsplit(feed.url).scheme == "https", entry.name
            least = 60 if feed.format == "statusio" else 30
            assert timedelta(seconds=least) <= feed.every <= timedelta(minutes=10), entry.name


def test_every_generated_entry_can_be_named_in_the_configuration_and_shown() -> None:
    for entry in ENTRIES[len(HAND_KEPT) :]:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", entry.name)
        assert entry.title.isprintable()
        assert 0 < len(entry.title) <= 60, entry.name
        assert urlsplit(entry.homepage).scheme in {"http", "https"}
        assert entry.verified is not Verified.CAPTURE


def test_no_name_means_two_providers() -> None:
    names = [name for entry in ENTRIES for name in set(entry.names)]

    assert sorted(names) == sorted(set(names))


def test_no_page_is_in_it_twice() -> None:
    places = [catalogue.place_of(entry.homepage) for entry in ENTRIES]

    assert [place for place in sorted(set(places)) if places.count(place) > 1] == []


@pytest.mark.parametrize(
    ("url", "name", "format"),
    [
        ("https://githubstatus.com", "github", None),
        ("http://www.githubstatus.com/api/v2/summary.json", "github", "statuspage"),
        ("www.githubstatus.com/incidents/abc", "github", None),
        ("https://status.anthropic.com/", "anthropic", None),
        ("https://www.intercomstatus.com/us-hosting", "intercom-us-hosting", None),
    ],
)
def test_an_address_leads_to_its_provider(url: str, name: str, format: str | None) -> None:
    known = catalogue.at(url)

    assert known is not None
    assert (name, format) == (known[0].name, known[1].format if known[1] else None)


def test_an_unknown_address_leads_nowhere() -> None:
    """A page that shares its host with others is known by its whole address."""
    assert catalogue.at("https://status.acme.example") is None
    assert catalogue.at("https://stats.uptimerobot.com/somebody-else") is None


def test_a_source_named_after_a_generated_entry_is_watched_as_it_says() -> None:
    config = load('[[source]]\nprovider = "hugging-face"', {}, base=ROOT)

    (spec,) = sources(config)

    assert ("hugging-face", "betterstack", timedelta(seconds=30)) == (spec.name, spec.format, spec.every)


def test_a_source_whose_feed_is_not_known_is_a_mistake_that_says_how_to_find_it() -> None:
    entry = next(entry for entry in ENTRIES if not entry.feeds)

    with pytest.raises(ConfigError) as caught:
        load(f'[[source]]\nprovider = "{entry.name}"', {}, base=ROOT)

    assert caught.value.problems == [
        f"source.0.provider: the catalogue knows {entry.title}'s page but not its feed;"
        f" find it with `fogbell providers detect {entry.homepage}`, and give it as url"
    ]


def test_reading_it_takes_no_time() -> None:
    """It is read at every start. Measured in a process of its own, the best of three, after what it imports."""
    code = (
        "import time; from bot.sources import catalogue; import tomllib, csv\n"
        "times = []\n"
        "for _ in range(3):\n"
        "    catalogue.entries.cache_clear(); catalogue.hand_kept.cache_clear(); catalogue._by_name.cache_clear()\n"
        "    begun = time.process_time(); catalogue.find('aws'); times.append(time.process_time() - begun)\n"
        "print(min(times) * 1000)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert float(done.stdout) < 30


def test_what_is_written_is_read_back() -> None:
    some = [
        Page(
            "a",
            "A and B",
            ("x", "y z"),
            "https://a.example",
            (("rss", "https://a/rss"),),
            "online 2026-11-01",
        ),
        Page("b", "", ("b corp",), "", (), ""),
    ]

    assert some == pages.read(pages.written(reversed(some)))
