"""One signature, every front end: what is read off a command."""

from __future__ import annotations

from bot.commands import COMMANDS
from bot.domain.notice import Cause, Stage
from bot.domain.words import Role

BY_NAME = {command.name: command for command in COMMANDS}


def test_these_are_the_commands() -> None:
    assert list(BY_NAME) == [
        "status",
        "list",
        "show",
        "ack",
        "silence",
        "routes",
        "outbox",
        "draft",
        "monitor",
        "help",
    ]


def test_usage_is_read_off_the_signature() -> None:
    assert {name: command.usage for name, command in BY_NAME.items()} == {
        "status": "status [target ...]",
        "list": "list",
        "show": "show <incident>",
        "ack": "ack <incident>",
        "silence": "silence <target> <duration> [why ...]",
        "routes": "routes <incident>",
        "outbox": "outbox [action] [target] [channel] [reason ...]",
        "draft": "draft <incident> [stage] [cause]",
        "monitor": "monitor [action] [target ...]",
        "help": "help [command]",
    }


def test_only_commands_that_change_or_say_something_need_a_responder() -> None:
    assert {"ack", "silence", "outbox", "draft", "monitor"} == {
        c.name for c in COMMANDS if c.role > Role.VIEWER
    }


def test_closed_sets_are_offered_as_choices() -> None:
    stage, cause = BY_NAME["draft"].parameters[1:]

    assert tuple(Stage) == stage.choices
    assert tuple(Cause) == cause.choices


def test_incidents_are_marked_so_that_a_front_end_can_offer_the_open_ones() -> None:
    marked = {c.name for c in COMMANDS if any(p.is_incident for p in c.parameters)}

    assert {"show", "ack", "routes", "draft"} == marked


def test_every_command_and_word_fits_what_discord_takes_and_says_what_it_is() -> None:
    """Discord: names of at most 32 characters, descriptions of 1 to 100, at most 25 choices and 25 options."""
    for command in COMMANDS:
        assert 0 < len(command.help) <= 100
        assert len(command.name) <= 32
        assert command.example.startswith(command.name)
        for parameter in command.parameters:
            assert 0 < len(parameter.help) <= 100
            assert len(parameter.choices) <= 25


def test_required_words_come_before_the_others_and_the_rest_comes_last() -> None:
    for command in COMMANDS:
        kinds = [not parameter.is_required for parameter in command.parameters]
        assert sorted(kinds) == kinds
        assert not any(parameter.is_rest for parameter in command.parameters[:-1])
