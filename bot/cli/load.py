"""Finds and reads the configuration for every subcommand that needs one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.config import Config

DEFAULT = Path("fogbell.toml")


class NoSecrets(dict[str, str]):
    """An environment in which every variable is set: a dry run speaks to no chat, so it needs no tokens."""

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]
        """The variable, or a word in its place."""
        return super().get(name) or "not-needed"


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config and --data."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=DEFAULT,
        help="the configuration (default: fogbell.toml)",
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="where the embedded store lives, in place of the file's"
    )


def config_at(path: Path, *, data: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file. Raises ConfigError with every mistake, or when there is no such file."""
    from bot.config import load

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            [
                f"{path}: there is no such file; `fogbell init` writes one, and config.example.toml shows everything"
            ]
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError([f"{path}: cannot be read: {exc}"]) from exc
    config = load(text, environ, base=path.resolve().parent)
    return (
        replace(config, fogbell=config.fogbell.model_copy(update={"data": data.resolve()}))
        if data
        else config
    )
