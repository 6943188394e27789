"""What goes wrong with Discord, in our words: the one seam where errors of the library and the connection become ChatError.

Used by `call` for requests and by `listen` for the gateway. Whether to come back, and when, is the outbox's business.
"""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import discord

from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain

NAME = "discord"
PASSING_WAIT = timedelta(minutes=1)

# Discord's error codes: docs.discord.com/developers/topics/opcodes-and-status-codes (read 2026-08)
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
TOO_MANY_PINS = 30003
AT_THE_EDGE = 40333  # "internal network error": turned away before Discord itself saw the request
TAG_REQUIRED = 40067
MISSING_ACCESS = 50001
NOT_A_TEXT_CHANNEL = 50008
MISSING_PERMISSIONS = 50013
WRONG_KIND_OF_CHANNEL = 50024
THREAD_IS_ARCHIVED = 50083
THREAD_EXISTS = 160004
# A limit that ends by itself: slow mode, writing too fast, switched off for now, too many edits of old messages, overload,
# too many open threads.
_PASSING = frozenset({20016, 20022, 20028, 20029, 30046, 40006, 40062, 130000, 160006, 160007})

_LET_IN = "Invite the bot to the server, and let its role view the channel."
_PERMIT = (
    "Let the bot's role do all of this in the channel: view it, send messages, embed links, read the message history,"
    " create public threads, send messages in threads."
)
_CORRECT = "Correct the channel's id in the configuration: Discord knows no such channel."
_OTHER_KIND = (
    "Name a text, announcement, forum or media channel in the configuration: this one takes no such messages."
)
_AUTOMOD = "Exempt the bot's role from the server's AutoMod rule: it blocks our words."
_REMEDIES = {
    UNKNOWN_CHANNEL: _CORRECT,
    10004: _LET_IN,
    UNKNOWN_MESSAGE: "The message was deleted; post anew.",
    TOO_MANY_PINS: "Unpin something in the channel: it holds as many pins as Discord allows.",
    TAG_REQUIRED: "Give the forum a tag that the bot may use, or let posts do without one.",
    MISSING_ACCESS: _LET_IN,
    NOT_A_TEXT_CHANNEL: _OTHER_KIND,
    MISSING_PERMISSIONS: _PERMIT,
    WRONG_KIND_OF_CHANNEL: _OTHER_KIND,
    50035: "Check that the channel's id is Discord's long number; if it is, please report a bug of Fogbell.",
    THREAD_IS_ARCHIVED: "Open the archived thread again, or let the bot's role manage threads.",
    160005: "Unlock the thread, or let the bot's role manage threads.",
    200000: _AUTOMOD,
    200001: _AUTOMOD,
}
_REMEDIES_BY_STATUS = {401: "Put a valid bot token into chat.discord.token.", 403: _PERMIT, 404: _CORRECT}

# What an answer or event raises that is JSON, and not what it should be.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
# All that the library, the connection and an unreadable answer may raise.
FAILURES = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError, *UNREADABLE)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def failure(
    exc: BaseException, channel: str, *, may_have_arrived: bool = False, may_be_gone: bool = False
) -> ChatError:
    """What an error of the library means for the outbox.

    `may_have_arrived` is for a request that creates something, once it was sent; `may_be_gone` is for one inside a thread,
    which may have been deleted with all its messages.
    """
    if isinstance(exc, discord.RateLimited):
        return RateLimited(NAME, channel, timedelta(seconds=exc.retry_after))
    if isinstance(exc, discord.LoginFailure):
        return Refused(NAME, channel, "Discord does not know our token", remedy=_REMEDIES_BY_STATUS[401])
    if isinstance(exc, discord.HTTPException) and exc.status < 500 and _is_discords_own(exc):
        return _refusal(exc, channel, may_be_gone)
    status = f" {exc.status}" if isinstance(exc, discord.HTTPException) else ""
    words = type(exc).__name__ + status  # its own text may name an address that is nobody's business
    return lost(channel, words, may_have_arrived=may_have_arrived and not isinstance(exc, _NEVER_SENT))


def lost(channel: str, words: str, *, may_have_arrived: bool) -> ChatError:
    """Discord gave no answer that can be read."""
    if may_have_arrived:
        return Uncertain(NAME, channel, f"no readable answer, so it may have arrived ({words})")
    return Unavailable(NAME, channel, f"no readable answer ({words})")


def code_of(error: ChatError) -> int:
    """Discord's code for what `failure` translated, 0 when it gave none."""
    return getattr(error.__cause__, "code", 0)


def status_of(error: ChatError) -> int:
    """The HTTP status behind what `failure` translated, 0 when there was none."""
    return getattr(error.__cause__, "status", 0)


def _refusal(exc: discord.HTTPException, channel: str, may_be_gone: bool) -> ChatError:
    if exc.code in _PASSING:
        return RateLimited(NAME, channel, PASSING_WAIT)
    if exc.code == AT_THE_EDGE:
        return Unavailable(NAME, channel, "Discord's edge turned the request away", after=PASSING_WAIT)
    remedy = _REMEDIES.get(exc.code) or _REMEDIES_BY_STATUS.get(exc.status, "Please report a bug of Fogbell.")
    gone = exc.code == UNKNOWN_MESSAGE or (exc.code == UNKNOWN_CHANNEL and may_be_gone)
    said = f"{exc.status}, code {exc.code}: {exc.text}"[:300]
    return Refused(NAME, channel, f"Discord refused it ({said})", remedy=remedy, gone=gone)


def _is_discords_own(exc: discord.HTTPException) -> bool:
    """False for an answer of something on the way to Discord: a proxy's or an edge's page refuses nothing for good."""
    return exc.response.headers.get("Content-Type", "").startswith("application/json")
