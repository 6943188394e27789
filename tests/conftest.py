"""Fixtures that all tests share: a real server for whoever needs a store, an empty one for each test."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.store.embedded import EmbeddedStore
from bot.store.redis import Functions, connect

settings.register_profile("default", deadline=None, max_examples=100, derandomize=True)
settings.register_profile(
    "long", deadline=None, max_examples=3_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def redis_url_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server for this test process; nothing of it is kept."""
    import asyncio

    store = EmbeddedStore(tmp_path_factory.mktemp("redis"), is_throwaway=True)
    asyncio.run(store.start())
    yield store.url
    asyncio.run(store.stop())


@pytest.fixture
async def redis_url(redis_url_of_session: str) -> str:
    """The URL of a real, empty server."""
    client = connect(redis_url_of_session)
    await client.flushall()
    await client.aclose()
    return redis_url_of_session


@pytest.fixture
async def functions(redis_url: str) -> AsyncIterator[Functions]:
    """Our scripts, loaded into a real, empty server."""
    client = connect(redis_url)
    functions = Functions(client)
    await functions.load()
    yield functions
    await client.aclose()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging and signals as they were: a test that runs the command line in this process must not change the next one."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    structlog.reset_defaults()
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def repo() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]
