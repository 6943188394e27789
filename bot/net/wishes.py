"""How long a server wants us to wait: the header Retry-After, bounded. Used by `sources.fetching` and the chats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

RETRY_AFTER_MAX = timedelta(hours=1)  # one absurd header must not silence a feed or a channel


def retry_after(response: aiohttp.ClientResponse, now: datetime) -> timedelta | None:
    """The wait that the server asked for, in seconds or as a date, at most an hour; None when it asked for none."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(timedelta(seconds=int(value)), RETRY_AFTER_MAX)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), RETRY_AFTER_MAX)
