"""`fogbell backup`, `restore` at a shell: statuses, files, words."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.status import BAD_CONFIG, BROKEN, FAILED, NO_INPUT, OK


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    """The words that name a configuration with an embedded store of its own, in which something was said."""
    (tmp_path / "fogbell.toml").write_text(
        '[console]\nport = 0\n[[service]]\nname = "shop"\n[[service]]\nname = "till"\n'
    )
    words = ["--config", str(tmp_path / "fogbell.toml"), "--data", str(tmp_path / "data")]
    assert main(["say", *words, "silence", "shop", "2h", "they know"]) == OK
    return words


def test_a_backup_is_for_its_owner_alone_and_goes_back_only_when_asked(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b.gz"

    assert main(["backup", *config, str(file)]) == OK
    assert "1 silences" in capsys.readouterr().err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []

    assert main(["say", *config, "silence", "till", "2h"]) == OK
    assert main(["restore", *config, str(file)]) == FAILED
    assert "--force" in capsys.readouterr().err
    assert main(["restore", *config, "--force", str(file)]) == OK
    capsys.readouterr()
    assert main(["backup", *config, str(file)]) == OK
    assert "1 silences" in capsys.readouterr().err, "what came after the backup is gone"


def test_a_dry_run_needs_no_store_and_says_what_is_in_it(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "b.gz")
    main(["backup", *config, file])
    capsys.readouterr()

    assert main(["restore", "--config", "/nowhere", "--dry-run", file]) == OK
    assert "1 silences" in capsys.readouterr().err


def test_files_that_are_no_backup_are_told_apart_from_those_that_are_not_there(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("hello")

    assert main(["restore", *config, str(tmp_path / "text")]) == BROKEN
    assert main(["restore", *config, str(tmp_path / "none")]) == NO_INPUT
    assert main(["restore", *config, str(tmp_path)]) == NO_INPUT
    assert main(["backup", *config, str(tmp_path / "no" / "folder")]) == FAILED
    assert main(["backup", "--config", "/nowhere", "-"]) == BAD_CONFIG
    assert "Traceback" not in capsys.readouterr().err


def test_a_backup_goes_through_a_pipe(
    config: list[str],
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["backup", *config, "-"]) == OK
    raw = capfdbinary.readouterr().out

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    words = ["--config", config[1], "--data", str(tmp_path / "other")]

    assert main(["restore", *words, "-"]) == OK
    assert main(["backup", *words, str(tmp_path / "again")]) == OK
    assert b"1 silences" in capfdbinary.readouterr().err
