"""What a user decided: what `decide` is given beside the ledger and the sighting. Built by `bot.config` from the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.channels import Manners
from bot.domain.routing import Group, Route
from bot.domain.services import Need, Service
from bot.domain.words import Kind

EVERYTHING = Route(to=("everywhere",), kinds=tuple(Kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Services, routes and windows.

    `usable_chats` names the chats that can post, None for all. `reopen_within`: an event without an id of its own that comes
    back within it is the same one. `lapse_after`: an event whose feed never says "over" is over after that much silence.
    `retroactive_within`: a post about something already over is told (quietly) only when it ended that recently.
    `manners` are the wishes of channels, `usual` those of channels that say nothing. What no route asks for is told in the
    digests of the groups `digest_to`. `always` are channels of chats that call nobody: they
    hear everything. `watched` are the
    configured providers (empty: unknown), `named` what sources narrow them to.
    `remember_for`: how long a closed incident outlives its feed's own memory of it.
    """

    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] = ()
    groups: tuple[Group, ...] = ()
    usable_chats: Collection[str] | None = None
    reopen_within: timedelta = timedelta(hours=2)
    lapse_after: timedelta = timedelta(hours=24)
    retroactive_within: timedelta = timedelta(days=1)
    remember_for: timedelta = timedelta(days=30)
    names: tuple[tuple[str, str], ...] = ()
    manners: Mapping[str, Manners] = field(default_factory=dict)
    usual: Manners = field(default_factory=Manners)
    always: tuple[str, ...] = ()
    digest_to: tuple[str, ...] = ()
    watched: frozenset[str] = frozenset()
    named: tuple[Need, ...] = ()

    def manners_of(self, channel: str) -> Manners:
        """How the channel ("chat:id") wants to be spoken to."""
        return self.manners.get(channel, self.usual)
