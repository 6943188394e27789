"""For all tests of chats: their time-outs are their own, not the collector's."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def what_earlier_tests_left_is_not_searched_through() -> Iterator[None]:
    """After thousands of other tests one full collection takes longer than the time-outs of the contract."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
