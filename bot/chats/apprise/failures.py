"""Why a message failed. The library only says yes or no, so what it lets slip in its log is read: an HTTP status, a connection
that never came about.

Called by `client` alone. The log's texts hold addresses, tokens and whole messages: none of it is kept or passed on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain

APPRISE = "apprise"
RETRY_AFTER = timedelta(seconds=60)  # the library does not pass on how long the service wants us to wait

# As 187 of its plugins write it, counted in version 2.2.
_STATUS = re.compile(r"\berror=(\d{3})\b")
# Of urllib3 and of Python's sockets, when no connection came about: then nothing can have been sent.
_NOT_SENT = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|SSLCertVerificationError"
    r"|Connection refused|Name or service not known|No route to host|Network is unreachable"
)
_REMEDIES = {
    401: "The service does not accept the credentials in url of the [[chat.apprise]] table: make new ones.",
    403: "The service does not let these credentials post there: give them the right to, or make new ones.",
    404: "Check url of the [[chat.apprise]] table: the service knows no such place.",
    410: "The place that url of the [[chat.apprise]] table names was taken away: make a new one.",
}
_REDIRECTED = "Write the address that it redirects to into url of the [[chat.apprise]] table."
_OTHERWISE = "Check url of the [[chat.apprise]] table against the service's page in Apprise's documentation."


@dataclass(slots=True)
class Heard:
    """What the log let slip during one call. `wait` is what the plugin wanted to sleep before it went on."""

    statuses: list[int] = field(default_factory=list)
    was_not_sent: bool = False
    was_partly_sent: bool = False
    wait: RateLimited | None = None


_listening: ContextVar[Heard | None] = ContextVar("apprise_heard", default=None)


class _Ear(logging.Handler):
    """Takes the library's records, notes what is worth it for the call at hand, and lets them go no further."""

    def emit(self, record: logging.LogRecord) -> None:
        """Statuses are believed in warnings alone: debug records hold the service's own words."""
        heard = _listening.get()
        if heard is None:
            return
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            heard.statuses += map(int, _STATUS.findall(text))
        elif record.levelno == logging.INFO and text.startswith("Sent "):
            heard.was_partly_sent = True
        elif " Exception: " in text and _NOT_SENT.search(text):
            heard.was_not_sent = True


def take_the_log() -> None:
    """Let nothing that the library logs reach our own log, and listen to it instead. May be called twice."""
    log = logging.getLogger(APPRISE)
    if not any(isinstance(handler, _Ear) for handler in log.handlers):
        log.handlers[:] = [_Ear()]
    log.propagate = False
    log.setLevel(logging.DEBUG)
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its warnings name whole addresses


@contextmanager
def listening() -> Iterator[Heard]:
    """What is let slip within the block, by this thread."""
    heard = Heard()
    token = _listening.set(heard)
    try:
        yield heard
    finally:
        _listening.reset(token)


def judged(channel: str, heard: Heard, *, targets: int) -> ChatError:
    """The error for a call that the library called a failure.

    With several targets in one address, or a message in several calls, nobody knows what people have of it.
    """
    status = heard.statuses[-1] if heard.statuses else None
    if targets > 1 or heard.was_partly_sent:
        return Uncertain(APPRISE, channel, "at least one of its targets did not take it")
    if heard.wait is not None:
        return heard.wait
    if status is None and heard.was_not_sent:
        return Unavailable(APPRISE, channel, "no connection could be made")
    if status is None:
        return Uncertain(APPRISE, channel, "it failed, and the service did not say why")
    if status == 429:
        return RateLimited(APPRISE, channel, RETRY_AFTER)
    if status >= 500 or status == 408 or status < 300:
        return Uncertain(APPRISE, channel, f"answered {status}")
    remedy = _REDIRECTED if status < 400 else _REMEDIES.get(status, _OTHERWISE)
    return Refused(APPRISE, channel, f"answered {status}", remedy=remedy)
