"""Which of two records of one thing stands: what the store holds, or what was written beside it while it was away. Pure.

The fuller one does. Where the store went on by itself, its record stands, and the feeds say again what it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.conversation import Conversation
from bot.domain.decide import Decision
from bot.domain.incident import Incident, Known, Ledger


def difference(stored: Ledger, ours: Ledger) -> Decision | None:
    """What to write on top of `stored` so that nothing of `ours` is missing there; None when nothing is."""
    incidents = tuple(i for i in ours.incidents.values() if _is_news(stored, ours, i))
    names = stored.incidents.keys() | {i.id for i in incidents}
    known = {
        key: memory
        for key, memory in ours.known.items()
        if key not in stored.known and (memory.incident is None or memory.incident in names)
    }
    sources = {name: at for name, at in ours.sources.items() if name not in stored.sources}
    if not (incidents or known or sources):
        return None
    return Decision(
        provider=ours.provider,
        on_revision=stored.revision,
        incidents=incidents,
        known=known,
        sources=sources,
        due=tuple((i.id, channel) for i in incidents for channel in i.channels),
    )


def _is_news(stored: Ledger, ours: Ledger, incident: Incident) -> bool:
    held = stored.incidents.get(incident.id)
    if held is None:
        return not _lives_elsewhere(stored, ours.known, incident)
    is_same = held.opened_at == incident.opened_at  # a store that came back empty begins its numbers anew
    return (
        is_same and held != incident and incident.revision >= held.revision and _told(held) <= _told(incident)
    )


def _lives_elsewhere(stored: Ledger, known: Mapping[str, Known], incident: Incident) -> bool:
    """True when the same event got another number in the store: by somebody who could still reach it."""
    keys = (key for key, memory in known.items() if memory.incident == incident.id)
    return any(stored.known[key].incident in stored.incidents for key in keys if key in stored.known)


def _told(incident: Incident) -> frozenset[str]:
    return frozenset(update.id for update in incident.updates)


def follows(stored: Conversation | None, ours: Conversation) -> bool:
    """True when `ours` holds every message that the store knows of: then it is what came after."""
    return stored is None or {m.key for m in stored.messages} <= {m.key for m in ours.messages}
