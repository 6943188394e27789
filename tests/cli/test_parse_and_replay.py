"""`fogbell parse` and `fogbell replay` judged from outside: what is printed, where, and with which exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.status import BROKEN, OK, USAGE

PYTHON = sys.executable


def page(*names: str) -> str:
    """A Statuspage summary with these incidents open."""
    incidents = [
        {
            "id": f"id-{name}",
            "name": name,
            "status": "investigating",
            "impact": "minor",
            "created_at": "2026-03-01T09:00:00Z",
            "incident_updates": [
                {
                    "id": f"u-{name}",
                    "status": "investigating",
                    "body": "…",
                    "created_at": "2026-03-01T09:00:00Z",
                }
            ],
        }
        for name in names
    ]
    return json.dumps({"page": {}, "status": {}, "components": [], "incidents": incidents})


def event(name: str) -> dict[str, object]:
    """An open event of AWS."""
    return {
        "arn": f"arn:{name}",
        "date": "1772359200",
        "summary": name,
        "status": "2",
        "service": "ec2-us-east-1",
        "event_log": [{"summary": name, "message": "Errors.", "timestamp": 1772359200}],
    }


def recorded(folder: Path, *bodies: str | bytes) -> Path:
    """A directory of snapshots, a minute apart."""
    folder.mkdir()
    for n, body in enumerate(bodies):
        raw = body if isinstance(body, bytes) else body.encode()
        (folder / f"{n:03d}-20260301T10{n:02d}00Z.json").write_bytes(raw)
    return folder


def steps(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """(step, status) of each printed line."""
    return [(s["step"], s["status"]) for s in map(json.loads, capsys.readouterr().out.splitlines())]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty body"),
        (b"<!doctype html><html></html>", "an HTML page"),
        (page("a").encode()[:-9], "not valid JSON"),
        (b"Service unavailable", "no known format"),
    ],
)
def test_a_broken_body_of_no_named_format_is_one_line_that_says_why(
    body: bytes, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(page("a"))
    bad.write_bytes(body)

    assert main(["parse", str(good), str(bad), str(good)]) == BROKEN

    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert len(printed.err.splitlines()) == 1
    assert why in printed.err


def test_lines_are_json_in_any_locale_and_for_any_file_name(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9-1.json"
    Path(os.fsdecode(name)).write_text(page("…"))
    series = recorded(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9-series")), page("…"))
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}

    for words in ([b"parse", name], [b"replay", os.fsencode(series)]):
        done = subprocess.run(
            [PYTHON, b"-m", b"bot", *words], capture_output=True, env=ascii_only, timeout=30, check=True
        )
        assert "…" in json.loads(done.stdout)["title"]


def test_whoever_stops_reading_a_replay_gets_no_traceback(tmp_path: Path) -> None:
    series = recorded(tmp_path / "acme-summary", page(*"abcdef"), page(*"abcdef"), page())
    running = subprocess.Popen(
        [PYTHON, "-m", "bot", "replay", str(series)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()

    with running.stderr as errors:
        assert b"Traceback" not in errors.read()
    assert running.wait(timeout=30) == OK


def test_an_empty_list_is_good_news_once_the_format_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some archives keep AWS' UTF-16 as UTF-8, where "[]" alone could be anybody's."""
    series = recorded(tmp_path / "aws-currentevents", "[]", json.dumps([event("a")]), "[]")

    assert main(["replay", str(series)]) == OK

    assert steps(capsys) == [("headline", "investigating"), ("edit", "resolved")]


def test_what_is_no_readable_snapshot_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    series = recorded(tmp_path / "acme-summary", page("a"))
    (series / "004-20260631T100000Z.json").write_text(page())
    (series / "005-20260301T120000Z.json").mkdir()
    (series / "006-20260301T130000Z.json").symlink_to(series / "nowhere")
    (series / "README.md").write_text("x")

    assert main(["replay", str(series)]) == OK

    assert steps(capsys) == [("headline", "investigating")]


def test_a_configuration_is_replayed_without_its_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    config = tmp_path / "fogbell.toml"
    config.write_text(
        '[chat.slack]\nbot_token = { env = "SLACK_BOT_TOKEN" }\n[[route]]\nto = ["ops"]\n'
        '[[group]]\nname = "ops"\nmode = "first_up"\nchannels = ["slack:C0123", "console:ops"]\n'
    )
    series = recorded(tmp_path / "acme-summary", page("a"))

    assert main(["replay", "--config", str(config), str(series)]) == OK

    assert json.loads(capsys.readouterr().out)["channel"] == "slack:C0123"


def test_a_folder_without_snapshots_is_bad_usage(tmp_path: Path) -> None:
    assert main(["replay", str(tmp_path)]) == USAGE
