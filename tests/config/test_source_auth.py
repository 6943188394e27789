"""Private pages: what opens them, said in one way only, and never shown."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from bot.config import Config, load, sources
from bot.errors import ConfigError
from bot.sources.fetching.auth import Auth, Header, Microsoft

ENVIRON = {"KEY": "hunter2", "BROKEN": "hunter2\r\nX-Evil: 1"}
ACME = '[[source]]\nname = "acme"\nurl = "https://status.acme.example/feed"\n[source.auth]\n'


def loaded(text: str) -> Config:
    return load(text, ENVIRON, base=Path("/etc/fogbell"))


def auth(text: str) -> Auth | None:
    return sources(loaded(ACME + text))[0].auth


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('header = "X-Key"\nvalue = { env = "KEY" }', Header(name="X-Key", value="hunter2")),
        ('bearer = { env = "KEY" }', Header(name="Authorization", value="Bearer hunter2")),
        (
            'user = "ann"\npassword = { env = "KEY" }',
            Header(name="Authorization", value="Basic YW5uOmh1bnRlcjI="),
        ),
        (
            'kind = "microsoft"\ntenant = "acme.example"\nclient_id = "1-2"\nclient_secret = { env = "KEY" }',
            Microsoft(tenant="acme.example", client_id="1-2", client_secret="hunter2"),
        ),
    ],
)
def test_each_way_to_open_a_page(text: str, expected: Auth) -> None:
    assert expected == auth(text)


def test_the_secret_of_a_source_is_in_no_representation() -> None:
    for text in (
        'bearer = { env = "KEY" }',
        'tenant = "t"\nclient_id = "c"\nclient_secret = { env = "KEY" }',
    ):
        config = loaded(ACME + text)

        assert "hunter2" not in repr(config) + repr(sources(config))


@pytest.mark.parametrize(
    "text",
    [
        "",
        'header = "X-Key"',
        'value = { env = "KEY" }',
        'user = "ann"',
        'bearer = { env = "KEY" }\nuser = "ann"',
        'kind = "basic"\nbearer = { env = "KEY" }',
        'tenant = "t"\nclient_secret = { env = "KEY" }',
        'login_url = "https://login.microsoftonline.com"',
    ],
)
def test_half_a_way_or_two_are_refused(text: str) -> None:
    assert problems(ACME + text).startswith("source.0.auth: needs header and value; or bearer; or ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('bearer = "hunter2"', "never the secret itself"),
        ('bearer = { env = "BROKEN" }', "source.0.auth.bearer: holds a line break"),
        ('header = "X Key"\nvalue = { env = "KEY" }', "source.0.auth.header: is not the name of a header"),
        ('header = "Bearer hunter2"\nvalue = { env = "KEY" }', "is not the name of a header"),
        ('kind = "oauth"', 'source.0.auth.kind: "oauth" is not one of'),
        ('barer = { env = "KEY" }', 'source.0.auth.barer: unknown; did you mean "bearer"?'),
    ],
)
def test_mistakes_are_named_without_the_secret(text: str, words: str) -> None:
    found = problems(ACME + text)

    assert words in found
    assert "hunter2" not in found


def test_networks_inside_may_be_allowed() -> None:
    config = loaded('[fogbell]\nallow_networks = ["10.0.0.0/8", "fd00::/8"]\nrequests_per_second = 5')

    assert config.fogbell.allow_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert config.fogbell.requests_per_second == 5


@pytest.mark.parametrize("network", ["10.0.0.1/8", "intranet", "10.0.0.0/33", ""])
def test_what_is_no_network_is_refused_with_an_example(network: str) -> None:
    assert f'"{network}" is not a network: write one as "10.0.0.0/8"' in problems(
        f'[fogbell]\nallow_networks = "{network}"'
    )


def test_a_budget_of_nothing_is_refused() -> None:
    assert problems("[fogbell]\nrequests_per_second = 0") == "fogbell.requests_per_second: 0 is less than 1"
