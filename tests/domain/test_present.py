"""What cards say: the words people read first in an outage."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from bot.domain.card import Section, Tone
from bot.domain.conversation import Conversation, Limits, Receipt, Step, StepKind, settled
from bot.domain.delivery import plan
from bot.domain.incident import Acknowledgement, Closure, Incident, Opening
from bot.domain.observation import Place
from bot.domain.present import headline, places_words, present
from bot.domain.services import Affected
from bot.domain.words import Impact, Kind, Severity, Status
from tests.build import World, at, said, sighting, update

NAMES = {"acme": "Acme Cloud"}


def shown(incident: Incident) -> str:
    return headline(incident, names=NAMES).plain


def open_incident(**changes: Any) -> Incident:
    world = World()
    world.see(sighting(0, said(**changes)))
    return world.only


@pytest.mark.parametrize(("language", "words"), [("en", "Begins"), ("de", "Beginn"), ("ja", "開始予定")])
def test_what_is_only_announced_has_not_begun(language: str, words: str) -> None:
    """The first look at a page finds maintenance of next week: it is not "already in progress since" next week."""
    planned = open_incident(kind=Kind.MAINTENANCE, status=Status.SCHEDULED, impact=Impact.MAINTENANCE)
    lines = headline(planned, names={}, language=language).plain.splitlines()

    assert [line for line in lines if "07:00" in line] == [f"{words}: 2025-10-20 07:00 UTC"]


@pytest.mark.parametrize(
    ("language", "going_on", "over"),
    [("de", "Erheblich", "Beendet"), ("fr", "Majeur", "Terminé"), ("ja", "重大", "終了")],
)
def test_the_word_for_the_tone_is_in_the_channels_language(language: str, going_on: str, over: str) -> None:
    incident = open_incident()
    closed = replace(incident, status=Status.RESOLVED, closure=Closure.STATED)

    said = [headline(i, names={}, language=language).tone_words for i in (incident, closed)]

    assert said == [going_on, over]


def test_a_headline_says_who_what_since_when_and_where() -> None:
    text = shown(open_incident(places=(Place(provider="acme", component="API", region="eu"),)))

    assert text.splitlines() == [
        "Acme Cloud: Title of e1",
        "Status: Investigating",
        "Impact: major (provider's word)",
        "Began: 2025-10-20 07:00 UTC",
        "Where: API in eu",
        "Already in progress since 2025-10-20 07:00 UTC.",
        "INC-1 · 0 updates",
    ]


def test_times_are_said_in_the_zone_that_was_asked_for() -> None:
    berlin = timezone(timedelta(hours=2), "CEST")

    assert "Began: 2025-10-20 09:00 CEST" in headline(open_incident(), names={}, zone=berlin).plain


def test_the_newest_update_is_whole_and_earlier_ones_are_a_line_each() -> None:
    updates = tuple(update(f"u{n}", n, f"{'word ' * 60}number {n}") for n in range(8))

    card = headline(open_incident(updates=updates), names={})

    assert card.sections[1].text.endswith("number 7")
    before = card.sections[2]
    assert before.heading == "Before"
    assert before.text.count("\n") == 5
    assert before.text.endswith("and 2 earlier")
    assert "…" in before.text


def test_many_places_are_counted_not_listed() -> None:
    places = tuple(Place(provider="acme", component=f"Part {n}", region="eu") for n in range(9))

    assert places_words(places) == "Part 0, Part 1, Part 2, Part 3, Part 4, Part 5 and 3 more in eu"
    assert places_words((Place(provider="acme", region="us-east-1"),)) == "us-east-1"
    assert places_words((Place(provider="acme"),)) == ""


def test_who_took_it_on_is_shown() -> None:
    taken = replace(open_incident(), acknowledged=Acknowledgement(by="Ada", at=at(3)))

    assert "Acknowledged: Ada, 2025-10-20 07:03 UTC" in shown(taken)


def test_what_is_over_looks_over_whatever_its_impact_was() -> None:
    over = replace(open_incident(impact=Impact.CRITICAL), status=Status.RESOLVED)

    assert headline(over, names={}).tone is Tone.OVER
    assert headline(open_incident(impact=Impact.CRITICAL), names={}).tone is Tone.CRITICAL


def test_a_reply_shows_its_updates_and_nothing_else() -> None:
    world = World()
    world.see(sighting(0, said(updated_at=at(0), updates=(update("u1", 0),))))
    talk = Conversation(subject="INC-1", provider="acme", channel="slack:C1")
    first = plan(world.only, talk, Limits())
    assert isinstance(first, Step)
    talk = settled(talk, first, Receipt(channel="C1", message="1"))
    world.see(sighting(5, said(updated_at=at(5), updates=(update("u1", 0), update("u2", 4, "New words.")))))

    step = plan(world.only, talk, Limits())

    assert isinstance(step, Step)
    assert present(step, world.only, names=NAMES).plain.splitlines() == [
        "Acme Cloud: Title of e1",
        "New words.",
        "INC-1",
    ]


def rich_incident() -> Incident:
    """One that makes a headline say nearly everything it can."""
    places = tuple(Place(provider="acme", component=f"P{n}", region="eu") for n in range(8))
    updates = tuple(update(f"u{n}", n, f"N{n}", Status.IDENTIFIED) for n in range(7))
    affected = (
        Affected(service="shop", tier=1, path=("shop", "pay", "db")),
        Affected(service="web", tier=2, path=("web",), is_certain=False),
    )
    return replace(
        open_incident(title="T1", places=places, updates=updates, status=Status.IDENTIFIED),
        affected=affected,
        severity=Severity.SEV2,
        acknowledged=Acknowledgement(by="Ada", at=at(3)),
    )


def test_a_headline_is_in_the_language_and_the_zone_of_its_channel() -> None:
    berlin = timezone(timedelta(hours=2), "CEST")

    card = headline(rich_incident(), names=NAMES, zone=berlin, language="de-AT")

    assert card.plain.splitlines() == [
        "Acme Cloud: T1",
        "Status: Ursache gefunden",
        "Schweregrad: SEV2",
        "Auswirkung: erheblich (laut Anbieter)",
        "Beginn: 2025-10-20 09:00 CEST",
        "Unsere Dienste: shop über pay → db, web (vielleicht)",
        "Wo: P0, P1, P2, P3, P4, P5 und 2 weitere in eu",
        "Übernommen von: Ada, 2025-10-20 09:03 CEST",
        "Läuft bereits seit 2025-10-20 09:00 CEST.",
        "Ursache gefunden: N6",
        "Zuvor: 2025-10-20 09:05 CEST N5",
        *(f"2025-10-20 09:0{n} CEST N{n}" for n in (4, 3, 2, 1)),
        "und 1 frühere",
        "INC-1 · 7 Meldungen",
    ]
    assert card.fallback == "INC-1 Acme Cloud: T1 (SEV2, Ursache gefunden, betrifft shop, web)"


def test_japanese_cards_have_their_own_order_and_marks() -> None:
    card = headline(rich_incident(), names=NAMES, language="ja")

    assert card.plain.splitlines()[1:8] == [
        "ステータス: 原因特定",
        "重大度: SEV2",
        "影響度: 重大（プロバイダーの発表）",
        "発生日時: 2025-10-20 07:00 UTC",
        "自社サービス: shop（pay → db 経由）、web（可能性あり）",
        "対象: eu の P0、P1、P2、P3、P4、P5 ほか2件",
        "対応者: Ada、2025-10-20 07:03 UTC",
    ]
    assert card.fallback == "INC-1 Acme Cloud: T1（SEV2、原因特定、影響: shop、web）"


NOTES: list[dict[str, Any]] = [
    {"closure": Closure.UNLISTED},
    {"closure": Closure.LAPSED},
    {"closure": Closure.UNWATCHED},
    {"opening": Opening.RETROACTIVE},
    {"reopened": 1, "status": Status.MONITORING},
    {"began_at": None},
]
NO_WORDS = {"acme", "cloud", "shop", "web", "pay", "db", "ada", "eu", "utc", "inc", "sev"}
SHARED_WORDS = {  # those that the language has in common with English
    "de": {"status", "in"},
    "fr": {"impact", "services", "via"},
    "es": {"no"},
    "pt": {"status", "via"},
    "ja": set(),
}


def words_of(incident: Incident, language: str) -> set[str]:
    """All words of its headline."""
    card = headline(incident, names=NAMES, language=language)
    return set(re.findall(r"[^\W\d_]{2,}", f"{card.plain} {card.fallback}".lower()))


@pytest.mark.parametrize("language", SHARED_WORDS)
@pytest.mark.parametrize("changes", NOTES)
def test_no_card_mixes_english_into_another_language(language: str, changes: dict[str, Any]) -> None:
    incident = replace(rich_incident(), **changes)

    assert words_of(incident, language) & words_of(incident, "en") - NO_WORDS <= SHARED_WORDS[language]


def test_what_providers_wrote_stays_as_they_wrote_it() -> None:
    said_so = update("u1", 1, "We are investigating the issue.", Status.INVESTIGATING)
    card = headline(open_incident(title="Elevated errors", updates=(said_so,)), names=NAMES, language="fr")

    assert card.title == "Acme Cloud\u00a0: Elevated errors"
    assert card.sections[1].heading == "Investigation en cours"
    assert card.sections[1].text == "We are investigating the issue."


def step(kind: StepKind, *shows: str, **changes: Any) -> Step:
    """A step of a thread that shows these updates."""
    return Step(kind=kind, key="k", updates=shows, shows=shows, digest="", revision=1, reason="", **changes)


def test_a_catch_up_is_counted_in_the_language_of_the_channel() -> None:
    card = present(step(StepKind.CATCH_UP, "u1", "u2"), rich_incident(), names=NAMES, zone=UTC, language="es")

    assert card.title == "Acme Cloud: puesta al día con 2 actualizaciones"
    assert card.sections[0].heading == "Causa identificada"


def test_a_bare_change_of_status_is_said_in_the_language_of_the_channel() -> None:
    card = present(
        step(StepKind.UPDATE), replace(rich_incident(), opening=Opening.FRESH), names={}, language="de"
    )

    assert card.sections == (Section(heading="Ursache gefunden", text="Jetzt: Ursache gefunden."),)


def test_an_incident_is_in_view_while_it_is_open_and_no_longer() -> None:
    incident = open_incident()

    assert headline(incident, names={}).pin is True
    assert headline(replace(incident, status=Status.RESOLVED), names={}, is_quiet=True).pin is False


def test_maintenance_and_our_own_blindness_are_never_pinned() -> None:
    pins = {headline(open_incident(kind=kind), names={}).pin for kind in (Kind.MAINTENANCE, Kind.BLINDNESS)}

    assert pins == {None}


def test_what_was_over_before_we_met_it_has_nothing_to_unpin_until_it_opens_again() -> None:
    late = replace(open_incident(), status=Status.RESOLVED, opening=Opening.RETROACTIVE)

    assert headline(late, names={}).pin is None
    assert headline(replace(late, status=Status.MONITORING, reopened=1), names={}).pin is True
    assert headline(replace(late, reopened=1), names={}).pin is False


def ended(*statuses: Status | None, **changes: Any) -> Incident:
    """One that is over, with an update u0, u1 ... for each status."""
    updates = tuple(update(f"u{n}", n, status=status) for n, status in enumerate(statuses))
    return replace(open_incident(updates=updates), status=Status.RESOLVED, **changes)


def broadcast(incident: Incident) -> list[str]:
    """The updates whose replies the channel sees as well."""
    return [
        u.id
        for u in incident.updates
        if present(step(StepKind.UPDATE, u.id), incident, names={}).is_broadcast
    ]


def test_the_reply_that_ends_it_is_seen_in_the_channel() -> None:
    """What was said before the end comes first when several are missing: it must not ring the channel."""
    assert broadcast(ended(Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED)) == ["u2"]


def test_the_post_mortem_does_not_ring_the_channel_again() -> None:
    assert broadcast(ended(Status.MONITORING, Status.RESOLVED, None, Status.POSTMORTEM)) == ["u1"]


def test_the_second_end_of_what_was_reopened_rings_again() -> None:
    assert broadcast(ended(Status.RESOLVED, Status.MONITORING, Status.RESOLVED, reopened=1)) == ["u2"]


def test_without_words_for_the_status_the_newest_text_ends_it() -> None:
    assert broadcast(ended(None, None)) == ["u1"]
    assert broadcast(ended(Status.INVESTIGATING, Status.MONITORING)) == ["u1"]


def test_a_catch_up_that_carries_the_end_is_seen_in_the_channel() -> None:
    incident = ended(Status.INVESTIGATING, Status.RESOLVED)

    assert present(step(StepKind.CATCH_UP, "u0", "u1"), incident, names={}).is_broadcast
    assert not present(step(StepKind.CATCH_UP, "u0"), incident, names={}).is_broadcast


def test_nothing_quiet_old_or_open_is_shown_in_the_channel() -> None:
    incident = ended(Status.RESOLVED)
    reply = step(StepKind.UPDATE, "u0")

    assert not present(replace(reply, kind=StepKind.EDIT, is_quiet=True), incident, names={}).is_broadcast
    assert not present(reply, replace(incident, opening=Opening.RETROACTIVE), names={}).is_broadcast
    assert not present(reply, replace(incident, status=Status.MONITORING), names={}).is_broadcast
    assert not headline(incident, names={}).is_broadcast
