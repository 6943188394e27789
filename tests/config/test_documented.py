"""The example loads, also with all that is commented out; and every setting is in docs/configuration.md."""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config import load, sources
from bot.config.channels import QuietTable, SpanTable, When
from bot.config.models import (
    LISTS,
    TABLES,
    AppriseService,
    Chats,
    Discord,
    Slack,
    SourceAuth,
    WebhookTable,
    Workspace,
)
from bot.config.secrets import Secret
from bot.config.table import Table
from bot.sources import FORMATS, catalogue

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
TOKEN = "a token that nobody guesses"
TOKENS = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DISCORD_TOKEN", "FOGBELL_TOKEN"), TOKEN)
TOKENS["PULSE_URL"] = "https://alive.example/ping/of-this-worker"
TOKENS["ACME_KEY"] = "key"
TOKENS["ACME_PUSH"] = "part-of-an-address"
TOKENS["TEAMS_URL"] = "ntfys://topic"
TOKENS["BUS_SECRET"] = TOKENS["BUS_OLD_SECRET"] = "whsec_" + 43 * "a" + "="

HEADINGS: dict[str, type[Table]] = {
    **{f"## [{name}]": model for name, model in TABLES.items() if model is not Chats},
    "## [chat.slack]": Slack,
    "### [[chat.slack.workspace]]": Workspace,
    "## [chat.discord]": Discord,
    "## [[chat.apprise]]": AppriseService,
    "## [[chat.webhook]]": WebhookTable,
    **{f"## [[{name}]]": model for name, model in LISTS.items()},
    "### when": When,
    "### spans": SpanTable,
    "### quiet": QuietTable,
    "### [source.auth]": SourceAuth,
}


@dataclass
class Row:
    setting: str
    about: str
    default: str


def rows(heading: str) -> dict[str, Row]:
    """The settings documented below a heading."""
    _, _, rest = DOCS.partition(f"\n{heading}\n")
    section = re.split(r"^##", rest, maxsplit=1, flags=re.M)[0]
    found = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, flags=re.M)
    return {name: Row(name, about, default) for name, about, default in found}


def settings(model: type[Table]) -> set[str]:
    """The settings of a table, as they are written in the file."""
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_setting_is_documented_and_nothing_else_is(heading: str) -> None:
    assert settings(HEADINGS[heading]) == set(rows(heading))


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_required_setting_is_documented_as_required(heading: str) -> None:
    fields = HEADINGS[heading].model_fields
    required = {field.alias or name for name, field in fields.items() if field.is_required()}

    assert required == {row.setting for row in rows(heading).values() if row.default == "required"}


def test_every_table_has_a_heading() -> None:
    """Walks the models, so that a new table cannot stay undocumented."""
    assert _models(*TABLES.values(), *LISTS.values()) - {Chats} == set(HEADINGS.values())


def test_every_format_is_documented() -> None:
    assert [name for name in FORMATS if f"`{name}`" not in rows("## [[source]]")["format"].about] == []


def test_the_example_loads_without_tokens_and_without_a_warning() -> None:
    config = load(EXAMPLE, {}, base=ROOT)

    assert config.warnings == ()
    assert len(sources(config)) == 8
    assert config.chat.slack is None
    assert config.chat.discord is None


def test_every_line_that_is_commented_out_in_the_example_is_valid() -> None:
    everything = re.sub(r"^#(?=[\w\[])", "", EXAMPLE, flags=re.M)

    config = load(everything, TOKENS, base=ROOT)

    assert [w for w in config.warnings if not w.startswith("chat.")] == []
    assert config.chat.slack is not None
    assert config.chat.discord is not None


def test_the_example_shows_every_setting() -> None:
    everything = re.sub(r"^#(?=[\w\[])", "", EXAMPLE, flags=re.M)
    words = set(re.findall(r"\w+", everything))

    missing = {name for model in HEADINGS.values() for name in settings(model)} - words
    assert missing == set()


def test_what_the_example_shows_as_commented_out_defaults_are_the_defaults() -> None:
    everything = load(re.sub(r"^#(?=[\w\[])", "", EXAMPLE, flags=re.M), TOKENS, base=ROOT)
    nothing = load("", {}, base=ROOT)

    assert everything.rules == nothing.rules
    assert everything.fogbell.data == nothing.fogbell.data
    assert everything.chat.slack == Slack(bot_token=Secret(TOKEN), app_token=Secret(TOKEN))


def test_every_source_of_the_example_is_one_whose_address_is_sure() -> None:
    entries = [catalogue.find(spec.provider) for spec in sources(load(EXAMPLE, {}, base=ROOT))]

    assert None not in entries


def _models(*models: type[BaseModel]) -> set[type[BaseModel]]:
    found = set(models)
    for model in models:
        for field in model.model_fields.values():
            kinds = (field.annotation, *typing.get_args(field.annotation))
            inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
            found |= _models(*inner)
    return found
