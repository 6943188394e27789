"""What happened on a scripted day, kept in plain words, to be compared with what its tables say. `fleet` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.observation import WATCHER
from bot.domain.trust import SourceReport
from bot.domain.words import Status
from tests.scenarios.fleet_stories import hour

STAGES = list(Status)  # in their order


@dataclass(slots=True)
class Chronicle:
    """What happened. `lives` are the spans in which incidents were open, `trust` the changes of how far sources were believed,
    `turns` when which provider's ledger opened or closed one, `left` what the ledgers hold at the end. `rewordings` are texts
    that became others, `set_backs` the incidents whose status went back."""

    lives: dict[tuple[str, str], str] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)
    turns: list[tuple[datetime, str, str]] = field(default_factory=list)
    rewordings: set[tuple[str, str, str]] = field(default_factory=set)
    set_backs: list[str] = field(default_factory=list)
    left: list[Incident] = field(default_factory=list)
    looks: int = 0
    _held: dict[str, Incident] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def wrote(self, incidents: Sequence[Incident], now: datetime) -> None:
        """These were written."""
        for incident in incidents:
            before = self._held.get(incident.id)
            self._held[incident.id] = incident
            if before is not None:
                self._compare(before, incident)
            if before is None or before.is_open is not incident.is_open:
                self._turned(incident, now)

    def _compare(self, before: Incident, after: Incident) -> None:
        texts = {update.id: update.text for update in before.updates}
        pairs = ((texts.get(update.id), update.text) for update in after.updates)
        self.rewordings |= {(after.title, old, new) for old, new in pairs if old and old != new}
        if STAGES.index(after.status) < STAGES.index(before.status):
            self.set_backs.append(after.title)

    def _turned(self, incident: Incident, now: datetime) -> None:
        self.turns.append((now, incident.provider, incident.title))
        before = self.lives.get(name_of(incident), "")
        if incident.is_open:
            self.lives[name_of(incident)] = f"{before} {hour(now)}-".strip()
        else:  # one that was over when it was first listed has a life without length
            self.lives[name_of(incident)] = (before or f"{hour(now)}-") + hour(now)

    def saw(self, lines: Sequence[SourceReport], now: datetime) -> None:
        """This is what people are told of the sources now."""
        for line in lines:
            doubts = sorted(doubt.name.lower() for doubt, _ in line.doubts)
            words = " ".join([line.state.name.lower(), *doubts])
            if self._words.get(line.name, "fresh") != words:
                before = self.trust.get(line.name, "")
                self.trust[line.name] = f"{before}, {hour(now)} {words}".removeprefix(", ")
            self._words[line.name] = words


def name_of(incident: Incident) -> tuple[str, str]:
    """Provider and title; for what Fogbell says of its own sight, who cannot be seen."""
    if incident.provider != WATCHER:
        return incident.provider, incident.title
    return WATCHER, (incident.claims[0].said.chain or "").removeprefix("blind:")
