"""Lines that several commands show: one for an incident, one for a source, one for a silence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.commands.context import Context
from bot.commands.parse import shown
from bot.domain.card import Card, Section, Tone
from bot.domain.incident import Incident
from bot.domain.present import clock_words
from bot.domain.silences import Silence
from bot.domain.trust import SourceReport, SourceState

TITLE_MAX_CHARS = 120
REASON_MAX_CHARS = 160
LINES_SHOWN = 20


def incident_line(ctx: Context, incident: Incident) -> str:
    """ "INC-12 · SEV1 · AWS · investigating · Title · 2 h 5 min · link"."""
    parts = [
        incident.id,
        incident.severity.words if incident.severity else "no severity",
        ctx.provider(incident.provider),
        incident.status.words,
        shown(incident.title, TITLE_MAX_CHARS),
        age_words(ctx.now - (incident.began_at or incident.opened_at)),
        incident.url or "",
    ]
    return " · ".join(part for part in parts if part)


def source_line(ctx: Context, report: SourceReport) -> str:
    """ "cannot see AWS (aws-rss) since 2025-10-20 07:14 UTC"."""
    who = ctx.provider(report.provider)
    name = who if report.name == report.provider else f"{who} ({report.name})"
    seen = clock_words(report.last_good_at, ctx.zone) if report.last_good_at else ""
    why = f": {shown(report.reason, REASON_MAX_CHARS)}" if report.reason else ""
    match report.state:
        case SourceState.UNSEEN:
            return f"cannot see {name}{why or ': there was no good look yet'}"
        case SourceState.UNREACHABLE | SourceState.CHANGED:
            return f"cannot see {name}" + (f" since {seen}" if seen else "") + why
        case SourceState.STALE:
            return f"cannot see {name}: nobody has looked" + (f" since {seen}" if seen else "")
        case SourceState.LATE:
            return f"{name} is late" + (f": last seen {seen}" if seen else "")
        case SourceState.FRESH:
            doubts = "; ".join(f"{doubt}: {shown(words, REASON_MAX_CHARS)}" for doubt, words in report.doubts)
            return (
                f"{name} is fresh"
                + (f": seen {seen}" if seen else "")
                + (f", but {doubts}" if doubts else "")
            )


def silence_line(ctx: Context, silence: Silence) -> str:
    """ "aws until 2025-10-20 09:00 UTC, by Ann: known, waiting for them"."""
    why = f": {shown(silence.why, TITLE_MAX_CHARS)}" if silence.why else ""
    return f"{silence.target} until {clock_words(silence.until, ctx.zone)}, by {silence.by}{why}"


def age_words(age: timedelta) -> str:
    """ "2 h 5 min", "3 d 4 h", "under a minute"; what lies ahead is "not begun"."""
    minutes = int(age.total_seconds() // 60)
    if age < timedelta(0):
        return "not begun"
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def section(heading: str, lines: Sequence[str], most: int = LINES_SHOWN) -> tuple[Section, ...]:
    """The lines under a heading, as none or one section; what does not fit is counted."""
    if not lines:
        return ()
    left = len(lines) - most
    cut = [*lines[:most], f"and {left} more"] if left > 0 else lines
    return (Section(heading=heading, text="\n".join(cut)),)


def plain(title: str, text: str = "", *, tone: Tone = Tone.INFO, sections: Iterable[Section] = ()) -> Card:
    """A card that says one thing."""
    first = (Section(text=text),) if text else ()
    return Card(title=title, tone=tone, fallback=title, sections=(*first, *sections))
