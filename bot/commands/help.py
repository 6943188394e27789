"""`help`: what there is, in one line each, and how one command is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from bot.commands.context import Context
from bot.commands.lines import plain
from bot.commands.parse import named
from bot.commands.spec import Command, Parameter, Reply, command
from bot.domain.card import Card, Section
from bot.domain.words import Role


@command(role=Role.VIEWER, example="help ack")
async def help_(ctx: Context, command: Annotated[str, "A command"] = "") -> Reply:
    """Show what I can do, or how one command is used."""
    if command:
        return Reply(card=lesson(named(command, ctx.commands)))
    return Reply(card=overview(ctx.commands))


def overview(commands: Iterable[Command]) -> Card:
    """Every command in one line."""
    lines = "\n".join(f"{c.usage}: {c.help}" for c in commands)
    return plain("What I can do", lines, sections=(Section(text='More about one of them: "help ack".'),))


def lesson(command: Command) -> Card:
    """One command, by example."""
    words = "\n".join(_word(parameter) for parameter in command.parameters)
    example = Section(heading="Example", text=command.example or command.name)
    who = Section(heading="Who may", text=f"{command.role.name.lower()} and above")
    details = (Section(heading="Words", text=words),) if words else ()
    return plain(command.usage, command.help, sections=(example, *details, who))


def _word(parameter: Parameter) -> str:
    choices = f" ({', '.join(parameter.choices)})" if parameter.choices else ""
    return f"{parameter.words}: {parameter.help}{choices}"
