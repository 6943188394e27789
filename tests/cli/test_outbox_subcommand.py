"""`fogbell outbox` at a shell: its words, its statuses, and what a program reads."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.status import FAILED, OK, USAGE
from bot.domain.observation import Listing, Observation, Sighting, Update
from bot.domain.words import Impact, Status
from bot.wiring import Options, build

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    """The words that name a configuration whose store holds one incident that nobody has told yet."""
    (tmp_path / "fogbell.toml").write_text(
        '[console]\nport = 0\n[[group]]\nname = "ops"\nchannels = ["console:main"]\n'
    )
    asyncio.run(_seen(tmp_path))
    return ["--config", str(tmp_path / "fogbell.toml"), "--data", str(tmp_path / "data")]


async def _seen(folder: Path) -> None:
    from bot.cli.load import config_at

    loaded = config_at(folder / "fogbell.toml", data=folder / "data")
    begun = NOW - timedelta(minutes=5)
    said = Observation(
        provider="aws", format="statuspage", key="e1", is_native=True, title="Errors", status=Status.INVESTIGATING,
        impact=Impact.MAJOR, began_at=begun, updates=(Update(id="u1", text="We look.", posted_at=begun),),
    )  # fmt: skip
    seen = Sighting(provider="aws", source="aws", seen_at=NOW, observations=(said,), listing=Listing.OPEN)
    async with build(loaded, Options(is_beside=True)) as app:
        await app.ingest.sighting(seen)


def test_what_waits_is_listed_and_a_program_can_read_it(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox", *config]) == OK
    assert "INC-1 · console:main · misses the headline and 1 update" in capsys.readouterr().out

    assert main(["outbox", "list", "--json", *config]) == OK
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["incident"], entry["channel"], entry["state"], entry["updates"]) == (
        "INC-1",
        "console:main",
        "due",
        1,
    )
    assert main(["outbox", "list", *config, "INC-9"]) == OK
    assert "Nothing waits for INC-9" in capsys.readouterr().out


def test_parking_retrying_and_dropping_at_a_shell_leave_their_lines_in_the_audit(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox", "park", *config, "INC-1", "console:main", "--reason", "it's not for them"]) == OK
    assert main(["outbox", *config]) == OK
    assert "Parked by hand\n  INC-1" in capsys.readouterr().out
    assert main(["outbox", "retry", "--all-parked", *config]) == OK
    assert main(["outbox", "drop", *config, "--channel", "console:main", "--reason", "given up"]) == OK
    assert main(["outbox", *config]) == OK
    assert capsys.readouterr().out.endswith("Nothing waits\n  Everything that was to be said was said.\n")

    told = [(line["outcome"], line["reason"]) for line in asyncio.run(_audit(config)) if "what" in line]
    assert told == [("dropped", "given up"), ("retried", ""), ("parked", "it's not for them")]


async def _audit(config: list[str]) -> list[dict[str, str]]:
    from bot.cli.load import config_at

    loaded = config_at(Path(config[1]), data=Path(config[3]))
    async with build(loaded, Options(is_beside=True)) as app:
        return [dict(line) for line in await app.dispatcher.audit.tail(20)]


@pytest.mark.parametrize(
    "words",
    [
        ("retry",),
        ("retry", "INC-1", "--all-parked"),
        ("park", "--reason", "why"),
        ("drop", "INC-1", "console:main"),
        ("drop", "INC-1", "--channel", "console:main", "--reason", "why"),
    ],
)
def test_a_missing_word_is_bad_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(["outbox", *words])
    except SystemExit as end:  # the parser itself ends with a status
        status = end.code

    assert status == USAGE
    assert "outbox" in capsys.readouterr().err


def test_what_is_not_there_fails(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outbox", "retry", *config, "INC-99", "console:main"]) == FAILED
    assert "There is no INC-99" in capsys.readouterr().out
