"""Commands about incidents: `list`, `show`, `ack`, `silence`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from bot.commands.context import Context
from bot.commands.lines import LINES_SHOWN, incident_line, plain, section, silence_line
from bot.commands.parse import incident_id, shown
from bot.commands.services import blind_lines, known_names, unknown
from bot.commands.spec import IncidentId, Reply, Rest, command
from bot.domain import silences
from bot.domain.card import Card, Section, Tone
from bot.domain.incident import Claim, Closure, Incident
from bot.domain.present import clock_words, headline
from bot.domain.services import parse_need
from bot.domain.words import Role
from bot.errors import NotFound, NotPossible, UsageError

UPDATES_SHOWN = 5
TEXT_MAX_CHARS = 600  # of each update that `show` shows
CLAIMS_SHOWN = 10


@command(role=Role.VIEWER, example="list")
async def list_(ctx: Context) -> Reply:
    """List the open incidents, the worst first."""
    found = await ctx.open_incidents()
    blind = blind_lines(ctx, await ctx.sources.lines())
    title = f"{len(found)} open incident{'s' * (len(found) != 1)}"
    if not found:
        title = "No incident is known, but not everything can be seen" if blind else "No incident is open"
    lines = [incident_line(ctx, i) for i in found]
    return Reply(card=plain(title, sections=(*section("", lines), *section("Sources", blind))))


@command(role=Role.VIEWER, example="show INC-12")
async def show(ctx: Context, incident: Annotated[str, "Incident, such as INC-12", IncidentId]) -> Reply:
    """Show all that is known of an incident."""
    found = await existing(ctx, incident)
    card = headline(found, names=ctx.names, zone=ctx.zone)
    held_until = silences.silenced_until(found, await ctx.silences.active(ctx.now), ctx.now)
    quiet = [f"until {clock_words(held_until, ctx.zone)}"] if held_until else []
    sections = (
        *section("Silenced", quiet),
        *_timeline(found),
        *section("Claims", _claims(ctx, found), CLAIMS_SHOWN),
    )
    return Reply(card=replace(card, sections=sections))


@command(role=Role.RESPONDER, example="ack INC-12")
async def ack(ctx: Context, incident: Annotated[str, "Incident, such as INC-12", IncidentId]) -> Reply:
    """Say that you are on it."""
    found = await existing(ctx, incident)
    if not found.is_open:
        raise NotPossible(f"{found.id} is over ({found.status.words}): there is nothing to acknowledge.")
    if found.acknowledged is None:
        found = await ctx.acknowledge(found.id, ctx.actor)
        return Reply(card=_acknowledged(ctx, found), is_private=False)
    return Reply(card=_acknowledged(ctx, found, "Already: "))


@command(role=Role.RESPONDER, example="silence aws 2h they know, we wait")
async def silence(
    ctx: Context,
    target: Annotated[str, "Incident, provider, service, or a place such as aws/dynamodb"],
    duration: Annotated[str, 'How long, such as 45m, 2h or 1d12h; "off" ends it'],
    why: Annotated[str, "Why, for the others", Rest] = "",
) -> Reply:
    """Keep quiet about something for a while; what happens meanwhile is told afterwards."""
    name = await _target(ctx, target)
    is_end = duration.casefold() == "off"
    lasts = timedelta(0) if is_end else silences.parse_duration(duration)
    made = silences.silence(name, lasts=lasts, by=ctx.actor.name, why=why, now=ctx.now)
    await ctx.silences.add(made)
    if is_end:
        return Reply(card=plain(f"No longer silenced: {name}"), is_private=False)
    held = [i for i in await ctx.open_incidents() if silences.silenced_until(i, [made], ctx.now)]
    note = "What hits something else as well still speaks. What happens meanwhile is told afterwards."
    lines = section("Quiet now", [incident_line(ctx, i) for i in held])
    return Reply(card=plain(f"Silenced: {silence_line(ctx, made)}", note, sections=lines), is_private=False)


async def existing(ctx: Context, incident_id: str) -> Incident:
    """The incident of this id. Raises NotFound, which lists the open ones."""
    found = await ctx.incidents.find(incident_id)
    if found is None:
        raise NotFound(f"There is no {incident_id}.\n{open_words(ctx, await ctx.open_incidents())}")
    return found


def open_words(ctx: Context, incidents: Sequence[Incident]) -> str:
    """What a person may have meant: the open incidents, line by line."""
    if not incidents:
        return "No incident is open."
    return "\n".join(["Open now:", *(incident_line(ctx, i) for i in incidents[:LINES_SHOWN])])


def _timeline(incident: Incident) -> list[Section]:
    """The updates, newest first; the oldest ones are counted."""
    newest = incident.updates[: -UPDATES_SHOWN - 1 : -1]
    told = [
        Section(
            heading=update.status.words.capitalize() if update.status else "Update",
            text=_cut(update.text) or "(no text)",
            at=update.posted_at,
        )
        for update in newest
    ]
    left = len(incident.updates) - len(newest)
    return [*told, *section("", [f"and {left} earlier updates"] if left else [])]


def _claims(ctx: Context, incident: Incident) -> list[str]:
    return [_claim_line(ctx, claim) for claim in incident.claims]


_GONE = {
    Closure.UNLISTED: "no longer listed",
    Closure.LAPSED: "silent since",
    Closure.UNWATCHED: "no longer watched",
}


def _claim_line(ctx: Context, claim: Claim) -> str:
    gone = f", {_GONE[claim.gone]}" if claim.gone else ""
    changed = clock_words(claim.seen_at, ctx.zone)
    return (
        f"{claim.source} says {claim.said.status.words}, impact {claim.said.impact} (changed {changed}{gone})"
    )


def _acknowledged(ctx: Context, incident: Incident, start: str = "") -> Card:
    by = incident.acknowledged.by if incident.acknowledged else ctx.actor.name
    at = f" since {clock_words(incident.acknowledged.at, ctx.zone)}" if incident.acknowledged else ""
    return plain(f"{start}{by} is on {incident.id}{at}", shown(incident.title, 120), tone=Tone.INFO)


async def _target(ctx: Context, typed: str) -> str:
    """The target in its one spelling. Raises NotFound or UsageError for what does not exist."""
    names = await known_names(ctx)
    if name := names.get(typed.casefold()):
        return name
    if found := incident_id(typed):
        return (await existing(ctx, found)).id
    try:
        need = parse_need(typed)
    except ValueError as exc:
        raise UsageError(
            f'"{shown(typed)}" is no target. Write INC-12, aws, checkout or aws/dynamodb@us-east-1'
        ) from exc
    provider = names.get((need.provider or "").casefold())
    if need.provider is None or provider is None or not (need.component or need.region):
        raise unknown(typed, names.values())
    return replace(need, provider=provider, is_soft=False).words


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX_CHARS else text[: TEXT_MAX_CHARS - 1].rstrip() + "…"
