"""What people type, and what is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS
from bot.commands.parse import (
    REST_MAX_CHARS,
    TEXT_MAX_CHARS,
    clean,
    from_arguments,
    from_words,
    near,
    shown,
    split,
)
from bot.errors import UsageError


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("ack INC-12", ["ack", "INC-12"], id="plain words"),
        pytest.param("  ack \t INC-12\n", ["ack", "INC-12"], id="spaces do not count"),
        pytest.param(
            "silence “aws/Amazon S3” 2h", ["silence", "aws/Amazon S3", "2h"], id="curly quotes are quotes"
        ),
        pytest.param(
            "silence «aws/S3» 2h", ["silence", "aws/S3", "2h"], id="so are those of other languages"
        ),
        pytest.param(
            "silence ‘aws/Amazon S3’ 2h",
            ["silence", "aws/Amazon S3", "2h"],
            id="and single ones around words",
        ),
        pytest.param(
            "silence aws 2h don’t call", ["silence", "aws", "2h", "don't", "call"], id="an apostrophe is none"
        ),
        pytest.param(
            "silence aws 2h it's Ann's", ["silence", "aws", "2h", "it's", "Ann's"], id="nor are two of them"
        ),
        pytest.param(
            r"silence aws 2h C:\temp #1",
            ["silence", "aws", "2h", r"C:\temp", "#1"],
            id="no escapes, no comments",
        ),
        pytest.param("<@U0BOT> ack 12", ["ack", "12"], id="Slack's mention of the bot is left out"),
        pytest.param("<@!998877>: ack 12", ["ack", "12"], id="so is Discord's"),
        pytest.param("@fogbell, ack 12", ["ack", "12"], id="and its name"),
        pytest.param("", [], id="nothing"),
        pytest.param("<@U0BOT>", [], id="nothing but a mention"),
    ],
)
def test_a_line_is_split_as_people_mean_it(line: str, expected: list[str]) -> None:
    assert expected == split(line)


def test_a_missing_quote_is_named() -> None:
    with pytest.raises(UsageError, match="never closed"):
        split('silence aws 2h "they know')


def test_a_text_without_end_is_refused_by_its_length() -> None:
    with pytest.raises(UsageError, match=f"100000 characters long; I read at most {TEXT_MAX_CHARS}"):
        split("x" * 100_000)


@given(st.text(max_size=TEXT_MAX_CHARS))
def test_any_text_is_split_or_refused_in_words(text: str) -> None:
    try:
        found = split(text)
    except UsageError:
        return
    assert all(clean(word) == word for word in found)


@given(st.text())
def test_clean_text_is_one_printable_line(text: str) -> None:
    line = clean(text)

    assert line == " ".join(line.split())
    line.encode("utf-8")
    assert clean(line) == line


def test_direction_and_control_characters_are_dropped() -> None:
    assert clean("a\x00b\u202ec\x1bd\u200be\nf") == "abcde f"


def test_what_is_quoted_back_is_short() -> None:
    assert len(shown("y" * 100_000)) == 40


@pytest.mark.parametrize("typed", ["12", "#12", "inc-12", "INC-12", "Inc12", "inc_12", "INC-0012"])
def test_an_incident_is_understood_however_it_is_written(typed: str) -> None:
    assert from_words(["ack", typed], COMMANDS).words == {"incident": "INC-12"}


@pytest.mark.parametrize("typed", ["twelve", "INC-", "INC-12x", "-12", "1234567890123"])
def test_what_is_no_incident_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(UsageError, match="write it as INC-12 or 12"):
        from_words(["ack", typed], COMMANDS)


def test_no_words_at_all_ask_for_help() -> None:
    assert from_words([], COMMANDS).command.name == "help"


def test_a_command_may_be_written_in_capitals_and_with_a_slash() -> None:
    assert from_words(["/LIST"], COMMANDS).command.name == "list"


@pytest.mark.parametrize(
    ("typed", "guess"),
    [("stauts", "status"), ("acknowledge", "ack"), ("sil", "silence"), ("hlep", "help"), ("Shwo", "show")],
)
def test_a_mistyped_command_is_guessed_but_not_run(typed: str, guess: str) -> None:
    with pytest.raises(UsageError, match=f'Did you mean "{guess}"'):
        from_words([typed, "INC-12"], COMMANDS)


def test_an_unknown_command_is_answered_with_all_of_them() -> None:
    with pytest.raises(UsageError) as caught:
        from_words(["frobnicate"], COMMANDS)

    assert all(command.usage in str(caught.value) for command in COMMANDS)
    assert "Did you mean" not in str(caught.value)


def test_the_last_words_may_be_many() -> None:
    request = from_words(["silence", "aws", "2h", "they", "know", "it"], COMMANDS)

    assert request.words == {"target": "aws", "duration": "2h", "why": "they know it"}
    assert request.line == "silence aws 2h they know it"


def test_words_too_many_are_refused_with_the_usage() -> None:
    with pytest.raises(UsageError, match=r'what to do with "now please". Usage: ack <incident>'):
        from_words(["ack", "12", "now", "please"], COMMANDS)


def test_missing_words_are_named_and_not_made_up() -> None:
    request = from_words(["silence", "aws"], COMMANDS)

    assert [parameter.name for parameter in request.missing] == ["duration"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("identifed", 'Did you mean "identified"?'), ("xyz", "Choose one of: investigating, identified")],
)
def test_a_wrong_choice_is_answered_with_the_right_ones(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_words(["draft", "12", typed], COMMANDS)

    assert said in str(caught.value)


def test_a_choice_does_not_mind_capitals() -> None:
    assert from_words(["draft", "12", "Resolved"], COMMANDS).words["stage"] == "resolved"


def test_arguments_from_a_form_are_checked_alike() -> None:
    typed = from_words(["silence", "aws", "2h", "they", "know"], COMMANDS)
    chosen = from_arguments("silence", {"why": " they\nknow ", "target": "aws", "duration": "2h"}, COMMANDS)

    assert typed == chosen


def test_an_argument_that_a_command_does_not_take_is_refused() -> None:
    with pytest.raises(UsageError, match='"ack" takes no "force"'):
        from_arguments("ack", {"incident": "12", "force": "1"}, COMMANDS)


def test_an_endless_argument_is_refused() -> None:
    with pytest.raises(UsageError, match=f"at most {REST_MAX_CHARS}"):
        from_arguments("silence", {"target": "aws", "duration": "2h", "why": "x" * 100_000}, COMMANDS)


def test_near_names_come_nearest_first() -> None:
    assert near("chekout", ["aws", "checkout", "search"]) == ("checkout",)
    assert near("zzz", ["aws", "checkout"]) == ()
