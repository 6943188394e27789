"""Many incidents, one message: which go together, in what order, and what people read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import gather
from bot.domain.card import Tone
from bot.domain.conversation import Conversation, Hold, Limits, Receipt, Step, StepKind, Why, settled
from bot.domain.delivery import plan
from bot.domain.incident import Incident
from bot.domain.words import Impact, Kind, Severity, Status
from tests.build import at, incident, update

LIMITS = Limits(gathers=True)


def waiting(number: int, why: Why | None = None, **changes: object) -> gather.Waiting:
    it = replace(incident(f"INC-{number}"), opened_at=at(number), **changes)
    held = Hold(until=at(0), why=why) if why else None
    talk = Conversation(subject=it.id, provider=it.provider, channel="slack:C1", held=held)
    step = plan(it, talk, LIMITS)
    assert isinstance(step, Step)
    return gather.Waiting(talk=talk, step=step, incident=it)


def numbers(chosen: tuple[gather.Waiting, ...]) -> list[str]:
    return [w.incident.id for w in chosen]


@pytest.mark.parametrize(
    ("count", "why", "together"),
    [
        (1, None, 1),
        (gather.GATHER_ABOVE, None, 1),  # a few are told one by one, each with its own headline
        (gather.GATHER_ABOVE + 1, None, gather.GATHER_ABOVE + 1),
        (50, None, gather.MEMBERS_MAX),
        (1, Why.DIGEST, 1),
        (2, Why.DIGEST, 2),
        (1, Why.QUIET, 1),
        (2, Why.QUIET, 2),  # old news by now: one message
        (3, Why.CAP, 3),
    ],
)
def test_how_many_go_together(count: int, why: Why | None, together: int) -> None:
    lane = [waiting(n, why) for n in range(1, count + 1)]

    assert together == len(gather.batch(lane, may_gather=True))


def test_where_messages_are_read_by_machines_each_goes_alone() -> None:
    assert len(gather.batch([waiting(n) for n in range(1, 30)], may_gather=False)) == 1


def test_the_worst_come_first() -> None:
    lane = [
        waiting(1, impact=Impact.MINOR),
        waiting(2, impact=Impact.CRITICAL),
        waiting(3, severity=Severity.SEV2),
        waiting(4, severity=Severity.SEV1),
        waiting(5, impact=Impact.CRITICAL),
        waiting(6, impact=Impact.MINOR),
    ]

    assert numbers(gather.batch(lane, may_gather=True)) == [
        "INC-4", "INC-3", "INC-2", "INC-5", "INC-1", "INC-6",
    ]  # fmt: skip


def test_a_digest_of_one_is_a_digest() -> None:
    assert gather.is_gathered([waiting(1, Why.DIGEST)])
    assert not gather.is_gathered([waiting(1)])


def test_the_steps_of_one_message_share_its_key_and_members_and_tell_all_updates() -> None:
    chosen = [waiting(n) for n in range(1, 8)]

    steps = gather.gathered(chosen)

    assert {s.key for s in steps} == {steps[0].key}
    assert len(steps[0].key) == 25
    assert steps[0].members == tuple(f"acme|INC-{n}" for n in range(1, 8))
    assert all(s.updates == ("u1",) for s in steps)
    assert gather.gathered(list(reversed(chosen)))[0].key == steps[0].key


def told_among_others(it: Incident) -> Conversation:
    talk = Conversation(subject=it.id, provider=it.provider, channel="slack:C1")
    first = plan(it, talk, LIMITS)
    assert isinstance(first, Step)
    (step,) = gather.gathered([gather.Waiting(talk=talk, step=first, incident=it)])
    return settled(talk, step, Receipt(channel="C1", message="m1"))


def test_nothing_more_is_said_of_what_was_told_among_others_until_there_is_news() -> None:
    it = incident("INC-1")
    talk = told_among_others(it)

    assert plan(it, talk, LIMITS) is None


def test_news_of_it_get_a_headline_of_their_own() -> None:
    it = incident("INC-1")
    talk = told_among_others(it)
    grown = replace(it, updates=(*it.updates, update("u2", 5, "Fixed the cable.")), revision=2)

    step = plan(grown, talk, LIMITS)

    assert isinstance(step, Step)
    assert (step.kind, step.updates) == (StepKind.HEADLINE, ("u2",))


def test_its_line_is_edited_when_its_status_changes() -> None:
    it = incident("INC-1")
    talk = told_among_others(it)
    over = replace(it, status=Status.RESOLVED, revision=2)

    step = plan(over, talk, LIMITS)

    assert isinstance(step, Step)
    assert (step.kind, step.members, step.is_quiet) == (StepKind.EDIT, ("acme|INC-1",), True)
    assert plan(over, settled(talk, step, Receipt(channel="C1", message="m1")), LIMITS) is None


def test_the_card_names_provider_number_and_severity_of_each() -> None:
    incidents = [w.incident for w in (waiting(1, severity=Severity.SEV2), waiting(2))]

    card = gather.card(incidents, None, names={"acme": "Acme"})

    assert card.title == "Acme: 2 incidents"
    assert "Acme: Trouble with widgets (INC-1, SEV2)" in card.plain
    assert card.tone is Tone.MAJOR


def test_the_card_says_why_it_comes_now() -> None:
    many = [waiting(n).incident for n in (1, 2)]

    titles = [gather.card(many, why, names={}, limit=9).title for why in (Why.DIGEST, Why.QUIET, Why.CAP)]

    assert titles == [
        "Digest: 2 incidents",
        "While this channel was quiet: 2 incidents",
        "2 incidents held back (limit of messages an hour: 9)",
    ]


@pytest.mark.parametrize(
    ("language", "works", "both"),
    [
        ("en", "Digest: 2 maintenance windows", "Digest: 2 incidents and 1 maintenance window"),
        ("de", "Überblick: 2 Wartungen", "Überblick: 2 Störungen und 1 Wartung"),
        ("fr", "Récapitulatif\u00a0: 2 maintenances", "Récapitulatif\u00a0: 2 incidents et 1 maintenance"),
        ("es", "Resumen: 2 mantenimientos", "Resumen: 2 incidentes y 1 mantenimiento"),
        ("pt", "Resumo: 2 manutenções", "Resumo: 2 incidentes e 1 manutenção"),
        ("ja", "まとめ: メンテナンス2件", "まとめ: 障害2件、メンテナンス1件"),
    ],
)
def test_planned_work_is_not_called_an_incident(language: str, works: str, both: str) -> None:
    work = [replace(incident(f"INC-{n}"), kind=Kind.MAINTENANCE, status=Status.SCHEDULED) for n in (1, 2)]
    others = [incident("INC-3"), incident("INC-4")]

    titles = [
        gather.card(held, Why.DIGEST, names={}, language=language).title
        for held in (work, [*others, work[0]])
    ]

    assert titles == [works, both]


def test_when_all_are_over_it_looks_over() -> None:
    over = replace(incident("INC-1"), status=Status.RESOLVED)

    assert gather.card([over], Why.DIGEST, names={}).tone is Tone.OVER


def test_twenty_long_lines_fit_one_embed() -> None:
    """Discord takes 4,096 characters in all; what did not fit would be lost."""
    longest = [
        replace(waiting(n).incident, title="word " * 60, updates=(update("u1", 0, "text " * 90),))
        for n in range(gather.MEMBERS_MAX)
    ]

    card = gather.card(longest, None, names={"acme": "A provider with a long name indeed"}, language="de")

    assert sum(len(s.text) + len(s.heading) + 8 for s in card.sections) < 4_000
