"""Three hundred sources of the catalogue through one virtual day with stories and faults: no false incident, no missed one.

The script, and what must come of it, are the tables of `fleet_day`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from bot.domain.observation import WATCHER
from tests.scenarios.fleet import fleet
from tests.scenarios.fleet_chronicle import Chronicle, name_of
from tests.scenarios.fleet_day import (
    BLIND,
    FAULTS,
    LIVES,
    OUTAGE,
    REOPENED,
    REPLACED,
    SOURCES,
    STORIES,
    TEXTS,
    TRUST,
    quiet,
    scripted,
)
from tests.scenarios.fleet_stories import Story

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def day(redis_url_of_session: str, tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    """The day, lived once."""
    return asyncio.run(_lived(redis_url_of_session, tmp_path_factory.mktemp("fleet")))


async def _lived(redis_url: str, folder: Path) -> Chronicle:
    async with fleet([*scripted(), *quiet()], FAULTS, redis_url, folder) as ours:
        return await ours.day()


def test_every_incident_is_opened_and_closed_when_it_should_and_no_other(day: Chronicle) -> None:
    expected = {(each.provider, each.title): LIVES[each.title] for each in STORIES}
    lives = {name: span for name, span in day.lives.items() if name[0] != WATCHER}

    assert expected == lives


def test_every_incident_has_its_own_id_and_its_texts_in_order(day: Chronicle) -> None:
    expected = {each.title: (each.key, _texts(each)) for each in STORIES}
    keys = {each.title: each.key for each in STORIES}
    held = {
        i.title: (keys[i.title] if keys[i.title] in i.keys else i.keys, [u.text for u in i.updates])
        for i in day.left
        if i.provider != WATCHER
    }

    assert expected == held


def test_a_text_changes_only_when_its_provider_changes_it_and_no_old_copy_undoes_anything(
    day: Chronicle,
) -> None:
    edits = {(each.title, post.text, post.edit) for each in STORIES for post in each.posts if post.edit}

    assert edits | REPLACED == day.rewordings
    assert [title for title in day.set_backs if not title.startswith("Blind on ")] == REOPENED


def test_no_source_opens_or_closes_anything_while_it_is_at_fault(day: Chronicle) -> None:
    names: dict[str, list[str]] = {}
    for source in scripted():
        names.setdefault(source.provider, []).append(source.name)
    wrong = [
        turn
        for turn in day.turns
        if turn[1] != WATCHER
        and all(any(f.is_blinding and f.hits(name, turn[0]) for f in FAULTS) for name in names[turn[1]])
    ]

    assert wrong == [], "opened or closed on the word of a source that could not be believed"


def test_operators_hear_of_each_blindness_once_and_of_the_way_back(day: Chronicle) -> None:
    lives = {name: span for (provider, name), span in day.lives.items() if provider == WATCHER}
    told = Counter(name_of(i)[1] for i in day.left if i.provider == WATCHER for _ in i.updates)

    assert BLIND == lives
    assert {name: 2 * len(spans.split()) for name, spans in BLIND.items()} == told, "lost, and back"


def test_every_source_is_believed_as_far_as_it_should_be_all_day(day: Chronicle) -> None:
    expected = {source.name: TRUST.get(source.name, OUTAGE) for source in [*scripted(), *quiet()]}

    assert len(expected) == SOURCES
    assert expected == day.trust


def _texts(each: Story) -> list[str]:
    return TEXTS.get(each.title) or [post.edit or post.text for post in each.posts]
