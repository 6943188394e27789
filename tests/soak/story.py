"""A stormy day on some status pages, told by a seed: what they say at each moment, and what must be known of it afterwards.

Each update has a word of its own in its text, by which the auditor knows it again. Words are of letters: updates that differ
in digits alone say nothing new.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

IMPACTS = ("minor", "major", "critical")
CALM_UPDATES_A_MINUTE = 9.0
STORM_SIZE = 12  # incidents that begin at once, now and then: more than a channel can be told of one by one
STORM_EVERY_S = 150.0  # and with each the storm before the last one is over: all its incidents end together
UPDATES_MAX = 7
LISTED = 100  # incidents of a page, the newest
OVER_BY = 60  # so many newer ones end an incident: what leaves a page while it is open is told no more


@dataclass(slots=True, kw_only=True)
class Told:
    """One update of a page."""

    word: str
    status: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Event:
    """One incident of a page."""

    page: str
    id: str
    title: str
    impact: str
    updates: list[Told] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True when its last word is that it is over."""
        return bool(self.updates) and self.updates[-1].status == "resolved"


class Story:
    """The pages. `turn` lets something happen; `body` is what a page shows; `end` closes all that is open."""

    def __init__(self, seed: int, pages: int) -> None:
        self.dice = random.Random(seed)
        self.pages = [f"page-{_letters(n)}" for n in range(pages)]
        self.events: list[Event] = []
        self._number = 0
        self._next_update = 0.0
        self._next_storm = STORM_EVERY_S / 3
        self._storms: list[list[Event]] = [[], []]

    def turn(self, elapsed_s: float) -> set[str]:
        """Let happen what is due; gives the pages that changed."""
        changed: set[str] = set()
        if elapsed_s >= self._next_storm:
            self._next_storm = elapsed_s + STORM_EVERY_S * self.dice.uniform(0.7, 1.3)
            changed |= self._storm()
        while elapsed_s >= self._next_update:
            self._next_update = max(self._next_update, elapsed_s - 5) + self.dice.expovariate(
                CALM_UPDATES_A_MINUTE / 60
            )
            changed.add(self._something())
        return changed

    def _storm(self) -> set[str]:
        self._storms.append([self._born() for _ in range(STORM_SIZE)])
        over = [event for event in self._storms.pop(0) if not event.is_over]
        for event in over:
            self._say(event, "resolved")
        return {event.page for event in (*self._storms[-1], *over)}

    def end(self) -> None:
        """All that is open is over."""
        for event in self.events:
            if not event.is_over:
                self._say(event, "resolved")

    def body(self, page: str) -> str:
        """The page's incidents.json: the newest, updates newest first."""
        mine = [e for e in self.events if e.page == page][-LISTED:]
        return json.dumps({"page": {"name": page}, "incidents": [_incident(e) for e in reversed(mine)]})

    def _something(self) -> str:
        going_on = [e for e in self.events if not e.is_over]
        if len(going_on) < 4 or self.dice.random() < 0.12:
            return self._born().page
        event = self.dice.choice(going_on)
        is_last = len(event.updates) >= UPDATES_MAX or self.dice.random() < 0.25
        self._say(event, "resolved" if is_last else self.dice.choice(("identified", "monitoring")))
        return event.page

    def _born(self) -> Event:
        self._number += 1
        name = _letters(self._number)
        event = Event(
            page=self.dice.choice(self.pages),
            id=f"ev{name}",
            title=f"Trouble {name} with widgets",
            impact=self.dice.choice(IMPACTS),
        )
        self.events.append(event)
        self._say(event, "investigating")
        for old in [e for e in self.events if e.page == event.page][:-OVER_BY]:
            if not old.is_over:
                self._say(old, "resolved")
        return event

    def _say(self, event: Event, status: str) -> None:
        word = f"w{event.id}w{_letters(len(event.updates))}z"
        event.updates.append(Told(word=word, status=status, at=datetime.now(UTC)))


def _letters(number: int) -> str:
    """A number in letters: 0 is "a", 25 is "z", 26 is "ba"."""
    text = ""
    while True:
        number, rest = divmod(number, 26)
        text = chr(97 + rest) + text
        if not number:
            return text


def _incident(event: Event) -> dict[str, object]:
    updates = [
        {
            "id": told.word,
            "status": told.status,
            "body": f"{told.word} says how it stands with the widgets.",
            "created_at": told.at.isoformat(),
            "updated_at": told.at.isoformat(),
            "display_at": told.at.isoformat(),
        }
        for told in reversed(event.updates)
    ]
    first, last = event.updates[0], event.updates[-1]
    return {
        "id": event.id,
        "name": event.title,
        "status": last.status,
        "impact": event.impact,
        "created_at": first.at.isoformat(),
        "started_at": first.at.isoformat(),
        "updated_at": last.at.isoformat(),
        "resolved_at": last.at.isoformat() if event.is_over else None,
        "shortlink": f"https://status.example/{event.id}",
        "incident_updates": updates,
        "components": [],
    }
