"""`outbox`: what waits to be said, and what operators do about it. Who did what, and why, is in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from bot.commands.context import Context
from bot.commands.incidents import existing
from bot.commands.lines import age_words, plain, section
from bot.commands.parse import incident_id, shown
from bot.commands.spec import OneOf, Reply, Rest, command
from bot.domain.card import Card
from bot.domain.present import clock_words
from bot.domain.standing import Entry, State
from bot.domain.words import Role
from bot.errors import NotFound, NotPossible, UsageError
from bot.pipeline.backlog import Done, Order, targets_of

WHY_MAX_CHARS = 240
PER_STATE = 10
ALL = "all"
_AGAIN = {State.PARKED: "tried again", State.FAILING: "next try", State.HELD: "until", State.DUE: "due"}
_DONE = {
    "retry": "will be tried at once",
    "park": "stay silent until somebody retries them",
    "drop": "were dropped",
}


class Action(StrEnum):
    """What is done with what waits."""

    LIST = "list"
    RETRY = "retry"
    PARK = "park"
    DROP = "drop"


@command(role=Role.RESPONDER, example="outbox retry INC-12 slack:C0123ABCD")
async def outbox(
    ctx: Context,
    action: Annotated[str, "What to do", OneOf(Action)] = Action.LIST,
    target: Annotated[str, 'INC-12, a channel such as slack:C0123ABCD, or "all" that is parked'] = "",
    channel: Annotated[str, "The channel, where the target is an incident"] = "",
    reason: Annotated[str, "Why, for the audit: needed to park and to drop", Rest] = "",
) -> Reply:
    """Show what waits to be said and why; try it again, park it, or drop it."""
    if ":" in target and channel:  # a channel takes no second one: it is where the reason begins
        channel, reason = "", f"{channel} {reason}".strip()
    entries = await ctx.outbox.entries()
    if action == Action.LIST:
        return Reply(card=_listed(ctx, _about(entries, target, channel), target))
    order = Order(by=ctx.actor.id, reason=reason)
    targets = await _targets(ctx, Action(action), target, channel, entries)
    if action != Action.RETRY and not reason:
        example = f'"outbox {action} {target} {channel}'.rstrip() + ' the channel was given up"'
        raise UsageError(
            f'"outbox {action}" needs a reason: whoever reads the audit will ask. Example: {example}'
        )
    done = await _done(ctx, Action(action), targets, order)
    return Reply(card=_told(Action(action), done))


async def _targets(
    ctx: Context, action: Action, target: str, channel: str, entries: Sequence[Entry]
) -> tuple[tuple[str, str], ...]:
    """What is meant, as (incident, channel). Raises UsageError or NotFound."""
    if target.casefold() == ALL:
        if action is not Action.RETRY:
            raise UsageError(
                f'Only "retry" takes all. Name what to {action}: an incident and a channel, or a channel.'
            )
        return targets_of(e for e in entries if e.state in {State.PARKED, State.PUT_ASIDE})
    if ":" in target:
        if not (found := targets_of(entries, {target})):
            raise NotFound(f"Nothing waits for {shown(target)}.{_waiting(entries)}")
        return found
    name = incident_id(target)
    if name is None:
        raise UsageError(
            f'"outbox {action}" needs an incident and a channel, a channel, or "all". '
            f'Example: "outbox {action} INC-12 slack:C0123ABCD"'
        )
    if not channel and action is Action.RETRY:
        return targets_of(e for e in entries if e.incident == name)
    incident = await existing(ctx, name)
    if channel not in incident.channels:
        told = ", ".join(incident.channels) or "no channel"
        raise NotFound(f'{name} is not told in "{shown(channel)}", but in {told}.')
    return ((name, channel),)


def _waiting(entries: Sequence[Entry]) -> str:
    channels = sorted({entry.channel for entry in entries})
    return f" Something waits for {', '.join(channels[:PER_STATE])}." if channels else ""


async def _done(ctx: Context, action: Action, targets: Sequence[tuple[str, str]], order: Order) -> Done:
    deed = {Action.RETRY: ctx.outbox.retry, Action.PARK: ctx.outbox.park, Action.DROP: ctx.outbox.drop}[
        action
    ]
    done = await deed(targets, order)
    if done.busy and not done.changed:
        raise NotPossible(f"{_names(done.busy)}: a worker is just sending it. Try again in a few seconds.")
    return done


def _told(action: Action, done: Done) -> Card:
    count = len(done.changed)
    title = f"{count} conversation{'s' * (count != 1)} {_DONE[action]}" if count else "Nothing is parked"
    busy = section(
        "Not changed, because a worker was sending it", [_names([one]) for one in done.busy], PER_STATE
    )
    note = "What is said later is sent again." if action is Action.DROP else ""
    lines = section("Which", [_names([one]) for one in done.changed])
    return plain(title, note, sections=(*lines, *busy))


def _names(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{incident} in {channel}" for incident, channel in pairs)


def _about(entries: Sequence[Entry], target: str, channel: str) -> Sequence[Entry]:
    wanted = {incident_id(target) or target, channel} - {"", ALL}
    return [e for e in entries if wanted <= {e.incident, e.channel, e.provider}]


def _listed(ctx: Context, entries: Sequence[Entry], target: str) -> Card:
    if not entries:
        return plain(
            f"Nothing waits{f' for {shown(target)}' if target else ''}",
            "Everything that was to be said was said.",
        )
    by_state = {state: [e for e in entries if e.state is state] for state in State}
    title = ", ".join(f"{len(found)} {state}" for state, found in by_state.items() if found)
    lines = [
        part
        for state, found in by_state.items()
        for part in section(state.capitalize(), [line(ctx, entry) for entry in found], PER_STATE)
    ]
    return plain(f"In the outbox: {title}", sections=lines)


def line(ctx: Context, entry: Entry) -> str:
    """ "INC-12 · slack:C1 · misses the headline and 2 updates · for 12 min · tried again 13:00 UTC · is_archived ..."."""
    again = (
        f"{_AGAIN[entry.state]} {clock_words(entry.until, ctx.zone)}"
        if entry.until and entry.state in _AGAIN
        else ""
    )
    doubled = f"{entry.maybe_doubled} perhaps said twice" if entry.maybe_doubled else ""
    parts = (
        entry.incident,
        entry.channel,
        f"misses {entry.missing}" if entry.missing != "nothing" else "misses nothing",
        f"for {age_words(ctx.now - entry.since)}",
        again,
        shown(entry.why, WHY_MAX_CHARS),
        doubled,
    )
    return " · ".join(part for part in parts if part)
