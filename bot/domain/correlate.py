"""Which incident a claim belongs to, and how claims become one incident.

The rules, in order: the same native id always rejoins its incident; events without an id rejoin by their chain; two sources of
one provider meet by id, link, or place and time. Two native ids of one source are never merged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incident import Claim, Closure, Incident, Ledger
from bot.domain.observation import UPDATES_MAX, Observation, Place, Update
from bot.domain.words import Kind, Status

SAME_START_WITHIN = timedelta(minutes=45)  # two sources of one provider date the same start this far apart
SAME_POST_WITHIN = timedelta(minutes=5)  # and the same post this far
# So close, two posts are one, even if one source still has the words before an edit.
ONE_POST_WITHIN = timedelta(minutes=1)
PLACES_MAX = 200


def memory_keys(source: str, said: Observation) -> tuple[str, ...]:
    """The names under which a ledger remembers an observation.

    A native id holds for all sources of the provider. A derived key may move, so the last update's id is remembered too.
    """
    if said.is_native:
        return (said.key,)
    last = (f"{source}|{said.updates[-1].id}",) if said.updates else ()
    return (f"{source}|{said.key}", *last)


def match(
    ledger: Ledger,
    source: str,
    said: Observation,
    taken: Collection[str],
    reopen_within: timedelta,
    now: datetime,
) -> Incident | None:
    """The incident of `ledger` that this observation speaks of, or None. `taken` ids belong to others of the same body."""
    for key in memory_keys(source, said):
        known = ledger.known.get(key)
        is_free = said.is_native or (known and known.incident not in taken)
        if known and is_free and known.incident in ledger.incidents:
            return ledger.incidents[known.incident or ""]
    free = [i for i in ledger.incidents.values() if i.id not in taken]
    if not said.is_native:
        return _by_chain(free, source, said, now - reopen_within) or _by_event(free, source, said)
    return _by_event(free, source, said)


def _by_chain(
    free: Iterable[Incident], source: str, said: Observation, reopen_after: datetime
) -> Incident | None:
    """An event without an id: the incident that shares a post with it, else the one of its chain that is still going on."""
    chained = [
        i
        for i in free
        if any(c.source == source and c.said.chain == said.chain for c in i.claims) and said.chain
    ]
    ids = {update.id for update in said.updates}
    for incident in chained:
        if ids & {update.id for update in incident.updates}:
            return incident
    if said.is_over:
        return None
    recent = [i for i in chained if i.is_open or (i.closed_at and i.closed_at >= reopen_after)]
    return max(recent, key=lambda i: (i.is_open, i.opened_at), default=None)


def _by_event(free: Iterable[Incident], source: str, said: Observation) -> Incident | None:
    """The incident that another source of this provider told us of, when both clearly mean one event."""
    others = [i for i in free if not any(c.source == source for c in i.claims)]
    for incident in others:
        if any(_same_link(claim.said, said) for claim in incident.claims):
            return incident
    near = [
        i
        for i in others
        # A late source may list an event only when it is over; but what goes on now is not what ended.
        if (i.is_open or said.is_over)
        and i.kind is said.kind
        and not _on_another_page(i, said)
        and _same_place_and_time(i, said)
    ]
    return near[0] if len(near) == 1 else None


def _on_another_page(incident: Incident, said: Observation) -> bool:
    """True when both have an id of one kind, and so are two: pages of one vendor tell their own stories of one event."""
    return said.is_native and any(c.said.is_native and c.said.format == said.format for c in incident.claims)


def _same_link(ours: Observation, theirs: Observation) -> bool:
    if ours.key == theirs.key:
        return True
    if not ours.url or not theirs.url:
        return False
    return _tail(ours.url) == theirs.key or _tail(theirs.url) == ours.key


def _tail(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _same_place_and_time(incident: Incident, said: Observation) -> bool:
    """True for one start, and one place as far as both know it. A title identifies nothing, but confirms a start."""
    if not incident.began_at or not said.began_at:
        return False
    if abs(incident.began_at - said.began_at) > SAME_START_WITHIN:
        return False
    is_same_title = incident.title.casefold() == said.title.casefold()
    places = incident.places or (Place(provider=incident.provider),)
    return any(_one_place(ours, theirs, is_same_title) for ours in places for theirs in said.places)


def _one_place(ours: Place, theirs: Place, is_same_title: bool) -> bool:
    """The same place; or one region, where one of them names no component yet; with the same title unknowns are enough."""
    if ours == theirs and (ours.component or ours.region):
        return True
    if is_same_title:
        return ours.region == theirs.region or None in (ours.region, theirs.region)
    return (
        ours.region is not None
        and ours.region == theirs.region
        and None in (ours.component, theirs.component)
    )


def merge(incident: Incident, source: str, said: Observation, seen_at: datetime) -> Incident:
    """`incident` with this observation in it. Bodies may come twice and in any order: the result is the same."""
    spoke_at = said.spoke_at or incident.opened_at  # what has no time at all must not look new at every look
    new = Claim(source=source, said=replace(said, updates=(), updated_at=spoke_at), seen_at=seen_at)
    old = next((c for c in incident.claims if c.source == source), None)
    if old is not None and _newer(old, new) is old and _holds_all(incident, said.updates, spoke_at):
        return incident  # most of a body says nothing new, and bodies are large
    others = [c for c in incident.claims if c.source != source]
    claims = sorted([*others, _newer(old, new)], key=lambda c: c.source)
    updates = _merge_updates(incident.updates, said.updates, source, spoke_at)
    return concluded(incident, tuple(claims), updates)


def _newer(old: Claim | None, new: Claim) -> Claim:
    """The claim to keep: `old` itself when only our clock differs, so that looking again changes nothing.

    Presence is judged by our clock, words by the provider's: an event that is listed again is open again, whatever its date.
    """
    if old is None:
        return new
    is_back = (
        old.gone in {Closure.UNLISTED, Closure.UNWATCHED}
        and new.seen_at > old.seen_at
        and not new.said.is_over
    )
    if new.said == old.said:
        return new if is_back else old
    if new.version >= old.version:
        return new
    return replace(old, gone=None, seen_at=new.seen_at) if is_back else old


def _holds_all(incident: Incident, said: Iterable[Update], as_of: datetime) -> bool:
    held = {update.id: update for update in incident.updates}
    return all((old := held.get(u.id)) is not None and _is_kept(u, as_of, old) for u in said)


def _is_kept(new: Update, as_of: datetime, old: Update) -> bool:
    """True when the update held is what taking this one in would give."""
    is_same = (new.text, new.status, new.posted_at) == (old.text, old.status, old.posted_at)
    return (is_same and old.as_of == as_of) or not _rewords(new, as_of, old)


def _merge_updates(
    held: Iterable[Update], said: Iterable[Update], source: str, as_of: datetime
) -> tuple[Update, ...]:
    merged = {update.id: update for update in held}
    foreign = [update for update in held if update.source != source]
    for update in said:
        old = merged.get(update.id)
        if old is None:
            twin = _twin(update, foreign)
            if twin is None:
                merged[update.id] = replace(update, source=source, as_of=as_of)
                continue
            foreign.remove(twin)  # one post has one twin: two posts of one minute stay two
            if update.text and not twin.text:
                merged[twin.id] = replace(twin, text=update.text)
        elif _rewords(update, as_of, old):
            merged[update.id] = replace(update, source=old.source, as_of=as_of)
    ordered = sorted(merged.values(), key=lambda u: u.posted_at or u.as_of or as_of)
    return tuple(ordered[-UPDATES_MAX:])


def _rewords(new: Update, as_of: datetime, old: Update) -> bool:
    """True for a later wording. But no words never replace words: some pages show an update before its text, or without."""
    if bool(new.text) != bool(old.text):
        return bool(new.text)
    return old.as_of is None or as_of >= old.as_of


def _twin(update: Update, foreign: Iterable[Update]) -> Update | None:
    """What another source made of this post; with the same words if there is one."""
    same = [other for other in foreign if _tells_the_same(update, other)]
    return min(same, key=lambda other: _words(other.text) != _words(update.text), default=None)


def _tells_the_same(update: Update, other: Update) -> bool:
    """True for one post told by two sources of a provider: the same words, or nearly, at nearly the same time."""
    if not update.posted_at or not other.posted_at:
        return False
    apart = abs(update.posted_at - other.posted_at)
    if apart <= ONE_POST_WITHIN or apart > SAME_POST_WITHIN:
        return apart <= ONE_POST_WITHIN
    ours, theirs = _words(update.text), _words(other.text)
    return bool(ours) and bool(theirs) and (ours in theirs or theirs in ours)


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


def without(incident: Incident, source: str, closure: Closure, at: datetime) -> Incident:
    """`incident` after it left `source`, by absence or by long silence."""
    claims = tuple(
        replace(c, gone=closure, seen_at=at) if c.source == source and not c.is_over else c
        for c in incident.claims
    )
    return concluded(incident, claims, at=at)


def without_source(incident: Incident, source: str, at: datetime) -> Incident:
    """`incident` after nobody looks at `source` any more: what it said is forgotten where others spoke, and else it ends."""
    others = tuple(c for c in incident.claims if c.source != source)
    if others:
        return concluded(incident, others, at=at)
    return without(incident, source, Closure.UNWATCHED, at)


def concluded(
    incident: Incident,
    claims: tuple[Claim, ...],
    updates: tuple[Update, ...] | None = None,
    at: datetime | None = None,
) -> Incident:
    """`incident` with these claims and all that follows from them: the one who spoke last leads, absence counts as speaking."""
    lead = max(_leaders(claims, is_open=incident.is_open), key=_weight)
    said = lead.said
    status = _ended(said.kind) if lead.gone else said.status
    over = status.is_over
    stated = any(c.said.is_over for c in claims)
    closed_at = (incident.closed_at or at or lead.seen_at) if over else None
    places = dict.fromkeys(p for c in sorted(claims, key=_weight, reverse=True) for p in c.said.places)
    return replace(
        incident,
        claims=claims,
        updates=incident.updates if updates is None else updates,
        kind=said.kind,
        title=said.title,
        status=status,
        impact=said.impact,
        began_at=said.began_at or incident.began_at,
        ended_at=said.ended_at,
        updated_at=max(c.said.spoke_at or c.seen_at for c in claims),
        url=said.url or next((c.said.url for c in claims if c.said.url), None),
        places=tuple(sorted(places, key=_place_order)[:PLACES_MAX]),
        closed_at=closed_at,
        closure=(Closure.STATED if stated else lead.gone) if over else None,
        reopened=incident.reopened + (incident.closed_at is not None and not over),
    )


def _leaders(claims: tuple[Claim, ...], *, is_open: bool) -> tuple[Claim, ...]:
    """Whose word counts. One list's silence is no end while another that can say "over" holds what is open: front ends in a
    failing region have shown empty lists for hours."""
    is_held = any(not c.is_over and not c.said.may_lapse for c in claims)
    return tuple(c for c in claims if not c.gone) if is_open and is_held else claims


def _weight(claim: Claim) -> tuple[bool, datetime, str]:
    """Sources that can say "over" lead over those that cannot; then whoever spoke last."""
    spoke_at = claim.seen_at if claim.gone else claim.said.spoke_at or claim.seen_at
    return (not claim.said.may_lapse, spoke_at, claim.source)


def _ended(kind: Kind) -> Status:
    return Status.COMPLETED if kind is Kind.MAINTENANCE else Status.RESOLVED


def _place_order(place: Place) -> tuple[str, str, str]:
    return (place.provider, place.component or "", place.region or "")
