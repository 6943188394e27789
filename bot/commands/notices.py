"""`draft`: a text for customers, ready to copy and edit. Only the person who asks sees it; nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from bot.commands.context import Context
from bot.commands.incidents import existing
from bot.commands.lines import plain, section, source_line
from bot.commands.spec import IncidentId, OneOf, Reply, command
from bot.domain import notice
from bot.domain.card import Card, Section
from bot.domain.incident import Incident
from bot.domain.notice import Cause, Draft, Stage, Wish
from bot.domain.present import clock_words
from bot.domain.words import Kind, Role
from bot.errors import ConfigError, NotPossible, UsageError


@command(role=Role.RESPONDER, example="draft INC-12 identified")
async def draft(
    ctx: Context,
    incident: Annotated[str, "Incident, such as INC-12", IncidentId],
    stage: Annotated[str, "Stage; without it, the incident's own", OneOf(Stage)] = "",
    cause: Annotated[str, "Cause, if you know it and may say it", OneOf(Cause)] = "",
) -> Reply:
    """Draft a notice to customers; only you see it."""
    found = await existing(ctx, incident)
    if found.kind is Kind.BLINDNESS:
        raise NotPossible(
            f"{found.id} is about what Fogbell can see, not about your services: customers have no part in it."
        )
    if not stage and notice.stage_of(found.status) is None:
        raise UsageError(
            f"{found.id} is {found.status.words}, so customers have nothing to hear yet."
            f' Name a stage to get a draft all the same: "draft {found.id} investigating".'
        )
    try:
        made = ctx.drafts.write(found, _wish(ctx, found, stage, cause))
    except ConfigError as exc:
        raise UsageError(
            f"A notice template has a mistake; whoever runs Fogbell must mend it:\n{exc}"
        ) from exc
    return Reply(card=_card(ctx, found, made, await _blind(ctx, found)))


def _wish(ctx: Context, incident: Incident, stage: str, cause: str) -> Wish:
    return Wish(
        now=ctx.now,
        zone=ctx.zone,
        stage=Stage(stage) if stage else None,
        cause=Cause(cause) if cause else None,
        labels=notice.labels(ctx.rules.services),
        provider_name=ctx.provider(incident.provider),
    )


async def _blind(ctx: Context, incident: Incident) -> list[str]:
    reports = await ctx.sources.lines()
    blind = [r for r in reports if r.is_blind and r.provider == incident.provider]
    return [f"This may be out of date: {source_line(ctx, report)}." for report in blind]


def _card(ctx: Context, incident: Incident, made: Draft, blind: list[str]) -> Card:
    then = f" · next update by {clock_words(made.next_update_at, ctx.zone)}" if made.next_update_at else ""
    card = plain(
        f"Draft for {incident.id}: {made.stage}",
        sections=(
            Section(heading="Copy and edit", text=made.text),
            *section("Check before you send it", [f"• {warning}" for warning in (*blind, *made.warnings)]),
        ),
    )
    footer = f"{len(made.text)} of at most {made.stage.max_chars} characters{then}"
    return replace(card, footer=footer)
