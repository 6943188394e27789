"""Fedora's board over a bad day, replayed, and held against the recorded files as plain JSON.

A board has no ids, so the oracle of the other series does not fit. What must be told is worked out here from the files alone,
without our parsers and rules: a service's spell is an unbroken run of snapshots in which it is not good.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.replay import line_of, replay, snapshots_in
from tests.corpus import CORPUS, needs_corpus

SERIES = sorted((CORPUS / "series").glob("fedora-statuses-*")) if CORPUS.is_dir() else []
OVER = {"resolved", "completed", "cancelled"}


@dataclass
class Spell:
    """A service's time of trouble: when it was first seen so, each new wording, and when it was good again."""

    service: str
    began: str
    words: list[str] = field(default_factory=list)
    is_planned: bool = False
    ended: str | None = None


def spells_of(folder: Path) -> list[Spell]:
    """The spells of a series, in the order in which they began."""
    going: dict[str, Spell] = {}
    found: list[Spell] = []
    for file in sorted(folder.iterdir()):
        at = file.stem.partition("-")[2]
        services = json.loads(file.read_text(encoding="utf-8"))["services"]
        for name, service in services.items():
            if service["status"] == "good":
                if name in going:
                    going.pop(name).ended = at
                continue
            if name not in going:
                going[name] = Spell(service=name, began=at, is_planned=service["status"] == "scheduled")
                found.append(going[name])
            if service["message"] not in going[name].words:
                going[name].words.append(service["message"])
    return found


def compact(at: str) -> str:
    return at.replace("-", "").replace(":", "")


@needs_corpus
@pytest.mark.parametrize("folder", SERIES, ids=lambda s: s.name)
async def test_each_spell_of_a_service_is_one_incident_told_whole_and_to_its_end(folder: Path) -> None:
    steps: list[dict[str, Any]] = []

    summary = await replay(
        snapshots_in([folder]), lambda done: steps.append(json.loads(json.dumps(line_of(done))))
    )

    spells = spells_of(folder)
    told: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        told.setdefault(step["incident"], []).append(step)
    by_began = {(service_of(incident), compact(incident[0]["at"])): incident for incident in told.values()}
    assert summary.skipped == []
    assert len(spells) > 0
    assert {(spell.service, spell.began) for spell in spells} == set(by_began), "one incident for each spell"
    for spell in spells:
        _is_told(spell, by_began[spell.service, spell.began])


def service_of(incident: list[dict[str, Any]]) -> str:
    """The service that an incident is about: every step names it by one key, which begins with it."""
    names: set[str] = {key.partition("@")[0] for step in incident for key in step["provider_ids"]}
    assert len(names) == 1, "an incident never changes its service"
    return names.pop()


def _is_told(spell: Spell, incident: list[dict[str, Any]]) -> None:
    kinds = [step["step"] for step in incident]
    assert kinds.count("headline") == 1
    assert kinds[0] == "headline", "nothing is said before it"
    said = [update for step in incident for update in step["updates"]]
    assert len(said) == len(set(said)) == len(spell.words), "each wording once, none lost"
    carriers = [step for step in incident if step["updates"]]
    assert [word in step["text"] for word, step in zip(spell.words, carriers, strict=True)] == [
        True for _ in spell.words
    ]
    last = incident[-1]
    assert (last["status"] in OVER) == (spell.ended is not None), f"{spell.service} ends as {last['status']}"
    if spell.ended:
        assert compact(last["at"]) == spell.ended, "told at the snapshot in which it is good again"
    assert (incident[0]["impact"] == "maintenance") == spell.is_planned
