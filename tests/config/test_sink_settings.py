"""[[chat.apprise]] and [[chat.webhook]]: names that must exist, addresses and secrets that are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Config, load
from bot.errors import ConfigError

GOOD = "whsec_" + 43 * "a" + "="
ENVIRON = {
    "TEAMS_URL": "ntfys://user:hunter2@host/topic",
    "BUS_SECRET": GOOD,
    "OLD_SECRET": "whsec_" + 32 * "b",
}
TEXT = """
[[chat.apprise]]
name = "teams"
url  = { env = "TEAMS_URL" }

[[chat.webhook]]
name       = "bus"
url        = "https://bus.example/hook?token=hunter2"
secret     = { env = "BUS_SECRET" }
old_secret = { env = "OLD_SECRET" }

[[group]]
name     = "ops"
channels = ["apprise:teams", "webhook:bus"]
"""


def loaded(text: str, environ: dict[str, str] | None = None) -> Config:
    return load(text, ENVIRON | (environ or {}), base=Path())


def mistakes(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, environ)
    assert "hunter2" not in str(caught.value)
    return caught.value.problems


def test_both_kinds_of_tables_load_and_show_no_secret() -> None:
    config = loaded(TEXT)

    (service,), (hook,) = config.chat.apprise, config.chat.webhook
    assert service.url.reveal() == "ntfys://user:hunter2@host/topic"
    assert (hook.url.reveal(), hook.secret.reveal()) == ("https://bus.example/hook?token=hunter2", GOOD)
    assert config.warnings == ()
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("channel", "problem"),
    [
        ("apprise:team", 'no [[chat.apprise]] is called "team"; did you mean "teams"?'),
        ("webhook:buss", 'no [[chat.webhook]] is called "buss"; did you mean "bus"?'),
        ("webhook:teams", 'no [[chat.webhook]] is called "teams"'),
    ],
)
def test_a_channel_without_its_table_is_a_mistake(channel: str, problem: str) -> None:
    assert mistakes(TEXT.replace('"webhook:bus"', f'"{channel}"')) == [f"group.0.channels.1: {problem}"]


def test_a_channel_whose_table_is_wrong_otherwise_is_not_called_missing_too() -> None:
    found = mistakes(TEXT, {"TEAMS_URL": "hunter2"})

    assert [problem.partition(":")[0] for problem in found] == ["chat.apprise.0.url"]


def test_two_tables_of_one_name_are_a_mistake() -> None:
    again = '[[chat.apprise]]\nname = "teams"\nurl = { env = "TEAMS_URL" }\n'

    assert mistakes(TEXT + again) == [
        'chat.apprise.1.name: "teams" is the name of chat.apprise.0 already; give each a name of its own'
    ]


def test_a_table_that_no_group_names_is_worth_a_warning() -> None:
    config = loaded(TEXT.replace(', "webhook:bus"', ""))

    assert config.warnings == ('chat.webhook.0: no group holds "webhook:bus"; add it to the channels of one',)


@pytest.mark.parametrize(
    "secret", ["hunter2", "whsec_", "whsec_hunter2", "whsec_" + 31 * "a", "whsec_" + 92 * "a", 43 * "a" + "="]
)
def test_a_secret_that_libraries_would_not_take_is_a_mistake_with_a_way_out(secret: str) -> None:
    (found,) = mistakes(TEXT, {"BUS_SECRET": secret})

    assert found.startswith(
        'chat.webhook.0.secret: must be "whsec_" and 24 to 64 bytes in base64; make one with'
    )


@pytest.mark.parametrize("url", ["hunter2", "ntfys:hunter2", "NTFYS://hunter2", "ntfys://hun ter2 hunter2"])
def test_what_is_no_address_of_apprise_is_a_mistake(url: str) -> None:
    (found,) = mistakes(TEXT, {"TEAMS_URL": url})

    assert found.startswith("chat.apprise.0.url: must be an address of Apprise's")


@pytest.mark.parametrize("url", ["bus.example/hunter2", "ftp://bus.example/hunter2", "https://"])
def test_what_is_no_web_address_is_a_mistake(url: str) -> None:
    (found,) = mistakes(TEXT.replace("https://bus.example/hook?token=hunter2", url))

    assert found == "chat.webhook.0.url: is not a web address: write https://... or http://..."


def test_an_address_of_apprise_is_never_written_into_the_file() -> None:
    (found,) = mistakes(TEXT.replace('{ env = "TEAMS_URL" }', '"ntfys://hunter2"'))

    assert found.startswith("chat.apprise.0.url: write { env = ")


def test_a_single_table_may_have_single_brackets() -> None:
    assert loaded(TEXT) == loaded(TEXT.replace("[[chat.apprise]]", "[chat.apprise]"))


def test_what_is_no_table_at_all_is_a_mistake() -> None:
    text = TEXT.replace("[[chat.apprise]]", "[chat]\napprise = 5\n[other]")

    assert "chat.apprise: must be a list" in mistakes(text)
