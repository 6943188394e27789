"""`fogbell init`: whatever is answered, the file that is written loads, and holds no token."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import load, rules, sources
from bot.errors import ConfigError
from bot.setup_wizard import Answers, init
from bot.sources import catalogue

TOKENS = {"SLACK_BOT_TOKEN": "x", "SLACK_APP_TOKEN": "x", "DISCORD_TOKEN": "x"}


class Person:
    """Gives the answers one after the other, and remembers what was said."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.heard: list[str] = []
        self.asked: list[str] = []

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return next(self._answers)

    def say(self, words: str) -> None:
        self.heard.append(words)


def run(path: Path, person: Person, *, force: bool = False, yes: bool = False) -> Answers:
    return init(path, ask=person.ask, say=person.say, force=force, yes=yes)


def test_every_answer_ends_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fogbell.toml"
    person = Person(
        "Bell",
        "aws, Google Cloud",
        "yes",
        "C0123ABC",
        "y",
        "discord:998877665544",
        "https://shop.example/health",
    )

    run(path, person)

    config = load(path.read_text(), TOKENS, base=tmp_path)
    assert config.fogbell.name == "Bell"
    assert [spec.name for spec in sources(config)] == ["aws", "gcp"]
    assert config.chat.slack is not None
    assert config.chat.discord is not None
    assert [check.url for check in config.check] == ["https://shop.example/health"]
    assert [group.channels for group in config.group] == [
        ("slack:C0123ABC", "discord:998877665544", "console:main", "terminal:main")
    ]
    assert config.warnings == ()
    assert "Set SLACK_BOT_TOKEN, SLACK_APP_TOKEN, DISCORD_TOKEN in the environment." in person.heard


def test_the_file_has_the_quiet_defaults(tmp_path: Path) -> None:
    """No route: one without conditions would tell the chats of every minor matter at once. The console hears it all."""
    path = tmp_path / "fogbell.toml"
    run(path, Person("", "aws", "yes", "C0123ABC", "", ""))

    found = rules(load(path.read_text(), TOKENS, base=tmp_path))

    assert [route.is_usual for route in found.routes if not route.kinds] == [True]
    assert found.always == ("console:main", "terminal:main")
    assert "# Without a route" in path.read_text()


def test_empty_answers_take_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "fogbell.toml"

    answers = run(path, Person("", "", "", "", ""))

    assert Answers() == answers
    assert load(path.read_text(), {}, base=tmp_path).warnings == ()


def test_without_questions_the_defaults_are_written(tmp_path: Path) -> None:
    person = Person()
    asked, unasked = tmp_path / "asked.toml", tmp_path / "deep" / "unasked.toml"
    run(asked, Person("", "", "", "", ""))

    run(unasked, person, yes=True)

    assert asked.read_text() == unasked.read_text()
    assert person.asked == []


def test_a_wrong_answer_is_explained_and_asked_again(tmp_path: Path) -> None:
    person = Person("", "gihub aws", "github aws", "maybe", "yes", "#ops", "C0123ABC", "no", "shop", "")

    answers = run(tmp_path / "fogbell.toml", person)

    assert answers.providers == ("github", "aws")
    explained = [line.strip() for line in person.heard if line.startswith("  ")]
    assert explained[0] == '"gihub" is not known; did you mean "github"?'
    assert explained[1] == "answer yes or no"
    assert "not its name" in explained[2]
    assert "is not a web address" in explained[3]


def test_an_answer_that_stays_wrong_ends_it_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fogbell.toml"

    with pytest.raises(ConfigError, match="no usable answer after 5 tries"):
        run(path, Person("", *["nonsense"] * 5))

    assert not path.exists()


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "fogbell.toml"
    path.write_text("mine")

    with pytest.raises(ConfigError, match="--force writes it anew"):
        run(path, Person(), yes=True)
    assert path.read_text() == "mine"

    run(path, Person(), yes=True, force=True)
    assert path.read_text() != "mine"


@pytest.mark.parametrize(
    "url", ['https://x.example/a"b', "https://x.example/\\u", "https://x.example/ü?a=1#z"]
)
def test_a_url_cannot_break_out_of_the_file(tmp_path: Path, url: str) -> None:
    path = tmp_path / "fogbell.toml"

    run(path, Person("", "", "", "", url))

    assert tomllib.loads(path.read_text())["check"][0]["url"] == url


def test_a_file_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        run(tmp_path, Person(), force=True, yes=True)


def test_the_last_words_say_how_to_let_the_bot_in(tmp_path: Path) -> None:
    person = Person("", "aws", "yes", "C0123ABC", "yes", "998877665544", "")

    run(tmp_path / "fogbell.toml", person)

    heard = "\n".join(person.heard)
    assert "docs/slack-manifest.yaml" in heard
    assert "https://discord.com/oauth2/authorize?client_id=APPLICATION_ID" in heard


def test_a_provider_whose_feed_is_not_known_is_refused_with_what_to_do(tmp_path: Path) -> None:
    entry = next(e for e in catalogue.entries() if not e.feeds)
    person = Person("", entry.name, "stripe", "", "", "")

    answers = run(tmp_path / "fogbell.toml", person)

    assert ("stripe",) == answers.providers
    assert any(f"fogbell providers detect {entry.homepage}" in line for line in person.heard)


def test_a_generated_entry_is_watched_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "fogbell.toml"

    run(path, Person("", "hugging-face, Let's Encrypt", "", "", ""))

    assert [("hugging-face", "betterstack"), ("let-s-encrypt", "statusio")] == [
        (spec.provider, spec.format) for spec in sources(load(path.read_text(), {}, base=tmp_path))
    ]
