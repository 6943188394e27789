"""The one way in for every front end: run once, understand, authorise, run, audit, answer. It never raises.

One of the two places where `except Exception` is allowed: whatever goes wrong, the person gets words and the log the rest.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from bot import net
from bot.commands import parse
from bot.commands.context import Acknowledge, Context, Detect, RoomOf, Usable
from bot.commands.incidents import open_words
from bot.commands.lines import plain
from bot.commands.parse import Request
from bot.commands.spec import Actor, Command, Front, Reply
from bot.domain.card import Tone
from bot.domain.rules import Rules
from bot.errors import CommandError, NotAllowed, NotFound, NotPossible, StoreError, UsageError
from bot.notices.draft import Drafts
from bot.pipeline.backlog import Backlog
from bot.ports import Audit, Clock, Incidents, Monitors, Once, Silences, Sources
from bot.telemetry import COMMANDS as RUNS
from bot.telemetry import Event, log

REMEMBERED = timedelta(days=1)  # chats repeat a delivery within minutes; a day is safe
PATIENCE_S = 20.0  # for a whole command; chats are acknowledged before it starts
AUDIT_MAX_CHARS = 300
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_REPEATED = plain("Already done", "The chat sent this command twice; the first one has its answer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """Who asks, where, and the chat's own name for the call (None where nothing is ever delivered twice)."""

    actor: Actor
    front: Front
    channel: str
    once: str | None


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Runs commands. `rules` and `drafts` may be replaced while it lives: a command sees them as they are when it starts.

    `names` is what people call each provider, by its slug.
    """

    commands: tuple[Command, ...]
    incidents: Incidents
    acknowledge: Acknowledge
    silences: Silences
    sources: Sources
    once: Once
    audit: Audit
    clock: Clock
    rules: Rules
    names: Mapping[str, str]
    drafts: Drafts
    zone: tzinfo
    monitors: Monitors | None = None
    detect: Detect | None = None
    backlog: Backlog | None = None
    usable: Usable | None = None
    room_of: RoomOf | None = None
    patience_s: float = PATIENCE_S

    async def run_text(
        self, text: str, *, actor: Actor, front: Front, channel: str, once: str | None = None
    ) -> Reply:
        """The answer to a typed line; an empty one asks for help. `once` is the chat's id of the delivery."""
        call = _Call(actor=actor, front=front, channel=channel, once=once)
        return await self._answer(call, text, lambda: parse.from_words(parse.split(text), self.commands))

    async def run(
        self,
        name: str,
        arguments: Mapping[str, str],
        *,
        actor: Actor,
        front: Front,
        channel: str,
        once: str | None = None,
    ) -> Reply:
        """The answer to a command whose words are already told apart: Discord's options, the console's form."""
        call = _Call(actor=actor, front=front, channel=channel, once=once)
        raw = " ".join([name, *arguments.values()])
        return await self._answer(call, raw, lambda: parse.from_arguments(name, arguments, self.commands))

    async def _answer(self, call: _Call, raw: str, understand: Callable[[], Request]) -> Reply:
        request: Request | None = None
        try:
            async with asyncio.timeout(self.patience_s):
                if await self._is_repeat(call):
                    return Reply(card=_REPEATED)
                request = understand()
                reply, outcome = await self._run(call, request), "done"
        except CommandError as error:
            reply, outcome = _apology(error)
        except Exception as error:
            reply, outcome = _breakdown(error, request.line if request else raw)
        RUNS.labels(request.command.name if request else "none", call.front, outcome).inc()
        await self._note(call, request.line if request else raw, outcome)
        return reply

    async def _is_repeat(self, call: _Call) -> bool:
        return call.once is not None and not await self.once.first(f"{call.front}:{call.once}", REMEMBERED)

    async def _run(self, call: _Call, request: Request) -> Reply:
        needed = request.command.role
        if call.actor.role < needed:
            raise NotAllowed(
                f'"{request.command.name}" needs the role {needed.name.lower()}; yours is {call.actor.role.name.lower()}.'
                " Ask whoever runs Fogbell to change it."
            )
        ctx = self._context(call)
        if request.missing:
            raise await _incomplete(ctx, request)
        return await request.command.run(ctx, **request.words)

    def _context(self, call: _Call) -> Context:
        return Context(
            actor=call.actor,
            front=call.front,
            channel=call.channel,
            now=self.clock.now(),
            zone=self.zone,
            incidents=self.incidents,
            acknowledge=self.acknowledge,
            silences=self.silences,
            sources=self.sources,
            rules=self.rules,
            names=self.names,
            drafts=self.drafts,
            commands=self.commands,
            monitors=self.monitors,
            detect=self.detect,
            backlog=self.backlog,
            usable=self.usable,
            room_of=self.room_of,
        )

    async def _note(self, call: _Call, line: str, outcome: str) -> None:
        entry = {
            "at": self.clock.now().isoformat(),
            "actor": call.actor.id,
            "front": call.front.value,
            "command": _recorded(line),
            "outcome": outcome,
        }
        try:
            async with asyncio.timeout(self.patience_s):
                await self.audit.append(entry)
        except (StoreError, TimeoutError) as error:
            # What was done is done: the person must hear so even where the line is lost.
            log().warning(Event.COMMAND_UNAUDITED, error=str(error), **entry)


async def _incomplete(ctx: Context, request: Request) -> UsageError:
    """What is missing, how it is written, and the incidents that it may be about."""
    missing = " and ".join(parameter.name for parameter in request.missing)
    words = f'"{request.command.name}" needs the {missing}. Usage: {request.command.usage}'
    if request.command.example:
        words += f'\nExample: "{request.command.example}"'
    if any(parameter.is_incident for parameter in request.missing):
        words += f"\n{open_words(ctx, await ctx.open_incidents())}"
    return UsageError(words)


def _apology(error: CommandError) -> tuple[Reply, str]:
    match error:
        case NotAllowed():
            title, outcome = "You may not do that", "not allowed"
        case NotFound():
            title, outcome = "There is no such thing", "not found"
        case NotPossible():
            title, outcome = "That cannot be done", "not possible"
        case _:
            title, outcome = "I did not understand that", "not understood"
    return Reply(card=plain(title, str(error), tone=Tone.MINOR), is_error=True), outcome


def _recorded(line: str) -> str:
    """The line as it is kept: short, and without what addresses may hold of keys."""
    return parse.shown(_URL.sub(lambda found: net.shown(found[0]), line), AUDIT_MAX_CHARS)


def _breakdown(error: Exception, line: str) -> tuple[Reply, str]:
    reference = secrets.token_hex(3)
    log().error(Event.COMMAND_FAILED, reference=reference, command=_recorded(line), exc_info=error)
    match error:
        case StoreError():
            cause = "The store does not answer, or was too busy."
        case TimeoutError():
            cause = "It took too long."
        case _:
            cause = "It is a fault of Fogbell, and it is in the log."
    text = f"{cause} Perhaps it was done, perhaps not: look before you repeat it. Reference: {reference}"
    return Reply(card=plain("That did not work", text, tone=Tone.MAJOR), is_error=True), "failed"
