"""`routes`: where an incident is told, when, and why not elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from bot.commands.context import Context
from bot.commands.incidents import existing
from bot.commands.lines import plain, section
from bot.commands.parse import shown
from bot.commands.spec import IncidentId, Reply, command
from bot.domain.card import Card
from bot.domain.explain import About, Line, Room, explain
from bot.domain.incident import Incident
from bot.domain.silences import silenced_until
from bot.domain.words import Role

TITLE_MAX_CHARS = 120


@command(role=Role.VIEWER, example="routes INC-12")
async def routes(ctx: Context, incident: Annotated[str, "Incident, such as INC-12", IncidentId]) -> Reply:
    """Tell which channels hear of an incident, when, and why."""
    found = await existing(ctx, incident)
    held_until = silenced_until(found, await ctx.silences.active(ctx.now), ctx.now)
    usable = await ctx.usable() if ctx.usable else None
    rules = replace(ctx.rules, usable_chats=usable)
    lines = explain(found, rules, ctx.now, silenced_until=held_until, rooms=await _rooms(ctx))
    return Reply(card=explained(found, lines, ctx.provider(found.provider)))


async def _rooms(ctx: Context) -> dict[str, Room]:
    """What is left now of each limit of the hour."""
    ask = ctx.room_of
    if ask is None:
        return {}
    manners = {c: ctx.rules.manners_of(c) for group in ctx.rules.groups for c in group.channels}
    return {c: await ask(c, own.posts_per_hour) for c, own in manners.items() if own.posts_per_hour}


def explained(incident: Incident, lines: tuple[Line, ...], provider: str) -> Card:
    """The lines as a card, under what the routes look at."""
    hits = ", ".join(f"{a.service} (tier {a.tier})" for a in incident.affected) or "none of your services"
    severity = incident.severity.words if incident.severity else "no severity"
    facts = f"{incident.kind} ({incident.status.words}), impact {incident.impact}, {severity}, hits {hits}"
    sections = [
        *section("Routes", [line.words for line in lines if line.about is About.ROUTE]),
        *section("Channels", [line.words for line in lines if line.about is About.CHANNEL]),
    ]
    title = f"{incident.id} · {provider}: {shown(incident.title, TITLE_MAX_CHARS)}"
    return plain(title, facts, sections=sections)
