"""Recorded pages over the life of real incidents, replayed, and held against what the snapshots themselves say.

What must be told is derived from the parsed bodies alone, without any of the rules that are judged here.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.observation import Listing, Observation
from bot.errors import ParseError
from bot.replay import line_of, replay, snapshots_in
from bot.sources import detect
from bot.sources.payload import Payload, Spec
from tests.corpus import CORPUS, needs_corpus

SERIES = sorted((CORPUS / "series").iterdir()) if CORPUS.is_dir() else []
FORMATS_HERE = (
    *("statuspage", "gcp", "slack-current", "azure-rss", "aws-data-json", "rss"),
    *("cstate-markdown", "datocms-incident", "fedora-status"),
)


def bodies(folder: Path) -> list[tuple[str, Listing, tuple[Observation, ...]]]:
    """What each snapshot says, with its format and what absence from it means."""
    found = []
    for snapshot in snapshots_in([folder]):
        payload = Payload(body=snapshot.path.read_bytes(), fetched_at=snapshot.at)
        form = detect(payload) if payload.body.strip() else None
        if form is None:
            continue
        try:
            said = form.parse(payload, Spec(provider=snapshot.provider))
        except ParseError:
            continue
        found.append((form.name, form.listed(payload), said))
    return found


def is_ours(folder: Path) -> bool:
    """True for series of the formats that are judged here."""
    first = next(iter(sorted(folder.iterdir())))
    form = detect(Payload(body=first.read_bytes(), fetched_at=datetime(2026, 1, 1, tzinfo=UTC)))
    return form is not None and form.name in FORMATS_HERE


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("folder", [s for s in SERIES if is_ours(s)], ids=lambda s: s.name)
async def test_a_recorded_series_is_told_once_whole_in_order_and_to_its_end(folder: Path) -> None:
    steps: list[dict[str, Any]] = []
    summary = await replay(
        snapshots_in([folder]), lambda done: steps.append(json.loads(json.dumps(line_of(done))))
    )
    seen = bodies(folder)

    headlines = Counter(s["incident"] for s in steps if s["step"] == "headline")
    assert set(headlines.values()) <= {1}, "one headline for each incident"
    assert set(headlines) == {s["incident"] for s in steps}, "nothing is said without a headline"
    assert summary.skipped == []

    told = Counter((s["incident"], u) for s in steps for u in s["updates"])
    assert [key for key, count in told.items() if count > 1] == [], "no update twice"
    assert [s["at"] for s in steps] == sorted(s["at"] for s in steps), "in order of time"
    if all(said.is_native for _, _, body in seen for said in body):
        _native(seen, steps)


def _native(seen: list[tuple[str, Listing, tuple[Observation, ...]]], steps: list[dict[str, Any]]) -> None:
    """For formats with ids of their own: nothing lost, nothing old, the right end."""
    updates: dict[str, set[str]] = defaultdict(set)
    open_once = {said.key for _, _, body in seen for said in body if not said.is_over and not said.may_lapse}
    for _, _, body in seen:
        for said in body:
            updates[said.key] |= {u.id for u in said.updates}
    told: dict[str, set[str]] = defaultdict(set)
    last: dict[str, str] = {}
    for step in steps:
        for key in step["provider_ids"]:
            told[key] |= set(step["updates"])
            last[key] = step["status"]
    _, listing, newest = seen[-1]

    assert open_once <= set(told), "what was ever open is told"
    assert {key: told[key] for key in open_once} == {key: updates[key] for key in open_once}, (
        "no update lost or invented"
    )
    silent = {said.key for said in seen[0][2] if said.is_over} - open_once
    assert silent & set(told) == set(), "what was over at first sight stays silent"
    listed_open = {said.key for said in newest if not said.is_over}
    for key in open_once:
        is_over = last[key] in {"resolved", "completed", "cancelled", "postmortem"}
        if listing is Listing.OPEN or key in {said.key for said in newest}:
            assert is_over == (key not in listed_open), f"{key} ends as {last[key]}"


async def told_of(folder: Path) -> list[dict[str, Any]]:
    """The steps that a series makes, as lines."""
    steps: list[dict[str, Any]] = []
    summary = await replay(
        snapshots_in([folder]), lambda done: steps.append(json.loads(json.dumps(line_of(done))))
    )
    assert summary.skipped == []
    return steps


def first_over(steps: list[dict[str, Any]]) -> str:
    """When a step first says that nothing goes on any more."""
    return str(next(s["at"] for s in steps if s["status"] in {"resolved", "completed"}))


@needs_corpus
@pytest.mark.slow
async def test_datocms_file_is_told_post_by_post_and_to_its_late_last_word() -> None:
    """Held against the files' own dates and contents. One post was taken back and written again with a later date."""
    folder = CORPUS / "series" / "datocms-incident-2021-09-17"
    files = [(s.at, json.loads(s.path.read_bytes())) for s in snapshots_in([folder])]
    posts = list(dict.fromkeys(post["date"] for _, file in files for post in file["updates"]))
    resolved = next(at for at, file in files if file["updates"][-1]["status"] == "resolved")

    steps = await told_of(folder)

    assert Counter(s["step"] for s in steps)["headline"] == 1
    assert [u.rpartition("@")[2] for s in steps for u in s["updates"]] == posts
    assert first_over(steps) == resolved.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {s["status"] for s in steps if s["at"] >= first_over(steps)} == {"resolved"}
    for at, file in files:
        new = [s for s in steps if s["at"] == at.strftime("%Y-%m-%dT%H:%M:%SZ") and s["updates"]]
        words = file["updates"][-1]["content"].split("\n")[0].replace("`", "")[:40]
        assert all(words in s["text"].replace("`", "") for s in new), at


@needs_corpus
@pytest.mark.slow
async def test_jenkins_file_is_announced_reworded_in_silence_and_ended_with_its_last_words() -> None:
    """Held against the front matter's own lines: `resolvedWhen` was there two weeks before `resolved: true`."""
    folder = CORPUS / "series" / "jenkins-cstate-2023-07-06"
    files = [(s.at, s.path.read_text(encoding="utf-8")) for s in snapshots_in([folder])]
    begins = datetime(2023, 7, 6, 21, tzinfo=UTC)  # the line "date:", the same in all of them
    resolved = next(at for at, text in files if "\nresolved: true\n" in text)
    assert all("\ndate: 2023-07-06T21:00:00-00:00\n" in text for _, text in files)

    steps = await told_of(folder)

    assert Counter(s["step"] for s in steps)["headline"] == 1
    assert [bool(s["updates"]) for s in steps if s["step"] != "edit"] == [True, True]
    assert {s["status"] for s in steps if s["at"] < begins.isoformat()} == {"scheduled"}
    assert {
        s["status"] for s in steps if begins.isoformat() <= s["at"] < resolved.strftime("%Y-%m-%dT%H:%M:%SZ")
    } == {"in_progress"}
    assert first_over(steps) == resolved.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "This work is completed." in next(s["text"] for s in steps if s["at"] == first_over(steps))
    headlines = [s for s in steps if s["step"] in {"headline", "edit"}]
    assert len(headlines) <= len({text for _, text in files})
