"""Stores that ask who we are, and prove who they are: ACL users, TLS with a certificate for both sides."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.errors import StoreError, StoreUnavailable
from bot.store.redis import Functions, RedisIncidents, RedisOutbox, connect
from bot.store.watching import StoreWatch
from tests.build import at
from tests.fakes.store_servers import Door, Shared, cluster, servers, watched
from tests.fakes.store_steps import LEASE, committed

# What the documentation asks for: docs/operations.md, "A Redis or Valkey of your own".
RULES = [
    "on",
    ">secret",
    "~fogbell:*",
    "resetchannels",
    "-@all",
    "+@read",
    "+@write",
    "+@connection",
    "+@scripting",
    "+info",
    "+wait",
    "+time",
]


async def test_a_user_with_the_rights_that_are_documented_can_do_everything(tmp_path: Path) -> None:
    async with servers(tmp_path, 1) as (server,):
        await server.asks("ACL", "SETUSER", "bot", *RULES)
        client = connect(f"redis://bot:secret@127.0.0.1:{server.port}/0")
        functions = Functions(client)
        await functions.load()
        await StoreWatch(functions, None).start()
        await committed(RedisIncidents(functions), "acme")
        functions.replicas = 0
        outbox = RedisOutbox(functions)
        (claimed,) = await outbox.claim(at(0), 10, LEASE)
        await outbox.settle(claimed, claimed.talk, None)
        await client.aclose()


@pytest.mark.parametrize("who", ["bot:wrong", "nobody:secret"])
async def test_a_name_or_password_that_is_refused_is_no_matter_of_waiting(tmp_path: Path, who: str) -> None:
    async with servers(tmp_path, 1) as (server,):
        await server.asks("ACL", "SETUSER", "bot", *RULES)
        client = connect(f"redis://{who}@127.0.0.1:{server.port}/0")
        with pytest.raises(StoreError, match="refused our name or password") as caught:
            await Functions(client).load()
        await client.aclose()

    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.slow
async def test_a_cluster_that_refuses_our_password_is_no_matter_of_waiting(tmp_path: Path) -> None:
    async with cluster(tmp_path) as shared:
        await _with_password(shared)
        url = shared.url.replace("://", "://:wrong@")
        client = connect(url)
        with pytest.raises(StoreError, match="refused our name or password"):
            await Functions(client).load()
        await client.aclose()


@pytest.mark.slow
async def test_the_documented_rights_are_enough_on_a_cluster_too(tmp_path: Path) -> None:
    async with cluster(tmp_path) as shared:
        for node in shared.primaries:
            await node.asks("ACL", "SETUSER", "bot", *RULES, "+cluster", "+command")
        client = connect(shared.url.replace("://", "://bot:secret@"))
        functions = Functions(client)
        await functions.load()
        await StoreWatch(functions, None).start()
        await committed(RedisIncidents(functions), "acme")
        assert len(await RedisOutbox(functions).claim(at(0), 10, LEASE)) == 1
        await client.ping()
        await client.aclose()


async def _with_password(shared: Shared) -> None:
    for node in shared.primaries:
        await node.asks("CONFIG", "SET", "requirepass", "right")


async def test_a_single_server_called_a_cluster_is_said_to_be_none(tmp_path: Path) -> None:
    async with servers(tmp_path, 1) as (server,):
        client = connect(f"redis+cluster://127.0.0.1:{server.port}")
        with pytest.raises(StoreError, match="is no cluster"):
            await Functions(client).load()
        await client.aclose()


@pytest.mark.slow
async def test_sentinels_may_have_a_password_of_their_own(tmp_path: Path) -> None:
    async with watched(tmp_path, replicas=0) as hosts:
        await hosts.data[0].asks("CONFIG", "SET", "requirepass", "data")
        for sentinel in hosts.sentinels:
            await sentinel.asks("SENTINEL", "SET", "main", "auth-pass", "data")
            await sentinel.asks("ACL", "SETUSER", "default", ">watch", "-nopass")
        url = hosts.url.replace("://", "://:data@")
        client = connect(f"{url}?sentinel_password=watch")
        await Functions(client).load()
        await client.aclose()


@asynccontextmanager
async def behind_tls(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """A server behind TLS that asks for a certificate of the authority below the folder; its port, and the folder."""
    _authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with servers(folder / "data", 1) as (server,), Door(server.port, context) as door:
        yield door.port, folder


def _authority(folder: Path) -> None:
    """An authority, and certificates of it for 127.0.0.1 and for us. Skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    new = [
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    ca = [*new, "-x509", "-subj", "/CN=ca", "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")]
    subprocess.run(ca, check=True, capture_output=True, timeout=30)
    for name in ("server", "us"):
        by = ["-x509", "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
        where = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        words = [*new, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", *by, *where]
        subprocess.run(words, check=True, capture_output=True, timeout=30)


async def test_tls_with_certificates_of_both_sides(tmp_path: Path) -> None:
    async with behind_tls(tmp_path) as (port, folder):
        client = connect(
            f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={folder}/ca.pem&ssl_certfile={folder}/us.pem&ssl_keyfile={folder}/us.key"
        )
        functions = Functions(client)
        await functions.load()
        await committed(RedisIncidents(functions), "acme")
        await client.aclose()


async def test_a_certificate_that_nobody_vouches_for_is_no_matter_of_waiting(tmp_path: Path) -> None:
    async with behind_tls(tmp_path) as (port, _):
        client = connect(f"rediss://127.0.0.1:{port}/0")
        with pytest.raises(StoreError, match="certificate is not trusted") as caught:
            await Functions(client).load()
        await client.aclose()

    assert not isinstance(caught.value, StoreUnavailable)
