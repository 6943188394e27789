"""`fogbell providers` and `fogbell monitor` at a shell: what they print, where they lead on, and their exit statuses."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import _parser, main, providers
from bot.cli.monitor import words_of
from bot.cli.status import FAILED, OK, USAGE
from bot.commands import COMMANDS, parse
from bot.config import load, sources
from bot.errors import NotFound, UsageError
from bot.sources import catalogue
from bot.sources.catalogue import Verified, pages
from bot.sources.fetching.auth import Header
from bot.sources.finding.verifying import Checked, Outcome, check, marked, verify
from tests.fakes.feeds import FeedServer
from tests.fakes.pages import Web

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FEEDS = Path(__file__).parents[1] / "sources" / "feeds"
SUMMARY = (FEEDS / "statuspage" / "quiet.json").read_bytes()
BETTERSTACK = (FEEDS / "betterstack" / "index.json").read_bytes()


def ended(*words: str) -> int:
    """The exit status of a command line."""
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


def entry_of(name: str) -> catalogue.CatalogueEntry:
    entry = catalogue.find(name)
    assert entry is not None
    return entry


def generated(*, has_feed: bool = True) -> catalogue.CatalogueEntry:
    """An entry that no hand keeps, and that nothing else is at the host of."""
    many = catalogue.entries()[len(catalogue.hand_kept()) :]
    return next(
        e
        for e in many
        if bool(e.feeds) == has_feed and e.homepage.startswith("https") and "/" not in e.homepage[8:]
    )


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def test_a_search_prints_a_line_for_each_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("providers", "search", "stripe") == OK
    assert capsys.readouterr().out.startswith("stripe ")


@pytest.mark.parametrize(
    "words",
    [
        ("search", "https://www.stripestatus.com/"),
        ("search", "stripestatus.com/incidents/abc"),
        ("show", "https://www.stripestatus.com/incidents/abc"),
        ("show", "stripestatus.com"),
        ("list", "--format", "STATUSPAGE"),
    ],
)
def test_an_address_or_a_format_is_known_however_it_is_written(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("providers", *words) == OK
    assert "stripe" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("search", "strpie"), FAILED, 'Did you mean "stripe"'),
        (("show", "strpie"), FAILED, 'Did you mean "stripe"'),
        (("verify", "strpie"), FAILED, 'Did you mean "stripe"'),
        (("list", "--format", "statuspag"), USAGE, '"statuspag"'),
        (("detekt", "x"), USAGE, 'Did you mean "detect"?'),
        (("detect", "x", "--header", "Authorization=NOT_SET"), USAGE, '"NOT_SET" has to be set'),
        (("detect", "http://127.0.0.1:9/"), FAILED, "not a public address"),
        (("detect", "http://127.0.0.1:9/"), FAILED, "--allow-private"),
        (("detect", "strpie"), FAILED, 'Did you mean "stripe"'),
    ],
)
def test_what_goes_wrong_says_what_to_do(
    words: tuple[str, ...], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("providers", *words) == status
    assert says in capsys.readouterr().err


def test_a_list_is_of_one_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("providers", "list", "--format", "betterstack") == OK

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 10
    assert all(" betterstack " in line for line in lines)


def test_an_entry_is_shown_with_its_feeds_and_how_to_watch_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("providers", "show", "Amazon", "Web", "Services") == OK

    said = capsys.readouterr().out
    assert "aws-currentevents, every 60 s: https://health.aws.amazon.com/public/currentevents" in said
    assert "aws-rss, every 120 s" in said
    assert "fogbell monitor add aws" in said
    assert {"source": [{"provider": "aws"}]} == tomllib.loads(said[said.index("[[source]]") :])


def test_an_entry_without_a_feed_says_how_to_find_it(capsys: pytest.CaptureFixture[str]) -> None:
    entry = generated(has_feed=False)

    assert ended("providers", "show", entry.name) == OK
    assert f"fogbell providers detect {entry.homepage}" in capsys.readouterr().out


async def test_what_is_detected_is_printed_with_a_source_that_loads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with FeedServer() as feeds:
        feeds.serve("/", '<html><title>Acme "&amp; Co" Status</title>', content_type="text/html")
        url = feeds.serve("/index.json", BETTERSTACK)
        args = _parser().parse_args(["providers", "detect", feeds.url("/"), "--allow-private"])

        assert await asyncio.to_thread(args.run, args) == OK

    said = capsys.readouterr().out
    assert 'Acme "& Co" (127.0.0.1)' in said
    assert "betterstack" in said
    config = load(said[said.index("[[source]]") :], {}, base=Path())
    (spec,) = sources(config)
    assert (url, "betterstack", True) == (spec.url, spec.format, spec.allow_private)
    assert 'Acme "& Co"' == config.source[0].title


async def test_a_private_page_is_opened_by_a_header_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "Bearer hush")
    async with FeedServer() as feeds:
        url = feeds.serve("/index.json", BETTERSTACK)
        words = ["providers", "detect", url, "--allow-private", "--header", "Authorization=ACME_TOKEN"]
        args = _parser().parse_args(words)

        assert await asyncio.to_thread(args.run, args) == OK
        assert feeds.seen[0][1]["Authorization"] == "Bearer hush"

    said = capsys.readouterr().out
    assert "hush" not in said
    (spec,) = sources(load(said[said.index("[[source]]") :], {"ACME_TOKEN": "Bearer hush"}, base=Path()))
    assert Header(name="Authorization", value="Bearer hush") == spec.auth


async def test_verify_tells_what_answers_what_moved_what_was_found_and_what_failed() -> None:
    github, slack, page = entry_of("github"), entry_of("slack"), generated(has_feed=False)
    other = entry_of("cloudflare")
    web = Web(
        {
            github.feeds[0].url: SUMMARY,
            other.feeds[0].url: BETTERSTACK,
            page.homepage + "/index.json": BETTERSTACK,
        }
    )
    told: list[Checked] = []

    await verify([github, slack, page, other], web, NOON, told.append, sleep=at_once)

    assert {one.entry.name: one.outcome for one in told} == {
        "github": Outcome.ANSWERS,
        "slack": Outcome.FAILED,
        page.name: Outcome.FOUND,
        "cloudflare": Outcome.MOVED,
    }
    assert all(spec.is_from_people for spec in web.asked)


async def test_one_host_is_asked_one_question_at_a_time_with_a_pause() -> None:
    same = [e for e in catalogue.entries() if e.feeds and "//api.status.io/" in e.feeds[0].url][:3]
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await verify(same, Web(), NOON, lambda one: None, sleep=sleep)

    assert pauses == [1.0, 1.0]


async def test_marks_change_only_the_rows_that_were_asked_about() -> None:
    good, bad = generated(), generated(has_feed=False)
    web = Web({good.feeds[0].url: SUMMARY})
    rows = [
        pages.Page(e.name, e.title, (), e.homepage, tuple((f.format, f.url) for f in e.feeds), "catalogue")
        for e in (good, bad, entry_of("docker"))
    ]

    checked = [await check(e, web, NOON, sleep=at_once) for e in (good, bad)]
    new = marked(rows, checked, "2026-11-01")

    assert ["online 2026-11-01", "doubtful 2026-11-01", "catalogue"] == [row.mark for row in new]
    assert [row._replace(mark="") for row in rows] == [row._replace(mark="") for row in new]


def test_a_mark_is_read_back_as_how_sure_the_entry_is(tmp_path: Path) -> None:
    good = generated()
    checked = [Checked(entry=good, outcome=Outcome.ANSWERS, words="", feed=good.feeds[0])]

    providers._write(tmp_path / "copy.tsv", checked)

    row = next(r for r in pages.read((tmp_path / "copy.tsv").read_text()) if r.slug == good.name)
    read = catalogue._of_page(row)
    assert (Verified.ONLINE, f"{datetime.now(UTC):%Y-%m-%d}") == (read.verified, read.checked)


def test_nothing_is_written_where_nothing_answers(tmp_path: Path) -> None:
    """A laptop without network would mark the whole catalogue as doubtful."""
    failed = [Checked(entry=e, outcome=Outcome.FAILED, words="") for e in catalogue.entries()[:5]]

    with pytest.raises(NotFound, match="is this machine online"):
        providers._write(tmp_path / "copy.tsv", failed)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    good = generated()
    checked = [Checked(entry=good, outcome=Outcome.ANSWERS, words="", feed=good.feeds[0])]

    with pytest.raises(UsageError, match="cannot be written"):
        providers._write(tmp_path / "no" / "copy.tsv", checked)


async def test_a_feed_that_is_of_no_format_any_more_failed() -> None:
    entry = entry_of("github")

    one = await check(entry, Web({entry.feeds[0].url: "<html>gone"}), NOON)

    assert (Outcome.FAILED, None) == (one.outcome, one.feed)
    assert "is not statuspage any more" in one.words


async def test_an_error_of_the_page_is_told_in_its_words() -> None:
    one = await check(entry_of("github"), Web(), NOON)

    assert "answered 404" in one.words


@pytest.mark.parametrize("words", [["add", "Let's", "Encrypt"], ["list"], ["remove", "acme"]])
def test_monitor_is_the_chat_command(words: list[str]) -> None:
    args = _parser().parse_args(["monitor", *words])

    assert ["monitor", *words] == words_of(args)
    request = parse.from_words(words_of(args), COMMANDS)
    assert (words[0], " ".join(words[1:])) == (request.words["action"], request.words.get("target", ""))


def test_a_word_that_is_missing_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("monitor", "add") == USAGE
    assert "NAME_OR_URL" in capsys.readouterr().err
