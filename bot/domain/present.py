"""What a step says: an incident and a step in, a Card out. The words come from `phrases`; no chat has any of its own.

Times are written in the zone given, always with its name. What providers wrote stays as they wrote it, in every language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bot.domain.card import Card, Field, Section, Tone
from bot.domain.conversation import Step, StepKind
from bot.domain.incident import Closure, Incident, Opening
from bot.domain.observation import SELF, WATCHER, Place, Update
from bot.domain.phrases import Phrase, capital, impact_words, listed, say, status_words, tone_words
from bot.domain.services import Affected
from bot.domain.words import Impact, Kind, Status

EARLIER_MAX = 5  # earlier updates that a headline sums up in a line each
EARLIER_MAX_CHARS = 140
PLACES_SHOWN = 6

_TONES = {
    Impact.CRITICAL: Tone.CRITICAL,
    Impact.MAJOR: Tone.MAJOR,
    Impact.MINOR: Tone.MINOR,
    Impact.MAINTENANCE: Tone.MAINTENANCE,
    Impact.NONE: Tone.INFO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speech:
    """How one channel is spoken to."""

    names: Mapping[str, str]
    zone: tzinfo
    language: str

    def say(self, phrase: Phrase, **values: object) -> str:
        return say(self.language, phrase, **values)

    def provider(self, incident: Incident) -> str:
        return provider_name(incident.provider, self.names, self.language)

    def clock(self, at: datetime) -> str:
        return clock_words(at, self.zone)

    def status(self, status: Status) -> str:
        return status_words(self.language, status)


def present(
    step: Step, incident: Incident, *, names: Mapping[str, str], zone: tzinfo = UTC, language: str = "en"
) -> Card:
    """The card of a step. `names` maps provider slugs to what people call them; `language` is one that `phrases` knows."""
    if step.is_headline:
        return headline(incident, names=names, zone=zone, language=language, is_quiet=step.is_quiet)
    updates = tuple(u for u in incident.updates if u.id in step.shows)
    return _reply(step, incident, updates, _Speech(names=names, zone=zone, language=language))


def headline(
    incident: Incident,
    *,
    names: Mapping[str, str],
    zone: tzinfo = UTC,
    language: str = "en",
    is_quiet: bool = False,
) -> Card:
    """The one card that sums an incident up as it stands."""
    speech = _Speech(names=names, zone=zone, language=language)
    title = speech.say(Phrase.TITLE, provider=speech.provider(incident), title=incident.title)
    count = speech.say(Phrase.UPDATES_COUNT, count=len(incident.updates))
    return Card(
        title=title,
        tone=tone_of(incident),
        tone_words=tone_words(language, tone_of(incident)),
        fallback=f"{incident.id} {_in_one_line(title, incident, speech)}",
        url=incident.url,
        fields=tuple(_facts(incident, speech)),
        sections=tuple(_story(incident, speech)),
        footer=f"{incident.id} · {count}",
        is_quiet=is_quiet,
        pin=_pin(incident),
    )


def provider_name(slug: str, names: Mapping[str, str], language: str = "en") -> str:
    """What people call a provider; "Our services" for our own ledger."""
    if slug == SELF:
        return say(language, Phrase.OUR_SERVICES)
    return "Fogbell" if slug == WATCHER else names.get(slug, slug)


def clock_words(at: datetime, zone: tzinfo = UTC) -> str:
    """ "2025-10-20 07:11 UTC": a time people can read aloud, with its zone; the same in every language."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname() or ''}".rstrip()


def places_words(places: tuple[Place, ...], language: str = "en") -> str:
    """ "DynamoDB, Lambda and 12 more in us-east-1", or an empty string when nothing is known."""
    components = _some([p.component for p in places if p.component], language)
    regions = _some([p.region for p in places if p.region], language)
    if components and regions:
        return say(language, Phrase.COMPONENTS_IN, components=components, regions=regions)
    return components or regions


def _some(names: list[str], language: str) -> str:
    """The first few of the names, each once, and how many more there are."""
    unique = list(dict.fromkeys(names))
    shown = listed(language, unique[:PLACES_SHOWN])
    if len(unique) <= PLACES_SHOWN:
        return shown
    return f"{shown} {say(language, Phrase.AND_MORE, count=len(unique) - PLACES_SHOWN)}"


def tone_of(incident: Incident) -> Tone:
    """How its cards look: calm once it is over, whatever its impact was."""
    if not incident.is_open:
        return Tone.OVER
    if incident.kind is Kind.MAINTENANCE:
        return Tone.MAINTENANCE
    return _TONES[incident.impact]


def _pin(incident: Incident) -> bool | None:
    """True while it should stay in view. What was over before we met it never was in view: there is nothing to take away."""
    if incident.kind is not Kind.INCIDENT or not _was_lived_through(incident):
        return None
    return incident.is_open


def _was_lived_through(incident: Incident) -> bool:
    """True when it was open at some time that we know of."""
    return incident.is_open or incident.opening is not Opening.RETROACTIVE or incident.reopened > 0


def _in_one_line(title: str, incident: Incident, speech: _Speech) -> str:
    facts = [incident.severity.words] if incident.severity else []
    facts.append(speech.status(incident.status))
    if incident.affected:
        services = listed(speech.language, [a.service for a in incident.affected])
        facts.append(speech.say(Phrase.HITS, services=services))
    return speech.say(Phrase.IN_ONE_LINE, title=title, facts=listed(speech.language, facts))


def _facts(incident: Incident, speech: _Speech) -> list[Field]:
    facts = _weights(incident, speech)
    if incident.began_at:
        begin = Phrase.BEGINS if incident.status is Status.SCHEDULED else Phrase.BEGAN
        facts.append((begin, speech.clock(incident.began_at)))
    if incident.ended_at and not incident.is_open:
        facts.append((Phrase.ENDED, speech.clock(incident.ended_at)))
    if incident.affected:
        hit = [_hit_words(affected, speech) for affected in incident.affected]
        facts.append((Phrase.OUR_SERVICES, listed(speech.language, hit)))
    if where := places_words(incident.places, speech.language):
        facts.append((Phrase.WHERE, where))
    if taken := incident.acknowledged:
        facts.append((Phrase.ACKNOWLEDGED, listed(speech.language, (taken.by, speech.clock(taken.at)))))
    return [Field(name=speech.say(name), value=value) for name, value in facts]


def _weights(incident: Incident, speech: _Speech) -> list[tuple[Phrase, str]]:
    """How it stands and how grave it is."""
    is_sight = incident.kind is Kind.BLINDNESS and incident.is_open  # "investigating" would promise too much
    facts = [] if is_sight else [(Phrase.STATUS, capital(speech.status(incident.status)))]
    if incident.severity:
        facts.append((Phrase.SEVERITY, incident.severity.words))
    impact = impact_words(speech.language, incident.impact)
    if incident.provider == SELF:
        facts.append((Phrase.IMPACT, impact))
    elif incident.provider != WATCHER:
        facts.append((Phrase.IMPACT, speech.say(Phrase.IMPACT_STATED, impact=impact)))
    return facts


def _hit_words(affected: Affected, speech: _Speech) -> str:
    """ "checkout (perhaps) via payments → DynamoDB"."""
    words = affected.service if affected.is_certain else speech.say(Phrase.PERHAPS, service=affected.service)
    path = " → ".join(affected.path[1:])
    return speech.say(Phrase.VIA, service=words, path=path) if path else words


def _story(incident: Incident, speech: _Speech) -> list[Section]:
    story = []
    if note := _note(incident, speech):
        story.append(Section(text=note))
    if newest := incident.newest:
        story.append(_section(newest, speech))
    if earlier := incident.updates[:-1]:
        story.append(Section(heading=speech.say(Phrase.BEFORE), text=_earlier_words(earlier, speech)))
    return story


def _earlier_words(earlier: Sequence[Update], speech: _Speech) -> str:
    lines = [
        f"{speech.clock(u.posted_at) + ' ' if u.posted_at else ''}{_brief(u.text)}"
        for u in reversed(earlier[-EARLIER_MAX:])
    ]
    if len(earlier) > EARLIER_MAX:
        lines.append(speech.say(Phrase.AND_EARLIER, count=len(earlier) - EARLIER_MAX))
    return "\n".join(lines)


def _note(incident: Incident, speech: _Speech) -> str:
    """What happened to the incident as a whole, in one sentence; empty when there is nothing special about it."""
    provider = speech.provider(incident)
    if incident.closure is Closure.UNLISTED:
        return speech.say(Phrase.UNLISTED, provider=provider)
    if incident.closure is Closure.LAPSED:
        return speech.say(Phrase.LAPSED, provider=provider)
    if incident.closure is Closure.UNWATCHED:
        return speech.say(Phrase.UNWATCHED, provider=provider)
    if incident.opening is Opening.RETROACTIVE:
        return speech.say(Phrase.RETROACTIVE, provider=provider)
    if incident.is_open and incident.reopened:
        return speech.say(Phrase.REOPENED, provider=provider)
    has_begun = incident.is_open and incident.status is not Status.SCHEDULED
    if has_begun and incident.opening is Opening.IN_PROGRESS:
        if incident.began_at is None:
            return speech.say(Phrase.SINCE_UNKNOWN)
        return speech.say(Phrase.SINCE, time=speech.clock(incident.began_at))
    return ""


def _section(update: Update, speech: _Speech) -> Section:
    heading = capital(speech.status(update.status)) if update.status else ""
    return Section(heading=heading, text=update.text or speech.say(Phrase.NO_TEXT), at=update.posted_at)


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EARLIER_MAX_CHARS else line[: EARLIER_MAX_CHARS - 1].rstrip() + "…"


def _reply(step: Step, incident: Incident, updates: tuple[Update, ...], speech: _Speech) -> Card:
    provider = speech.provider(incident)
    title = speech.say(Phrase.TITLE, provider=provider, title=incident.title)
    if step.kind is StepKind.CATCH_UP or len(updates) > 1:
        title = speech.say(Phrase.CATCHING_UP, provider=provider, count=len(updates))
    sections = tuple(_section(update, speech) for update in updates) or (_bare_status(incident, speech),)
    newest_words = speech.say(Phrase.TITLE, provider=provider, title=_brief(sections[-1].text))
    return Card(
        title=title,
        tone=tone_of(incident),
        tone_words=tone_words(speech.language, tone_of(incident)),
        fallback=f"{incident.id} {newest_words}",
        sections=sections,
        footer=incident.id,
        is_quiet=step.is_quiet,
        is_broadcast=_tells_the_end(step, incident, updates),
    )


def _bare_status(incident: Incident, speech: _Speech) -> Section:
    """For a change of status that nobody wrote a text for."""
    status = speech.status(incident.status)
    return Section(
        heading=capital(status), text=_note(incident, speech) or speech.say(Phrase.NOW, status=status)
    )


def _tells_the_end(step: Step, incident: Incident, updates: tuple[Update, ...]) -> bool:
    """True for the reply with which the thread learns that it is over: the channel should see it without opening the thread.

    Once only: neither what was said before the end, delivered late, nor the post-mortem after it rings again.
    """
    if incident.is_open or step.is_quiet or not _was_lived_through(incident):
        return False
    end = _ending(incident)
    return not updates or end in updates


def _ending(incident: Incident) -> Update | None:
    """The update that said "over", or else the newest: not every provider gives a status with each text."""
    since_open: list[Update] = []
    for update in reversed(incident.updates):
        if update.status is not None and not update.status.is_over:
            break
        since_open.append(update)
    stated = (u for u in reversed(since_open) if u.status is not None)
    return next(stated, incident.newest)
