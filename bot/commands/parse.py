"""From typed text to a command and its checked words. Pure; the one place that knows quotes, ids and near misses.

A chat's own markup (Slack's entities and links) is undone by that chat's listener before it comes here.
"""

from __future__ import annotations

import difflib
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.commands.spec import Command, Parameter
from bot.errors import UsageError

TEXT_MAX_CHARS = 2_000
WORD_MAX_CHARS = 100
REST_MAX_CHARS = 500
SHOWN_MAX_CHARS = 40  # of a mistyped word, when it is quoted back

_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛", "'"))
_MENTIONS = re.compile(r"^(?:\s*(?:<@[!&]?\w+(?:\|[^>]*)?>|@fogbell\b)[\s:,]*)+", re.IGNORECASE)
_SINGLE_QUOTED = re.compile(r"(?<!\S)'([^'\"]*)'(?!\S)")
_INCIDENT = re.compile(r"#?(?:inc[-_ ]?)?([0-9]{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command and its words, checked. `missing` names required words that were not given."""

    command: Command
    words: Mapping[str, str]
    missing: tuple[Parameter, ...] = ()

    @property
    def line(self) -> str:
        """The request in one form, whatever front end it came through."""
        return " ".join(
            [
                self.command.name,
                *(self.words[p.name] for p in self.command.parameters if p.name in self.words),
            ]
        )


def clean(text: str) -> str:
    """The text on one line, without control, direction or unpaired surrogate characters."""
    kept = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join("".join(kept).split())


def shown(text: str, most: int = SHOWN_MAX_CHARS) -> str:
    """The text, clean and short enough to be quoted back."""
    line = clean(text[: most * 4])
    return line if len(line) <= most else line[: most - 1] + "…"


def split(text: str) -> list[str]:
    """The words of a line: a leading mention of the bot is left out, quotes of any shape hold words together.

    A single quote counts only around whole words, so that "don't" needs none. Raises UsageError.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise UsageError(
            f"That is {len(text)} characters long; I read at most {TEXT_MAX_CHARS}. Make it shorter."
        )
    line = _MENTIONS.sub("", clean(text).translate(_STRAIGHT))
    lexer = shlex.shlex(_SINGLE_QUOTED.sub(r'"\1"', line), posix=True)
    lexer.whitespace_split = True
    lexer.quotes, lexer.escape, lexer.commenters = '"', "", ""
    try:
        return list(lexer)
    except ValueError as exc:
        raise UsageError('A quote (") is opened and never closed: close it, or leave it out.') from exc


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three known names that the word may have meant, the likeliest first."""
    plain = {name.casefold(): name for name in known}
    typed = word.casefold()
    begins = [k for k in plain if len(typed) > 1 and (k.startswith(typed) or typed.startswith(k))]
    close = difflib.get_close_matches(typed, plain, n=3, cutoff=0.6)
    return tuple(plain[k] for k in dict.fromkeys([*begins, *close]))[:3]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ " Did you mean "aws"?", or an empty string when nothing is near."""
    guesses = near(word, known)
    quoted = " or ".join(f'"{guess}"' for guess in guesses)
    return f" Did you mean {quoted}?" if guesses else ""


def from_words(words: Sequence[str], commands: Iterable[Command]) -> Request:
    """The request that a line's words make; no words at all ask for help. Raises UsageError."""
    name, rest = (words[0], list(words[1:])) if words else ("help", [])
    command = named(name.removeprefix("/"), commands)
    given: dict[str, str] = {}
    for parameter in command.parameters:
        taken, rest = (rest, []) if parameter.is_rest else (rest[:1], rest[1:])
        given[parameter.name] = " ".join(taken)
    if rest:
        extra = shown(" ".join(rest))
        raise UsageError(f'I do not know what to do with "{extra}". Usage: {command.usage}')
    return _checked(command, given)


def from_arguments(name: str, arguments: Mapping[str, str], commands: Iterable[Command]) -> Request:
    """The request that a form or an application command makes. Raises UsageError."""
    command = named(name, commands)
    known = {p.name for p in command.parameters}
    for argument in arguments:
        if argument not in known:
            raise UsageError(f'"{command.name}" takes no "{shown(argument)}". Usage: {command.usage}')
    return _checked(command, arguments)


def named(name: str, commands: Iterable[Command]) -> Command:
    """The command of this name. Raises UsageError, which lists all and the near ones."""
    by_name = {command.name: command for command in commands}
    if found := by_name.get(name.casefold()):
        return found
    lines = "\n".join(f"{c.usage}: {c.help}" for c in by_name.values())
    guess = did_you_mean(name, by_name)
    raise UsageError(f'There is no command "{shown(name)}".{guess}\nI know these:\n{lines}')


def _checked(command: Command, given: Mapping[str, str]) -> Request:
    words: dict[str, str] = {}
    missing: list[Parameter] = []
    for parameter in command.parameters:
        value = _value(command, parameter, given.get(parameter.name) or "") or parameter.default
        if value:
            words[parameter.name] = value
        elif parameter.is_required:
            missing.append(parameter)
    return Request(command=command, words=words, missing=tuple(missing))


def _value(command: Command, parameter: Parameter, raw: str) -> str:
    most = REST_MAX_CHARS if parameter.is_rest else WORD_MAX_CHARS
    if len(raw) > most:
        raise UsageError(
            f"The {parameter.name} is {len(raw)} characters long; at most {most} are allowed. Make it shorter."
        )
    value = clean(raw)
    if value and parameter.is_incident:
        return _incident(command, value)
    if value and parameter.choices:
        return _choice(parameter, value)
    return value


def incident_id(word: str) -> str | None:
    """ "INC-12" for "12", "#12", "inc-12" and the like; None for what is no incident's id."""
    found = _INCIDENT.fullmatch(word)
    return f"INC-{int(found[1])}" if found else None


def _incident(command: Command, value: str) -> str:
    if found := incident_id(value):
        return found
    raise UsageError(f'"{shown(value)}" is not an incident; write it as INC-12 or 12. Usage: {command.usage}')


def _choice(parameter: Parameter, value: str) -> str:
    for choice in parameter.choices:
        if choice.casefold() == value.casefold():
            return choice
    guess = did_you_mean(value, parameter.choices)
    raise UsageError(
        f'"{shown(value)}" is no {parameter.name}.{guess} Choose one of: {", ".join(parameter.choices)}.'
    )
