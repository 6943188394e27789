"""Who is let in: names, origins, tokens, sizes, and the headers of every answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import FormData

from bot.errors import ConfigError
from bot.web.app import _is_ours, build_app
from bot.web.security import COOKIE, SESSION_S, TRIES_MAX, Guard
from tests.web.conftest import Client, FakeDispatch, FakeState, MakeClient

TOKEN = "a long and secret token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def locked(make_client: MakeClient) -> Client:
    return await make_client(token=TOKEN, bound_to_loopback=False)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:8080", "LOCALHOST:1"])
async def test_on_loopback_its_own_names_are_served(client: Client, host: str) -> None:
    assert (await client.get("/", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::1",
        "10.0.0.1",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/state", "/events?channel=ops", "/healthz", "/static/console.js"])
async def test_a_rebound_name_is_refused_on_every_path(client: Client, path: str, host: str) -> None:
    """DNS rebinding: a web site lets its own name point to 127.0.0.1."""
    assert 400 <= (await client.get(path, headers={"Host": host})).status < 500


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
async def test_another_site_cannot_send_commands(
    client: Client, dispatch: FakeDispatch, headers: dict[str, str]
) -> None:
    answer = await client.post(
        "/api/command", data='{"text": "ack INC-1"}', headers={"Content-Type": "application/json"} | headers
    )

    assert (answer.status, dispatch.asked) == (403, [])


async def test_our_own_page_and_programs_can_send_commands(client: Client, dispatch: FakeDispatch) -> None:
    own = {"Origin": str(client.make_url("/")).rstrip("/"), "Sec-Fetch-Site": "same-origin"}

    assert (await client.post("/api/command", json={"text": "help"}, headers=own)).status == 200
    assert (await client.post("/api/command", json={"text": "help"})).status == 200
    assert len(dispatch.asked) == 2


async def test_another_site_may_link_to_the_page_but_not_read_or_embed_it(client: Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    embed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}

    assert (await client.get("/", headers=link)).status == 200
    assert [(await client.get(p, headers=embed)).status for p in ("/api/state", "/events?channel=ops")] == [
        403,
        403,
    ]


@pytest.mark.parametrize(
    "path", ["/", "/api/state", "/static/console.css", "/nowhere", "/events?channel=none", "/healthz"]
)
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (
        headers["X-Frame-Options"],
        headers["X-Content-Type-Options"],
        headers["Referrer-Policy"],
    ) == ("DENY", "nosniff", "same-origin")


async def test_a_body_beyond_the_cap_is_refused(client: Client, dispatch: FakeDispatch) -> None:
    answer = await client.post("/api/command", json={"text": "x" * 70_000})

    assert (answer.status, dispatch.asked) == (413, [])


def test_a_console_open_to_others_needs_a_token(
    console: object, dispatch: FakeDispatch, state: FakeState
) -> None:
    with pytest.raises(ConfigError, match="needs a token"):
        build_app(console, dispatch, state, clock=None, token="", bound_to_loopback=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["/", "/api/state", "/api/channels/ops", "/events?channel=ops", "/metrics", "/nowhere"]
)
async def test_without_the_token_nothing_is_told(locked: Client, path: str) -> None:
    assert (await locked.get(path)).status == 401
    assert (await locked.get(path, headers={"Authorization": "Bearer wrong"})).status == 401


async def test_without_the_token_no_command_is_run(locked: Client, dispatch: FakeDispatch) -> None:
    answer = await locked.post("/api/command", json={"text": "ack INC-1"})

    assert (answer.status, dispatch.asked) == (401, [])


async def test_a_bearer_of_the_token_is_let_in(locked: Client) -> None:
    assert (await locked.get("/api/state", headers=BEARER)).status == 200
    assert (await locked.get("/metrics", headers=BEARER)).status == 200


async def test_probes_and_the_login_page_need_no_token(locked: Client) -> None:
    paths = ("/healthz", "/readyz", "/login", "/static/console.css")

    assert [(await locked.get(path)).status for path in paths] == [200] * 4


async def test_a_person_is_led_to_the_login_and_in(locked: Client) -> None:
    at_first = await locked.get("/", headers={"Accept": "text/html"})
    assert at_first.url.path == "/login"

    answer = await locked.post("/login", data=FormData({"token": TOKEN}), allow_redirects=False)

    cookie = answer.headers["Set-Cookie"]
    assert (answer.status, "HttpOnly" in cookie, "SameSite=Strict" in cookie) == (303, True, True)
    assert TOKEN not in cookie
    assert (await locked.get("/api/state")).status == 200
    await locked.post("/logout", data=FormData({"a": "b"}))
    assert (await locked.get("/api/state")).status == 401


async def test_wrong_tokens_are_refused_and_soon_not_even_looked_at(locked: Client) -> None:
    async def status(token: str) -> int:
        return (await locked.post("/login", data=FormData({"token": token}), allow_redirects=False)).status

    assert [await status("guess") for _ in range(TRIES_MAX)] == [403] * TRIES_MAX
    assert await status(TOKEN) == 429


async def test_another_site_cannot_sign_somebody_in(locked: Client) -> None:
    answer = await locked.post(
        "/login",
        data=FormData({"token": TOKEN}),
        headers={"Origin": "https://evil.example"},
        allow_redirects=False,
    )

    assert answer.status == 403


def test_a_session_ends_in_time_and_with_its_token() -> None:
    now = [1_000_000.0]
    guard = Guard(token=TOKEN, is_loopback=False, wall=lambda: now[0])
    changed = Guard(token="another", is_loopback=False, wall=lambda: now[0])
    session = guard.session()

    assert (guard.is_session(session), changed.is_session(session)) == (True, False)
    now[0] += SESSION_S + 1
    assert not guard.is_session(session)


@pytest.mark.parametrize(
    "forged", ["", ".", "9999999999.", "9999999999.00", "x.y.z", "9999999999", "\udcff.\udcff"]
)
def test_a_forged_session_is_none(forged: str) -> None:
    assert not Guard(token=TOKEN, is_loopback=False).is_session(forged)


async def test_a_forged_cookie_does_not_open_the_door(locked: Client) -> None:
    answer = await locked.get("/api/state", cookies={COOKIE: "9999999999." + "0" * 64})

    assert answer.status == 401


@pytest.mark.parametrize("body", [b"token=\xff", b"token=%ff"])
@pytest.mark.parametrize("charset", ["", "; charset=nope"])
async def test_a_login_that_cannot_be_read_is_a_wrong_one(locked: Client, body: bytes, charset: str) -> None:
    headers = {"Content-Type": f"application/x-www-form-urlencoded{charset}"}

    assert (await locked.post("/login", data=body, headers=headers)).status == 403


async def test_slow_logins_sent_all_at_once_are_counted_one_by_one(locked: Client) -> None:
    """The tries are looked at when the token is there, not when the request began."""
    gate = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        await gate.wait()
        yield b"token=wrong"

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    tries = [
        asyncio.ensure_future(locked.post("/login", data=slowly(), headers=headers))
        for _ in range(TRIES_MAX + 5)
    ]
    await asyncio.sleep(0.2)
    gate.set()
    statuses = [(await answer).status for answer in tries]

    assert (TRIES_MAX, 5) == (statuses.count(403), statuses.count(429))


async def test_a_malformed_request_does_not_fill_the_log(
    locked: Client, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    reader, writer = await asyncio.open_connection("127.0.0.1", locked.port)
    writer.write(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

    answer = await reader.read(100)
    writer.close()

    assert answer.startswith(b"HTTP/1.0 400") or answer.startswith(b"HTTP/1.1 400")
    assert caplog.records == []
