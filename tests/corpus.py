"""Where recorded real feeds are, when this machine has them. None of them is part of the project.

Set FOGBELL_CORPUS to their folder, or keep them beside the checkout; tests that read them skip with a reason elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"
CORPUS = Path(os.environ.get("FOGBELL_CORPUS", _BESIDE))

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="no recorded feeds here: set FOGBELL_CORPUS to their folder"
)


def recorded(folder: str) -> list[Path]:
    """The recorded bodies in a folder of the corpus, or an empty list where there is none."""
    path = CORPUS / folder
    return sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else []
