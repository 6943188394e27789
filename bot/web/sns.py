"""Amazon SNS: the letter that asks whether a subscription is wanted, and the yes to it.

What a notification holds is read by the format in `bot.sources`. Signatures are not checked, for which RSA would be needed: who
knows the secret address may push, and nothing in a letter gives more rights than that. Called by `hooks`.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot import net
from bot.errors import FetchError

CONFIRM = "SubscriptionConfirmation"
FAREWELL = "UnsubscribeConfirmation"
CONFIRM_S = 3.0  # the sender waits 15 s
URL_MAX_CHARS = 2_000
_HOST = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?")
_ARN = re.compile(r"arn:aws[a-z-]{0,20}:sns:[\w-]{1,40}:\d{1,20}:[\w.-]{1,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message of SNS about a subscription, not about an event. `subscribe_url` says yes when it is opened."""

    kind: str
    topic: str
    subscribe_url: str


def letter_of(body: bytes) -> Letter | None:
    """The letter that a body is; None for everything else, notifications too."""
    if b"TopicArn" not in body:
        return None
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("Type") not in (CONFIRM, FAREWELL):
        return None
    topic, url = found.get("TopicArn"), found.get("SubscribeURL")
    return Letter(
        kind=found["Type"],
        topic=topic if isinstance(topic, str) and _ARN.fullmatch(topic) else "",
        subscribe_url=url if isinstance(url, str) and len(url) <= URL_MAX_CHARS else "",
    )


def is_genuine(letter: Letter) -> bool:
    """True when the address leads to SNS itself and does nothing but confirm the letter's own topic."""
    try:
        parts = urlsplit(letter.subscribe_url)
        port = parts.port
    except ValueError:
        return False
    asks = parse_qs(parts.query)
    return (
        parts.scheme == "https"
        and _HOST.fullmatch(parts.netloc) is not None  # the whole of it: no user, no port
        and port is None
        and parts.path in {"", "/"}
        and bool(letter.topic)
        and asks.get("Action") == ["ConfirmSubscription"]
        and asks.get("TopicArn") == [letter.topic]
    )


async def confirm(session: aiohttp.ClientSession, url: str) -> None:
    """Say yes to a genuine letter. Raises FetchError when SNS does not take it."""
    try:
        async with (
            asyncio.timeout(CONFIRM_S),
            session.get(url, allow_redirects=False, proxy=net.proxy_for(url)) as response,
        ):
            status = response.status
    except TimeoutError as exc:
        raise FetchError(f"{net.shown(url)} did not answer within {CONFIRM_S:g} s") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise FetchError(f"{net.shown(url)} could not be reached: {net.in_words(exc)}") from exc
    if status != 200:
        raise FetchError(f"{net.shown(url)} answered {status}")
