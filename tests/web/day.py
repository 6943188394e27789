"""AWS us-east-1 on 2025-10-20 as the console saw it, worded by us: what the screenshots show."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.chats.console.client import ConsoleChat
from bot.domain.card import Card, Field, Section, Tone
from tests.fakes.store_fakes import FakeClock

POSTS = (
    ("07:11", "Investigating", "Error rates and latencies are up for several services in US-EAST-1. We are looking into it."),
    ("07:51", "Investigating", "Several services fail more often and answer late. Opening a support case may fail too."),
    ("08:26", "Identified", "Requests to the DynamoDB endpoint fail at a high rate; other services suffer with it."),
    ("09:01", "Identified", "A potential cause is found: DNS resolution of the DynamoDB endpoint. Please retry requests."),
    ("09:22", "Identified", "First mitigations are in place and some services recover. Expect a backlog of queued requests."),
)  # fmt: skip
EARLIER = "2025-10-20 09:01 UTC A potential root cause is found: DNS resolution ...\nand 3 earlier"


def _at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-10-20T{clock}:00").replace(tzinfo=UTC)


def section(post: tuple[str, str, str]) -> Section:
    """The dated paragraph of one post."""
    return Section(heading=post[1], text=post[2], at=_at(post[0]))


def headline(posts: int) -> Card:
    """The headline after so many posts."""
    return Card(
        title="AWS: Increased error rates and latencies in US-EAST-1",
        tone=Tone.CRITICAL,
        fallback="INC-1 AWS: Increased error rates and latencies (SEV1, hits checkout, sessions)",
        url="https://health.aws.amazon.com/health/status",
        fields=(
            Field(name="Status", value=POSTS[posts - 1][1]),
            Field(name="Severity", value="SEV1"),
            Field(name="Impact", value="critical (provider's word)"),
            Field(name="Began", value="2025-10-20 06:48 UTC"),
            Field(name="Acknowledged", value="Ann, 07:16 UTC"),
            Field(
                name="Our services",
                value="checkout via aws/dynamodb@us-east-1, sessions (perhaps) via aws@us-east-1",
            ),
            Field(
                name="Where", value="DynamoDB (us-east-1), IAM (us-east-1), Lambda (us-east-1) and 12 more"
            ),
        ),
        sections=(section(POSTS[posts - 1]), Section(heading="Before", text=EARLIER)),
        footer=f"INC-1 · {posts} updates",
    )


def update(post: tuple[str, str, str]) -> Card:
    """The reply for one post."""
    words = {"title": headline(1).title, "tone": Tone.CRITICAL, "footer": "INC-1"}
    return Card(fallback=f"INC-1 AWS: {post[2]}", sections=(section(post),), **words)  # type: ignore[arg-type]


async def tell(console: ConsoleChat, clock: FakeClock, posts: int = 5) -> None:
    """Post the morning: an incident that is over, a maintenance, and AWS with its thread."""
    clock.at = _at("05:02")
    await console.post("ops", _over(), key="github")
    clock.at = _at("06:30")
    await console.post("ops", _maintenance(), key="stripe")
    clock.at = _at("07:11")
    receipt = await console.post("ops", headline(1), key="aws")
    for number in range(1, posts):
        clock.at = _at(POSTS[number][0])
        await console.post("ops", update(POSTS[number]), key=f"aws{number}", thread=receipt)
        await console.edit(receipt, headline(number + 1))


def _over() -> Card:
    return Card(
        title="GitHub: Delays in Actions",
        tone=Tone.OVER,
        fallback="INC-0 GitHub: Delays in Actions (resolved)",
        url="https://www.githubstatus.com",
        fields=(Field(name="Status", value="Resolved"), Field(name="Ended", value="2025-10-20 05:41 UTC")),
        sections=(Section(heading="Resolved", text="Runs start on time again.", at=_at("05:41")),),
        footer="INC-0 · 3 updates",
    )


def _maintenance() -> Card:
    return Card(
        title="Stripe: Planned upgrade of card payments in Japan",
        tone=Tone.MAINTENANCE,
        fallback="INC-2 Stripe: Planned upgrade (in progress)",
        fields=(Field(name="Status", value="In progress"), Field(name="Until", value="2025-10-20 10:30 UTC")),
        sections=(
            Section(heading="In progress", text="Some payments may take a minute longer.", at=_at("06:30")),
        ),
        footer="INC-2 · 1 update",
    )
