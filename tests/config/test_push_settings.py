"""Pushes are opened by a secret that can stand in an address, and asked for only where we are reached safely."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Config, load, sources
from bot.errors import ConfigError

ACME = '[[source]]\nname = "acme"\nurl = "https://status.acme.example"\npush = { env = "ACME_PUSH" }'
SECRET = "part-of-an-address"


def loaded(text: str, secret: str = SECRET) -> Config:
    return load(text, {"ACME_PUSH": secret}, base=Path())


def problem(text: str, secret: str = SECRET) -> str:
    with pytest.raises(ConfigError) as raised:
        loaded(text, secret)
    (line,) = raised.value.problems
    return line


def test_a_source_takes_pushes_when_it_has_a_secret() -> None:
    (spec,) = sources(loaded(ACME))

    assert spec.push_secret == SECRET
    assert SECRET not in repr(spec)


def test_a_source_takes_no_pushes_unless_asked() -> None:
    (spec,) = sources(loaded('[[source]]\nprovider = "github"'))

    assert spec.push_secret is None


@pytest.mark.parametrize(
    "secret", ["short", "with blanks in between", "with/a/slash/in/between", "x" * 129, "ümlaute-und-anderes"]
)
def test_a_secret_that_cannot_stand_in_an_address_is_refused_and_not_repeated(secret: str) -> None:
    line = problem(ACME, secret)

    assert line.startswith("source.0.push: must be 16 to 128 letters")
    assert secret not in line


@pytest.mark.parametrize(
    "url", ["https://fogbell.example", "https://fogbell.example/", "http://127.0.0.1:8080"]
)
def test_the_public_address_is_kept_without_its_last_slash(url: str) -> None:
    assert loaded(f'[console]\npublic_url = "{url}"').console.public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://fogbell.example",
        "https://u:p@fogbell.example",
        "https://fogbell.example/?a=1",
        "https://x.example/#a",
        "fogbell.example",
    ],
)
def test_an_address_without_tls_or_with_more_than_an_address_is_refused(url: str) -> None:
    assert problem(f'[console]\npublic_url = "{url}"').startswith("console.public_url: ")
