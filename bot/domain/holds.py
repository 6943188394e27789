"""Why a channel is not spoken to about an incident now: a silence, its digest, its hours of quiet, or the limit of the hour.

Asked by the outbox before each step. The limit itself is counted where messages are sent; here its hold is only kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.channels import Manners, next_digest, quiet_until
from bot.domain.conversation import Conversation, Hold, Why
from bot.domain.incident import Incident
from bot.domain.silences import Silence, silenced_until


def hold_of(
    talk: Conversation, incident: Incident, silences: Iterable[Silence], manners: Manners, now: datetime
) -> Hold | None:
    """What keeps the channel from being spoken to about this now, or None."""
    if until := silenced_until(incident, silences, now):
        return Hold(until=until)
    if talk.channel in incident.digests:
        return _until_digest(talk.held, manners, now)
    if until := quiet_until(manners, incident.severity, now):
        return Hold(until=until, why=Why.QUIET)
    is_capped = talk.held is not None and talk.held.why is Why.CAP and talk.held.until > now
    return talk.held if is_capped else None


def _until_digest(held: Hold | None, manners: Manners, now: datetime) -> Hold | None:
    """None when the digest that was waited for is due: what comes later waits for the next one."""
    if held is None or held.why is not Why.DIGEST:
        return Hold(until=next_digest(manners, now), why=Why.DIGEST)
    return held if held.until > now else None
