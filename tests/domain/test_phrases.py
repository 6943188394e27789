"""The catalogues: whatever can be said can be said in every language, with the same facts in it."""

from __future__ import annotations

import re
from datetime import timedelta
from string import Formatter

import pytest

from bot.domain.phrases import (
    LANGUAGES,
    TONGUES,
    Phrase,
    capital,
    duration_words,
    impact_words,
    joined,
    known_language,
    listed,
    say,
    status_words,
)
from bot.domain.phrases.catalogue import Plural
from bot.domain.words import Impact, Status

OTHERS = [language for language in LANGUAGES if language != "en"]
SAME_AS_ENGLISH = {  # what people of that language say as well, and marks without words
    "de": {"Status", "{components} in {regions}"},
    "fr": {
        "Impact",
        "maintenance",
        "{service} via {path}",
        "{count} incident",
        "{count} incidents",
    },
    "es": set(),
    "pt": {"Status", "{service} via {path}"},
    "ja": set(),
}
WORDLESS = {
    "{provider}: {title}",
    "{provider}: {what}",
    "{title} ({facts})",
    ", ",
    "{minutes} min",
    "{hours} h {minutes:02} min",
}
WORDLESS |= {"{days} d {hours:02} h"}
ENGLISH_ONLY = re.compile(
    r"\b(the|and|of|since|updates?|more|while|this|was|now|hits|catching|away|over|began|ended|"
    r"where|before|earlier|back|unknown|lasted|incidents at|resolved|investigating|major|minor|limit)\b",
    re.IGNORECASE,
)


def forms(language: str, phrase: Phrase) -> tuple[str, ...]:
    """Every form in which the language says it."""
    text = TONGUES[language].phrases[phrase]
    return (text.one, text.other) if isinstance(text, Plural) else (text,)


def every_text(language: str) -> list[str]:
    """All words of a language."""
    tongue = TONGUES[language]
    said = [form for phrase in tongue.phrases for form in forms(language, phrase)]
    return [*said, *tongue.statuses.values(), *tongue.impacts.values()]


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def without_placeholders(text: str) -> str:
    """Only the words."""
    return re.sub(r"\{[^}]*\}", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word(language: str) -> None:
    tongue = TONGUES[language]

    assert (set(tongue.phrases), set(tongue.statuses), set(tongue.impacts)) == (
        set(Phrase),
        set(Status),
        set(Impact),
    )
    assert [text for text in every_text(language) if not text.strip() and text != ", "] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_holds_exactly_the_facts_of_the_english_one(language: str) -> None:
    different = {
        (phrase, form)
        for phrase in Phrase
        for form in forms(language, phrase)
        if placeholders(form) != placeholders(forms("en", phrase)[0])
    }

    assert different == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_what_counts_has_two_forms(language: str) -> None:
    plural = [p for p in Phrase if isinstance(TONGUES[language].phrases[p], Plural)]

    assert [p for p in plural if "{count}" not in forms("en", p)[0]] == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_was_left_in_english(language: str) -> None:
    english = set(every_text("en")) - WORDLESS
    texts = set(every_text(language))

    assert texts & english <= SAME_AS_ENGLISH[language]
    assert [t for t in texts if ENGLISH_ONLY.search(without_placeholders(t))] == []


def test_every_word_of_japanese_is_written_in_japanese() -> None:
    kana_or_kanji = re.compile("[\u3001-\u30ff\u4e00-\u9fff\uff08]")
    texts = [t for t in every_text("ja") if t not in WORDLESS]

    assert [t for t in texts if not kana_or_kanji.search(t)] == []


def test_french_never_breaks_the_line_before_a_colon() -> None:
    double = [
        t for t in every_text("fr") if re.search(r"(?<!\u00a0)[:;!?](?!\d)", re.sub(r"\{[^}]*\}", "x", t))
    ]

    assert double == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_stands_in_a_value_is_shown_as_it_is(language: str) -> None:
    """Titles come from outside: braces in them are no placeholders."""
    assert "{count} {0.__class__}" in say(
        language, Phrase.TITLE, provider="{x}", title="{count} {0.__class__}"
    )


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("pt_BR", "pt"),
        (" JA ", "ja"),
        ("zh-Hant-TW", None),
        ("deutsch", None),
        ("", None),
    ],
)
def test_a_tag_means_its_language_and_an_unknown_one_means_english(tag: str, meant: str | None) -> None:
    assert known_language(tag) == meant
    assert say(tag, Phrase.BEGAN) == say(meant or "en", Phrase.BEGAN)


@pytest.mark.parametrize(
    ("language", "none", "one", "two"),
    [
        ("en", "0 updates", "1 update", "2 updates"),
        ("de", "0 Meldungen", "1 Meldung", "2 Meldungen"),
        ("fr", "0 mise à jour", "1 mise à jour", "2 mises à jour"),
        ("es", "0 actualizaciones", "1 actualización", "2 actualizaciones"),
        ("pt", "0 atualizações", "1 atualização", "2 atualizações"),
        ("ja", "更新0件", "更新1件", "更新2件"),
    ],
)
def test_things_are_counted_as_people_count(language: str, none: str, one: str, two: str) -> None:
    counted = tuple(say(language, Phrase.UPDATES_COUNT, count=count) for count in (0, 1, 2))

    assert counted == (none, one, two)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Investigating", "Identified", "Monitoring", "Resolved"]),
        ("de", ["Wird untersucht", "Ursache gefunden", "Wird beobachtet", "Behoben"]),
        ("fr", ["Investigation en cours", "Cause identifiée", "Sous surveillance", "Résolu"]),
        ("es", ["En investigación", "Causa identificada", "En observación", "Resuelto"]),
        ("pt", ["Em investigação", "Causa identificada", "Em monitoramento", "Resolvido"]),
        ("ja", ["調査中", "原因特定", "監視中", "解決済み"]),
    ],
)
def test_the_four_statuses_of_an_incident_read_as_on_local_status_pages(
    language: str, words: list[str]
) -> None:
    four = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED)

    assert words == [capital(status_words(language, status)) for status in four]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_statuses_and_no_two_impacts_read_the_same(language: str) -> None:
    assert len({status_words(language, status) for status in Status}) == len(Status)
    assert len({impact_words(language, impact) for impact in Impact}) == len(Impact)


@pytest.mark.parametrize(
    ("minutes", "english", "french", "japanese"),
    [
        (0.4, "1 min", "1 min", "1分"),
        (59.9, "59 min", "59 min", "59分"),
        (125, "2 h 05 min", "2 h 05 min", "2時間05分"),
        (3 * 1440 + 250, "3 d 04 h", "3 j 04 h", "3日04時間"),
    ],
)
def test_durations_read_alike_everywhere(minutes: float, english: str, french: str, japanese: str) -> None:
    said = tuple(duration_words(language, timedelta(minutes=minutes)) for language in ("en", "fr", "ja"))

    assert said == (english, french, japanese)


def test_names_are_joined_as_in_a_sentence_or_listed_as_facts() -> None:
    names = ("api", "web", "mail")

    assert [joined(language, names) for language in LANGUAGES] == [
        "api, web and mail",
        "api, web und mail",
        "api, web et mail",
        "api, web y mail",
        "api, web e mail",
        "api、web、mail",
    ]
    assert (joined("en", ("api",)), joined("en", ())) == ("api", "")
    assert listed("ja", names) == "api、web、mail"


def test_a_german_noun_keeps_its_capital_in_the_middle_of_a_line() -> None:
    assert capital("wird geprüft von Ada") == "Wird geprüft von Ada"


def test_gathered_cards_and_our_own_troubles_have_words() -> None:
    facts = {
        "count": 3,
        "what": "3 incidents",
        "provider": "AWS",
        "chat": "Slack",
        "time": "12:03",
        "limit": 20,
    }
    facts |= {"duration": "5 min", "services": "checkout"}
    told = (
        *(Phrase.STORM_TITLE, Phrase.STORM_OF_PROVIDER, Phrase.DIGEST_TITLE, Phrase.QUIET_TITLE),
        *(
            Phrase.CAP_TITLE,
            Phrase.AND_MORE,
            Phrase.CHAT_AWAY,
            Phrase.OVER_COUNT,
            Phrase.HITS,
            Phrase.MAYBE_DOUBLED,
        ),
    )

    assert [say("en", phrase, **facts) for phrase in told] == [
        "3 incidents at once",
        "AWS: 3 incidents",
        "Digest: 3 incidents",
        "While this channel was quiet: 3 incidents",
        "3 incidents held back (limit of messages an hour: 20)",
        "and 3 more",
        "Slack is unreachable since 12:03",
        "3 over",
        "hits checkout",
        "maybe doubled",
    ]
