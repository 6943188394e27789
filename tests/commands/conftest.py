"""What every test of a command begins with."""

from __future__ import annotations

import pytest

from tests.fakes.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """A desk where nothing is open and AWS and Google Cloud are fresh."""
    return Desk()
