"""Everything that Fogbell itself says on a card, in the languages it speaks; what providers wrote is never translated.

Called by `present` and by whatever else builds cards; `bot.config` asks LANGUAGES which a channel may have. How to add one is
in docs/languages.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.domain.card import Tone
from bot.domain.phrases.catalogue import Phrase, Plural, Tongue
from bot.domain.phrases.de import GERMAN
from bot.domain.phrases.en import ENGLISH
from bot.domain.phrases.es import SPANISH
from bot.domain.phrases.fr import FRENCH
from bot.domain.phrases.ja import JAPANESE
from bot.domain.phrases.pt import PORTUGUESE
from bot.domain.words import Impact, Status

__all__ = [
    "LANGUAGES",
    "Phrase",
    "capital",
    "duration_words",
    "impact_words",
    "joined",
    "known_language",
    "listed",
    "say",
    "status_words",
    "tone_words",
]

TONGUES = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "pt": PORTUGUESE,
    "ja": JAPANESE,
}
LANGUAGES = tuple(TONGUES)


def say(language: str, phrase: Phrase, **values: object) -> str:
    """The phrase with its values filled in. `language` is a tag such as "de" or "pt-BR"; an unknown one means English."""
    tongue = _tongue(language)
    text = tongue.phrases[phrase]
    if isinstance(text, Plural):
        count = values["count"]
        text = text.one if isinstance(count, int) and tongue.is_one(count) else text.other
    return text.format(**values)


def known_language(tag: str) -> str | None:
    """The one of LANGUAGES that a tag means ("de" for "de-AT"), or None when we do not speak it."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    return code if code in TONGUES else None


def status_words(language: str, status: Status) -> str:
    """The status as it stands within a line: "in progress"."""
    return _tongue(language).statuses[status]


def impact_words(language: str, impact: Impact) -> str:
    """The impact as it stands within a line: "major"."""
    return _tongue(language).impacts[impact]


def tone_words(language: str, tone: Tone) -> str:
    """The tone as it stands at the top of a card: "Major"."""
    if tone is Tone.OVER:
        return say(language, Phrase.OVER)
    return (
        say(language, Phrase.FOR_INFORMATION)
        if tone is Tone.INFO
        else capital(impact_words(language, Impact(tone)))
    )


def duration_words(language: str, lasted: timedelta) -> str:
    """ "5 min", "2 h 05 min" or "3 d 04 h", cut down to the minute; at least "1 min"."""
    minutes = max(1, int(lasted.total_seconds() // 60))
    hours, days = minutes // 60, minutes // (24 * 60)
    if days:
        return say(language, Phrase.DAYS, days=days, hours=hours % 24)
    if hours:
        return say(language, Phrase.HOURS, hours=hours, minutes=minutes % 60)
    return say(language, Phrase.MINUTES, minutes=minutes)


def listed(language: str, names: Sequence[str]) -> str:
    """ "A, B, C": for lists of facts."""
    return say(language, Phrase.COMMA).join(names)


def joined(language: str, names: Sequence[str]) -> str:
    """ "A, B and C": for sentences."""
    if len(names) < 2:
        return "".join(names)
    return say(language, Phrase.AND_LAST, names=listed(language, names[:-1]), last=names[-1])


def capital(words: str) -> str:
    """The words as a line begins: the rest of them stays as it is, because German nouns are written large."""
    return words[:1].upper() + words[1:]


def _tongue(language: str) -> Tongue:
    return TONGUES[known_language(language) or "en"]
