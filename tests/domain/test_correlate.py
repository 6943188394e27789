"""Merging is a join: bodies may come twice, late and in any order."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import correlate
from bot.domain.incident import Incident
from bot.domain.observation import Observation
from bot.domain.words import Impact, Kind, Status
from tests.build import at, said, update

EMPTY = Incident(
    id="INC-1",
    provider="acme",
    kind=Kind.INCIDENT,
    title="",
    status=Status.INVESTIGATING,
    impact=Impact.NONE,
    opened_at=at(0),
)

bodies = st.lists(
    st.builds(
        lambda minute, names, text, status, impact: said(
            updated_at=at(minute),
            status=status,
            impact=impact,
            updates=tuple(update(f"u{n}", -60 + n, f"{text}{n}") for n in sorted(names)),
        ),
        st.integers(0, 50),
        st.sets(st.integers(0, 4)),
        st.sampled_from("ab"),
        st.sampled_from([Status.INVESTIGATING, Status.MONITORING]),
        st.sampled_from(list(Impact)),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda body: body.updated_at,
)


def merged(order: list[Observation]) -> tuple[object, ...]:
    incident = EMPTY
    for body in order:
        incident = correlate.merge(incident, "acme", body, at(60))
    return incident.title, incident.status, incident.impact, incident.updates, incident.updated_at


@given(bodies)
def test_the_order_of_bodies_does_not_matter(all_bodies: list[Observation]) -> None:
    results = {merged(list(order)) for order in itertools.permutations(all_bodies)}

    assert len(results) == 1


@given(bodies)
def test_a_body_seen_twice_changes_nothing(all_bodies: list[Observation]) -> None:
    incident = EMPTY
    for body in all_bodies:
        incident = correlate.merge(incident, "acme", body, at(60))

    for body in all_bodies:
        assert correlate.merge(incident, "acme", body, at(60)) == incident
