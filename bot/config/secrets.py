"""Secrets in the configuration: named, never written. `Secret` shows its value only when asked to `reveal` it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOW = 'write { env = "NAME" } or { file = "PATH" }, never the secret itself'


class Secret:
    """A value that no log, error or representation shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: for the call that needs it, and nowhere else."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a configuration may refer to: environment variables, and files relative to the configuration's folder.

    `files` fills up with those that secrets were read from.
    """

    environ: Mapping[str, str]
    base: Path
    files: set[Path] = field(default_factory=set)

    def path(self, text: str) -> Path:
        """A path of the configuration, made absolute where `base` is. Raises ValueError for what can be none."""
        if "\0" in text:
            raise ValueError("is not a path")
        try:
            return self.base / Path(text).expanduser()
        except RuntimeError as exc:
            raise ValueError(f'"{text[:60]}": this user has no home folder here') from exc


def surroundings(info: ValidationInfo) -> Surroundings:
    """What the validation at hand may refer to."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings(environ={}, base=Path())


def resolve(value: Any, info: ValidationInfo) -> Secret:
    """The secret that { env = ... } or { file = ... } names. Raises ValueError that never holds it."""
    around = surroundings(info)
    match value:
        case Secret():
            return value
        case {"env": str(name), **rest} if not rest:
            return Secret(_from_environment(name, around))
        case {"file": str(name), **rest} if not rest:
            path = around.path(name)
            around.files.add(path)
            return Secret(_from_file(path))
    raise ValueError(_HOW)


def _from_environment(name: str, around: Surroundings) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"env takes the name of an environment variable: {_HOW}")
    value = around.environ.get(name, "").strip()
    if not value:
        # A token written here by mistake must not be shown: names of variables are upper case by custom.
        shown = name if name.isupper() else "that it names"
        raise ValueError(f"the environment variable {shown} is not set: set it, or comment this table out")
    return value


def _from_file(path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise ValueError(f"the file {path} cannot be read ({reason})") from exc
    if not value:
        raise ValueError(f"the file {path} is empty")
    return value


SecretField = Annotated[Secret, BeforeValidator(resolve)]
