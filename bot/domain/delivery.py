"""To whom, and what next: delivery is the difference between what is true and what a chat is known to hold.

Nothing is ever "resent". `plan` compares an incident with a conversation and names the next step; after a restart, a chat's
outage or a lost reply it is called again and finds the gap. Every promise about order, repetition and silence is kept here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.conversation import Conversation, Hold, Limits, Step, StepKind, Why, message_key
from bot.domain.digests import headline_digest, line_digest, status_digest, updates_digest
from bot.domain.incident import Closure, Incident, Opening
from bot.domain.observation import Update

AWAY_AFTER_FAILURES = 3  # calls in a row: a channel that was away hears all it missed at once, however little
CATCH_UP_ABOVE = 5  # more missing updates than this become one catch-up message
# An edit that a chat delayed may arrive after a newer one: headlines are written again.
REASSERT_AFTER = timedelta(hours=1)
LATE_BY = timedelta(seconds=25)  # so long after the call a chat that did not answer may still carry it out


def plan(
    incident: Incident, talk: Conversation, limits: Limits, hold: Hold | None = None
) -> Step | Hold | None:
    """The next step of this conversation, the Hold while it must wait, or None when the chat holds all that it should.

    The order is: the headline, then missing updates oldest first, then edits of what is shown. Calling it again after its
    steps were settled always ends in None.
    """
    step = _next(incident, talk, limits)
    if step is None or hold is None:
        return None if step and _was_never_told(incident, talk) else step
    if hold.why is Why.SILENCE:
        return hold
    if not step.rings:
        return step
    return _edit(incident, talk, limits) or hold  # what notifies nobody need not wait


def _was_never_told(incident: Incident, talk: Conversation) -> bool:
    """What a silence withheld from its first word stays silent when it is over."""
    return talk.was_held and not talk.messages and not incident.is_open


def _next(incident: Incident, talk: Conversation, limits: Limits) -> Step | None:
    missing = tuple(u for u in incident.updates if u.id not in talk.told)
    loud = tuple(u for u in missing if not limits.edits or _says_something_new(incident, u))
    if talk.headline is None:
        is_told = bool(talk.gathered) and not loud
        return _line_edit(incident, talk, limits) if is_told else _headline(incident, talk)
    if limits.edits and talk.refused_once and (edit := _headline_edit(incident, talk, ())):
        return edit
    was_away = talk.failures >= AWAY_AFTER_FAILURES and len(loud) > 1
    if len(loud) > CATCH_UP_ABOVE or was_away:
        return _reply(StepKind.CATCH_UP, incident, talk, missing, f"{len(missing)} updates behind")
    if loud:
        return _reply(StepKind.UPDATE, incident, talk, loud[:1], "new update")
    if not limits.edits:
        return _spoken_edit(incident, talk)
    return _edit(incident, talk, limits, missing)


def _edit(
    incident: Incident, talk: Conversation, limits: Limits, refreshed: tuple[Update, ...] = ()
) -> Step | None:
    """What the channel shows and is no longer so. `refreshed` are updates that need no message of their own."""
    if not limits.edits:
        return None
    of_headline = _headline_edit(incident, talk, refreshed) if talk.headline else None
    return of_headline or _reply_edit(incident, talk) or _line_edit(incident, talk, limits)


def _headline(incident: Incident, talk: Conversation) -> Step:
    was_deleted = any(not m.receipt.message for m in talk.messages)
    return Step(
        kind=StepKind.HEADLINE,
        key=message_key(talk, incident.opened_at, "headline again" if was_deleted else "headline"),
        updates=tuple(u.id for u in incident.updates if u.id not in talk.told),
        digest=headline_digest(incident),
        revision=incident.revision,
        reason=_why_now(incident, talk),
        is_headline=True,
        is_quiet=incident.opening is Opening.RETROACTIVE,
    )


def _why_now(incident: Incident, talk: Conversation) -> str:
    if talk.gathered:
        return "news, and so far it was told among others only"
    return "the headline was deleted" if talk.messages else f"first word ({incident.opening})"


def _reply(
    kind: StepKind, incident: Incident, talk: Conversation, updates: tuple[Update, ...], reason: str
) -> Step:
    return Step(
        kind=kind,
        key=message_key(talk, incident.opened_at, f"update {updates[0].id}" if updates else ""),
        updates=tuple(u.id for u in updates),
        shows=tuple(u.id for u in updates),
        digest=updates_digest(updates),
        revision=incident.revision,
        reason=reason,
    )


def _spoken_edit(incident: Incident, talk: Conversation) -> Step | None:
    """For a chat without edits: say a change of status instead, because nothing else will show it."""
    last = talk.messages[-1]
    if last.digest.startswith(status_digest(incident)) or not _status_changed(incident, talk):
        return None
    step = _reply(StepKind.UPDATE, incident, talk, (), "the status changed without a text")
    return replace(step, digest=status_digest(incident), is_quiet=incident.closure is Closure.UNWATCHED)


def _status_changed(incident: Incident, talk: Conversation) -> bool:
    """True when the last thing said about the status is no longer true. Updates carry their status with them."""
    spoken = [m for m in talk.messages if not m.updates or m.kind is StepKind.HEADLINE]
    was = spoken[-1].digest.partition("/")[0]
    told_by_update = incident.newest is not None and incident.newest.status is incident.status
    return was != status_digest(incident) and not told_by_update


def _headline_edit(incident: Incident, talk: Conversation, refreshed: tuple[Update, ...]) -> Step | None:
    headline = talk.headline
    assert headline is not None  # noqa: S101 - _next asked before
    digest = headline_digest(incident)
    if digest == headline.digest and not refreshed:
        return None
    return Step(
        kind=StepKind.EDIT,
        key=headline.key,
        target=headline.key,
        updates=tuple(u.id for u in refreshed),
        digest=digest,
        revision=incident.revision,
        reason="only figures changed" if refreshed else "the headline is out of date",
        is_headline=True,
        is_quiet=True,
    )


def reassertion(incident: Incident, talk: Conversation, now: datetime, stands_in: str = "") -> Step | None:
    """The headline once more: hourly while the incident is open, when an earlier edit may have come late, and when the chat
    is back in whose place it spoke (`stands_in` names the one that is away now)."""
    is_old = talk.asserted_at is not None and now - talk.asserted_at >= REASSERT_AFTER and incident.is_open
    is_doubtful = talk.late_edit_at is not None and now - talk.late_edit_at >= LATE_BY
    is_back = talk.stands_in not in ("", stands_in) and incident.is_open
    if talk.headline is None or not talk.headline.receipt.message or not (is_old or is_doubtful or is_back):
        return None
    shown = replace(talk, messages=tuple(replace(m, digest="") for m in talk.messages))
    step = _headline_edit(incident, shown, ())
    reason = "an earlier edit may have come late" if is_doubtful else "written again, as every hour"
    reason = f"{talk.stands_in} is back" if is_back else reason
    return replace(step, reason=reason) if step else None


def _reply_edit(incident: Incident, talk: Conversation) -> Step | None:
    """A reply whose text the provider edited later. Closed incidents are left alone: their texts become post-mortems."""
    if not incident.is_open:
        return None
    by_id = {u.id: u for u in incident.updates}
    for message in talk.messages:
        is_other = message.kind in {StepKind.HEADLINE, StepKind.GATHERED}
        if is_other or not message.updates or not message.receipt.message:
            continue
        digest = updates_digest(by_id[i] for i in message.updates if i in by_id)
        if digest != message.digest and any(i in by_id for i in message.updates):
            return Step(
                kind=StepKind.EDIT,
                key=message.key,
                target=message.key,
                updates=(),
                shows=message.updates,
                digest=digest,
                revision=incident.revision,
                reason="the provider edited the text",
                is_quiet=True,
            )
    return None


def _line_edit(incident: Incident, talk: Conversation, limits: Limits) -> Step | None:
    """A message for many incidents in which the line of this one is out of date."""
    stale = next((m for m in talk.gathered if m.digest != line_digest(incident)), None)
    if stale is None or not limits.edits:
        return None
    return Step(
        kind=StepKind.EDIT,
        key=stale.key,
        target=stale.key,
        updates=(),
        digest=line_digest(incident),
        revision=incident.revision,
        reason="its line among others is out of date",
        is_quiet=True,
        members=stale.members,
        why=stale.why,
    )


def _says_something_new(incident: Incident, update: Update) -> bool:
    """False when the update repeats the one before it but for its digits: 30 % of some providers' updates do."""
    position = incident.updates.index(update)
    if position == 0:
        return True
    before = incident.updates[position - 1]
    return before.status is not update.status or _without_digits(before.text) != _without_digits(update.text)


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "0", " ".join(text.split()))
