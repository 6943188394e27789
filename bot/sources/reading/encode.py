"""Observations as JSON lines: what `fogbell parse` prints and the tests compare. The keys are a promise to users."""

from __future__ import annotations

from datetime import datetime

from bot.domain.observation import Observation, Place, Update
from bot.sources.reading.times import iso


def as_line(observation: Observation) -> dict[str, object]:
    """One observation as an object that json.dumps accepts; times are ISO 8601 UTC with `Z`, or null."""
    return {
        "provider": observation.provider,
        "format": observation.format,
        "id": observation.key,
        "kind": observation.kind.value,
        "title": observation.title,
        "status": observation.status.value,
        "impact": observation.impact.value,
        "began_at": _time(observation.began_at),
        "ended_at": _time(observation.ended_at),
        "updated_at": _time(observation.updated_at),
        "url": observation.url,
        "places": [_place(place) for place in observation.places],
        "updates": [_update(update) for update in observation.updates],
    }


def _place(place: Place) -> dict[str, object]:
    return {"component": place.component, "region": place.region}


def _update(update: Update) -> dict[str, object]:
    return {
        "id": update.id,
        "status": update.status.value if update.status else None,
        "text": update.text,
        "posted_at": _time(update.posted_at),
    }


def _time(at: datetime | None) -> str | None:
    return iso(at) if at else None
