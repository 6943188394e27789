"""What is said next: `plan` against every state that a conversation can be in, and that it always comes to an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.conversation import Conversation, Hold, Limits, Receipt, Step, StepKind, message_key, settled
from bot.domain.decide import CLOCK
from bot.domain.delivery import CATCH_UP_ABOVE, plan, reassertion
from bot.domain.incident import Incident, Opening
from bot.domain.present import present
from bot.domain.words import Status
from tests.build import World, at, said, seen_before, sighting, update

LIMITS = Limits()
POST_ONLY = Limits(threads=False, edits=False, find=False)


def fresh(incident: Incident) -> Conversation:
    return Conversation(subject=incident.id, provider=incident.provider, channel="slack:C1")


def told(
    incident: Incident, talk: Conversation | None = None, limits: Limits = LIMITS
) -> tuple[Conversation, list[Step]]:
    """The conversation after everything was said, and the steps that it took."""
    talk = talk or fresh(incident)
    steps: list[Step] = []
    while isinstance(step := plan(incident, talk, limits), Step):
        steps.append(step)
        assert len(steps) < 50, "plan does not come to an end"
        talk = settled(talk, step, Receipt(channel="C1", message=str(len(steps))))
    return talk, steps


def grown(world: World, minutes: int, *names: str, **changes: object) -> Incident:
    """The one incident after its source said these updates."""
    updates = tuple(update(name, n) for n, name in enumerate(names))
    world.see(sighting(minutes, said(updated_at=at(minutes), updates=updates, **changes)))
    return world.only


def kinds(steps: list[Step]) -> list[StepKind]:
    return [step.kind for step in steps]


def test_the_first_word_is_one_headline_that_carries_every_update() -> None:
    _, steps = told(grown(World(), 0, "u1", "u2", "u3"))

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.HEADLINE, ("u1", "u2", "u3"))]


def test_a_new_update_is_a_reply_and_then_the_headline_is_edited() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"))

    _, steps = told(grown(world, 5, "u1", "u2"), talk)

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.UPDATE, ("u2",)), (StepKind.EDIT, ())]


def test_missing_updates_come_oldest_first() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"))

    _, steps = told(grown(world, 5, "u1", "u2", "u3"), talk)

    assert [s.updates for s in steps] == [("u2",), ("u3",), ()]


def test_more_than_five_missing_updates_become_one_catch_up() -> None:
    world = World()
    names = [f"u{n}" for n in range(CATCH_UP_ABOVE + 2)]
    talk, _ = told(grown(world, 0, names[0]))

    _, steps = told(grown(world, 9, *names), talk)

    assert kinds(steps) == [StepKind.CATCH_UP, StepKind.EDIT]
    assert steps[0].updates == tuple(names[1:])


def test_a_changed_title_edits_the_headline_quietly() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"))

    _, steps = told(grown(world, 5, "u1", title="Worse than we thought"), talk)

    assert [(s.kind, s.is_quiet) for s in steps] == [(StepKind.EDIT, True)]


def test_an_edited_text_edits_the_reply_that_showed_it() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"))
    talk, _ = told(grown(world, 5, "u1", "u2", "u3"), talk)
    world.see(
        sighting(
            9, said(updated_at=at(9), updates=(update("u1", 0), update("u2", 1, "edited"), update("u3", 2)))
        )
    )

    _, steps = told(world.only, talk)

    assert [(s.kind, s.is_headline, s.shows) for s in steps] == [(StepKind.EDIT, False, ("u2",))]


def test_an_update_that_differs_only_in_digits_refreshes_and_does_not_shout() -> None:
    world = World()
    first = update("u1", 0, "Next update at 10:30.")
    talk, _ = told(_with(world, 0, first))

    _, steps = told(_with(world, 5, first, update("u2", 4, "Next update at 11:15.")), talk)

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.EDIT, ("u2",))]


def _with(world: World, minutes: int, *updates: object) -> Incident:
    world.see(sighting(minutes, said(updated_at=at(minutes), updates=updates)))
    return world.only


def test_disappearance_is_one_edit_without_updates() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"))
    world.see(sighting(5))

    _, steps = told(world.only, talk)

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.EDIT, ())]
    assert "No longer listed by acme" in present(steps[0], world.only, names={}).plain


@pytest.mark.parametrize(("limits", "kind"), [(LIMITS, StepKind.EDIT), (POST_ONLY, StepKind.UPDATE)])
def test_the_end_of_what_nobody_watches_any_more_rings_nobody(limits: Limits, kind: StepKind) -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"), None, limits)
    world.see(replace(sighting(5, source=CLOCK), unwatched=frozenset({"acme"})))

    _, steps = told(world.only, talk, limits)

    assert [(s.kind, s.updates, s.rings) for s in steps] == [(kind, (), False)]
    assert "No longer watched here" in present(steps[0], world.only, names={}).plain


def test_a_closed_incident_is_left_alone_until_it_reopens() -> None:
    world = World()
    grown(world, 0, "u1")
    talk, _ = told(grown(world, 5, "u1", status=Status.RESOLVED))

    _, after_edit = told(grown(world, 9, "u1", status=Status.RESOLVED, title="A report"), talk)
    _, after_reopening = told(grown(world, 12, "u1", title="A report"), talk)

    assert after_edit == []
    assert kinds(after_reopening) == [StepKind.EDIT]


def test_a_post_mortem_after_the_end_is_still_told() -> None:
    world = World()
    grown(world, 0, "u1")
    talk, _ = told(grown(world, 5, "u1", status=Status.RESOLVED))

    _, steps = told(grown(world, 90, "u1", "report", status=Status.RESOLVED), talk)

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.UPDATE, ("report",))]


def test_a_retroactive_headline_notifies_nobody() -> None:
    world = seen_before()
    world.see(sighting(10, said(status=Status.RESOLVED, ended_at=at(5))))

    _, steps = told(world.only)

    assert world.only.opening is Opening.RETROACTIVE
    assert [(s.kind, s.is_quiet) for s in steps] == [(StepKind.HEADLINE, True)]


def test_a_chat_without_edits_hears_a_change_of_status_as_a_line() -> None:
    world = World()
    talk, _ = told(grown(world, 0, "u1"), limits=POST_ONLY)
    world.see(sighting(5))

    _, steps = told(world.only, talk, POST_ONLY)

    assert [(s.kind, s.updates) for s in steps] == [(StepKind.UPDATE, ())]


def test_a_silence_holds_the_next_step_until_it_ends() -> None:
    incident = grown(World(), 0, "u1")

    assert plan(incident, fresh(incident), LIMITS, Hold(until=at(30))) == Hold(until=at(30))


def test_what_never_had_a_headline_because_of_a_silence_stays_silent_when_it_is_over() -> None:
    world = World()
    talk = replace(fresh(grown(world, 0, "u1")), was_held=True)
    over = grown(world, 5, "u1", status=Status.RESOLVED)

    assert plan(over, talk, LIMITS) is None


def test_a_chat_that_was_away_for_the_whole_incident_gets_one_closed_headline() -> None:
    world = World()
    grown(world, 0, "u1")
    over = grown(world, 5, "u1", "u2", status=Status.RESOLVED)

    _, steps = told(over)

    assert kinds(steps) == [StepKind.HEADLINE]


def test_message_keys_fit_discords_nonce_and_differ_by_position() -> None:
    incident = grown(World(), 0, "u1")
    talk, _ = told(incident)

    keys = {message_key(fresh(incident), incident.opened_at), message_key(talk, incident.opened_at)}

    assert [len(key) for key in keys] == [25, 25]


def test_a_number_given_out_again_after_the_store_was_lost_gives_other_keys() -> None:
    """Discord answers a key of the last minutes with the old message: the new one would never be shown."""
    incident = grown(World(), 0, "u1")

    then = message_key(fresh(incident), incident.opened_at)

    assert message_key(fresh(incident), incident.opened_at + timedelta(seconds=9)) != then


@pytest.mark.parametrize("limits", [LIMITS, POST_ONLY])
@given(
    bodies=st.lists(
        st.tuples(
            st.lists(st.integers(0, 9), max_size=8, unique=True),
            st.sampled_from(["a", "b"]),
            st.sampled_from([Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED]),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_update_is_told_exactly_once_whatever_the_feed_does(
    limits: Limits, bodies: list[tuple[list[int], str, Status, bool]]
) -> None:
    """Texts change, statuses go to and fro, updates come late, chats hear of it only now and then."""
    world = World()
    world.see(sighting(0, said(updated_at=at(0), updates=(update("first", -1),))))
    talk = fresh(world.only)
    carried: list[str] = []
    for minute, (names, text, status, hears) in enumerate(bodies, start=1):
        updates = tuple(update(f"u{n}", n, f"{text} {n}") for n in sorted(names))
        world.see(sighting(minute, said(updated_at=at(minute), status=status, updates=updates)))
        if hears:
            talk, steps = told(world.only, talk, limits)
            carried += [u for s in steps for u in s.updates]
    talk, steps = told(world.only, talk, limits)
    carried += [u for s in steps for u in s.updates]

    assert sorted(carried) == sorted(u.id for u in world.only.updates)
    assert plan(world.only, talk, limits) is None


def test_a_headline_is_written_again_every_hour_while_the_incident_is_open() -> None:
    incident = grown(World(), 0, "u1")
    talk, _ = told(incident)
    written = replace(talk, asserted_at=at(0))

    assert reassertion(incident, written, at(59)) is None
    step = reassertion(incident, written, at(60))
    assert step is not None
    assert (step.kind, step.is_headline, step.is_quiet) == (StepKind.EDIT, True, True)
    assert reassertion(replace(incident, status=Status.RESOLVED), written, at(60)) is None
