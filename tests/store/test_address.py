"""What may stand in [store] url, and what each form means."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.store.address import Address, Kind, address_of
from bot.store.connecting import connect


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://a", Address(kind=Kind.SINGLE, hosts=(("a", 6379),))),
        (
            "redis://bot:p%40ss@a:1/3",
            Address(
                kind=Kind.SINGLE, hosts=(("a", 1),), settings={"username": "bot", "password": "p@ss", "db": 3}
            ),
        ),
        (
            "redis://:old@[::1]:7000/?db=2&socket_timeout=2.5",
            Address(
                kind=Kind.SINGLE,
                hosts=(("::1", 7000),),
                settings={"password": "old", "db": 2, "socket_timeout": 2.5},
            ),
        ),
        (
            "rediss://a/0?ssl_ca_certs=/ca.pem&ssl_certfile=/me.pem&ssl_keyfile=/me.key&ssl_check_hostname=false",
            Address(
                kind=Kind.SINGLE,
                hosts=(("a", 6379),),
                is_tls=True,
                settings={
                    "db": 0,
                    "ssl_ca_certs": "/ca.pem",
                    "ssl_certfile": "/me.pem",
                    "ssl_keyfile": "/me.key",
                    "ssl_check_hostname": False,
                },
            ),
        ),
        (
            "unix://bot@/run/redis.sock?db=1&password=x",
            Address(
                kind=Kind.SINGLE,
                path="/run/redis.sock",
                settings={"username": "bot", "db": 1, "password": "x"},
            ),
        ),
        (
            "redis+sentinel://bot:pw@s1:1,s2,[::2]:3/main/4?sentinel_username=su&sentinel_password=sp",
            Address(
                kind=Kind.SENTINEL,
                hosts=(("s1", 1), ("s2", 26379), ("::2", 3)),
                service="main",
                settings={"username": "bot", "password": "pw", "db": 4},
                sentinel={"username": "su", "password": "sp"},
            ),
        ),
        (
            "rediss+sentinel://s1/main",
            Address(kind=Kind.SENTINEL, hosts=(("s1", 26379),), service="main", is_tls=True),
        ),
        (
            "redis+cluster://bot:pw@a:1,b",
            Address(
                kind=Kind.CLUSTER,
                hosts=(("a", 1), ("b", 6379)),
                settings={"username": "bot", "password": "pw"},
            ),
        ),
        (
            "rediss+cluster://a/0",
            Address(kind=Kind.CLUSTER, hosts=(("a", 6379),), is_tls=True, settings={"db": 0}),
        ),
    ],
)
def test_an_address_is_taken_apart(url: str, expected: Address) -> None:
    assert address_of(url) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a", "write one of redis://, rediss://, unix://, redis\\+sentinel://"),
        ("redis://", 'names "" where it should name a host'),
        ("redis://a:99999", 'names "a:99999"'),
        ("redis://a:b:c", 'names "a:b:c"'),
        ("redis://[::1", "cannot be read"),
        ("redis://a,b", "several hosts: write redis\\+sentinel:// or redis\\+cluster://"),
        ("redis://a/zero", 'ends with "zero"'),
        ("redis://a/1/2", 'ends with "1/2"'),
        ("redis://a?db=x", '"db" that makes no sense'),
        ("redis://a?sockettimeout=1", 'did you mean "socket_timeout"'),
        ("redis://a?ssl_ca_certs=/x", "write rediss://"),
        ("rediss://a?ssl_cert_reqs=maybe", '"ssl_cert_reqs" that makes no sense'),
        ("redis://a?sentinel_password=x", "only means something with redis\\+sentinel://"),
        ("redis+sentinel://a:1", "names no service"),
        ("redis+cluster://a/3", "a cluster has only database 0"),
        ("unix://", "names no socket"),
    ],
)
def test_nonsense_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        address_of(url)


@pytest.mark.parametrize(
    "url", ["redis://bot:hunter2@a:b", "redis://bot:hunter2@a?x=1", "nonsense://bot:hunter2@a"]
)
def test_an_error_never_shows_the_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        address_of(url)

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(Address(kind=Kind.SINGLE, settings={"password": "hunter2"}))


def test_a_certificate_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ssl_ca_certs names .*ca.pem, which cannot be read"):
        connect(f"rediss://a?ssl_ca_certs={tmp_path}/ca.pem")
