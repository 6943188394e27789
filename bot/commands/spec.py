"""What a command is: one async function whose signature is the definition for every front end.

Slack's text parser, Discord's application commands, `fogbell say` and the console's form are all made from
`Command.parameters`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from bot.domain.card import Card
from bot.domain.words import Role


class Front(StrEnum):
    """Where a command was typed."""

    SLACK = "slack"
    DISCORD = "discord"
    CONSOLE = "console"
    CLI = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person on some chat: `id` is "slack:U123"; `name` is for people."""

    id: str
    name: str
    role: Role = Role.RESPONDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `is_private` ones are shown to the person alone (ephemeral)."""

    card: Card
    is_private: bool = True
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One word of a command. `choices` is empty for free text. A `is_rest` parameter takes all remaining words.

    `is_incident` ones hold an incident's id, so that a front end can offer the open ones.
    """

    name: str
    help: str
    is_required: bool
    default: str = ""
    choices: tuple[str, ...] = ()
    is_rest: bool = False
    is_incident: bool = False

    @property
    def words(self) -> str:
        """The parameter as a usage line shows it: "<incident>", "[stage]", "[why ...]"."""
        name = f"{self.name} ..." if self.is_rest and not self.is_required else self.name
        return f"<{name}>" if self.is_required else f"[{name}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and what every front end needs to offer it. `example` is a whole line, ready to type."""

    name: str
    help: str
    role: Role
    parameters: tuple[Parameter, ...]
    run: Callable[..., Awaitable[Reply]]
    example: str = ""

    @property
    def usage(self) -> str:
        """ "silence <target> <duration> [why ...]"."""
        return " ".join([self.name, *(p.words for p in self.parameters)])


class Rest:
    """Marks a parameter that takes all remaining words: `Annotated[str, "Why", Rest]`."""


class IncidentId:
    """Marks a parameter that names an incident; the function always receives it as "INC-12"."""


@dataclass(frozen=True)
class OneOf:
    """Marks a parameter with a closed set of values: `Annotated[str, "Stage", OneOf(Stage)]`."""

    values: Iterable[str]


def command(*, role: Role, example: str = "") -> Callable[[Callable[..., Awaitable[Reply]]], Command]:
    """Make a Command of an async function `(ctx, word: Annotated[str, "help", ...] = "")`.

    Every parameter is a str; Rest, IncidentId and OneOf say more. The docstring's first line is the help. A trailing
    underscore of the function's name is for Python alone.
    """

    def define(function: Callable[..., Awaitable[Reply]]) -> Command:
        hints = get_type_hints(function, include_extras=True)
        words = list(inspect.signature(function).parameters.values())[1:]
        return Command(
            name=function.__name__.rstrip("_").replace("_", "-"),
            help=(inspect.getdoc(function) or "").split("\n")[0],
            role=role,
            parameters=tuple(_parameter(word, hints[word.name]) for word in words),
            run=function,
            example=example,
        )

    return define


def _parameter(word: inspect.Parameter, hint: Any) -> Parameter:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    has_default = word.default is not inspect.Parameter.empty
    return Parameter(
        name=word.name,
        help=next((note for note in notes if isinstance(note, str)), ""),
        is_required=not has_default,
        default=str(word.default) if has_default and word.default else "",
        choices=tuple(str(v) for note in notes if isinstance(note, OneOf) for v in note.values),
        is_rest=Rest in notes,
        is_incident=IncidentId in notes,
    )
