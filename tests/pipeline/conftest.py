"""What the loops' tests share: our Functions on a real, empty server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store.redis import Functions, connect


@pytest.fixture
async def functions(redis_url: str) -> AsyncIterator[Functions]:
    """The scripts, loaded."""
    client = connect(redis_url)
    loaded = Functions(client)
    await loaded.load()
    yield loaded
    await client.aclose()
