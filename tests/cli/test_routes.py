"""`fogbell routes` and the dry run: where things would be told, before anybody is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.status import BAD_CONFIG, FAILED, OK, USAGE

CONFIG = """
[fogbell]
time_zone = "Europe/Berlin"
data = "{data}"
[chat.slack]
bot_token = {{ env = "TOKEN" }}
[[source]]
provider = "aws"
[[service]]
name = "checkout"
tier = 1
needs = "aws/dynamodb@us-east-1"
[[group]]
name = "ops"
channels = ["slack:C1", "console:main"]
[[channel]]
id = "slack:C1"
quiet = {{ from = "22:00", to = "07:00" }}
"""
HIT = ("--provider", "aws", "--region", "us-east-1", "--component", "DynamoDB")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration without routes, with one service and a channel that sleeps at night."""
    monkeypatch.setenv("TOKEN", "xoxb-1")
    path = tmp_path / "fogbell.toml"
    path.write_text(CONFIG.format(data=tmp_path / "data"))
    return path


def answer(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> list[str]:
    assert main(["routes", "test", "--config", str(config), *words]) == OK
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--impact", "major", "--at", "2026-11-23T12:00"), "at once"),
        (
            ("--impact", "minor", "--at", "2026-11-23T07:00Z"),
            "in the digest at 09:00 CET: minor, and no route asks for minor",
        ),
        (
            ("--impact", "major", "--at", "2026-11-23T22:00Z"),
            "held until 2026-11-24 07:00 CET by its quiet hours; SEV1 would be told now",
        ),
        (("--impact", "major", "--severity", "SEV1", "--at", "2026-11-23T22:00Z"), "at once"),
    ],
)
def test_a_made_up_incident_is_explained_without_a_store(
    words: tuple[str, ...], expected: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = answer(capsys, config, *HIT, *words)

    assert f"  slack:C1: {expected}" in said
    assert "  console:main: at once" in said
    assert not (config.parent / "data").exists()


def test_a_made_up_incident_needs_no_tokens(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN")

    assert "  console:main: at once" in answer(capsys, config, *HIT)


def test_an_alias_of_the_catalogue_means_its_provider(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, config, "--provider", "claude")[0] == "INC-0 · Anthropic: what might happen"


def test_a_time_that_is_none_is_bad_usage(config: Path) -> None:
    assert main(["routes", "test", "--config", str(config), *HIT, "--at", "tomorrow"]) == USAGE


def test_a_mistake_in_the_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[[route]]\nto = []")

    assert main(["routes", "test", "--config", str(tmp_path / "x.toml"), "--provider", "aws"]) == BAD_CONFIG


def test_an_incident_that_is_not_there_cannot_be_explained(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", "explain", "INC-7", "--config", str(config)]) == FAILED
    assert "There is no INC-7" in capsys.readouterr().out


def recording(folder: Path, impact: str) -> Path:
    """A page with one incident that goes on for a day and then is over."""
    folder.mkdir()
    for name, status in (("1-20260301T210000Z", "investigating"), ("2-20260302T110000Z", "resolved")):
        incident = {
            "id": "i1",
            "name": "Errors",
            "status": status,
            "impact": impact,
            "created_at": "2026-03-01T20:59:00Z",
            "incident_updates": [
                {"id": f"u-{status}", "status": status, "body": "…", "created_at": f"{day}T{at}:00Z"}
                for status, day, at in (
                    ("resolved", "2026-03-02", "10:59"),
                    ("investigating", "2026-03-01", "20:59"),
                )
                if status == "investigating" or name.startswith("2")
            ],
        }
        body = {"page": {}, "status": {}, "components": [], "incidents": [incident]}
        (folder / f"00{name}.json").write_text(json.dumps(body))
    return folder


DRY_RUN = """
[chat.slack]
bot_token = {{ env = "TOKEN" }}
[[group]]
name = "ops"
channels = "slack:C1"
[[channel]]
id = "slack:C1"
{manners}
"""


@pytest.mark.parametrize(
    ("impact", "manners", "steps", "expected"),
    [
        (
            "major",
            "",
            ["headline", "update", "edit"],
            "2 messages, the first at 21:00Z: slack:C1 2; 0 incidents only in digests, 0 held back by quiet hours,"
            " 0 by the cap",
        ),
        (
            "minor",
            'digest_at = "06:00"',
            ["headline"],
            "1 message, the first at 06:00Z: slack:C1 1; 1 incident only in digests (next 06:00 UTC), 0 held back by"
            " quiet hours, 0 by the cap",
        ),
        (
            "major",
            'quiet = { from = "20:00", to = "06:30" }',
            ["headline", "update", "edit"],
            "2 messages, the first at 06:30Z: slack:C1 2; 0 incidents only in digests, 1 held back by quiet hours,"
            " 0 by the cap",
        ),
    ],
)
def test_a_dry_run_counts_what_a_configuration_would_have_posted(
    impact: str,
    manners: str,
    steps: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "f.toml").write_text(DRY_RUN.format(manners=manners))
    series = recording(tmp_path / "acme", impact)

    assert main(["replay", "--config", str(tmp_path / "f.toml"), str(series)]) == OK

    out, err = capsys.readouterr()
    told = [json.loads(line) for line in out.splitlines()]
    assert [step["step"] for step in told][: len(steps)] == steps
    assert {step["channel"] for step in told} == {"slack:C1"}
    assert err.splitlines()[-1] == f"With this configuration the recorded day would have posted {expected}"


def test_without_a_configuration_nothing_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(recording(tmp_path / "acme", "minor"))]) == OK

    out, err = capsys.readouterr()
    assert [json.loads(line)["step"] for line in out.splitlines()] == ["headline", "update", "edit"]
    assert "With this configuration" not in err
