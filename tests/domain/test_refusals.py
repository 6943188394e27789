"""What operators are told of chats that refuse us: once, with the remedy, in a place where it can be heard."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.decide import decide
from bot.domain.incident import Incident, Ledger
from bot.domain.observation import WATCHER, Listing, Sighting
from bot.domain.refusals import SOURCE, about, heard_elsewhere, observations, refusing
from bot.domain.routing import Group, Mode, Route
from bot.domain.rules import Rules
from bot.domain.standing import Entry, State
from bot.domain.words import Kind
from tests.build import at

OPERATORS = Route(to=("ops",), kinds=(Kind.BLINDNESS,))


def rules(*channels: str, mode: Mode = Mode.ALL, others: Sequence[str] = ()) -> Rules:
    """Operators in these channels, and others elsewhere."""
    groups = (Group(name="ops", channels=channels, mode=mode), Group(name="rest", channels=tuple(others)))
    return Rules(groups=groups, routes=(OPERATORS,))


def parked(channel: str, why: str = "is_archived. Unarchive it.", state: State = State.PARKED) -> Entry:
    return Entry(
        incident="INC-1", provider="aws", title="T", channel=channel, state=state, since=at(0), updates=1, why=why,
    )  # fmt: skip


class Watcher:
    """The WATCHER's ledger, and one look after the other into it."""

    def __init__(self, rules_: Rules) -> None:
        self.rules = rules_
        self.ledger = Ledger(provider=WATCHER)
        self.written: list[str] = []

    def look(self, minutes: float, *entries: Entry) -> None:
        held = self.open
        said = observations(entries, held, at(minutes))
        seen = Sighting(
            provider=WATCHER, source=SOURCE, seen_at=at(minutes), observations=said, listing=Listing.PART
        )
        heard = heard_elsewhere(self.rules, refusing(entries, held, self.rules), None)
        decision = decide(self.ledger, seen, heard)
        if decision is not None:
            decision = decision.numbered(len(self.ledger.incidents) + 1)
            self.written += [i.id for i in decision.incidents]
            known = {**self.ledger.known, **decision.known}
            incidents = {**self.ledger.incidents, **{i.id: i for i in decision.incidents}}
            self.ledger = Ledger(
                provider=WATCHER, incidents=incidents, known=known,
                sources={**self.ledger.sources, **decision.sources},
            )  # fmt: skip

    @property
    def open(self) -> list[Incident]:
        return list(self.ledger.open_incidents)

    @property
    def only(self) -> Incident:
        (incident,) = self.ledger.incidents.values()
        return incident


def test_a_channel_that_refuses_is_told_once_with_the_remedy() -> None:
    watcher = Watcher(rules("discord:1"))
    for minute in range(5):
        watcher.look(minute, parked("slack:C1"))

    incident = watcher.only
    assert (incident.title, incident.kind, incident.channels) == (
        "slack:C1 refuses our messages",
        Kind.BLINDNESS,
        ("discord:1",),
    )
    assert incident.updates[0].text.splitlines() == [
        "slack:C1: is_archived. Unarchive it.",
        'Nothing is lost: it is tried again by itself. To try at once: "outbox retry all".',
    ]
    assert watcher.written == [incident.id]


def test_it_ends_in_the_same_incident_when_nothing_is_refused_any_more() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1"))
    watcher.look(42)
    watcher.look(43)

    assert (watcher.only.is_open, len(watcher.only.updates)) == (False, 2)
    assert watcher.only.updates[-1].text == "Nothing is refused by slack:C1 any more, after 42 min."


def test_another_reason_is_another_update() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1"))
    watcher.look(5, parked("slack:C1", "not_in_channel. Invite the bot."))
    watcher.look(6, parked("slack:C1", "not_in_channel. Invite the bot."))

    assert [u.text.splitlines()[0] for u in watcher.only.updates] == [
        "slack:C1: is_archived. Unarchive it.",
        "slack:C1: not_in_channel. Invite the bot.",
    ]


def test_many_channels_with_one_reason_are_one_trouble_until_the_last_one_works() -> None:
    """A revoked token is one thing to mend."""
    watcher = Watcher(rules("discord:1"))
    channels = [parked(f"slack:C{n}", "token_revoked. Install it again.") for n in range(5)]
    watcher.look(0, *channels)
    watcher.look(5, channels[0])
    during = [(about(i), i.title) for i in watcher.open]
    watcher.look(6)

    assert during == [("slack:*", "slack refuses our messages")]
    assert not watcher.only.is_open


def test_a_channel_whose_neighbours_follow_is_told_together_with_them() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1"))
    watcher.look(1, *(parked(f"slack:C{n}") for n in (1, 2, 3)))

    assert {about(i): i.is_open for i in watcher.ledger.incidents.values()} == {
        "slack:C1": False,
        "slack:*": True,
    }
    ended = next(i for i in watcher.ledger.incidents.values() if not i.is_open)
    assert ended.updates[-1].text == "It is the same for other channels of slack: told together from now on."


def test_workspaces_are_told_apart() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1"), parked("slack:C2"), parked("slack-acme:C3"))

    assert sorted(about(i) for i in watcher.open) == ["slack-acme:C3", "slack:C1", "slack:C2"]


def test_what_a_person_parked_is_nobodys_trouble() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1", state=State.PUT_ASIDE), parked("slack:C2", state=State.FAILING))

    assert watcher.open == []


def test_a_broken_channel_is_not_told_about_itself_only() -> None:
    """Operators read one channel, and that one is archived: another chat hears it, and the page."""
    watcher = Watcher(rules("slack:OPS", others=("slack:C2", "discord:7", "console:main")))
    watcher.look(0, parked("slack:OPS"))

    assert set(watcher.only.channels) == {"slack:OPS", "discord:7", "console:main"}


def test_a_neighbour_hears_it_where_there_is_no_other_chat() -> None:
    watcher = Watcher(rules("slack:OPS", others=("slack:C2",)))
    watcher.look(0, parked("slack:OPS"))

    assert set(watcher.only.channels) == {"slack:OPS", "slack:C2"}


def test_who_can_be_reached_needs_no_stand_in() -> None:
    of = rules("slack:OPS", "discord:1", others=("slack:C2",))

    assert heard_elsewhere(of, {"slack:OPS"}, None) is of


def test_the_first_of_a_group_that_refuses_hides_the_second_from_operators() -> None:
    """Refusing is no outage: a first_up group goes on with the channel that refuses."""
    of = rules("slack:OPS", "discord:1", mode=Mode.FIRST_UP)

    channels = {c for g in heard_elsewhere(of, {"slack:OPS"}, None).groups[2:] for c in g.channels}
    assert channels == {"discord:1"}


def test_a_chat_that_is_away_is_no_stand_in() -> None:
    of = rules("slack:OPS", others=("discord:1", "slack:C2"))

    spare = heard_elsewhere(of, {"slack:OPS"}, {"slack"}).groups[-1]
    assert spare.channels == ("slack:C2",)


def test_a_flapping_channel_is_one_incident() -> None:
    watcher = Watcher(rules("discord:1"))
    watcher.look(0, parked("slack:C1"))
    watcher.look(10)
    watcher.look(20, parked("slack:C1"))

    assert (watcher.only.is_open, watcher.only.reopened) == (True, 1)
