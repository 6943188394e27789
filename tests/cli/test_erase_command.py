"""`fogbell erase` and `fogbell reload` at a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.status import BAD_CONFIG, FAILED, OK, USAGE


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    """The words that name a configuration with an embedded store of its own."""
    (tmp_path / "fogbell.toml").write_text('[console]\nport = 0\n[[service]]\nname = "shop"\n')
    return ["--config", str(tmp_path / "fogbell.toml"), "--data", str(tmp_path / "data")]


def test_a_person_is_counted_then_erased_then_nowhere(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["say", *config, "silence", "shop", "2h", "Ada Lovelace knows"]) == OK
    assert main(["say", *config, "silence", "shop", "3h", "Ada Lovelace is on it"]) == OK
    capsys.readouterr()

    said = []
    for words in (["--dry-run", "ada lovelace"], ["Ada Lovelace"], ["Ada Lovelace"]):
        assert main(["erase", *config, *words]) == OK
        said.append(capsys.readouterr().out.strip())

    assert said == [
        "Would change: 2 audit lines, 1 silence.",
        "Changed: 2 audit lines, 1 silence.",
        "Changed: nothing.",
    ]


def test_too_little_of_a_name_is_bad_usage(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", *config, "Al"]) == USAGE
    assert "too short" in capsys.readouterr().err


def test_nobody_can_be_asked_to_reload_where_nobody_works(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reload", *config]) == FAILED
    assert "no worker" in capsys.readouterr().err

    (tmp_path / "fogbell.toml").write_text("[nonsense]")
    assert main(["reload", *config]) == BAD_CONFIG
