"""What each of Slack's failures means to the outbox: one table for its error words, one for the transport.

Pure. Called by `client` alone, which is the only place that talks to Slack. Words: docs.slack.dev, the error tables of
chat.postMessage, chat.update, conversations.history and auth.test, read November 2026.
"""

from __future__ import annotations

import re
from datetime import timedelta

import aiohttp

from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain

SLACK = "slack"
RETRY_AFTER = timedelta(seconds=30)  # when Slack says "too fast" and not for how long

InDoubt = type[Uncertain] | type[Unavailable]
"""The error for a call that may or may not have been carried out: Uncertain where a repetition would be seen."""

_TOKEN = "Install the app in the workspace again and put its new bot token (xoxb-...) into the configuration."  # noqa: S105
_POSTING = "Ask a workspace administrator to let the app post in this channel."
_OURS = "This is a mistake in Fogbell: please report it with this error."

REMEDIES = {
    "channel_not_found": "Check the channel's id in the configuration; invite the bot if the channel is private.",
    "not_in_channel": "Invite the bot to the channel with /invite.",
    "is_archived": "Unarchive the channel, or take it out of the configuration.",
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "not_allowed_token_type": "Use a bot token (xoxb-...) for messages and an app-level token (xapp-...) for Socket Mode.",
    "missing_scope": "Add the scope {needed} to the app and install it in the workspace again.",
    "no_permission": "Add the scopes of docs/slack-manifest.yaml to the app and install it in the workspace again.",
    "access_denied": _POSTING,
    "restricted_action": _POSTING,
    "restricted_action_read_only_channel": _POSTING,
    "restricted_action_thread_only_channel": _POSTING,
    "restricted_action_non_threadable_channel": "Use a channel that allows threads.",
    "restricted_action_thread_locked": "Unlock the thread.",
    "ekm_access_denied": _POSTING,
    "team_access_not_granted": "Ask an organisation administrator to grant the app access to this workspace.",
    "org_login_required": "Wait for the workspace's move to its organisation to end, then install the app again.",
    "user_not_in_channel": "The person has to join the channel first.",
    "msg_too_long": _OURS,
    "msg_blocks_too_long": _OURS,
    "invalid_blocks": _OURS,
    "invalid_blocks_format": _OURS,
    "invalid_arguments": _OURS,
    "invalid_metadata_format": _OURS,
    "metadata_too_large": _OURS,
    "no_text": _OURS,
}
GONE = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
TOO_FAST = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
AWAY = frozenset({"service_unavailable", "team_added_to_org", "request_timeout"})  # not carried out
IN_DOUBT = frozenset(
    {"internal_error", "fatal_error"}
)  # Slack: "some aspect of the operation" may have succeeded
_UNKNOWN = 'Look "{word}" up in the error tables on docs.slack.dev.'
_NO_WORD = "Check api_url in the configuration: this does not look like Slack."

# Nothing can have been sent when no connection came about.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


def from_reply(
    channel: str, in_doubt: InDoubt, *, status: int, word: str = "", after: str = "", needed: str = ""
) -> ChatError:
    """The error for a reply that says no.

    `word` is Slack's error, empty when the body could not be read; `after` is the Retry-After header; `needed` names a scope.
    """
    word = _safe(word)
    if status == 429 or word in TOO_FAST:
        return RateLimited(SLACK, channel, _seconds(after))
    if word in GONE:
        return Refused(SLACK, channel, f"Slack answers {word}", gone=True)
    if word in AWAY:
        return Unavailable(SLACK, channel, f"Slack answers {word}")
    if word in IN_DOUBT or status >= 500 or (status < 400 and not word):
        return in_doubt(SLACK, channel, f"Slack answers {word or f'HTTP {status} and nothing readable'}")
    if not word:
        return Refused(SLACK, channel, f"HTTP {status}", remedy=_NO_WORD)
    remedy = REMEDIES.get(word, _UNKNOWN).format(word=word, needed=_safe(needed) or "that it lacks")
    return Refused(SLACK, channel, f"Slack answers {word}", remedy=remedy)


def from_transport(channel: str, in_doubt: InDoubt, exc: Exception) -> ChatError:
    """The error for a call without any reply. The text of `exc` is left out: it may name an address with a secret in it."""
    what = type(exc).__name__
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Refused(SLACK, channel, f"no usable address ({what})", remedy=_NO_WORD)
    if isinstance(exc, _NOT_SENT):
        return Unavailable(SLACK, channel, f"no connection to Slack ({what})")
    if isinstance(exc, TimeoutError):
        return in_doubt(SLACK, channel, "Slack did not answer in time")
    return in_doubt(SLACK, channel, f"the connection to Slack was lost ({what})")


def _seconds(after: str) -> timedelta:
    return (
        timedelta(seconds=max(1.0, float(after))) if re.fullmatch(r"\d{1,6}(\.\d+)?", after) else RETRY_AFTER
    )


def _safe(word: str) -> str:
    """Slack's words are made of these; anything else is not Slack's."""
    return re.sub(r"[^a-z0-9_:,.]", "", word)[:80]
