"""What a step says: an incident and a step in, a Card out. Wording lives here and in no chat.

Times are written in the zone given, always with its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from bot.domain.card import Card, Field, Section, Tone
from bot.domain.delivery import Step, StepKind
from bot.domain.incident import Closure, Incident, Opening
from bot.domain.observation import SELF, WATCHER, Place, Update
from bot.domain.words import Impact, Kind

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


def present(step: Step, incident: Incident, *, names: Mapping[str, str], zone: tzinfo = UTC) -> Card:
    """The card of a step. `names` maps provider slugs to what people call them."""
    if step.is_headline:
        return headline(incident, names=names, zone=zone, is_quiet=step.is_quiet)
    updates = tuple(u for u in incident.updates if u.id in step.shows)
    return _reply(step, incident, updates, names, zone)


def headline(
    incident: Incident, *, names: Mapping[str, str], zone: tzinfo = UTC, is_quiet: bool = False
) -> Card:
    """The one card that sums an incident up as it stands."""
    provider = provider_name(incident.provider, names)
    status = incident.status.words
    weight = f"{incident.severity.words}, " if incident.severity else ""
    hit = ", ".join(a.service for a in incident.affected)
    return Card(
        title=f"{provider}: {incident.title}",
        tone=_tone(incident),
        fallback=f"{incident.id} {provider}: {incident.title} ({weight}{status}{', hits ' + hit if hit else ''})",
        url=incident.url,
        fields=tuple(_facts(incident, zone)),
        sections=tuple(_story(incident, provider, zone)),
        footer=f"{incident.id} · {len(incident.updates)} update{'s' * (len(incident.updates) != 1)}",
        is_quiet=is_quiet,
    )


def provider_name(slug: str, names: Mapping[str, str]) -> str:
    """What people call a provider; "Our services" for our own ledger."""
    ours = {SELF: "Our services", WATCHER: "Fogbell"}
    return ours.get(slug) or names.get(slug, slug)


def clock_words(at: datetime, zone: tzinfo = UTC) -> str:
    """ "2025-10-20 07:11 UTC": a time people can read aloud, with its zone."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname() or ''}".rstrip()


def places_words(places: tuple[Place, ...]) -> str:
    """ "DynamoDB, Lambda and 12 more in us-east-1", or an empty string when nothing is known."""
    components = _some([p.component for p in places if p.component])
    regions = _some([p.region for p in places if p.region])
    return " in ".join(filter(None, (components, regions)))


def _some(names: list[str]) -> str:
    """The first few of the names, each once, and how many more there are."""
    unique = list(dict.fromkeys(names))
    shown = ", ".join(unique[:PLACES_SHOWN])
    return f"{shown} and {len(unique) - PLACES_SHOWN} more" if len(unique) > PLACES_SHOWN else shown


def _tone(incident: Incident) -> Tone:
    if not incident.is_open:
        return Tone.OVER
    if incident.kind is Kind.MAINTENANCE:
        return Tone.MAINTENANCE
    return _TONES[incident.impact]


def _facts(incident: Incident, zone: tzinfo) -> list[Field]:
    is_sight = incident.kind is Kind.BLINDNESS and incident.is_open  # "investigating" would promise too much
    facts = [] if is_sight else [Field(name="Status", value=incident.status.words.capitalize())]
    if incident.severity:
        facts.append(Field(name="Severity", value=incident.severity.words))
    if incident.provider != WATCHER:
        whose = "" if incident.provider == SELF else " (provider's word)"
        facts.append(Field(name="Impact", value=f"{incident.impact}{whose}"))
    if incident.began_at:
        facts.append(Field(name="Began", value=clock_words(incident.began_at, zone)))
    if incident.ended_at and not incident.is_open:
        facts.append(Field(name="Ended", value=clock_words(incident.ended_at, zone)))
    if incident.affected:
        facts.append(Field(name="Our services", value=", ".join(_hit_words(incident))))
    if where := places_words(incident.places):
        facts.append(Field(name="Where", value=where))
    if incident.acknowledged:
        who = f"{incident.acknowledged.by}, {clock_words(incident.acknowledged.at, zone)}"
        facts.append(Field(name="Acknowledged", value=who))
    return facts


def _hit_words(incident: Incident) -> list[str]:
    return [
        f"{a.service}{'' if a.is_certain else ' (perhaps)'}"
        + (f" via {' → '.join(a.path[1:])}" if len(a.path) > 1 else "")
        for a in incident.affected
    ]


def _story(incident: Incident, provider: str, zone: tzinfo) -> list[Section]:
    story = []
    if note := _note(incident, provider, zone):
        story.append(Section(text=note))
    if newest := incident.newest:
        story.append(_section(newest))
    earlier = incident.updates[:-1]
    lines = [
        f"{clock_words(u.posted_at, zone) + ' ' if u.posted_at else ''}{_brief(u.text)}"
        for u in reversed(earlier[-EARLIER_MAX:])
    ]
    if len(earlier) > EARLIER_MAX:
        lines.append(f"and {len(earlier) - EARLIER_MAX} earlier")
    if lines:
        story.append(Section(heading="Before", text="\n".join(lines)))
    return story


def _note(incident: Incident, provider: str, zone: tzinfo) -> str:
    if incident.closure is Closure.UNLISTED:
        return f"No longer listed by {provider}; taken as over."
    if incident.closure is Closure.LAPSED:
        return f"{provider} has said nothing more for long; taken as over."
    if incident.opening is Opening.RETROACTIVE:
        return f"{provider} posted this when it was already over."
    if incident.is_open and incident.reopened:
        return f"Reopened by {provider}."
    if incident.is_open and incident.opening is Opening.IN_PROGRESS:
        since = clock_words(incident.began_at, zone) if incident.began_at else "an unknown time"
        return f"Already in progress since {since}."
    return ""


def _section(update: Update) -> Section:
    heading = update.status.words.capitalize() if update.status else ""
    return Section(heading=heading, text=update.text or "(no text)", at=update.posted_at)


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EARLIER_MAX_CHARS else line[: EARLIER_MAX_CHARS - 1].rstrip() + "…"


def _reply(
    step: Step, incident: Incident, updates: tuple[Update, ...], names: Mapping[str, str], zone: tzinfo
) -> Card:
    provider = provider_name(incident.provider, names)
    if step.kind is StepKind.CATCH_UP or len(updates) > 1:
        title = f"{provider}: catching up on {len(updates)} updates"
    else:
        title = f"{provider}: {incident.title}"
    if updates:
        sections = tuple(_section(update) for update in updates)
    else:
        note = _note(incident, provider, zone) or f"Now {incident.status.words}."
        sections = (Section(heading=incident.status.words.capitalize(), text=note),)
    return Card(
        title=title,
        tone=_tone(incident),
        fallback=f"{incident.id} {provider}: {_brief(sections[-1].text)}",
        sections=sections,
        footer=incident.id,
        is_quiet=step.is_quiet,
    )
