"""What each of Slack's failures means to the outbox: one table for its error words, one for the transport.

Pure. Called by `client` alone, which is the only place that talks to Slack. Words: docs.slack.dev, the error tables of
chat.postMessage, chat.update, conversations.history and auth.test, read November 2026.
"""

from __future__ import annotations

import re
from datetime import timedelta

import aiohttp

from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from bot.net.wishes import RETRY_AFTER_MAX

SLACK = "slack"
RETRY_AFTER = timedelta(seconds=30)  # when Slack says "too fast" and not for how long

At = tuple[str, str]
"""The chat's name and the channel, as every ChatError carries them: ("slack", "C0123"), ("slack-acme", "C0123")."""

InDoubt = type[Uncertain] | type[Unavailable]
"""The error for a call that may or may not have been carried out: Uncertain where a repetition would be seen."""

_TOKEN = "Install the app in the workspace again and put its new bot token (xoxb-...) into the configuration."  # noqa: S105
_POSTING = "Ask a workspace administrator to let the app post in this channel."
_UNARCHIVE = "Unarchive the channel, or take it out of the configuration."
_NETWORK = "Add Fogbell's outgoing address to the app's and the workspace's allowed addresses."
_ORGANISATION = "Install the app in the workspace itself, and not in its organisation."
_OURS = "This is a mistake in Fogbell: please report it with this error."

REMEDIES = {
    "channel_not_found": "Check the channel's id in the configuration; invite the bot if the channel is private.",
    "not_in_channel": "Invite the bot to the channel with /invite.",
    "is_archived": _UNARCHIVE,
    "is_inactive": _UNARCHIVE,
    "channel_is_limited_access": "Invite the bot to the channel with /invite.",
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "two_factor_setup_required": _TOKEN,
    "team_not_found": _TOKEN,
    "not_allowed_token_type": "Use a bot token (xoxb-...) for messages and an app-level token (xapp-...) for Socket Mode.",
    "missing_scope": "Add the scope {needed} to the app and install it in the workspace again.",
    "no_permission": "Add the scopes of docs/slack-manifest.yaml to the app and install it in the workspace again.",
    "access_denied": _POSTING,
    "restricted_action": _POSTING,
    "restricted_action_read_only_channel": _POSTING,
    "restricted_action_thread_only_channel": _POSTING,
    "restricted_action_non_threadable_channel": "Use a channel that allows threads.",
    "restricted_action_thread_locked": "Unlock the thread.",
    "cannot_reply_to_message": "Use a channel that allows threads.",
    "ekm_access_denied": _POSTING,
    "accesslimited": _NETWORK,
    "enterprise_is_restricted": _ORGANISATION,
    "team_access_not_granted": "Ask an organisation administrator to grant the app access to this workspace.",
    "org_login_required": "Wait for the workspace's move to its organisation to end, then install the app again.",
    "messages_tab_disabled": "Turn on the app's messages tab under App Home, or name a channel instead.",
    "slack_connect_file_link_sharing_blocked": "Ask a workspace administrator to allow links in shared channels.",
    "user_not_in_channel": "The person has to join the channel first.",
    "method_deprecated": "Update Fogbell: Slack has withdrawn a method that it uses.",
    "deprecated_endpoint": "Update Fogbell: Slack has withdrawn a method that it uses.",
    **dict.fromkeys(
        (
            "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "invalid_arguments",
            "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_json",
            "invalid_post_type", "json_not_object", "missing_post_type", "missing_charset", "metadata_too_large",
            "invalid_metadata_format", "invalid_metadata_schema", "metadata_must_be_sent_from_app", "no_text",
            "as_user_not_supported", "block_mismatch", "markdown_text_conflict", "invalid_attachments",
            "too_many_attachments", "attachment_payload_limit_exceeded", "too_many_contact_cards", "bad_timestamp",
            "cant_broadcast_message", "no_dual_broadcast_content_update", "duplicate_message_not_found",
            "duplicate_channel_not_found", "invalid_cursor", "invalid_limit", "invalid_ts_latest", "invalid_ts_oldest",
        ),
        _OURS,
    ),
}  # fmt: skip
GONE = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
TOO_FAST = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
AWAY = frozenset(  # not carried out
    {
        "service_unavailable", "team_added_to_org", "request_timeout", "external_channel_migrating", "update_failed",
        "streaming_state_conflict",
    }
)  # fmt: skip
IN_DOUBT = frozenset(
    {"internal_error", "fatal_error"}
)  # Slack: "some aspect of the operation" may have succeeded
_UNKNOWN = 'Look "{word}" up in the error tables on docs.slack.dev.'
_NO_WORD = "Check api_url in the configuration: this does not look like Slack."

# Nothing can have been sent when no connection came about.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


def from_reply(
    at: At, in_doubt: InDoubt, *, status: int, word: str = "", after: str = "", needed: str = ""
) -> ChatError:
    """The error for a reply that says no.

    `word` is Slack's error, empty when the body could not be read; `after` is the Retry-After header; `needed` names a scope.
    """
    word = safe(word)
    if status == 429 or word in TOO_FAST:
        return RateLimited(*at, pause(after))
    if word in GONE:
        return Refused(*at, f"Slack answers {word}", gone=True)
    if word in AWAY:
        return Unavailable(*at, f"Slack answers {word}")
    if word in IN_DOUBT or status >= 500 or (status < 400 and not word):
        return in_doubt(*at, f"Slack answers {word or f'HTTP {status} and nothing readable'}")
    if not word:
        return Refused(*at, f"HTTP {status}", remedy=_NO_WORD)
    remedy = REMEDIES.get(word, _UNKNOWN).format(word=word, needed=safe(needed) or "that it lacks")
    return Refused(*at, f"Slack answers {word}", remedy=remedy)


def from_transport(at: At, in_doubt: InDoubt, exc: Exception) -> ChatError:
    """The error for a call without any reply. The text of `exc` is left out: it may name an address with a secret in it."""
    what = type(exc).__name__
    if isinstance(exc, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Refused(*at, f"no usable address ({what})", remedy=_NO_WORD)
    if isinstance(exc, _NOT_SENT):
        return Unavailable(*at, f"no connection to Slack ({what})")
    if isinstance(exc, TimeoutError):
        return in_doubt(*at, "Slack did not answer in time")
    return in_doubt(*at, f"the connection to Slack was lost ({what})")


def pause(after: str) -> timedelta:
    """How long to wait, by the header Retry-After: in seconds, never less than one."""
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", after):
        return RETRY_AFTER
    return min(timedelta(seconds=max(1.0, float(after))), RETRY_AFTER_MAX)


def safe(word: str) -> str:
    """Slack's words are made of these; anything else is not Slack's."""
    return re.sub(r"[^a-z0-9_:,.]", "", word)[:80]
