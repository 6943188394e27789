"""The long fuzzing's targets still run: over their seeds, and over a few changes of each. No fuzzer is needed for that."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_reads_its_seeds_and_what_becomes_of_them(target: Target) -> None:
    dice = random.Random(7)
    assert target.seeds

    for path in target.seeds:
        body = path.read_bytes()
        for _ in range(10):
            target.run(body)
            body = target.change(body, dice)


def test_changes_of_json_stay_json_now_and_then() -> None:
    """Bytes alone hardly ever pass the JSON reader, and the parser behind it would never be fuzzed."""
    target, dice = TARGETS["statuspage"], random.Random(7)
    body = target.seeds[0].read_bytes()

    changed = [target.change(body, dice) for _ in range(50)]

    assert sum(c[:1] in (b"{", b"[") and c[-1:] in (b"}", b"]") for c in changed) > 20
    assert len(set(changed)) > 30
