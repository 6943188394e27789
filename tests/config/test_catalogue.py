"""The catalogue: found by any of a provider's names, and made of known formats only."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from bot.config.fields import plain_name
from bot.sources import FORMATS, catalogue


@pytest.mark.parametrize("word", ["aws", "AWS", " amazon ", "Amazon Web Services"])
def test_a_provider_is_found_by_name_title_and_alias(word: str) -> None:
    entry = catalogue.find(word)

    assert entry is not None
    assert (entry.name, entry.title) == ("aws", "AWS")


def test_an_unknown_name_finds_nothing() -> None:
    assert catalogue.find("acme") is None
    assert catalogue.find("") is None


def test_a_search_wants_all_of_its_words() -> None:
    assert [entry.name for entry in catalogue.search("google cloud")] == ["gcp"]
    assert [entry.name for entry in catalogue.search("atlassian JIRA")] == ["jira"]
    assert catalogue.search("no such thing") == ()
    assert catalogue.entries() == catalogue.search("")


def test_the_first_feed_is_the_usual_one_and_others_are_chosen_by_format() -> None:
    aws = catalogue.find("aws")
    assert aws is not None

    assert [feed.format for feed in aws.feeds] == ["aws-currentevents", "aws-rss"]
    assert aws.feeds[0] == aws.feed()
    assert aws.feeds[1] == aws.feed("aws-rss")
    assert aws.feed("gcp") is None


def test_there_are_enough_of_them() -> None:
    assert len(catalogue.entries()) >= 25


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.name)
def test_an_entry_is_whole(entry: catalogue.CatalogueEntry) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", entry.name)
    assert plain_name(entry.title) == entry.title
    assert entry.feeds
    for feed in entry.feeds:
        assert feed.format in FORMATS
        assert urlsplit(feed.url).scheme == "https"
        assert 30 <= feed.every.total_seconds() <= 600


def test_no_name_means_two_providers() -> None:
    names = [n.casefold() for e in catalogue.entries() for n in {e.name, e.title.casefold(), *e.aliases}]

    assert sorted(names) == sorted(set(names))
