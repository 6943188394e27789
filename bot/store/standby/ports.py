"""The two ports that must know that the store may be away: whoever claims then looks before it posts, and sources stay held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import StoreUnavailable
from bot.ports import Claimed
from bot.store.redis import Functions, RedisOutbox
from bot.store.sharing import RedisLeases
from bot.store.standby.standby import Standby


class StandbyOutbox(RedisOutbox):
    """ports.Outbox. While the store is away, and for a while after, what is claimed must be looked up before it is posted."""

    def __init__(self, functions: Functions, owner: str, standby: Standby) -> None:
        super().__init__(functions, owner)
        self._standby = standby

    async def claim(
        self, now: datetime, limit: int, lease: timedelta, shards: Collection[int] | None = None
    ) -> Sequence[Claimed]:
        """As in the port; nothing while we are about to go home."""
        if self._standby.is_leaving:
            return []
        claimed = await super().claim(now, limit, lease, shards)
        return [replace(c, must_look=True) for c in claimed] if self._standby.must_look else claimed


class StandbyLeases(RedisLeases):
    """ports.Leases. Who held sources when the store went away goes on watching them: nobody can have taken them."""

    def __init__(self, functions: Functions, owner: str, standby: Standby) -> None:
        super().__init__(functions, owner)
        self._standby = standby

    async def hold(self, name: str, lease: timedelta) -> bool:
        """As in the port."""
        held = name in self._held
        try:
            return await super().hold(name, lease)
        except StoreUnavailable:
            if held and name.startswith("sources:") and self._standby.is_shut:
                return True
            raise
