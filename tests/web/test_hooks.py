"""What providers push arrives once, from those who know the address, and nothing else gets in."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from bot.domain.observation import Listing, Sighting
from bot.domain.rules import Rules
from bot.errors import FetchError, ParseError, StoreUnavailable
from bot.pipeline.ingest import Ingest
from bot.pipeline.wake import Wake
from bot.sources import detect
from bot.sources.payload import Payload, Spec
from bot.web.hooks import BODY_MAX_BYTES, PUSHES_MAX, PUSHES_WINDOW_S, Hooks
from tests.corpus import CORPUS, needs_corpus, recorded
from tests.fakes.store_fakes import FakeClock, FakeIncidents
from tests.web.conftest import Client, MakeClient

SECRET = "part-of-an-address-0123456789"
PUSHES = Path(__file__).parent / "pushes"
STATUSPAGE = (PUSHES / "statuspage-webhook.json").read_bytes()
COMPONENT = (PUSHES / "statuspage-component.json").read_bytes()
HEALTH = (PUSHES / "aws-health-event.json").read_bytes()
TOPIC = "arn:aws:sns:eu-west-1:111122223333:health"
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
ACME = f"/hooks/acme/{SECRET}"


@dataclass
class Intake:
    """Pushes read by the real formats and decided by the real rules, in memory."""

    clock: FakeClock
    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    secrets: dict[str, str] = field(default_factory=lambda: {"acme": SECRET, "aws": SECRET})
    payloads: list[Payload] = field(default_factory=list)
    trouble: Exception | None = None
    delay_s: float = 0

    def secret_of(self, source: str) -> str | None:
        return self.secrets.get(source)

    async def pushed(self, source: str, payload: Payload) -> int:
        self.payloads.append(payload)
        await asyncio.sleep(self.delay_s)
        if self.trouble:
            raise self.trouble
        form = detect(payload)
        if form is None:
            raise ParseError(f"{source}: the body is of no format that Fogbell knows")
        said = form.parse(payload, Spec(provider=source))
        seen = Sighting(
            provider=source,
            source=source,
            seen_at=payload.fetched_at,
            observations=said,
            listing=Listing.PART,
        )
        await Ingest(self.incidents, Rules(), self.clock, Wake()).sighting(seen)
        return len(said)


@pytest.fixture
def intake(clock: FakeClock) -> Intake:
    return Intake(clock)


@pytest.fixture
def hooks(intake: Intake, clock: FakeClock) -> Hooks:
    return Hooks(pushes=intake, clock=clock)


@pytest.fixture
async def hooked(make_client: MakeClient, hooks: Hooks) -> Client:
    """Open to others, with a token on the page: as it is where pushes arrive."""
    return await make_client(hooks=hooks, token="a long and secret token", bound_to_loopback=False)


async def outcome(answer: ClientResponse) -> tuple[int, Any]:
    return answer.status, await answer.json()


def letter(**changes: str) -> bytes:
    """What SNS sends when somebody subscribes an address."""
    words = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "m1",
        "Token": "2336",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic.",
        "SubscribeURL": SUBSCRIBE,
        "Timestamp": "2026-03-09T15:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "AAAA",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    }
    return json.dumps(words | changes).encode()


async def test_a_statuspage_push_is_an_incident(hooked: Client, intake: Intake) -> None:
    answer = await hooked.post(ACME, data=STATUSPAGE, headers={"Content-Type": "application/json"})

    assert await outcome(answer) == (202, {"taken": 1})
    (incident,) = intake.incidents.ledgers["acme"].incidents.values()
    assert (incident.title, incident.status, incident.impact.name) == (
        "Uploads fail in Europe",
        "identified",
        "MAJOR",
    )
    assert [update.id for update in incident.updates] == ["upd4t3000001", "upd4t3000002"]


async def test_pushing_the_same_body_again_changes_nothing(hooked: Client, intake: Intake) -> None:
    """Senders repeat what we answered too slowly."""
    await hooked.post(ACME, data=STATUSPAGE)
    (before,) = intake.incidents.ledgers["acme"].incidents.values()

    again = await hooked.post(ACME, data=STATUSPAGE)

    assert again.status == 202
    assert (before,) == tuple(intake.incidents.ledgers["acme"].incidents.values())


async def test_a_change_of_a_component_alone_is_accepted(hooked: Client, intake: Intake) -> None:
    """A refusal would make Statuspage give up on us."""
    assert await outcome(await hooked.post(ACME, data=COMPONENT)) == (202, {"taken": 0})


async def test_an_event_of_aws_arrives_bare_and_in_a_notification_of_sns(
    hooked: Client, intake: Intake
) -> None:
    """SNS sends text/plain."""
    notification = json.dumps({"Type": "Notification", "TopicArn": TOPIC, "Message": HEALTH.decode()})

    bare = await hooked.post(f"/hooks/aws/{SECRET}", data=HEALTH)
    wrapped = await hooked.post(
        f"/hooks/aws/{SECRET}",
        data=notification.encode(),
        headers={"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"},
    )

    assert (bare.status, wrapped.status) == (202, 202)
    assert len(intake.incidents.ledgers["aws"].incidents) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "nonsense"},
        {"Host": "fogbell.example"},
        {"Origin": "https://status.acme.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("bound_to_loopback", [True, False])
async def test_senders_need_no_token_and_may_call_us_by_any_name(
    make_client: MakeClient, hooks: Hooks, bound_to_loopback: bool, headers: dict[str, str]
) -> None:
    """Something that ends TLS stands in front of us; what it calls us is not ours to say."""
    client = await make_client(
        hooks=hooks, token="a long and secret token", bound_to_loopback=bound_to_loopback
    )

    assert (await client.post(ACME, data=STATUSPAGE, headers=headers)).status == 202


@pytest.mark.parametrize(
    "path",
    ["/hooks/acme/x/../../../api/state", "/hooks/%2e%2e/api/state", "/hooks/acme", "/hooks/", "/hooks//x/y"],
)
async def test_no_way_of_writing_the_path_leads_past_the_login(hooked: Client, path: str) -> None:
    answer = await hooked.get(path)

    assert answer.status in {401, 404}


async def test_an_unknown_source_and_a_wrong_secret_are_answered_alike(
    hooked: Client, intake: Intake
) -> None:
    wrong = [f"/hooks/acme/{SECRET}x", f"/hooks/acme/{SECRET[:-1]}", "/hooks/acme/%00", "/hooks/acme/%ff%fe"]
    unknown = [f"/hooks/nobody/{SECRET}", "/hooks/%ff/x", "/hooks/%ED%A0%80/x", "/hooks/acme%2F/x"]

    answers = [await outcome(await hooked.post(path, data=STATUSPAGE)) for path in (*wrong, *unknown)]

    assert [(404, {"error": "there is nothing at this address"})] * 8 == answers
    assert intake.payloads == []


async def test_a_source_without_a_secret_has_no_address(hooked: Client, intake: Intake) -> None:
    intake.secrets["quiet"] = ""

    assert [(await hooked.post(f"/hooks/quiet/{s}", data=STATUSPAGE)).status for s in ("x", "None")] == [
        404,
        404,
    ]


def test_an_unknown_source_takes_as_long_as_a_wrong_secret(hooks: Hooks) -> None:
    """Measured in turns, so that a busy machine slows both."""
    unknown, wrong = [], []
    for _ in range(2_000):
        begun = time.perf_counter()
        hooks.door("nobody", SECRET)
        between = time.perf_counter()
        hooks.door("acme", "x" * len(SECRET))
        unknown.append(between - begun)
        wrong.append(time.perf_counter() - between)

    assert 0.67 < statistics.median(unknown) / statistics.median(wrong) < 1.5


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_refused_whatever_the_secret(hooked: Client, method: str) -> None:
    answers = [await hooked.request(method, path) for path in (ACME, "/hooks/nobody/x")]

    assert [(405, "GET, POST")] * 2 == [(a.status, a.headers["Allow"]) for a in answers]


async def test_a_look_at_the_address_shows_nothing(hooked: Client) -> None:
    assert (await hooked.get(ACME)).status == 404


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_beyond_the_cap_is_refused_without_being_kept(
    hooked: Client, intake: Intake, is_announced: bool
) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b" " * 16 * 1024

    body: Any = b" " * (BODY_MAX_BYTES + 1) if is_announced else pieces()

    answer = await hooked.post(ACME, data=body)

    assert await outcome(answer) == (413, {"error": "more than 512 KiB"})
    assert intake.payloads == []


async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(hooked: Client, intake: Intake) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    answer = await hooked.post(ACME, data=bomb, headers={"Content-Encoding": "gzip"})

    assert (answer.status, intake.payloads) == (413, [])


async def test_a_compressed_body_is_read(hooked: Client) -> None:
    answer = await hooked.post(ACME, data=gzip.compress(STATUSPAGE), headers={"Content-Encoding": "gzip"})

    assert answer.status == 202


async def test_a_body_that_only_claims_to_be_compressed_is_refused(hooked: Client) -> None:
    answer = await hooked.post(ACME, data=STATUSPAGE, headers={"Content-Encoding": "gzip"})

    assert answer.status == 400


async def test_a_body_that_does_not_come_to_an_end_is_given_up(hooked: Client, hooks: Hooks) -> None:
    hooks.read_s = 0.2
    reader, writer = await asyncio.open_connection(hooked.host, hooked.port)
    writer.write(f"POST {ACME} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())

    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()

    assert line == b"HTTP/1.1 408 Request Timeout\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"[" * 100_000,
        b'{"Type": "SubscriptionConfirmation", "TopicArn": ' + b"[" * 100_000,
        b"<html>no</html>",
        b'{"hello": "world"}',
        b'{"TopicArn": 1, "Type": []}',
    ],
)
async def test_junk_is_refused_in_words(hooked: Client, body: bytes) -> None:
    status, words = await outcome(await hooked.post(ACME, data=body))

    assert (status, list(words)) == (400, ["error"])


@pytest.mark.parametrize("is_slow", [True, False])
async def test_while_the_store_is_away_the_sender_is_asked_to_come_back(
    hooked: Client, hooks: Hooks, intake: Intake, is_slow: bool
) -> None:
    if is_slow:
        hooks.work_s, intake.delay_s = 0.1, 60
    else:
        intake.trouble = StoreUnavailable("the store does not answer")

    answer = await hooked.post(ACME, data=STATUSPAGE)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_a_source_that_pushes_without_end_is_slowed_down_alone(
    hooked: Client, hooks: Hooks, intake: Intake
) -> None:
    now = 1000.0
    hooks.tick = lambda: now
    while hooks.may_push("acme"):
        pass

    busy, other = (
        await hooked.post(ACME, data=STATUSPAGE),
        await hooked.post(f"/hooks/aws/{SECRET}", data=HEALTH),
    )
    now += PUSHES_WINDOW_S + 1
    later = await hooked.post(ACME, data=STATUSPAGE)

    assert (busy.status, other.status, later.status) == (429, 202, 202)
    assert len(hooks.lately["acme"]) == PUSHES_MAX


async def test_who_does_not_know_the_secret_cannot_use_up_a_source(hooked: Client, hooks: Hooks) -> None:
    for _ in range(5):
        await hooked.post("/hooks/acme/wrong", data=STATUSPAGE)

    assert hooks.lately == {}


def signature(body: bytes, secret: str = SECRET, name: str = "sha256") -> str:
    return f"{name}={hmac.new(secret.encode(), body, name).hexdigest()}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Hub-Signature-256": signature(STATUSPAGE)}, 202),
        ({"X-Hub-Signature": signature(STATUSPAGE, name="sha1")}, 202),
        ({"X-Hub-Signature-256": signature(STATUSPAGE).upper().replace("SHA", "sha")}, 202),
        ({"X-Hub-Signature-256": signature(STATUSPAGE + b" ")}, 403),
        ({"X-Hub-Signature-256": signature(STATUSPAGE, "another secret")}, 403),
        ({"X-Hub-Signature-256": signature(STATUSPAGE)[:-1]}, 403),
        ({"X-Hub-Signature-256": "sha256="}, 403),
        ({"X-Hub-Signature-256": ""}, 403),
        ({"X-Hub-Signature": signature(STATUSPAGE, name="md5")}, 403),
        ({"X-Hub-Signature": "md5=\xff"}, 403),
        ({"X-Hub-Signature-256": signature(STATUSPAGE), "X-Hub-Signature": "sha1=00"}, 403),
    ],
)
async def test_a_signature_need_not_be_there_but_must_be_right(
    hooked: Client, intake: Intake, headers: dict[str, str], status: int
) -> None:
    answer = await hooked.post(ACME, data=STATUSPAGE, headers=headers)

    assert (answer.status, len(intake.payloads)) == (status, 1 if status == 202 else 0)


async def test_a_body_changed_on_its_way_is_refused(hooked: Client, intake: Intake) -> None:
    body = STATUSPAGE.replace(b"identified", b"resolved__")

    answer = await hooked.post(ACME, data=body, headers={"X-Hub-Signature-256": signature(STATUSPAGE)})

    assert (answer.status, intake.payloads) == (403, [])


async def test_no_secret_reaches_a_log_or_the_payload(hooked: Client, hooks: Hooks, intake: Intake) -> None:
    with capture_logs() as logs:
        await hooked.post(ACME, data=b"junk")
        await hooked.post(ACME, data=STATUSPAGE, headers={"X-Hub-Signature": "sha1=0", "Cookie": "c=1"})
        await hooked.post(ACME, data=STATUSPAGE)

    assert [entry["event"] for entry in logs][:2] == ["push.refused", "push.refused"]
    assert SECRET not in repr(logs) + repr(intake.payloads) + repr(hooks.nobodys)
    assert all(set(payload.headers) <= {"content-type", "link"} for payload in intake.payloads)


async def test_a_subscription_of_sns_is_confirmed_at_its_own_address(
    hooked: Client, hooks: Hooks, intake: Intake
) -> None:
    opened: list[str] = []

    async def confirm(url: str) -> None:
        opened.append(url)

    hooks.confirm = confirm
    answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter(), headers={"Content-Type": "text/plain"})

    assert await outcome(answer) == (202, {"confirmed": True})
    assert (opened, intake.payloads) == ([SUBSCRIBE], [])


@pytest.mark.parametrize(
    "url",
    [
        "",
        SUBSCRIBE.replace("https:", "http:"),
        SUBSCRIBE.replace("amazonaws.com", "amazonaws.com.evil.example"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com@evil.example"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "user@sns.eu-west-1.amazonaws.com"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com:8443"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com:https"),
        SUBSCRIBE.replace("sns.eu-west-1", "sqs.eu-west-1"),
        SUBSCRIBE.replace("sns.eu-west-1", "sns.x.y"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com", "169.254.169.254"),
        SUBSCRIBE.replace("sns.eu-west-1.amazonaws.com/", "sns.eu-west-1.amazonaws.com\\@evil.example/"),
        SUBSCRIBE.replace("ConfirmSubscription", "Publish"),
        SUBSCRIBE.replace(":health", ":another"),
        SUBSCRIBE + "&Action=Publish",
        "https://[",
    ],
)
async def test_no_other_address_is_opened_for_a_subscription(hooked: Client, hooks: Hooks, url: str) -> None:
    async def confirm(url: str) -> None:
        raise AssertionError(f"opened {url}")

    hooks.confirm = confirm

    answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter(SubscribeURL=url))

    assert answer.status == 400


async def test_the_chinese_regions_of_sns_are_confirmed_too(hooked: Client, hooks: Hooks) -> None:
    opened: list[str] = []

    async def confirm(url: str) -> None:
        opened.append(url)

    hooks.confirm = confirm
    topic = TOPIC.replace("arn:aws:sns:eu-west-1", "arn:aws-cn:sns:cn-north-1")
    url = SUBSCRIBE.replace("eu-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn").replace(TOPIC, topic)

    answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter(SubscribeURL=url, TopicArn=topic))

    assert (answer.status, opened) == (202, [url])


async def test_a_confirmation_that_fails_is_asked_for_again(hooked: Client, hooks: Hooks) -> None:
    async def confirm(url: str) -> None:
        raise FetchError("sns.eu-west-1.amazonaws.com answered 500")

    hooks.confirm = confirm
    with capture_logs() as logs:
        answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter())

    assert (answer.status, logs[0]["event"]) == (503, "push.unconfirmed")


async def test_without_a_way_out_the_operator_is_told_what_to_confirm(hooked: Client) -> None:
    with capture_logs() as logs:
        answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter())

    assert await outcome(answer) == (202, {"confirmed": False})
    assert logs[0]["reason"] == f"confirm the subscription to {TOPIC} in the console of SNS"
    assert "Token" not in repr(logs)


async def test_the_end_of_a_subscription_of_sns_is_logged_and_not_undone(
    hooked: Client, hooks: Hooks
) -> None:
    async def confirm(url: str) -> None:
        raise AssertionError(f"opened {url}")

    hooks.confirm = confirm
    with capture_logs() as logs:
        answer = await hooked.post(f"/hooks/aws/{SECRET}", data=letter(Type="UnsubscribeConfirmation"))

    assert (answer.status, logs[0]["event"]) == (202, "push.unconfirmed")


async def test_without_hooks_there_is_no_address(client: Client) -> None:
    assert (await client.post(ACME, json={})).status == 404


@needs_corpus
@pytest.mark.parametrize(
    "path",
    [*recorded("all/statuspage-webhook"), *recorded("all/aws-eventbridge-health")],
    ids=lambda path: str(path.relative_to(CORPUS)),
)
async def test_what_was_recorded_is_taken(hooked: Client, intake: Intake, path: Path) -> None:
    """Twice, and the second time changes nothing."""
    first = await hooked.post(ACME, data=path.read_bytes())
    before = intake.incidents.ledgers["acme"].incidents
    again = await hooked.post(ACME, data=path.read_bytes())

    assert (await outcome(first))[0] == again.status == 202
    assert before == intake.incidents.ledgers["acme"].incidents


@needs_corpus
@pytest.mark.parametrize("path", recorded("all/webhook-sns-cloudwatch"), ids=lambda path: path.name)
async def test_recorded_letters_of_sns_are_known(hooked: Client, path: Path) -> None:
    """The one that asks is answered; an alarm is no provider's event."""
    status, words = await outcome(await hooked.post(f"/hooks/aws/{SECRET}", data=path.read_bytes()))

    is_letter = "subscription-confirmation" in path.name
    assert (status, words.get("confirmed")) == ((202, False) if is_letter else (400, None))
