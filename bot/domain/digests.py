"""What a message shows, as a short hash: two that differ mean that the message is out of date. Asked by `delivery`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.domain.incident import Incident
from bot.domain.observation import Update


def status_digest(incident: Incident) -> str:
    """What a headline says about the status alone."""
    return _hash(incident.status, incident.closure, incident.reopened)


def headline_digest(incident: Incident) -> str:
    """What a headline shows, as "status/rest": when it differs from what was shown, the headline is out of date.

    A closed incident shows its status alone: later edits of its texts change nothing.
    """
    if not incident.is_open:
        return f"{status_digest(incident)}/closed"
    newest = incident.newest
    rest = _hash(
        incident.title,
        incident.impact,
        incident.severity,
        _moment(incident.began_at),
        incident.url,
        incident.places,
        [(a.service, a.is_certain, a.path) for a in incident.affected],
        (newest.id, newest.text) if newest else None,
        (seen.by, _moment(seen.at)) if (seen := incident.acknowledged) else None,
    )
    return f"{status_digest(incident)}/{rest}"


def line_digest(incident: Incident) -> str:
    """What the line of an incident among others shows."""
    return _hash(incident.title, incident.status, incident.closure, incident.severity, incident.impact)


def updates_digest(updates: Iterable[Update]) -> str:
    """What a reply shows."""
    return _hash(*((u.id, u.text, u.status) for u in updates))


def _moment(at: datetime | None) -> str | None:
    """The same for equal times: what is read from the store says its zone in other words."""
    return at.astimezone(UTC).isoformat() if at else None


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
