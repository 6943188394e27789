"""Bodies that made no sense, on the disk: one for each source, and nothing else is touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.pipeline.quarantine import Quarantine
from bot.sources.payload import Payload

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def payload(body: bytes, hours: int = 0) -> Payload:
    return Payload(body=body, fetched_at=NOON + timedelta(hours=hours))


async def test_only_the_last_body_of_a_source_is_kept(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    await quarantine.keep("acme", payload(b"<old>"))
    path = await quarantine.keep("acme", payload(b"{new", hours=1))

    assert path == tmp_path / "quarantine" / "acme" / "001-20261101T130000Z.json"
    assert [path] == [p for p in tmp_path.rglob("*") if p.is_file()]
    assert path.read_bytes() == b"{new"


@pytest.mark.parametrize(
    "name", ["..", ".", "../..", "/etc", "a/../../b", "\0", "status.ä.example", "", "x" * 300]
)
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Monitors are named after hosts that people type, and whatever else lies in a source's folder is removed."""
    (tmp_path / "lock").write_text("1")
    (tmp_path / "quarantine" / "acme").mkdir(parents=True)
    (tmp_path / "quarantine" / "beside").write_text("1")

    path = await Quarantine(tmp_path / "quarantine").keep(name, payload(b"x"))

    assert path is not None
    assert path.resolve().parents[1] == (tmp_path / "quarantine").resolve()
    assert (tmp_path / "lock").exists()
    assert (tmp_path / "quarantine" / "beside").exists()


async def test_names_that_look_alike_do_not_share_a_folder(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    paths = [await quarantine.keep(name, payload(b"x")) for name in ("ä.example", "ö.example", "_.example")]

    assert len({path.parent for path in paths if path is not None}) == 3


async def test_what_is_kept_is_for_this_user_alone(tmp_path: Path) -> None:
    """It may come from a private feed."""
    path = await Quarantine(tmp_path).keep("acme", payload(b"x"))

    assert path is not None
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "quarantine").write_text("a file where the folder should be")

    assert await Quarantine(tmp_path / "quarantine").keep("acme", payload(b"x")) is None
