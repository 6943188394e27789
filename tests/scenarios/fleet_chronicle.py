"""What happened on a scripted day, kept in plain words, to be compared with what its tables say. `fleet` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.observation import WATCHER
from bot.domain.trust import SourceReport
from tests.scenarios.fleet_stories import hour


@dataclass(slots=True)
class Chronicle:
    """What happened. `lives` are the spans in which incidents were open, `trust` the changes of how far sources were believed,
    `turns` when which provider's ledger opened or closed one, `left` what the ledgers hold at the end."""

    lives: dict[tuple[str, str], str] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)
    turns: list[tuple[datetime, str, str]] = field(default_factory=list)
    left: list[Incident] = field(default_factory=list)
    looks: int = 0
    _open: dict[str, bool] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def wrote(self, incidents: Sequence[Incident], now: datetime) -> None:
        """These were written."""
        for incident in incidents:
            was_open = self._open.get(incident.id)
            self._open[incident.id] = incident.is_open
            if was_open is incident.is_open:
                continue
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
