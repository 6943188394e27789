"""The configuration file as types: `load` reads it and reports every mistake at once; `values` makes domain values of it.

Only the command line, `doctor` and `wiring` read it. One TOML table is one model in `models` or `channels`, one heading in
docs/configuration.md and one line in `wiring`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from bot.config import problems, references
from bot.config.channels import CalendarTable, ChannelTable, RouteTable
from bot.config.models import (
    LISTS,
    TABLES,
    About,
    Chats,
    CheckTable,
    Console,
    GroupTable,
    Notices,
    Pulse,
    ServiceTable,
    Source,
    Store,
    Windows,
)
from bot.config.secrets import Secret, Surroundings
from bot.config.table import Table
from bot.config.values import checks, clouds, rules, sources
from bot.errors import ConfigError
from bot.sources import FORMATS

__all__ = ["Config", "Secret", "checks", "clouds", "load", "rules", "sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid configuration. `warnings` are lines about what is allowed, but probably not meant; `secret_files` are where
    secrets were read from."""

    fogbell: About
    store: Store
    console: Console
    pulse: Pulse
    chat: Chats
    notices: Notices
    rules: Windows
    source: tuple[Source, ...] = ()
    service: tuple[ServiceTable, ...] = ()
    check: tuple[CheckTable, ...] = ()
    group: tuple[GroupTable, ...] = ()
    route: tuple[RouteTable, ...] = ()
    calendar: tuple[CalendarTable, ...] = ()
    channel: tuple[ChannelTable, ...] = ()
    warnings: tuple[str, ...] = ()
    secret_files: tuple[Path, ...] = ()


def load(
    text: str, environ: Mapping[str, str], *, base: Path, formats: Collection[str] = tuple(FORMATS)
) -> Config:
    """The configuration that a TOML text writes. Reads no file but those of `{ file = ... }` secrets.

    Paths in it are relative to `base`, the folder of the file. Raises ConfigError with one line for each mistake.
    """
    try:
        raw = tomllib.loads(text.removeprefix("\ufeff"))  # some editors begin a file with a byte order mark
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError([problems.of_syntax(exc)]) from exc
    except RecursionError as exc:
        raise ConfigError(["the file: brackets are nested too deeply"]) from exc
    reading = references.Reading(raw=raw, tables=[], formats=formats)
    around = Surroundings(environ=environ, base=base)
    for path, model, value in _parts(raw, reading.problems):
        try:
            table = model.model_validate(value, context=around)
        except ValidationError as exc:
            reading.problems += problems.of_table(path, model, exc)
            reading.tables += [(path, rest) for rest in _without_mistakes(model, value, exc, around)]
        else:
            reading.tables.append((path, table))
    references.check(reading)
    if reading.problems:
        raise ConfigError(reading.problems)
    return replace(_config(reading), secret_files=tuple(sorted(around.files)))


def _parts(raw: Mapping[str, Any], mistakes: list[str]) -> Iterator[tuple[str, type[Table], Any]]:
    """Every table of the file with its path and model; what is no table at all goes to `mistakes`."""
    mistakes += [problems.unknown(key, (*TABLES, *LISTS)) for key in raw if key not in {*TABLES, *LISTS}]
    for key, model in TABLES.items():
        yield key, model, raw.get(key, {})
    for key, model in LISTS.items():
        items = raw.get(key, [])
        if not isinstance(items, list):
            mistakes.append(f"{key}: write [[{key}]], with two brackets: there may be several")
            continue
        for n, item in enumerate(items):
            yield f"{key}.{n}", model, item


def _without_mistakes(
    model: type[Table], value: Any, mistakes: ValidationError, around: Surroundings
) -> tuple[Table, ...]:
    """The table without its wrong settings, so that what else is wrong with it is found at once; none where that
    would be another table: a source is told by its address, and required settings cannot be left out."""
    wrong = {str(detail["loc"][0]) for detail in mistakes.errors() if detail["loc"]}
    if not isinstance(value, dict) or wrong & {"url", "provider"}:
        return ()
    try:
        rest = {key: setting for key, setting in value.items() if key not in wrong}
        return (model.model_validate(rest, context=around),)
    except ValidationError:
        return ()


def _config(reading: references.Reading) -> Config:
    single = {path: table for path, table in reading.tables if path in TABLES}
    several = {key: tuple(t for p, t in reading.tables if p.startswith(f"{key}.")) for key in LISTS}
    return Config(**cast(Any, single | several), warnings=tuple(reading.warnings))
