"""The protocol of delivery, explored: two workers, one channel, every order of steps and faults, and the promise in each state.

The rules are the real ones; the store's scripts and the worker's steps are modelled (`tests/model`). That the model itself sees
is proved by switching off one safeguard at a time: each time it must show how an update is then lost, doubled or stale.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.conversation import Limits
from bot.domain.incident import Incident
from tests.model.search import Explored, explore
from tests.model.town import FAULTS, Guard, Town, edited_text, far_behind, two_updates

POST_ONLY = Limits(threads=False, edits=False, find=False)
STORIES = {"update": two_updates, "edit": edited_text, "catch-up": far_behind}

# The story, which faults may happen how often in it, and the least number of states: fewer would mean that nothing was tried.
QUICK: list[tuple[str, dict[str, int], int]] = [
    ("update", {}, 30),
    ("update", {"crash": 2, "expire": 1, "lost": 1}, 7_000),
    ("update", {"crash": 1, "expire": 1, "late": 1}, 2_000),
    ("update", {"crash": 1, "expire": 1, "late_edit": 1}, 3_000),
    ("update", {"crash": 1, "expire": 1, "delete": 2}, 15_000),
    ("update", {"expire": 1, "failover": 1}, 30_000),
    ("edit", {"crash": 1, "lost": 1, "delete": 1}, 5_000),
    ("catch-up", {"crash": 1, "expire": 1, "lost": 1}, 15_000),
]
LONG: list[tuple[str, dict[str, int], int]] = [
    ("update", {"crash": 2, "expire": 1, "lost": 1, "late": 1, "down": 1}, 40_000),
    ("update", {"crash": 1, "expire": 1, "lost": 1, "delete": 1}, 20_000),
    ("update", {"crash": 1, "lost": 1, "failover": 1}, 30_000),
    ("edit", {"crash": 1, "expire": 1, "lost": 1, "late": 1}, 50_000),
    ("edit", {"crash": 1, "failover": 1}, 90_000),
    ("catch-up", {"crash": 1, "expire": 1, "lost": 1, "late": 1}, 60_000),
    ("catch-up", {"lost": 1, "failover": 1}, 50_000),
]


def explored(story: Sequence[Incident], faults: dict[str, int], *without: Guard, **more: object) -> Explored:
    town = Town(story, guards=frozenset(Guard) - set(without), **more)  # type: ignore[arg-type]
    return explore(town, town.begin(**faults))


def named(case: tuple[str, dict[str, int], int]) -> str:
    story, faults, _ = case
    return f"{story}: {' '.join(f'{n} {name}' for name, n in faults.items()) or 'a good day'}"


@pytest.mark.parametrize("case", QUICK, ids=named)
def test_in_every_state_the_promise_holds(case: tuple[str, dict[str, int], int]) -> None:
    story, faults, least = case

    found = explored(STORIES[story](), faults)

    print(f"{named(case)}: {found}")
    assert not found.violation, str(found)
    assert found.states >= least, "the exploration became smaller: was something left out?"


@pytest.mark.slow
@pytest.mark.parametrize("case", LONG, ids=named)
def test_in_every_state_the_promise_holds_with_more_faults_at_once(
    case: tuple[str, dict[str, int], int],
) -> None:
    test_in_every_state_the_promise_holds(case)


def test_a_chat_that_cannot_be_read_back_is_told_at_least_once_and_doubles_are_counted() -> None:
    found = explored(two_updates(), {"lost": 1, "crash": 1, "expire": 1}, limits=POST_ONLY)

    assert not found.violation, str(found)
    assert found.states > 9_000


def test_every_kind_of_fault_really_happens() -> None:
    """A fault that never fires proves nothing."""
    happened = " ".join(
        " ".join(explored(two_updates(), {fault: 1, "crash": 1}).happened) for fault in FAULTS
    )

    for words in (
        "dies", "posts and dies", "edits and dies", "the lease runs out", "the reply is lost", "still under way",
        "is away", "cannot look it up, ever", "somebody deletes", "fail-over", "too late to send", "is refused",
        "finds it", "does not find it", "a headline that is gone",
    ):  # fmt: skip
        assert words in happened, words


MUTATIONS: dict[Guard, tuple[str, dict[str, int], str]] = {
    Guard.FENCING: ("update", {"expire": 1}, "stale token"),
    Guard.STALENESS: ("update", {"expire": 1}, "told 2 times|one key"),
    Guard.ATTEMPT: ("update", {"lost": 1}, "stale|lost"),
    Guard.FIND: ("update", {"lost": 1}, "told 2 times|one key"),
    Guard.MUST_LOOK: ("update", {"failover": 1}, "told 2 times|one key|twice"),
    Guard.LOOK_ON: ("update", {"failover": 1}, "told 2 times|one key|twice"),
    Guard.UNKNOWN: ("update", {"failover": 1}, "stale|lost"),
    Guard.SAVED: ("update", {"lost": 1, "crash": 1}, "told 2 times|one key|stale|lost"),
    Guard.PATIENCE: ("update", {"late": 1}, "told 2 times|one key"),
    Guard.REASSERT: ("edit", {"late_edit": 1}, "stale"),
    Guard.FRESH: ("update", {"failover": 1}, "stale token|told 2 times|one key|twice|lost|stale"),
    Guard.STAYS_DUE: ("update", {"expire": 1}, "lost|stale"),
    Guard.AGAIN: ("update", {}, "stuck|lost|stale"),
}


def test_every_safeguard_has_its_mutation() -> None:
    assert set(MUTATIONS) == set(Guard)


@pytest.mark.parametrize("guard", list(Guard))
def test_without_a_safeguard_the_checker_shows_what_goes_wrong(guard: Guard) -> None:
    story, faults, words = MUTATIONS[guard]

    found = explored(STORIES[story](), faults, guard)

    print(f"without {guard}: {found}")
    assert any(word in found.violation for word in words.split("|")), str(found)
    assert found.trace
