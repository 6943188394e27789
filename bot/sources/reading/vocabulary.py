"""Provider words for statuses and impacts, turned into ours.

A word that nobody here knows becomes the worst plausible one and is noted in `unknown`, which ends up in
`Observation.unknown_words`. Called by the parsers of this folder.
"""

from __future__ import annotations

import re

from bot.domain.words import Impact, Kind, Status

_STATUSES = {
    **dict.fromkeys(
        ("investigating", "active", "open", "ongoing", "reported", "detected"), Status.INVESTIGATING
    ),
    **dict.fromkeys(("identified", "confirmed", "fixing"), Status.IDENTIFIED),
    **dict.fromkeys(("monitoring", "watching", "observing", "mitigated", "recovering"), Status.MONITORING),
    **dict.fromkeys(("resolved", "fixed", "closed", "recovered", "service_restored", "ok"), Status.RESOLVED),
    **dict.fromkeys(("postmortem", "post_mortem"), Status.POSTMORTEM),
    **dict.fromkeys(
        ("scheduled", "planned", "upcoming", "maintenance_scheduled", "not_started_yet"), Status.SCHEDULED
    ),
    **dict.fromkeys(("in_progress", "maintenance_in_progress", "under_maintenance"), Status.IN_PROGRESS),
    **dict.fromkeys(("verifying", "maintenance_verifying"), Status.VERIFYING),
    **dict.fromkeys(
        ("completed", "complete", "maintenance_complete", "maintenance_completed"), Status.COMPLETED
    ),
    **dict.fromkeys(("cancelled", "canceled", "maintenance_cancelled"), Status.CANCELLED),
}
# The same word said of a maintenance.
_IN_MAINTENANCE = {
    Status.INVESTIGATING: Status.IN_PROGRESS,
    Status.IDENTIFIED: Status.IN_PROGRESS,
    Status.RESOLVED: Status.COMPLETED,
}
MAINTENANCE_STATUSES = frozenset(
    {Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED, Status.CANCELLED}
)
_IMPACTS = {
    **dict.fromkeys(("none", "operational", "available"), Impact.NONE),
    **dict.fromkeys(("maintenance", "under_maintenance"), Impact.MAINTENANCE),
    **dict.fromkeys(("minor", "low", "degraded", "degraded_performance", "minor_outage"), Impact.MINOR),
    **dict.fromkeys(("major", "medium", "high", "partial_outage"), Impact.MAJOR),
    **dict.fromkeys(("critical", "major_outage", "full_outage", "outage"), Impact.CRITICAL),
    # Instatus runs its words together.
    **{
        "undermaintenance": Impact.MAINTENANCE,
        "degradedperformance": Impact.MINOR,
        "minoroutage": Impact.MINOR,
    },
    **{"partialoutage": Impact.MAJOR, "majoroutage": Impact.CRITICAL},
}
_BETWEEN = re.compile(r"[\s_-]+")

_LABEL = (
    r"(investigating|identified|monitoring|watching|resolved|fixed|recovered|closed|post-?mortem|scheduled|in[ _]progress"
    r"|verifying|completed|cancelled|canceled|mitigated)"
)
_BRACKETED = re.compile(rf"[\[(【]\s*(?:incident\s*[(:-]?\s*)?{_LABEL}\s*\)?\s*[\])】]", re.IGNORECASE)
_TITLE_EDGE = re.compile(rf"^\s*{_LABEL}\s*(?::|\s[-–—])\s|(?::|\s[-–—])\s*{_LABEL}\s*$", re.IGNORECASE)
_STATED = re.compile(
    rf"^(?:(?:current|incident)\s+)?(?:status|state)\s*[:–-]\s*{_LABEL}\s*[.!]?$",
    re.IGNORECASE | re.MULTILINE,
)
_FIRST_LINE = re.compile(rf"\A{_LABEL}(?:\s*[-–—:]\s|\s*$)", re.IGNORECASE | re.MULTILINE)


def status_of(word: object, kind: Kind, unknown: list[str]) -> Status:
    """The status that a provider's word means; unknown or absent ones are taken for the worst and noted."""
    status = _STATUSES.get(folded(word))
    if status is None:
        note(unknown, "status", word)
        status = Status.INVESTIGATING
    return _IN_MAINTENANCE.get(status, status) if kind is Kind.MAINTENANCE else status


def impact_of(word: object, kind: Kind, unknown: list[str]) -> Impact:
    """The impact that a provider's word means. One that is not given at all counts as small, an unknown one as critical."""
    if word is None or word == "":
        return Impact.MAINTENANCE if kind is Kind.MAINTENANCE else Impact.MINOR
    impact = _IMPACTS.get(folded(word))
    if impact is None:
        note(unknown, "impact", word)
    return impact or Impact.CRITICAL


def stated_status(title: str, text: str) -> Status | None:
    """The status that a feed entry states as a label; None when it states none.

    Only labels that stand alone count: "[Resolved]", "Status: RESOLVED", "Resolved - ...". Prose does not, because it says
    "unresolved" and "not yet resolved".
    """
    for pattern, place in ((_BRACKETED, title), (_STATED, text), (_FIRST_LINE, text), (_TITLE_EDGE, title)):
        found = pattern.search(place)
        if found:
            return _STATUSES[folded(next(word for word in found.groups() if word))]
    return None


def without_label(title: str) -> str:
    """A title without a leading "[Resolved]", so that it does not change when only the status does."""
    found = _BRACKETED.match(title)
    return (title[found.end() :].strip(" :-–—") or title) if found else title


def kind_of(status: Status) -> Kind:
    """What a record with this status must be."""
    return Kind.MAINTENANCE if status in MAINTENANCE_STATUSES else Kind.INCIDENT


def folded(word: object) -> str:
    """A word without case, and with one spelling of its blanks: "In progress" and "in-progress" are `in_progress`."""
    if not isinstance(word, str):
        return ""
    word = word.strip().casefold()
    return word if word.isalpha() else _BETWEEN.sub("_", word)


def note(unknown: list[str], what: str, word: object) -> None:
    """Remembers an unknown word once, cut short: "status: fizzled"."""
    said = " ".join(str(word).split())[:60] if isinstance(word, (str, int, float)) else "(none given)"
    said = f"{what}: {''.join(c for c in said if c.isprintable())}"
    if said not in unknown and len(unknown) < 10:
        unknown.append(said)
