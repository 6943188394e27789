"""What a command is: one async function whose signature is the definition for every front end.

Slack's text parser, Discord's application commands, `fogbell say` and the console's form are all made from `Command.parameters`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

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
    """One word of a command. `choices` is empty for free text. A `is_rest` parameter takes all remaining words."""

    name: str
    help: str
    is_required: bool
    default: str = ""
    choices: tuple[str, ...] = ()
    is_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and what every front end needs to offer it."""

    name: str
    help: str
    role: Role
    parameters: tuple[Parameter, ...]
    run: Callable[..., Awaitable[Reply]]
    example: str = ""


class Rest:
    """Marks a parameter that takes all remaining words: `Annotated[str, "Why", Rest]`."""


def command(*, role: Role, example: str = "") -> Callable[[Callable[..., Awaitable[Reply]]], Command]:
    """Make a Command of an async function `(ctx, *, word: Annotated[str, "help"] = default)`.

    Choices are written `Annotated[Literal["a", "b"] | ..., "help"]` or with a StrEnum. The docstring's first line is the help.
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
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    has_default = word.default is not inspect.Parameter.empty
    return Parameter(
        name=word.name,
        help=next((note for note in notes if isinstance(note, str)), ""),
        is_required=not has_default,
        default=str(word.default) if has_default and word.default else "",
        choices=_choices(kind),
        is_rest=Rest in notes,
    )


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(str(value) for value in get_args(kind) if value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return tuple(member.value for member in kind)
    return ()
