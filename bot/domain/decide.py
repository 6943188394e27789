"""When: what a sighting changes in a ledger. Pure, so every replica decides alike, and the first commit wins.

`decide` is the one place where incidents are born, closed, reopened and routed. Its rules are tables in `tests/domain/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain import correlate
from bot.domain.incident import Acknowledgement, Closure, Incident, Known, Ledger, Opening, revised
from bot.domain.observation import SELF, WATCHER, Listing, Observation, Sighting
from bot.domain.routing import heard
from bot.domain.rules import Rules
from bot.domain.services import affected
from bot.domain.severity import grade

CLOCK = "clock"  # the source of sightings that only time makes


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write, all or nothing, on top of the ledger's revision that it was made from.

    `incidents` are the changed ones; those born here have a provisional id ("new-1") until `numbered`. `due` lists
    (incident id, channel) pairs that have something to say.
    """

    provider: str
    on_revision: int
    incidents: tuple[Incident, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    sources: Mapping[str, datetime] = field(default_factory=dict)
    due: tuple[tuple[str, str], ...] = ()
    forgotten: tuple[str, ...] = ()
    forgotten_keys: tuple[str, ...] = ()

    @property
    def births(self) -> int:
        """How many numbers are needed."""
        return sum(i.id.startswith("new-") for i in self.incidents)

    def numbered(self, first: int) -> Decision:
        """The decision with real ids, "INC-<first>" and on, in place of provisional ones."""
        born = [i.id for i in self.incidents if i.id.startswith("new-")]
        names = {old: f"INC-{first + n}" for n, old in enumerate(born)}
        return replace(
            self,
            incidents=tuple(replace(i, id=names.get(i.id, i.id)) for i in self.incidents),
            known={
                key: replace(k, incident=names.get(k.incident or "", k.incident))
                for key, k in self.known.items()
            },
            due=tuple((names.get(incident, incident), channel) for incident, channel in self.due),
        )


def decide(ledger: Ledger, sighting: Sighting, rules: Rules) -> Decision | None:
    """What this look at a source changes, or None when it changes nothing. The present is `sighting.seen_at`."""
    after = _Draft(ledger, sighting, rules)
    for said in sighting.observations:
        after.take(said)
    if sighting.listing is Listing.OPEN:
        after.close_unlisted()
    elif sighting.listing is Listing.WINDOW:
        after.close_withdrawn()
    after.close_lapsed()
    if sighting.source == CLOCK:
        after.close_unwatched()
        after.forget()
    return after.decision()


def acknowledge(ledger: Ledger, incident_id: str, by: str, at: datetime) -> Decision | None:
    """What it changes that a person takes an incident on; None when somebody already did."""
    incident = ledger.incidents[incident_id]
    if incident.acknowledged:
        return None
    after = revised(incident, replace(incident, acknowledged=Acknowledgement(by=by, at=at)))
    due = tuple((after.id, channel) for channel in after.channels)
    return Decision(provider=ledger.provider, on_revision=ledger.revision, incidents=(after,), due=due)


class _Draft:
    """A ledger while one sighting is worked into it; `decision` says how it differs from the original."""

    def __init__(self, ledger: Ledger, sighting: Sighting, rules: Rules) -> None:
        self.before = ledger
        self.incidents = dict(ledger.incidents)
        self.known = dict(ledger.known)
        self.ledger = replace(ledger, incidents=self.incidents, known=self.known)  # a live view of the two
        self.sighting = sighting
        self.rules = rules
        self.now = sighting.seen_at
        # What we say ourselves has no history that could be old news: the first failure is one.
        is_ours = ledger.provider in {SELF, WATCHER}
        self.is_first = sighting.source not in ledger.sources and not is_ours
        self.taken: set[str] = set()  # incidents that an observation of this body speaks of
        self.forgotten: list[str] = []
        self.forgotten_keys: list[str] = []

    def take(self, said: Observation) -> None:
        """Work one observation in."""
        source = self.sighting.source
        incident = correlate.match(self.ledger, source, said, self.taken, self.rules.reopen_within, self.now)
        if incident is None:
            incident = self._born(said)
        if incident is not None:
            self._write(correlate.merge(incident, source, said, self.now))
            self.taken.add(incident.id)
        self._remember(said, incident)

    def close_unlisted(self) -> None:
        """Whatever left a list that holds only open events is over."""
        for incident in self._spoken_of_by(self.sighting.source):
            if incident.id not in self.taken:
                self._write(correlate.without(incident, self.sighting.source, Closure.UNLISTED, self.now))

    def close_withdrawn(self) -> None:
        """What is missing from a window that still lists older events did not slide out of it: it was taken back."""
        begins = [said.began_at for said in self.sighting.observations if said.began_at]
        oldest = min(begins, default=None)
        for incident in self._spoken_of_by(self.sighting.source):
            claim = next(c for c in incident.claims if c.source == self.sighting.source)
            began_at = claim.said.began_at
            is_within = oldest is not None and began_at is not None and oldest < began_at
            if is_within and incident.id not in self.taken and not claim.said.may_lapse:
                self._write(correlate.without(incident, self.sighting.source, Closure.UNLISTED, self.now))

    def close_lapsed(self) -> None:
        """An event that its feed will never close, and that has been quiet for long, is over."""
        for incident in self.ledger.open_incidents:
            for claim in incident.claims:
                if claim.said.may_lapse and not claim.is_over and self._is_quiet(claim.said):
                    incident = correlate.without(incident, claim.source, Closure.LAPSED, self.now)
                    self._write(incident)

    def close_unwatched(self) -> None:
        """What a source said that nobody looks at any more keeps nothing open."""
        for source in self.sighting.unwatched:
            for incident in self._spoken_of_by(source):
                self._write(correlate.without_source(incident, source, self.now))

    def forget(self) -> None:
        """Drop what was over and unlisted for so long that no feed will speak of it again."""
        horizon = (self.now - self.rules.remember_for).date()
        stale = {key for key, known in self.known.items() if known.listed_on < horizon}
        living = {known.incident for key, known in self.known.items() if key not in stale}
        for incident in list(self.incidents.values()):
            closed_at = incident.closed_at
            if closed_at and closed_at.date() < horizon and incident.id not in living:
                del self.incidents[incident.id]
                self.forgotten.append(incident.id)
        for key in stale:
            if self.known[key].incident not in self.incidents:
                self.forgotten_keys.append(key)

    def decision(self) -> Decision | None:
        """How the ledger differs now, or None when it does not."""
        changed = self._changed()
        known = {k: v for k, v in self.known.items() if self.before.known.get(k) != v}
        is_new_source = self.sighting.source not in {CLOCK, *self.before.sources}
        if not (changed or known or is_new_source or self.forgotten or self.forgotten_keys):
            return None
        return Decision(
            provider=self.before.provider,
            on_revision=self.before.revision,
            incidents=tuple(changed),
            known=known,
            sources={self.sighting.source: self.now} if is_new_source else {},
            due=tuple((i.id, channel) for i in changed for channel in i.channels),
            forgotten=tuple(self.forgotten),
            forgotten_keys=tuple(self.forgotten_keys),
        )

    def _changed(self) -> list[Incident]:
        """Incidents that differ from before, appraised and with their next revision.

        The clock looks at all open ones: the rules may have changed since they were appraised (a route, a service, a chat).
        """
        is_clock = self.sighting.source == CLOCK
        candidates = ((self.before.incidents.get(i.id), i) for i in self.incidents.values())
        pairs = (
            (old, self._appraised(new))
            for old, new in candidates
            if new is not old or (is_clock and new.is_open)
        )
        return [after for old, new in pairs if (after := revised(old, new)) is not old]

    def _born(self, said: Observation) -> Incident | None:
        """A new incident, or None for old news, which stays silent."""
        opening = self._opening(said)
        if opening is None:
            return None
        return Incident(
            id=f"new-{len(self.incidents) + 1}",
            provider=self.before.provider,
            kind=said.kind,
            title=said.title,
            status=said.status,
            impact=said.impact,
            opened_at=self.now,
            opening=opening,
            revision=1,
        )

    def _opening(self, said: Observation) -> Opening | None:
        is_over = said.is_over or (said.may_lapse and self._is_quiet(said))
        if not is_over:
            return Opening.IN_PROGRESS if self.is_first else Opening.FRESH
        if self.is_first or self._was_silent(said):
            return None
        ended_at = said.ended_at or said.spoke_at
        is_recent = ended_at is not None and self.now - ended_at <= self.rules.retroactive_within
        return Opening.RETROACTIVE if is_recent else None

    def _was_silent(self, said: Observation) -> bool:
        return any(key in self.before.known for key in correlate.memory_keys(self.sighting.source, said))

    def _is_quiet(self, said: Observation) -> bool:
        """True after long silence; what is planned cannot be silent before it begins."""
        times = [at for at in (said.spoke_at, said.began_at) if at]
        return bool(times) and self.now - max(times) > self.rules.lapse_after

    def _appraised(self, incident: Incident) -> Incident:
        """With what it means for us. What is over keeps the severity that it had."""
        if not incident.is_open and incident.severity is not None:
            return incident
        hits = affected(self.rules.services, incident.places)
        return heard(replace(incident, affected=hits, severity=grade(incident.impact, hits)), self.rules)

    def _spoken_of_by(self, source: str) -> list[Incident]:
        return [
            i
            for i in self.ledger.open_incidents
            if any(c.source == source and not c.is_over for c in i.claims)
        ]

    def _remember(self, said: Observation, incident: Incident | None) -> None:
        own, *_ = keys = correlate.memory_keys(self.sighting.source, said)
        for key in keys:
            old = self.known.get(key)
            name = incident.id if incident else (old.incident if old else None)
            new = Known(incident=name, listed_on=self.now.date())
            if old != new and not (key != own and self._is_anothers(old, name)):
                self.known[key] = new

    def _is_anothers(self, known: Known | None, name: str | None) -> bool:
        """True for a name that another incident lives under: one event's last update may be the next one's beginning."""
        return known is not None and known.incident != name and known.incident in self.incidents

    def _write(self, incident: Incident) -> None:
        if incident != self.incidents.get(incident.id):
            self.incidents[incident.id] = incident
