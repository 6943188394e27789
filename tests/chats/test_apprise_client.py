"""Services through the real library, against loopback servers that speak as they do: the rules of every chat, and our own.

What the library would do by itself (sleep, repeat, follow, log, split) is tried here, so that a new version of it cannot bring
it back unseen.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from apprise.manager_plugins import NotificationManager

from bot.chats.apprise import failures
from bot.chats.apprise.client import DOUBT, LOCAL, PLUGINS, AppriseChat, plugin_of
from bot.clock import SystemClock
from bot.domain.card import Tone
from bot.domain.conversation import Receipt
from bot.errors import ChatError, ConfigError, RateLimited, Refused, Unavailable, Uncertain
from tests.chats import contract
from tests.chats.contract import TIMEOUT, Fault, Rule, Verb, card
from tests.fakes.sinks import SinkServer, SmtpServer
from tests.fakes.store_fakes import FakeClock

# Nothing can be looked up, edited or threaded; there is no call that only asks; the library keeps Retry-After for itself.
APPLICABLE = {
    "a_receipt_says_when_the_message_was_posted",
    "a_key_never_posted_is_not_found",
    "posts_keep_their_order",
    "a_cut_before_anything_was_done_leaves_no_message",
    "a_hanging_chat_is_given_up_in_time",
    "a_server_error_is_never_repeated_by_the_library",
    "an_unknown_channel_is_refused_with_a_remedy",
    "every_failure_is_an_error_of_ours",
}
# The library's mail plugin imports it, where Python still has it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
RULES = [rule for rule in contract.CONTRACT if rule.__name__ in APPLICABLE]
HUSH = "hushhushhushhushhushhush"
# Each service's address, and where its wire form says what people read and how much it matters.
SERVICES = {
    "mattermost": f"mmost://{{at}}/{HUSH}",
    "ntfy": "ntfy://user:hush@{at}/topic",
    "gotify": f"gotify://{{at}}/{HUSH}",
    "json": "json://user:hush@{at}/in",
    "apprise": f"apprise://{{at}}/{HUSH}",
    "rocketchat": f"rocket://{HUSH}/{HUSH}@{{at}}/#ops",
}


class Services:
    """A `contract.World`: one loopback server, spoken to in one service's way."""

    channel = "ops"

    def __init__(self, server: SinkServer) -> None:
        self.server = server

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        if verb is Verb.POST:
            self.server.fail_next("post", fault)

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        return [taken.text for taken in self.server.taken]

    def delete(self, receipt: Receipt) -> None:
        raise AssertionError("what was sent stays")

    def requests(self, verb: Verb) -> int:
        return len(self.server.arrived)

    def revoke(self) -> None:
        self.server.accepts = lambda taken: 401


@pytest.fixture
async def server() -> AsyncIterator[SinkServer]:
    async with SinkServer(answer={"success": True}) as server:
        yield server


@pytest.fixture(params=SERVICES)
async def chat(request: pytest.FixtureRequest, server: SinkServer) -> AsyncIterator[AppriseChat]:
    chat = AppriseChat(
        {"ops": SERVICES[request.param].format(at=server.netloc)}, timeout=TIMEOUT, clock=SystemClock()
    )
    yield chat
    await chat.close()


@pytest.fixture
async def generic(server: SinkServer) -> AsyncIterator[AppriseChat]:
    chat = AppriseChat(
        {"ops": SERVICES["json"].format(at=server.netloc)}, timeout=TIMEOUT, clock=SystemClock()
    )
    yield chat
    await chat.close()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, chat: AppriseChat, server: SinkServer) -> None:
    await rule(chat, Services(server))


async def test_it_says_what_it_lacks(generic: AppriseChat) -> None:
    limits = generic.limits
    assert (limits.threads, limits.edits, limits.find) == (False, False, False)


async def test_each_service_gets_title_story_facts_and_footer(chat: AppriseChat, server: SinkServer) -> None:
    await chat.post("ops", card("the words"), key="k")

    [text] = [taken.text for taken in server.taken]
    for words in ("INC-12: Checkout is failing", "the words", "06:48 UTC", "Investigating"):
        assert words in text.replace("\\", "")


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.GARBLED, Fault.HANG, Fault.CUT_BEFORE])
async def test_a_lost_reply_is_uncertain_and_never_repeated_by_the_library(
    chat: AppriseChat, server: SinkServer, fault: Fault
) -> None:
    server.fail_next("post", fault)

    with pytest.raises(Uncertain):
        await chat.post("ops", card("once"), key="k")

    assert len(server.arrived) == 1


async def test_a_rate_limit_is_told_and_sat_out_by_nobody(chat: AppriseChat, server: SinkServer) -> None:
    server.fail_next("post", Fault.RATE_LIMIT)

    with pytest.raises(RateLimited) as caught:
        await chat.post("ops", card("words"), key="k")

    assert failures.RETRY_AFTER == caught.value.after
    assert len(server.arrived) == 1


async def test_a_ping_tells_that_the_last_message_failed_until_it_may_have_passed(server: SinkServer) -> None:
    clock = FakeClock(datetime(2025, 10, 20, tzinfo=UTC))
    chat = AppriseChat({"ops": f"json://{server.netloc}/"}, clock=clock, timeout=TIMEOUT)
    await chat.ping()
    server.fail_next("post", 500)

    with pytest.raises(Uncertain):
        await chat.post("ops", card("words"), key="k")

    with pytest.raises(Unavailable):
        await chat.ping()
    clock.at += DOUBT
    await chat.ping()
    clock.at -= DOUBT
    await chat.post("ops", card("words"), key="k")
    await chat.ping()
    await chat.close()


async def test_a_service_that_refuses_or_that_is_one_of_several_is_no_outage(server: SinkServer) -> None:
    urls = {"ops": f"json://{server.netloc}/", "away": "json://127.0.0.1:9/"}
    chat = AppriseChat(urls, clock=SystemClock(), timeout=TIMEOUT)
    server.fail_next("post", 404)

    for name, error in (("ops", Refused), ("away", Unavailable)):
        with pytest.raises(error):
            await chat.post(name, card("words"), key="k")

    await chat.ping()
    await chat.close()


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 410])
async def test_a_no_for_good_is_refused_with_a_remedy_and_no_redirect_is_followed(
    chat: AppriseChat, server: SinkServer, status: int
) -> None:
    server.fail_next("post", status)

    with pytest.raises(Refused) as caught:
        await chat.post("ops", card("words"), key="k")

    assert str(status) in str(caught.value)
    assert caught.value.remedy
    assert len(server.arrived) == 1


async def test_a_redirect_is_not_followed_even_where_the_address_asks_for_it(server: SinkServer) -> None:
    chat = AppriseChat(
        {"ops": f"json://{server.netloc}/in?redirect=yes"}, timeout=TIMEOUT, clock=SystemClock()
    )
    server.fail_next("post", 302)

    with pytest.raises(Refused):
        await chat.post("ops", card("words"), key="k")

    assert len(server.arrived) == 1
    await chat.close()


async def test_retries_that_the_address_asks_for_are_left_to_the_outbox(server: SinkServer) -> None:
    chat = AppriseChat(
        {"ops": f"json://{server.netloc}/in?retry=5&wait=0"}, timeout=TIMEOUT, clock=SystemClock()
    )
    server.fail_next("post", 500, 500)

    with pytest.raises(Uncertain):
        await chat.post("ops", card("words"), key="k")

    assert len(server.arrived) == 1
    await chat.close()


async def test_a_connection_that_never_came_about_is_unavailable_not_uncertain() -> None:
    chat = AppriseChat(
        {n: u.format(at="127.0.0.1:9") for n, u in SERVICES.items()}, timeout=TIMEOUT, clock=SystemClock()
    )

    for name in SERVICES:
        with pytest.raises(Unavailable):
            await chat.post(name, card("words"), key="k")
    await chat.close()


async def test_the_librarys_throttle_does_not_sleep(chat: AppriseChat, server: SinkServer) -> None:
    """By itself it would wait up to 5.5 s between two messages."""
    began = time.monotonic()

    for number in range(5):
        await chat.post("ops", card(str(number)), key=f"k{number}")

    assert time.monotonic() - began < 3
    assert len(server.taken) == 5


async def test_a_wait_that_a_plugin_wants_becomes_a_rate_limit(
    generic: AppriseChat, server: SinkServer
) -> None:
    """Discord's, Reddit's, Mastodon's and Matrix's plugins learn from the service how long to sleep, and would."""
    plugin = generic._sinks["ops"]._plugin
    as_it_was = plugin.send

    def waits(**_: object) -> bool:
        plugin.throttle(wait=3.5)
        raise AssertionError("it slept")

    plugin.send = waits
    with pytest.raises(RateLimited) as caught:
        await generic.post("ops", card("words"), key="k")
    plugin.send = lambda **words: as_it_was(**words) and waits()
    with pytest.raises(Uncertain):
        await generic.post("ops", card("half of it went out"), key="k")

    assert caught.value.after == timedelta(seconds=3.5)
    assert len(server.taken) == 1


async def test_messages_to_one_service_go_one_after_the_other(
    generic: AppriseChat, server: SinkServer
) -> None:
    await asyncio.gather(*(generic.post("ops", card(f"words {n}"), key=f"k{n}") for n in range(8)))

    assert [f"words {n}" in taken.text for n, taken in enumerate(server.taken)] == [True] * 8


async def test_what_still_stands_in_line_behind_one_that_hangs_was_not_sent(
    generic: AppriseChat, server: SinkServer
) -> None:
    """Unavailable, which may be repeated safely; only the one under way is uncertain."""
    server.fail_next("post", Fault.HANG)

    outcomes = await asyncio.gather(
        *(generic.post("ops", card(f"words {n}"), key=f"k{n}") for n in range(3)), return_exceptions=True
    )

    assert isinstance(outcomes[0], Uncertain)
    assert len(server.arrived) == 1 + sum(isinstance(outcome, Receipt) for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes[1:]} <= {Unavailable, Receipt}


async def test_what_stands_in_line_when_its_worker_is_cancelled_is_never_sent(
    generic: AppriseChat, server: SinkServer
) -> None:
    """Its lease may be another's by the time the line moves on."""
    server.fail_next("post", Fault.HANG)
    first = asyncio.ensure_future(generic.post("ops", card("first"), key="k1"))
    while not server.arrived:
        await asyncio.sleep(0.005)
    second = asyncio.ensure_future(generic.post("ops", card("second"), key="k2"))
    await asyncio.sleep(0.05)

    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await generic.post("ops", card("third"), key="k3")

    assert second.cancelled()
    assert [("third" in taken.text, "second" in taken.text) for taken in server.taken] == [(True, False)]


async def test_a_service_that_hangs_holds_up_no_other(server: SinkServer) -> None:
    """The library's own pool has a handful of threads for all."""
    async with SinkServer() as hanging:
        hanging.fail_next("post", *[Fault.HANG] * 40)
        urls = {f"hangs{n}": f"json://{hanging.netloc}/" for n in range(12)}
        chat = AppriseChat({**urls, "ops": f"json://{server.netloc}/"}, timeout=TIMEOUT, clock=SystemClock())
        stuck = [asyncio.ensure_future(chat.post(name, card("x"), key="k")) for name in urls]
        while len(hanging.arrived) < len(urls):
            await asyncio.sleep(0.005)

        await chat.post("ops", card("words"), key="k")

        assert len(server.taken) == 1
        outcomes = await asyncio.gather(*stuck, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Uncertain}
        await chat.close()


async def test_with_several_targets_in_one_address_any_failure_is_uncertain(server: SinkServer) -> None:
    """The first may have the message while the second refused it."""
    chat = AppriseChat({"ops": f"ntfy://{server.netloc}/one/two"}, timeout=TIMEOUT, clock=SystemClock())
    server.fail_next("post", *[404])

    with pytest.raises(Uncertain):
        await chat.post("ops", card("words"), key="k")

    assert len(server.taken) == 1
    await chat.close()


@pytest.mark.parametrize(
    ("tone", "type_"),
    [
        (Tone.CRITICAL, "failure"),
        (Tone.MAJOR, "failure"),
        (Tone.MINOR, "warning"),
        (Tone.INFO, "info"),
        (Tone.MAINTENANCE, "info"),
        (Tone.OVER, "success"),
    ],
)
async def test_the_tone_says_how_much_it_matters(
    generic: AppriseChat, server: SinkServer, tone: Tone, type_: str
) -> None:
    await generic.post("ops", replace(card("words"), tone=tone), key="k")

    assert server.taken[0].json["type"] == type_


LONG = "A very long story. " * 5_000


@pytest.mark.parametrize("service", SERVICES)
async def test_a_long_text_is_one_message_within_the_services_limit(server: SinkServer, service: str) -> None:
    """By itself the library would pass it on too long, or split it; the footer and the link stay."""
    chat = AppriseChat(
        {"ops": SERVICES[service].format(at=server.netloc) + "?overflow=split"},
        timeout=TIMEOUT,
        clock=SystemClock(),
    )
    plugin = chat._sinks["ops"]._plugin

    await chat.post("ops", replace(card(LONG), url="https://status.example/1"), key="k")

    [taken] = server.taken
    body = max((t for t in taken.text.split("\n\n") if t), key=len)
    assert len(body) <= plugin.body_maxlen
    assert "https://status.example/1" in taken.text
    assert "INC-12" in taken.text.replace("\\", "")
    await chat.close()


async def test_a_link_survives_the_escaping_of_markdown(server: SinkServer) -> None:
    """The library puts backslashes before its dots, and nobody's click would arrive."""
    chat = AppriseChat(
        {"ops": SERVICES["rocketchat"].format(at=server.netloc)}, timeout=TIMEOUT, clock=SystemClock()
    )
    url = "https://status.example/incidents/a-b_c"

    await chat.post("ops", replace(card("see *this*"), url=url), key="k")

    assert f"\n{url}\n" in server.taken[0].json["text"]
    assert "see \\*this\\*" in server.taken[0].json["text"]
    await chat.close()


async def test_words_of_the_library_are_not_taken_for_markup_or_templates(
    generic: AppriseChat, server: SinkServer
) -> None:
    words = "line \\n stays, ${HOME} stays, :bell: stays, {{x}} stays, %s stays"

    await generic.post("ops", card(words), key="k")

    assert words in server.taken[0].json["message"]


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What our log's root hears of the library. (pytest's own capture also listens where nothing is passed on.)"""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name.startswith(("apprise", "urllib3", "requests")):
                lines.append(f"{record.name}: {record.getMessage()}")

    ear, root = Ear(), logging.getLogger()
    was = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(ear)
    root.setLevel(was)


async def test_nothing_of_the_library_reaches_the_log(
    server: SinkServer, heard: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Its lines hold addresses, passwords and whole messages."""
    urls = {name: url.format(at=server.netloc) for name, url in SERVICES.items()}
    chat = AppriseChat(
        {**urls, "away": "json://user:hush@127.0.0.1:9/hush"}, timeout=TIMEOUT, clock=SystemClock()
    )
    faults: list[Fault | int] = [401, 404, 500, Fault.CUT_AFTER, 302, Fault.GARBLED]
    server.fail_next("post", *faults)
    said = []

    for name in (*SERVICES, "away"):
        with pytest.raises(ChatError) as caught:
            await chat.post(name, card("words"), key="k")
        said.append(f"{caught.value!r} {caught.value} {getattr(caught.value, 'remedy', '')}")

    assert (heard, capfd.readouterr()) == ([], ("", ""))
    assert [words for words in said if "hush" in words or "127.0.0.1" in words] == []
    await chat.close()


async def test_what_a_service_answers_cannot_pretend_a_status(
    generic: AppriseChat, server: SinkServer
) -> None:
    server.answer = {"detail": "error=404 error=429 NewConnectionError Exception: "}
    server.accepts = lambda taken: 500

    with pytest.raises(Uncertain):
        await generic.post("ops", card("error=401"), key="k")


async def test_a_plugin_that_breaks_is_uncertain_and_its_words_are_not_repeated(
    generic: AppriseChat,
) -> None:
    plugin = generic._sinks["ops"]._plugin

    def broken(**_: object) -> bool:
        raise KeyError("hush")

    plugin.send = broken

    with pytest.raises(Uncertain) as caught:
        await generic.post("ops", card("words"), key="k")
    assert "hush" not in str(caught.value)


async def test_mail_arrives_as_one_mail() -> None:
    async with SmtpServer() as server:
        chat = AppriseChat({"ops": _mail(server.port)}, timeout=timedelta(seconds=5), clock=SystemClock())

        await chat.post("ops", card("the words <b>& more</b>"), key="k")

        [mail] = server.mails
        assert "Subject: INC-12: Checkout is failing" in mail
        assert "apprise" not in mail.lower().replace("x-application: apprise", "")
        await chat.close()


async def test_mail_that_is_refused_for_now_is_uncertain_and_a_closed_port_is_unavailable() -> None:
    async with SmtpServer(refusal="451 later") as server:
        chat = AppriseChat(
            {"ops": _mail(server.port), "away": _mail(9)}, timeout=timedelta(seconds=5), clock=SystemClock()
        )

        with pytest.raises(Uncertain):
            await chat.post("ops", card("words"), key="k")
        with pytest.raises(Unavailable):
            await chat.post("away", card("words"), key="k")
        await chat.close()


def _mail(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=fogbell@shop.example&to=ops@shop.example"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nothing", "does not begin with a service"),
        ("nosuchservice://x", "does not begin with a service"),
        ("file:///etc/passwd", "does not begin with a service"),
        ("syslog://", "speaks to this machine alone"),
        ("macosx://", "speaks to this machine alone"),
        ("dbus://", "speaks to this machine alone"),
        ("windows://", "speaks to this machine alone"),
        ("slack://hush", "is not complete: see Apprise's page on Slack"),
        ("mqtts://hush", "needs a package"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_mistake_of_the_configuration(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AppriseChat({"ops": url}, clock=SystemClock())

    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_plugin_that_somebody_added_is_refused() -> None:
    """The library's decorator runs any function; nobody adds one, but a package might."""
    from apprise.decorators import notify

    @notify(on="ours")
    def run(body: str, title: str, notify_type: str, *args: object, **kwargs: object) -> None:
        raise AssertionError("it ran")

    try:
        with pytest.raises(ConfigError, match="speaks to this machine alone"):
            plugin_of("ours://x")
    finally:
        NotificationManager().remove("ours")


def test_every_plugin_that_runs_programs_or_reaches_into_this_machine_is_known() -> None:
    """After an upgrade of the library: is there a new one?"""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("apprise.plugins")
    assert spec is not None
    assert spec.origin is not None
    marks = ("import subprocess", "import dbus", "import hid", "import win32", "import gi\n", "import syslog")
    found = set()
    for path in Path(spec.origin).parent.rglob("*.py"):
        if any(mark in path.read_text(encoding="utf-8") for mark in marks):
            found.add(path.relative_to(Path(spec.origin).parent).parts[0].removesuffix(".py"))

    assert found - {"rsyslog"} <= LOCAL
    manager = NotificationManager()
    files = {manager[s].__module__.removeprefix(PLUGINS).partition(".")[0] for s in manager.schemas()}
    assert files >= LOCAL


async def test_nothing_is_written_to_disk(
    server: SinkServer, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    chat = AppriseChat(
        {"ops": SERVICES["ntfy"].format(at=server.netloc)}, timeout=TIMEOUT, clock=SystemClock()
    )

    await chat.post("ops", card("words"), key="k")

    from pathlib import Path

    assert list(Path(str(tmp_path)).rglob("*")) == []
    await chat.close()


async def test_a_host_that_takes_no_connection_is_given_up_in_time() -> None:
    """A full backlog on loopback drops the handshake, as a firewall would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        chat = AppriseChat({"ops": f"json://127.0.0.1:{port}/"}, timeout=TIMEOUT, clock=SystemClock())

        with pytest.raises((Unavailable, Uncertain)):
            await chat.post("ops", card("words"), key="k")

        await chat.close()
        for filler in fillers:
            filler.close()
