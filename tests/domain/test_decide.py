"""When incidents are born, changed, closed and reopened: one rule, one test, each a few sightings long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.decide import CLOCK, acknowledge, decide
from bot.domain.incident import Closure, Opening
from bot.domain.observation import SELF, Listing, Place, Sighting
from bot.domain.routing import Group, Route
from bot.domain.rules import Rules
from bot.domain.services import Service, parse_need
from bot.domain.words import Impact, Kind, Severity, Status
from tests.build import CHANNEL, RULES, START, World, at, said, seen_before, sighting, update

RESOLVED = {"status": Status.RESOLVED, "ended_at": at(5), "updated_at": at(5)}


def test_what_is_over_at_first_sight_stays_silent_even_when_it_is_edited_later() -> None:
    world = World()

    world.see(sighting(0, said(**RESOLVED), listing=Listing.WINDOW))
    world.see(sighting(30, said(**RESOLVED, title="Now with a report"), listing=Listing.WINDOW))

    assert world.incidents == []


def test_what_is_open_at_first_sight_is_announced_as_already_in_progress() -> None:
    world = World()

    world.see(sighting(60, said()))

    assert world.only.opening is Opening.IN_PROGRESS
    assert world.last is not None
    assert world.last.due == (("INC-1", CHANNEL),)


def test_what_begins_while_we_watch_is_fresh() -> None:
    world = seen_before()

    world.see(sighting(0, said()))

    assert world.only.opening is Opening.FRESH


def test_what_was_silent_is_announced_when_it_opens_again() -> None:
    world = World()
    world.see(sighting(0, said(**RESOLVED), listing=Listing.WINDOW))

    world.see(sighting(30, said(updated_at=at(29)), listing=Listing.WINDOW))

    assert world.only.is_open


def test_looking_again_changes_nothing() -> None:
    world = World()
    world.see(sighting(0, said(updates=(update("u1", 0),))))

    assert world.see(sighting(1, said(updates=(update("u1", 0),)))) is None


def test_looking_again_at_what_has_no_time_at_all_changes_nothing() -> None:
    world = World()
    timeless = said(began_at=None, updates=(replace(update("u1", 0), posted_at=None),))
    world.see(sighting(0, timeless))

    assert world.see(sighting(1, timeless)) is None


def test_a_quiet_source_is_remembered_as_seen() -> None:
    world = World()

    world.see(sighting(0))
    world.see(sighting(1, said()))

    assert world.only.opening is Opening.FRESH


def test_a_retroactive_post_is_told_when_it_is_recent_and_silent_when_it_is_old() -> None:
    recent, old = seen_before(), seen_before()

    recent.see(sighting(10, said(**RESOLVED), listing=Listing.WINDOW))
    old.see(sighting(60 * 24 * 3, said(**RESOLVED), listing=Listing.WINDOW))

    assert recent.only.opening is Opening.RETROACTIVE
    assert not recent.only.is_open
    assert old.incidents == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"title": "Another title"}, "Another title"),
        ({"impact": Impact.MINOR}, "Title of e1"),  # impact may fall
        ({"impact": Impact.CRITICAL}, "Title of e1"),  # and rise
    ],
)
def test_the_same_id_with_other_words_is_the_same_incident(change: dict[str, object], expected: str) -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0))))

    world.see(sighting(5, said(updated_at=at(4), **change)))

    assert world.only.title == expected
    assert world.only.impact == change.get("impact", Impact.MAJOR)
    assert world.only.revision == 2


def test_an_update_edited_in_place_keeps_its_place_and_takes_the_new_text() -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0), updates=(update("u1", 0, "old"), update("u2", 1)))))

    world.see(sighting(9, said(updated_at=at(8), updates=(update("u1", 0, "new"), update("u2", 1)))))

    assert [u.text for u in world.only.updates] == ["new", "text of uc"]


def test_an_incident_that_leaves_an_open_only_list_is_over_but_only_as_unlisted() -> None:
    world = World()
    world.see(sighting(0, said()))

    world.see(sighting(7))

    assert (world.only.status, world.only.closure, world.only.closed_at) == (
        Status.RESOLVED,
        Closure.UNLISTED,
        at(7),
    )


def test_a_maintenance_that_leaves_the_list_is_completed() -> None:
    world = World()
    world.see(sighting(0, said(kind=Kind.MAINTENANCE, status=Status.IN_PROGRESS)))

    world.see(sighting(7))

    assert world.only.status is Status.COMPLETED


def test_absence_from_a_window_means_nothing() -> None:
    world = World()
    world.see(sighting(0, said(), listing=Listing.WINDOW))

    world.see(sighting(7, listing=Listing.WINDOW))

    assert world.only.is_open


def test_what_is_taken_back_out_of_a_window_is_over_but_what_slides_out_of_it_is_not() -> None:
    """Google Cloud withdraws a false alarm that way; the year-old end of its list is another matter."""
    older = said("old", status=Status.RESOLVED, began_at=at(-600), ended_at=at(-500), updated_at=at(-500))
    newer = said("new", status=Status.RESOLVED, began_at=at(5), ended_at=at(6), updated_at=at(6))
    taken_back, slid_out = World(), World()
    for world in (taken_back, slid_out):
        world.see(sighting(0, said(), older, listing=Listing.WINDOW))

    taken_back.see(sighting(7, older, listing=Listing.WINDOW))
    slid_out.see(sighting(7, newer, listing=Listing.WINDOW))

    assert taken_back.incidents[0].closure is Closure.UNLISTED
    assert slid_out.incidents[0].is_open


def test_a_body_read_in_part_proves_no_absence() -> None:
    world = World()
    older = said("old", status=Status.RESOLVED, began_at=at(-600), ended_at=at(-500), updated_at=at(-500))
    world.see(sighting(0, said(), older, listing=Listing.WINDOW))

    world.see(sighting(7, older, listing=Listing.PART))

    assert world.incidents[0].is_open


def test_another_source_does_not_close_what_it_never_listed() -> None:
    world = World()
    world.see(sighting(0, said()))

    world.see(sighting(7, source="acme-rss"))

    assert world.only.is_open


def test_what_one_list_lost_goes_on_while_another_list_holds_it() -> None:
    """Azure's front end in the failing region has shown an empty list for hours, and the other host the fire."""
    world = World()
    world.see(sighting(0, said(updated_at=at(0))))
    world.see(sighting(1, said(updated_at=at(0)), source="front"))

    world.see(sighting(7, source="front"))
    lost_by_one = world.only.is_open
    world.see(sighting(9))

    assert lost_by_one
    assert world.only.closure is Closure.UNLISTED


def test_the_history_confirms_what_was_only_unlisted() -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0))))
    world.see(sighting(7))

    world.see(
        sighting(9, said(**{**RESOLVED, "updated_at": at(6)}), source="history", listing=Listing.WINDOW)
    )

    assert world.only.closure is Closure.STATED


def test_a_lagging_history_does_not_reopen_what_was_unlisted() -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0))))
    world.see(sighting(7))

    world.see(sighting(9, said(updated_at=at(0)), source="history", listing=Listing.WINDOW))

    assert not world.only.is_open


def test_what_is_listed_again_is_open_again_in_the_same_incident() -> None:
    """However long it was away, and whatever its own clock says: presence is judged by ours."""
    world = World()
    world.see(sighting(0, said(updated_at=at(0))))
    world.see(sighting(7))

    world.see(sighting(60 * 24 * 20, said(updated_at=at(0))))

    assert world.only.is_open
    assert world.only.reopened == 1
    assert world.only.closure is None


def test_a_status_may_go_back() -> None:
    world = World()
    world.see(sighting(0, said(kind=Kind.MAINTENANCE, status=Status.IN_PROGRESS, updated_at=at(0))))

    world.see(sighting(5, said(kind=Kind.MAINTENANCE, status=Status.SCHEDULED, updated_at=at(4))))

    assert world.only.status is Status.SCHEDULED


def test_two_native_ids_of_one_source_are_never_merged() -> None:
    world = World()
    twin = {"title": "Same", "places": (Place(provider="acme", component="api", region="eu"),)}

    world.see(sighting(0, said("e1", **twin), said("e2", **twin)))

    assert len(world.incidents) == 2


def test_a_late_copy_of_an_old_body_changes_nothing() -> None:
    world = World()
    world.see(sighting(0, said(status=Status.MONITORING, updated_at=at(10))))

    decision = world.see(sighting(1, said(status=Status.INVESTIGATING, updated_at=at(2))))

    assert decision is None
    assert world.only.status is Status.MONITORING


class TestEventsWithoutAnId:
    """AWS moves the start of an open event in data.json, and with it the only key; all.rss names posts, not events."""

    @staticmethod
    def derived(key: str, *names: str, **changes: object) -> object:
        updates = tuple(update(name, n) for n, name in enumerate(names))
        return said(key, is_native=False, chain="ec2-us-east-1", updates=updates, **changes)

    def test_a_moved_start_stays_one_incident(self) -> None:
        world = World()
        world.see(sighting(0, self.derived("ec2@100", "u1"), listing=Listing.WINDOW))

        world.see(sighting(5, self.derived("ec2@90", "u1", "u2"), listing=Listing.WINDOW))

        assert len(world.only.updates) == 2

    def test_an_open_chain_goes_on_even_when_its_old_posts_left_the_feed(self) -> None:
        world = World()
        world.see(sighting(0, self.derived("a", "u1"), listing=Listing.WINDOW))

        world.see(sighting(5, self.derived("b", "u7"), listing=Listing.WINDOW))

        assert len(world.incidents) == 1

    def test_an_old_closed_item_of_the_chain_is_not_the_open_one(self) -> None:
        world = World()
        old = self.derived("archived", "x1", status=Status.RESOLVED)

        world.see(sighting(0, self.derived("now", "u1"), old, listing=Listing.WINDOW))

        assert world.only.is_open
        assert [u.id for u in world.only.updates] == ["u1"]

    def test_silent_history_whose_key_moved_is_still_history(self) -> None:
        world = World()
        world.see(sighting(0, self.derived("a", "u1", status=Status.RESOLVED), listing=Listing.WINDOW))

        world.see(sighting(5, self.derived("b", "u1", status=Status.RESOLVED), listing=Listing.WINDOW))

        assert world.incidents == []

    def test_what_comes_back_soon_rejoins_and_what_comes_back_late_is_new(self) -> None:
        world = World()
        world.see(sighting(0, self.derived("a", "u1"), listing=Listing.WINDOW))
        world.see(sighting(1, self.derived("a", "u1", "u2", status=Status.RESOLVED), listing=Listing.WINDOW))

        world.see(sighting(60, self.derived("b", "u3"), listing=Listing.WINDOW))
        world.see(sighting(61, self.derived("b", "u3", "u4", status=Status.RESOLVED), listing=Listing.WINDOW))
        world.see(sighting(400, self.derived("c", "u5"), listing=Listing.WINDOW))

        assert [len(i.claims) for i in world.incidents] == [1, 1]


class TestFeedsThatNeverSayOver:
    """Plain RSS: long silence means over."""

    def test_a_quiet_event_lapses_by_the_clock_alone(self) -> None:
        world = seen_before()
        world.see(sighting(0, said(may_lapse=True), listing=Listing.WINDOW))

        world.see(Sighting(provider="acme", source=CLOCK, seen_at=at(60 * 25), observations=()))

        assert world.only.closure is Closure.LAPSED

    def test_a_plan_is_not_silent_before_it_begins(self) -> None:
        world = seen_before()
        plan = said(may_lapse=True, began_at=at(60 * 24 * 21))
        world.see(sighting(60 * 24 * 9, plan, listing=Listing.WINDOW))

        was_open = world.only.is_open
        world.see(Sighting(provider="acme", source=CLOCK, seen_at=at(60 * 24 * 22 + 1), observations=()))

        assert (was_open, world.only.is_open) == (True, False)

    def test_being_listed_still_does_not_reopen_it_but_a_new_word_does(self) -> None:
        world = seen_before()
        world.see(sighting(0, said(may_lapse=True), listing=Listing.WINDOW))
        world.see(Sighting(provider="acme", source=CLOCK, seen_at=at(60 * 25), observations=()))

        world.see(sighting(60 * 25 + 1, said(may_lapse=True), listing=Listing.WINDOW))
        was_open = world.only.is_open
        world.see(
            sighting(60 * 26, said(may_lapse=True, updates=(update("u9", 60 * 26),)), listing=Listing.WINDOW)
        )

        assert (was_open, world.only.is_open) == (False, True)

    def test_old_entries_at_first_sight_are_history(self) -> None:
        world = World()

        world.see(sighting(60 * 24 * 9, said(may_lapse=True), listing=Listing.WINDOW))

        assert world.incidents == []


class TestTwoSourcesOfOneProvider:
    def test_they_meet_by_link(self) -> None:
        world = World()
        world.see(sighting(0, said("abc123", url="https://stspg.io/x")))

        other = said(
            "tag:1", url="https://status.acme.example/incidents/abc123", format="rss", may_lapse=True
        )
        world.see(sighting(1, other, source="rss", listing=Listing.WINDOW))

        assert world.only.keys == ("abc123", "tag:1")

    def test_they_meet_by_place_and_time(self) -> None:
        world = World()
        place = (Place(provider="acme", component="DynamoDB", region="us-east-1"),)
        world.see(sighting(0, said("arn", places=place)))

        late = said("chain", is_native=False, places=place, began_at=at(20))
        world.see(sighting(1, late, source="rss", listing=Listing.WINDOW))

        assert len(world.only.claims) == 2

    def test_a_source_that_lists_it_only_when_it_is_over_makes_no_second_one(self) -> None:
        world = World()
        place = (Place(provider="acme", component="DynamoDB", region="us-east-1"),)
        world.see(sighting(0, source="rss", listing=Listing.WINDOW))
        world.see(sighting(1, said("arn", places=place)))
        world.see(sighting(30, said("arn", places=place, **RESOLVED)))

        late = said("chain", is_native=False, places=place, **RESOLVED)
        world.see(sighting(31, late, source="rss", listing=Listing.WINDOW))

        assert len(world.only.claims) == 2

    def test_an_event_going_on_does_not_join_one_that_ended(self) -> None:
        world = World()
        place = (Place(provider="acme", component="DynamoDB", region="us-east-1"),)
        world.see(sighting(1, said("arn", places=place)))
        world.see(sighting(30, said("arn", places=place, **RESOLVED)))

        other = said("chain", is_native=False, places=place, began_at=at(40))
        world.see(sighting(41, other, source="rss", listing=Listing.WINDOW))

        assert len(world.incidents) == 2

    def test_two_pages_of_a_vendor_tell_two_stories(self) -> None:
        """Jira and Confluence post the same title and text in one minute; each has its own id, and its own end."""
        world = World()
        world.see(sighting(0, said("jira1", title="Degraded performance"), source="jira"))

        world.see(sighting(1, said("conf1", title="Degraded performance"), source="confluence"))

        assert [i.keys for i in world.incidents] == [("jira1",), ("conf1",)]

    def test_they_meet_when_neither_names_a_component_yet(self) -> None:
        """AWS's first post of 2025-10-20 named a region and no service, in the JSON and in the RSS alike."""
        world = World()
        place = (Place(provider="acme", region="us-east-1"),)
        world.see(sighting(0, said("arn", places=place)))

        late = said("chain", is_native=False, places=place, began_at=at(2))
        world.see(sighting(1, late, source="rss", listing=Listing.WINDOW))

        assert len(world.only.claims) == 2

    def test_two_starts_at_different_places_stay_apart(self) -> None:
        world = World()
        here, there = (Place(provider="acme", component="api", region=region) for region in ("eu", "us"))
        world.see(sighting(0, said("a", title="Increased error rates", places=(here,))))

        other = said("b", title="Increased error rates", places=(there,))
        world.see(sighting(1, other, source="rss", listing=Listing.WINDOW))

        assert len(world.incidents) == 2

    def test_when_two_incidents_fit_neither_is_taken(self) -> None:
        world = World()
        place = (Place(provider="acme", region="us-east-1"),)
        world.see(sighting(0, said("a", places=place), said("b", places=place)))

        world.see(sighting(1, said("c", places=place), source="rss", listing=Listing.WINDOW))

        assert len(world.incidents) == 3

    def test_a_post_told_twice_is_kept_once(self) -> None:
        world = World()
        world.see(sighting(0, said("e1", updates=(update("u1", 0, "We see errors."),))))

        world.see(
            sighting(
                1,
                said("e1", updates=(update("other", 1, "we see  errors."),)),
                source="b",
                listing=Listing.WINDOW,
            )
        )

        assert [u.id for u in world.only.updates] == ["u1"]

    def test_two_posts_of_one_minute_are_not_taken_for_one_post_of_another_source(self) -> None:
        world = World()
        world.see(sighting(0, said("e1", updates=(update("rss1", 0, "We see errors."),)), source="rss"))

        both = (update("u1", 0.1, "We see errors."), update("u2", 0.6, "We know why."))
        world.see(sighting(1, said("e1", updates=both), source="json"))
        world.see(sighting(2, said("e1", updates=both), source="json"))

        assert [u.id for u in world.only.updates] == ["rss1", "u2"]

    def test_repeated_words_of_one_source_are_two_posts(self) -> None:
        world = World()

        world.see(sighting(0, said(updates=(update("u1", 0, "Same."), update("u2", 1, "Same.")))))

        assert len(world.only.updates) == 2


class TestWhatItMeansForUs:
    RULES = Rules(
        services=(
            Service(name="checkout", tier=1, needs=(parse_need("acme/api@eu"),)),
            Service(name="search", tier=3, needs=(parse_need("service:checkout?"),)),
        ),
        routes=(Route(to=("ops",), worst=Severity.SEV3),),
        groups=(Group(name="ops", channels=("slack:C1", "console:ops")),),
        usable_chats=frozenset({"console"}),
    )

    def test_affected_services_grade_and_route_it(self) -> None:
        world = World(self.RULES)

        world.see(sighting(0, said(places=(Place(provider="acme", component="API", region="eu"),))))

        assert [a.service for a in world.only.affected] == ["checkout", "search"]
        assert world.only.severity is Severity.SEV2
        assert world.only.channels == ("console:ops",)

    def test_what_hits_nothing_of_ours_has_no_severity_and_no_channel(self) -> None:
        world = World(self.RULES)

        world.see(sighting(0, said(places=(Place(provider="acme", component="Billing", region="us"),))))

        assert world.only.severity is None
        assert world.only.channels == ()

    def test_a_channel_that_was_told_hears_the_rest(self) -> None:
        world = World(self.RULES)
        place = (Place(provider="acme", component="API", region="eu"),)
        world.see(sighting(0, said(places=place, updated_at=at(0))))

        world.see(sighting(5, said(places=(), impact=Impact.NONE, updated_at=at(4))))

        assert world.only.channels == ("console:ops",)

    def test_what_is_over_keeps_the_severity_that_it_had(self) -> None:
        world = World(self.RULES)
        place = (Place(provider="acme", component="API", region="eu"),)
        world.see(sighting(0, said(places=place, updated_at=at(0))))

        world.see(sighting(5, said(places=place, impact=Impact.NONE, **RESOLVED)))

        assert world.only.severity is Severity.SEV2

    def test_our_own_check_hits_its_service_without_any_provider(self) -> None:
        world = World(self.RULES, provider=SELF)
        failing = said("c@1", provider=SELF, places=(Place(provider=SELF, component="checkout"),))

        world.see(Sighting(provider=SELF, source="check:c", seen_at=START, observations=(failing,)))

        assert world.only.opening is Opening.FRESH
        assert world.only.severity is Severity.SEV2


def test_default_routes_speak_of_maintenance_from_in_progress_on() -> None:
    rules = Rules(routes=(Route(to=("ops",)),), groups=(Group(name="ops", channels=(CHANNEL,)),))
    world = World(rules)
    planned = said(kind=Kind.MAINTENANCE, status=Status.SCHEDULED, updated_at=at(0))

    world.see(sighting(0, planned))
    before = world.only.channels
    world.see(sighting(5, replace(planned, status=Status.IN_PROGRESS, updated_at=at(5))))

    assert (before, world.only.channels) == ((), (CHANNEL,))


def test_an_acknowledgement_is_written_once() -> None:
    world = World()
    world.see(sighting(0, said()))

    decision = acknowledge(world.ledger, "INC-1", "Ada", at(3))
    assert decision is not None
    world.write(decision)

    assert world.only.acknowledged is not None
    assert world.only.acknowledged.by == "Ada"
    assert acknowledge(world.ledger, "INC-1", "Bob", at(4)) is None


def test_what_is_long_over_is_forgotten_once_no_feed_lists_it() -> None:
    world = World()
    world.see(sighting(0, said()))
    world.see(sighting(1))

    much_later = START + timedelta(days=40)
    world.see(Sighting(provider="acme", source=CLOCK, seen_at=much_later, observations=()))

    assert world.incidents == []
    assert world.ledger.known == {}


def test_a_route_added_later_reaches_what_is_still_open() -> None:
    """Whoever adds Slack in the middle of an outage is told of it at once, not at the provider's next word."""
    world = World()
    world.see(sighting(0, said()))
    world.rules = replace(RULES, groups=(Group(name="everywhere", channels=(CHANNEL, "slack:C1")),))

    world.see(Sighting(provider="acme", source=CLOCK, seen_at=at(9), observations=()))

    assert world.only.channels == (CHANNEL, "slack:C1")
    assert world.last is not None
    assert ("INC-1", "slack:C1") in world.last.due


def test_the_clock_alone_changes_nothing_in_a_calm_ledger() -> None:
    world = World()
    world.see(sighting(0, said()))

    clock = Sighting(provider="acme", source=CLOCK, seen_at=at(9), observations=())

    assert decide(world.ledger, clock, world.rules) is None


class TestDigests:
    """What waits for a digest is in the incident, beside the channels; both only ever grow louder."""

    RULES = Rules(
        routes=(Route(to=("ops",), impact=Impact.MAJOR),),
        groups=(Group(name="ops", channels=("slack:C1",)),),
        digest_to=("ops",),
    )

    def test_what_grows_worse_leaves_the_digest_and_never_goes_back(self) -> None:
        world = World(self.RULES)
        seen = []
        for minutes, impact in ((0, Impact.MINOR), (5, Impact.CRITICAL), (10, Impact.MINOR)):
            world.see(sighting(minutes, said(impact=impact, updated_at=at(minutes))))
            seen.append((world.only.channels, world.only.digests))

        assert seen == [(("slack:C1",), ("slack:C1",)), (("slack:C1",), ()), (("slack:C1",), ())]

    def test_the_clock_tells_at_once_what_new_routes_ask_for(self) -> None:
        world = World(self.RULES)
        world.see(sighting(0, said(impact=Impact.MINOR)))
        world.rules = replace(self.RULES, routes=(Route(to=("ops",)),))

        decision = world.see(Sighting(provider="acme", source=CLOCK, seen_at=at(1), observations=()))

        assert decision is not None
        assert decision.due == (("INC-1", "slack:C1"),)
        assert world.only.digests == ()

    def test_what_is_over_stays_in_the_digest_that_it_waits_for(self) -> None:
        world = World(self.RULES)
        world.see(sighting(0, said(impact=Impact.MINOR)))

        world.see(sighting(5, said(impact=Impact.MINOR, **RESOLVED), listing=Listing.WINDOW))

        assert (world.only.is_open, world.only.digests) == (False, ("slack:C1",))


def unwatched(minutes: float, *sources: str) -> Sighting:
    """What the clock says of sources that nobody looks at any more."""
    return replace(sighting(minutes, source=CLOCK), unwatched=frozenset(sources))


def test_what_only_an_unwatched_source_spoke_of_ends() -> None:
    world = seen_before()
    world.see(sighting(0, said()))

    world.see(unwatched(60, "acme"))

    ended = world.only
    assert (ended.status, ended.closure, ended.closed_at) == (Status.RESOLVED, Closure.UNWATCHED, at(60))
    assert world.last is not None
    assert world.last.due == (("INC-1", CHANNEL),)
    assert world.see(unwatched(70, "acme")) is None


def test_an_unwatched_source_ends_nothing_that_another_one_still_lists() -> None:
    world = seen_before()
    world.see(sighting(0, said()))
    world.see(sighting(1, said(), source="acme-rss"))

    world.see(unwatched(60, "acme"))

    assert world.only.is_open
    assert [claim.source for claim in world.only.claims] == ["acme-rss"]


def test_an_unwatched_source_ends_nothing_that_a_feed_without_ends_still_tells_of() -> None:
    world = seen_before()
    world.see(sighting(0, said()))
    world.see(sighting(1, said(may_lapse=True, updated_at=at(1)), source="acme-rss", listing=Listing.WINDOW))

    world.see(unwatched(60, "acme"))

    assert world.only.is_open


def test_where_the_others_said_that_it_is_over_their_word_stands() -> None:
    world = seen_before()
    world.see(sighting(0, said()))
    world.see(sighting(6, said(**RESOLVED), source="acme-history", listing=Listing.WINDOW))
    world.see(sighting(7, said(updated_at=at(6.5))))  # and the first one says that it goes on
    assert world.only.is_open

    world.see(unwatched(60, "acme"))

    assert (world.only.is_open, world.only.closure) == (False, Closure.STATED)


def test_a_source_that_is_watched_again_opens_again_what_it_still_lists() -> None:
    world = seen_before()
    world.see(sighting(0, said()))
    world.see(unwatched(60, "acme"))

    world.see(sighting(90, said()))

    assert (world.only.is_open, world.only.reopened) == (True, 1)
