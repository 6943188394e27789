"""The http check: one GET, judged by status, text and time. Every failure is a result, in plain words."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from bot import net
from bot.domain.checks import Check, CheckResult

BODY_MAX_BYTES = 256 * 1024
REDIRECTS_MAX = 5
_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    has_text: bool


async def run(check: Check, session: aiohttp.ClientSession, now: datetime) -> CheckResult:
    """One run of an http check: good when the answer is as expected, within the time allowed."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(check.timeout.total_seconds()):
            answer = await _ask(check, session)
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        is_late = type(exc) is TimeoutError
        why = f"no answer within {check.timeout.total_seconds():g} s" if is_late else net.in_words(exc)
        return CheckResult(is_good=False, at=now, detail=f"{net.shown(check.target)}: {why}")
    took = timedelta(seconds=time.monotonic() - began)
    wrong = _wrong(check, answer, took)
    detail = f"{net.shown(check.target)} {wrong}" if wrong else ""
    return CheckResult(is_good=not wrong, at=now, detail=detail, latency=took)


async def _ask(check: Check, session: aiohttp.ClientSession) -> _Answer:
    # A redirect that is expected must be seen, not followed.
    wants_redirect = any(300 <= status < 400 for status in check.expect_status)
    async with session.get(
        check.target,
        allow_redirects=not wants_redirect,
        max_redirects=REDIRECTS_MAX,
        proxy=net.proxy_for(check.target),
    ) as response:
        return _Answer(response.status, await _has_text(response, check.expect_text))


async def _has_text(response: aiohttp.ClientResponse, text: str | None) -> bool:
    """Whether the text is in the beginning of the body; reading all of it, when short, keeps the connection usable."""
    wanted, body, found = (text or "").encode(), bytearray(), not text
    async for piece in response.content.iter_chunked(_CHUNK_BYTES):
        body += piece[: BODY_MAX_BYTES - len(body)]
        found = found or wanted in body
        if len(body) >= BODY_MAX_BYTES:
            break
    return found


def _wrong(check: Check, answer: _Answer, took: timedelta) -> str:
    """What is not as expected, or an empty string."""
    if check.expect_status:
        if answer.status not in check.expect_status:
            wanted = " or ".join(map(str, check.expect_status))
            return f"answered {answer.status} instead of {wanted}"
    elif not 200 <= answer.status < 400:
        return f"answered {answer.status}"
    if not answer.has_text:
        return f'answered {answer.status} without "{check.expect_text}" in its text'
    if check.slower_than is not None and took > check.slower_than:
        return f"took {took.total_seconds():.1f} s, longer than {check.slower_than.total_seconds():g} s"
    return ""
