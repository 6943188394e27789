"""Microsoft Graph against a loopback imitation: a token for an app, kept, renewed, told to nobody; lists in pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from bot import net
from bot.errors import FetchError
from bot.sources.fetching.auth import Microsoft
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import SourceSpec

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NEXT = "@odata.nextLink"


class Graph:
    """Both hosts of Microsoft in one: tokens below /acme.example, issues at /issues."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.seen: list[str] = []
        self.expires_in: object = 3599
        self.valid: set[str] = set()
        self.pages: list[dict[str, object]] = [{"value": [{"id": "FM1"}]}]
        self.url = ""
        self.refuses: web.Response | None = None

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        if self.refuses is not None:
            return self.refuses
        word = f"token-{len(self.asked)}"
        self.valid.add(word)
        return web.json_response(
            {"access_token": word, "expires_in": self.expires_in, "token_type": "Bearer"}
        )

    async def issues(self, request: web.Request) -> web.Response:
        word = request.headers.get("Authorization", "")
        self.seen.append(word)
        if word.removeprefix("Bearer ") not in self.valid:
            return web.json_response({"error": {"code": "InvalidAuthenticationToken"}}, status=401)
        number = int(request.query.get("$skip", "0"))
        return web.json_response(self.pages[number])

    def page_url(self, number: int) -> str:
        return f"{self.url}/issues?$skip={number}"


@pytest_asyncio.fixture
async def graph() -> AsyncIterator[Graph]:
    fake = Graph()
    app = web.Application()
    app.router.add_post("/acme.example/oauth2/v2.0/token", fake.token)
    app.router.add_get("/issues", fake.issues)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with net.open_session() as session:
        yield Fetcher(session, total_s=5)


def source(graph: Graph) -> SourceSpec:
    app = Microsoft(tenant="acme.example", client_id="1-2-3", client_secret="hunter2", login_url=graph.url)
    return SourceSpec(
        name="m365", provider="microsoft", url=f"{graph.url}/issues", format="m365-graph", auth=app
    )


async def look(fetcher: Fetcher, spec: SourceSpec, now: datetime = NOON) -> object:
    found = await fetcher.fetch(spec, Marks(), now)
    assert found is not None
    return json.loads(found.payload.body)


async def test_an_app_gets_a_token_for_graph_and_shows_it(graph: Graph, fetcher: Fetcher) -> None:
    assert await look(fetcher, source(graph)) == {"value": [{"id": "FM1"}]}

    assert graph.seen == ["Bearer token-1"]
    assert graph.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": "1-2-3",
            "client_secret": "hunter2",
            "scope": "https://graph.microsoft.com/.default",
        }
    ]


async def test_a_token_is_kept_until_shortly_before_it_ends(graph: Graph, fetcher: Fetcher) -> None:
    for minutes in (0, 1, 50):
        await look(fetcher, source(graph), NOON + timedelta(minutes=minutes))
    assert len(graph.asked) == 1

    await look(fetcher, source(graph), NOON + timedelta(minutes=56))

    assert len(graph.asked) == 2


async def test_a_token_that_is_refused_is_renewed_once(graph: Graph, fetcher: Fetcher) -> None:
    await look(fetcher, source(graph))
    graph.valid.clear()

    await look(fetcher, source(graph))

    assert graph.seen == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_an_app_without_the_permission_is_an_error_and_no_loop(graph: Graph, fetcher: Fetcher) -> None:
    graph.pages = []
    spec = source(graph)
    with pytest.raises(FetchError, match="answered 500"):
        await fetcher.fetch(spec, Marks(), NOON)
    never = replace(spec, url=f"{graph.url}/elsewhere")
    with pytest.raises(FetchError, match="answered 404"):
        await fetcher.fetch(never, Marks(), NOON)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            web.json_response({"error": "invalid_client", "error_description": "hunter2"}, status=401),
            "gave no token: 401 invalid_client",
        ),
        (web.json_response({"error": {"hunter2": 1}}, status=400), "gave no token: 400"),
        (web.Response(text="hunter2", status=503), "gave no token: 503"),
        (web.Response(text="hunter2"), "answered 200 without a token"),
        (web.json_response({"access_token": "hunter2"}), "answered 200 without a token"),
        (web.json_response([]), "answered 200 without a token"),
        (
            web.Response(text='{"access_token": "hunter2", "expires_in": 1e999}'),
            "answered 200 without a token",
        ),
        (
            web.json_response({"access_token": "hunter2\r\nX: y", "expires_in": 3600}),
            "answered 200 without a token",
        ),
        (web.json_response({"access_token": None, "expires_in": 3600}), "answered 200 without a token"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), "gave no token: 302"),
    ],
)
async def test_no_token_says_why_and_shows_no_secret(
    graph: Graph, fetcher: Fetcher, answer: web.Response, words: str
) -> None:
    graph.refuses = answer
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(source(graph), Marks(), NOON)

    assert words in str(caught.value)
    assert str(caught.value).startswith("m365: ")
    assert "hunter2" not in str(caught.value)
    assert graph.seen == []


async def test_a_list_in_pages_is_read_as_one(graph: Graph, fetcher: Fetcher) -> None:
    """What a list leaves out counts as over: the second page must not be missing."""
    graph.pages = [
        {"@odata.context": "c", NEXT: graph.page_url(1), "value": [{"id": "A", "text": f'"{NEXT}": "x"'}]},
        {"@odata.context": "c", NEXT: graph.page_url(2), "value": [{"id": "B"}]},
        {"@odata.context": "c", "value": [{"id": "C"}]},
    ]

    told = await look(fetcher, source(graph))

    assert told == {
        "@odata.context": "c",
        "value": [{"id": "A", "text": f'"{NEXT}": "x"'}, {"id": "B"}, {"id": "C"}],
    }


async def test_a_list_in_pages_is_unchanged_as_a_whole(graph: Graph, fetcher: Fetcher) -> None:
    graph.pages = [{NEXT: graph.page_url(1), "value": ["A"]}, {"value": ["B"]}]
    found = await fetcher.fetch(source(graph), Marks(), NOON)
    assert found is not None

    assert await fetcher.fetch(source(graph), found.marks, NOON) is None
    graph.pages[1]["value"] = ["C"]
    assert await fetcher.fetch(source(graph), found.marks, NOON) is not None


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("http://127.0.0.2:1/issues", {}, "has a next page on another host"),
        (None, {"value": 3}, "gave a page that holds no list"),
        (None, {"error": "x"}, "gave a page that holds no list"),
    ],
)
async def test_a_list_whose_pages_do_not_fit_is_an_error(
    graph: Graph, fetcher: Fetcher, first: str | None, second: dict[str, object], words: str
) -> None:
    graph.pages = [{NEXT: first or graph.page_url(1), "value": []}, second]

    with pytest.raises(FetchError, match=words):
        await fetcher.fetch(source(graph), Marks(), NOON)


async def test_a_list_that_never_ends_is_given_up(graph: Graph, fetcher: Fetcher) -> None:
    graph.pages = [{NEXT: graph.page_url(0), "value": []}]

    with pytest.raises(FetchError, match="more than 20 pages"):
        await fetcher.fetch(source(graph), Marks(), NOON)

    assert len(graph.seen) == 20


async def test_all_pages_together_stay_below_the_cap(graph: Graph, fetcher: Fetcher) -> None:
    graph.pages = [{NEXT: graph.page_url(1), "value": ["x" * 600]}, {"value": ["x" * 600]}]

    with pytest.raises(FetchError, match="sent more than 0 KiB"):
        await fetcher.fetch(replace(source(graph), body_max_bytes=1000), Marks(), NOON)
