"""Reading many ledgers at a time, for the outbox: one that cannot be read keeps none of the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot.domain.incident import Ledger
from bot.errors import StoreError, StoreUnavailable
from bot.ports import Incidents
from bot.telemetry import Event, log


async def readable(incidents: Incidents, revisions: Mapping[str, int]) -> Mapping[str, Ledger]:
    """The ledgers of these providers, each of the revision known of it, 0 for none; without those that cannot be read.

    Raises StoreUnavailable.
    """
    asking = [_read(incidents, provider, known) for provider, known in revisions.items()]
    found = await asyncio.gather(*asking) if len(asking) > 1 else [await one for one in asking]
    return {name: ledger for name, ledger in zip(revisions, found, strict=True) if ledger is not None}


async def _read(incidents: Incidents, provider: str, revision: int) -> Ledger | None:
    try:
        return await incidents.read(provider, revision)
    except StoreUnavailable:
        raise
    except StoreError as exc:
        log().error(Event.STORE_UNREADABLE, provider=provider, reason=str(exc))
        return None
