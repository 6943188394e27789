"""What the long fuzzing runs: for each name a function of bytes, the bodies to begin with, and a way to change one.

The names are the three kinds of feed that most people watch. Called by `__main__`; a smoke test runs each over its seeds.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from bot.sources import detect
from tests.fuzz.fitness import answer
from tests.fuzz.spoil import cases, changed, mixed
from tests.sources.feedkit import body_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`formats` are those that read each body; `seeds` are files. `codec` is how their JSON is written, None for XML."""

    formats: tuple[str, ...]
    seeds: tuple[Path, ...]
    codec: str | None = "utf-8"

    def run(self, data: bytes) -> None:
        """Read a body in every way. Anything raised is a mistake of ours."""
        payload = body_of(data)
        detect(payload)
        for name in self.formats:
            answer(name, payload)

    def change(self, data: bytes, dice: random.Random) -> bytes:
        """Another body, near to this one: parts of its JSON moved or spoiled, or its bytes mixed."""
        value = _json(data, self.codec) if self.codec and dice.random() < 0.6 else None
        if value is None:
            return mixed(data, dice.choice(self.seeds).read_bytes(), dice)
        told = json.dumps(changed(value, dice), ensure_ascii=dice.random() < 0.5)
        return told.encode(self.codec or "utf-8", "replace")


def _json(data: bytes, codec: str | None) -> object:
    try:
        value = json.loads(data.decode(codec or "utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _seeds(*formats: str) -> tuple[Path, ...]:
    return tuple(path for name in formats for path in cases(name))


FEEDS = ("rss", "aws-rss", "azure-rss")
TARGETS = {
    "statuspage": Target(formats=("statuspage",), seeds=_seeds("statuspage")),
    "feed": Target(formats=FEEDS, seeds=_seeds(*FEEDS), codec=None),
    "currentevents": Target(
        formats=("aws-currentevents",), seeds=_seeds("aws-currentevents"), codec="utf-16"
    ),
}
