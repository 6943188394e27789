"""Many incidents, one message: what a channel is told when it would otherwise be flooded, or when it asked to be told later.

Pure. The outbox asks which of the waiting steps go together, and makes their one card here. Each conversation is settled by
itself: a gathered message is known to all its members by the same key.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.domain.card import Card, Section, Tone
from bot.domain.conversation import Conversation, Step, StepKind, Why, message_key
from bot.domain.digests import line_digest
from bot.domain.incident import Incident
from bot.domain.phrases import Phrase, capital, joined, listed, say, status_words, tone_words
from bot.domain.present import provider_name, tone_of
from bot.domain.roll import written
from bot.domain.words import Kind, Severity

GATHER_ABOVE = 5  # more waiting than this become one message
MEMBERS_MAX = 20  # incidents of one message: their lines fit Discord's 4,096 characters
LINE_MAX_CHARS = 160
TITLE_MAX_CHARS = 90
TEXT_MAX_CHARS = 80
TEXTS_UP_TO = 10  # of more incidents only the titles are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A step that waits for its turn in a channel. `alone` is the key it had before it became one of a gathered message."""

    talk: Conversation
    step: Step
    incident: Incident
    alone: str = ""

    @property
    def why(self) -> Why | None:
        """What held it back until now, or None."""
        return self.talk.held.why if self.talk.held else None


W = TypeVar("W", bound=Waiting)


def urgency(waiting: Waiting) -> tuple[int, int, datetime]:
    """Sorts the worst first: by severity, then by impact, then by age."""
    incident = waiting.incident
    severity = incident.severity or Severity.SEV4 + 1
    return (int(severity), -incident.impact.rank, incident.opened_at)


def batch(waiting: Sequence[W], *, may_gather: bool) -> tuple[W, ...]:
    """Those that go next, the worst first: one alone, or up to MEMBERS_MAX in one message.

    What was held back goes together with what was held for the same reason, because it is old news by now. A digest is
    gathered even when it holds one incident.
    """
    worst = min(waiting, key=urgency)
    alike = [w for w in waiting if w.why is worst.why]
    least = {None: GATHER_ABOVE + 1, Why.DIGEST: 1}.get(worst.why, 2)
    if not may_gather or len(alike) < least:
        return (worst,)
    return tuple(heapq.nsmallest(MEMBERS_MAX, alike, key=urgency))


def is_gathered(chosen: Sequence[Waiting]) -> bool:
    """True when the chosen ones become one gathered message."""
    return len(chosen) > 1 or chosen[0].why is Why.DIGEST


def gathered(chosen: Sequence[Waiting]) -> tuple[Step, ...]:
    """The steps of one message for all the chosen, in their order; they share the key and the members."""
    members = tuple(name_of(w.incident) for w in chosen)
    key = _key([message_key(w.talk, w.incident.opened_at) for w in chosen])
    return tuple(
        Step(
            kind=StepKind.GATHERED,
            key=key,
            updates=tuple(u.id for u in w.incident.updates if u.id not in w.talk.told),
            digest=line_digest(w.incident),
            revision=w.incident.revision,
            reason=f"{w.why or 'storm'}: one message for {len(chosen)}",
            is_quiet=all(other.step.is_quiet for other in chosen),
            members=members,
            why=w.why,
        )
        for w in chosen
    )


def roll_of(chosen: Sequence[Waiting]) -> str:
    """The line by which each of the chosen finds their message again."""
    return written(chosen[0].why, ((name_of(w.incident), w.alone) for w in chosen))


def name_of(incident: Incident) -> str:
    """How a gathered message remembers a member: "aws|INC-12"."""
    return f"{incident.provider}|{incident.id}"


def card(
    incidents: Sequence[Incident],
    why: Why | None,
    *,
    names: Mapping[str, str],
    language: str = "en",
    limit: int | None = None,
    is_quiet: bool = False,
) -> Card:
    """The card of a gathered message, as its members stand now."""
    title = _title(incidents, why, names, language, limit)
    going_on = [i for i in incidents if i.is_open]
    over = len(incidents) - len(going_on)
    worst = min(going_on, key=lambda i: _TONES.index(tone_of(i)), default=None)
    tone = tone_of(worst) if worst else Tone.OVER
    firsts = [_brief(i.title, TITLE_MAX_CHARS) for i in incidents[:3]]
    return Card(
        title=title,
        tone=tone,
        tone_words=tone_words(language, tone),
        fallback=say(language, Phrase.TITLE, provider=title, title=listed(language, firsts)),
        sections=tuple(
            _line(i, names, language, has_text=len(incidents) <= TEXTS_UP_TO) for i in incidents[:MEMBERS_MAX]
        ),
        footer=say(language, Phrase.OVER_COUNT, count=over) if over and going_on else "",
        is_quiet=is_quiet,
    )


_TONES = (Tone.CRITICAL, Tone.MAJOR, Tone.MINOR, Tone.MAINTENANCE, Tone.INFO, Tone.OVER)


def _title(
    incidents: Sequence[Incident], why: Why | None, names: Mapping[str, str], language: str, limit: int | None
) -> str:
    what = _counted(incidents, language)
    match why:
        case Why.DIGEST:
            return say(language, Phrase.DIGEST_TITLE, what=what)
        case Why.QUIET:
            return say(language, Phrase.QUIET_TITLE, what=what)
        case Why.CAP:
            return say(language, Phrase.CAP_TITLE, what=what, limit=limit or 0)
        case _:
            providers = {i.provider for i in incidents}
    if len(providers) == 1:
        provider = provider_name(incidents[0].provider, names, language)
        return say(language, Phrase.STORM_OF_PROVIDER, provider=provider, what=what)
    return say(language, Phrase.STORM_TITLE, what=what)


def _counted(incidents: Sequence[Incident], language: str) -> str:
    """ "3 incidents and 1 maintenance window": planned work is no incident."""
    works = sum(i.kind is Kind.MAINTENANCE for i in incidents)
    counts = {Phrase.INCIDENTS_COUNT: len(incidents) - works, Phrase.WORKS_COUNT: works}
    return joined(language, [say(language, phrase, count=n) for phrase, n in counts.items() if n])


def _line(incident: Incident, names: Mapping[str, str], language: str, *, has_text: bool) -> Section:
    provider = provider_name(incident.provider, names, language)
    title = say(language, Phrase.TITLE, provider=provider, title=_brief(incident.title, TITLE_MAX_CHARS))
    facts = [incident.id, *([incident.severity.words] if incident.severity else [])]
    words = [say(language, Phrase.IN_ONE_LINE, title=title, facts=listed(language, facts))]
    if incident.affected:
        services = joined(language, [a.service for a in incident.affected[:4]])
        words.append(say(language, Phrase.HITS, services=services))
    text = _brief(listed(language, words), LINE_MAX_CHARS)
    if has_text and incident.newest and incident.is_open:
        text += f"\n{_brief(incident.newest.text, TEXT_MAX_CHARS)}"
    return Section(heading=capital(status_words(language, incident.status)), text=text)


def _brief(text: str, max_chars: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def _key(keys: Sequence[str]) -> str:
    return hashlib.sha256("|".join(sorted(keys)).encode()).hexdigest()[:25]
