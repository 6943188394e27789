"""What a person at a shell meets: exit statuses, guesses, and never a traceback."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.say import _line
from bot.cli.status import BAD_CONFIG, FAILED, OK, USAGE
from bot.commands import parse


def ended(*words: str) -> int:
    """The exit status of a command line."""
    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize("command", ["run", "demo", "init", "check-config", "doctor", "parse", "replay"])
def test_an_option_that_a_command_does_not_know_is_bad_usage_of_that_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["x"] if command in {"parse", "replay"} else []

    assert ended(command, *files, "--nope") == USAGE
    assert f"Try: fogbell {command} --help" in capsys.readouterr().err


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("chek-config") == USAGE
    assert 'Did you mean "check-config"?' in capsys.readouterr().err


@pytest.mark.parametrize("words", [("statsu",), ("show", "nonsense"), ("list", "extra")])
def test_words_that_are_no_command_are_bad_usage_before_anything_is_opened(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert ended("say", *words) == USAGE
    assert capsys.readouterr().err.startswith("fogbell: ")


@pytest.mark.parametrize(
    "words",
    [
        ["silence", "aws", "2h", "it's", "known"],
        ["status", "Harbor Chat"],
        ["silence", "Harbor Chat", "2h", 'they say "soon"'],
        ["silence", "aws", "2h", ""],
    ],
)
def test_what_the_shell_kept_together_stays_together(words: list[str]) -> None:
    plain = [word.replace('"', "'") for word in words]

    assert parse.split(_line(words)) == plain


def test_a_whole_line_in_quotes_is_the_line() -> None:
    """--help says "status aws", and people type what they see."""
    assert parse.split(_line(["status aws"])) == ["status", "aws"]


def test_a_templates_folder_with_a_mistake_is_a_mistake_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fogbell.toml"
    path.write_text('[notices]\ntemplates = "absent"')

    assert ended("check-config", str(path)) == BAD_CONFIG
    assert "there is no folder" in capsys.readouterr().err


def test_leaving_init_early_writes_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Bell\n"))

    assert ended("init", str(tmp_path / "fogbell.toml")) == FAILED
    assert "Nothing was written." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_what_init_writes_is_valid(tmp_path: Path) -> None:
    path = str(tmp_path / "fogbell.toml")

    assert ended("init", "--yes", path) == OK
    assert ended("check-config", path) == OK
    assert ended("init", "--yes", path) == BAD_CONFIG
