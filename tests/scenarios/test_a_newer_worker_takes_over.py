"""The store is taken over by a newer Fogbell while an older one works: the older one ends in order, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store import keys
from bot.store.redis import connect
from tests.scenarios.worker import Worker


@pytest.mark.slow
async def test_an_older_worker_stops_by_itself_with_status_2(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "fogbell.toml").write_text(f'[console]\nport = 0\n[store]\nurl = "{redis_url}"\n')
    client = connect(redis_url)
    with Worker(tmp_path, "run") as worker:
        await worker.console()
        await client.set(keys.SCHEMA_KEY, keys.SCHEMA + 1)
        code = await worker.ends(within=20)
    with Worker(tmp_path, "run") as worker:
        again = await worker.ends(within=20)
    leases = [key async for key in client.scan_iter(match="fogbell:lease:sources:*")]
    await client.aclose()

    words = worker.err.read_text()
    assert (code, again) == (2, 2)
    assert leases == [], "what it held is free for the newer one"
    assert words.count("newer Fogbell") >= 2
    assert "Traceback" not in words
