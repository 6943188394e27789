"""Incidents by the text that they were read from or written as, so that a text is decoded once.

Whoever loses a race for a ledger reads all of it again, and only what the winner changed is new to it. Used by `redis`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

from bot.domain.incident import Incident
from bot.store import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    digest: bytes
    incident: Incident
    aside: codec.Aside


class Texts:
    """Of one ledger: for each incident the newest text that was seen of it."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def incident(self, name: str, text: bytes) -> Incident:
        """The incident that a text stands for. Raises StoreError when it makes no sense."""
        held, digest = self._held.get(name), _digest(text)
        if held is None or held.digest != digest:
            incident, aside = codec.incident_and_aside(text)
            held = self._held[name] = _Held(digest=digest, incident=incident, aside=aside)
        return held.incident

    def text(self, incident: Incident) -> bytes:
        """The text to write for an incident, with what a newer Fogbell wrote beside it."""
        held = self._held.get(incident.id)
        return codec.incident_json(incident, held.aside if held else ())

    def wrote(self, incident: Incident, text: bytes) -> None:
        """This text is in the store now."""
        held = self._held.get(incident.id)
        aside = held.aside if held else ()
        self._held[incident.id] = _Held(digest=_digest(text), incident=incident, aside=aside)

    def keep(self, names: Collection[str]) -> None:
        """Let go of all others."""
        for name in self._held.keys() - set(names):
            del self._held[name]


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
