"""Each way in which Slack says no, as it happens: the error that the outbox gets, and the one sentence that operators get."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.chats.slack.client import SlackChat, is_slacks
from bot.chats.slack.failures import AWAY, GONE, IN_DOUBT, REMEDIES, TOO_FAST, pause
from bot.domain.conversation import Receipt
from bot.errors import ChatError, RateLimited, Refused, Unavailable, Uncertain
from tests.chats.contract import TIMEOUT, card
from tests.fakes import slack as fakes
from tests.fakes.slack import FakeSlack

Change = Callable[[FakeSlack, Receipt], None]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
METHODS = ("chat.postMessage", "chat.update", "conversations.history", "auth.test")

# Of the error tables of chat.postMessage, chat.update, conversations.history and auth.test, as docs.slack.dev lists them.
WORDS = """
    access_denied accesslimited account_inactive as_user_not_supported block_mismatch cant_broadcast_message
    cant_update_message channel_not_found deprecated_endpoint duplicate_channel_not_found duplicate_message_not_found
    edit_window_closed ekm_access_denied enterprise_is_restricted external_channel_migrating fatal_error internal_error
    invalid_arg_name invalid_arguments invalid_array_arg invalid_attachments invalid_auth invalid_blocks
    invalid_blocks_format invalid_charset invalid_cursor invalid_form_data invalid_limit invalid_metadata_format
    invalid_metadata_schema invalid_post_type invalid_ts_latest invalid_ts_oldest is_archived is_inactive
    markdown_text_conflict message_limit_exceeded message_not_found messages_tab_disabled metadata_must_be_sent_from_app
    metadata_too_large method_deprecated missing_post_type missing_scope msg_blocks_too_long msg_too_long
    no_dual_broadcast_content_update no_permission no_text not_allowed_token_type not_authed not_in_channel
    org_login_required rate_limited ratelimited request_timeout restricted_action
    restricted_action_non_threadable_channel restricted_action_read_only_channel
    restricted_action_thread_locked restricted_action_thread_only_channel service_unavailable
    slack_connect_file_link_sharing_blocked streaming_state_conflict team_access_not_granted team_added_to_org
    team_not_found thread_not_found token_expired token_revoked too_many_attachments two_factor_setup_required
    update_failed
"""


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def chat(fake: FakeSlack) -> AsyncIterator[SlackChat]:
    patient = 3 * TIMEOUT  # in a long run the collector alone may take a time-out of the contract
    chat = SlackChat(token=fake.bot_token, api_url=fake.api_url, timeout=patient, name="slack-acme")
    yield chat
    await chat.close()


def gone(fake: FakeSlack, receipt: Receipt) -> None:
    fake.delete("C1", receipt.message)


def no_channel(fake: FakeSlack, receipt: Receipt) -> None:
    del fake.channels["C1"]


def archived(fake: FakeSlack, receipt: Receipt) -> None:
    fake.channels["C1"].is_archived = True


def removed(fake: FakeSlack, receipt: Receipt) -> None:
    fake.channels["C1"].has_bot = False


def no_scope(fake: FakeSlack, receipt: Receipt) -> None:
    fake.scopes.clear()


def token(word: str) -> Change:
    """Slack says this to our token."""

    def change(fake: FakeSlack, receipt: Receipt) -> None:
        fake.token_word = word

    change.__name__ = word
    return change


def failing(fault: fakes.Fault) -> Change:
    """Every method fails so once."""

    def change(fake: FakeSlack, receipt: Receipt) -> None:
        for method in METHODS:
            fake.fail_next(method, fault)

    change.__name__ = fault.word or f"{fault.kind} {fault.status}"
    return change


INSTALL, UNARCHIVE, SCOPE = (
    "Install the app",
    "Unarchive the channel",
    "Add the scope (chat:write|channels:history)",
)
ADMINISTRATOR = "Ask a workspace administrator"


@pytest.mark.parametrize(
    ("change", "posting", "editing", "finding", "remedy"),
    [
        (gone, None, Refused, None, ""),
        (no_channel, Refused, Refused, Refused, "Check the channel's id"),
        (archived, Refused, Refused, None, UNARCHIVE),
        (removed, Refused, None, Refused, "/invite"),
        (no_scope, Refused, Refused, Refused, SCOPE),
        (token("token_revoked"), Refused, Refused, Refused, INSTALL),
        (token("token_expired"), Refused, Refused, Refused, INSTALL),
        (token("account_inactive"), Refused, Refused, Refused, INSTALL),
        (token("invalid_auth"), Refused, Refused, Refused, INSTALL),
        (token("not_allowed_token_type"), Refused, Refused, Refused, "Use a bot token"),
        (failing(fakes.refuse("restricted_action")), Refused, Refused, Refused, ADMINISTRATOR),
        (failing(fakes.refuse("a_word_of_2031")), Refused, Refused, Refused, "Look .a_word_of_2031. up"),
        (failing(fakes.rate_limited(17)), RateLimited, RateLimited, RateLimited, ""),
        (failing(fakes.refuse("service_unavailable")), Unavailable, Unavailable, Unavailable, ""),
        (failing(fakes.server_error(500)), Uncertain, Unavailable, Unavailable, ""),
        (failing(fakes.server_error(503)), Uncertain, Unavailable, Unavailable, ""),
        (failing(fakes.refuse("internal_error")), Uncertain, Unavailable, Unavailable, ""),
        (failing(fakes.refuse("fatal_error")), Uncertain, Unavailable, Unavailable, ""),
        # aiohttp asks again by itself where a kept connection turns out to be gone, but only when that is a reading call.
        (failing(fakes.drop_before()), Uncertain, Unavailable, None, ""),
        (failing(fakes.drop_after()), Uncertain, Unavailable, None, ""),
        (failing(fakes.cut_mid_body()), Uncertain, Unavailable, Unavailable, ""),
        (failing(fakes.bad_json()), Uncertain, Unavailable, Unavailable, ""),
        (failing(fakes.hang()), Uncertain, Unavailable, Unavailable, ""),
    ],
    ids=lambda value: value.__name__ if callable(value) and not isinstance(value, type) else "",
)  # fmt: skip
async def test_each_failure_is_one_error_with_one_sentence(
    change: Change,
    posting: type[ChatError] | None,
    editing: type[ChatError] | None,
    finding: type[ChatError] | None,
    remedy: str,
    chat: SlackChat,
    fake: FakeSlack,
) -> None:
    receipt = await chat.post("C1", card("words"), key="key")
    change(fake, receipt)

    errors = [
        await raised(lambda: chat.post("C1", card("words"), key="key2")),
        await raised(lambda: chat.edit(receipt, card("words"))),
        await raised(lambda: chat.find("C1", key="key", since=LONG_AGO)),
    ]

    assert [posting, editing, finding] == [type(error) if error else None for error in errors]
    for error in filter(None, errors):
        assert str(error).startswith("slack-acme:C1: ")
        assert (error.chat, error.channel) == ("slack-acme", "C1")
        assert getattr(error, "gone", False) is (change is gone)
        if isinstance(error, Refused) and not error.gone:
            assert re.search(remedy, error.remedy)
            assert re.fullmatch(r"[^.]+(\.\w[^.]*|\.\.\.[^.]*)*\.", error.remedy)
        if isinstance(error, RateLimited):
            assert error.after == timedelta(seconds=17)


async def raised(call: Callable[[], object]) -> ChatError | None:
    """The error of a call, or None."""
    try:
        await call()  # type: ignore[misc]
    except ChatError as error:
        return error
    return None


async def test_a_reply_to_a_deleted_headline_says_that_it_is_gone(chat: SlackChat, fake: FakeSlack) -> None:
    """So that the outbox posts the headline anew."""
    receipt = await chat.post("C1", card("words"), key="key")
    fake.delete("C1", receipt.message)

    with pytest.raises(Refused) as caught:
        await chat.post("C1", card("reply"), key="key2", thread=receipt)

    assert caught.value.gone


def test_every_documented_error_has_a_meaning() -> None:
    documented = set(re.findall(r"\w+", WORDS))

    assert documented - {*REMEDIES, *GONE, *TOO_FAST, *AWAY, *IN_DOUBT} == set()


def test_a_remedy_names_something_to_do() -> None:
    verbs = "Check|Invite|Unarchive|Install|Use|Add|Ask|Unlock|Wait|Turn|Update|The person has to|.* please report"

    assert [remedy for remedy in REMEDIES.values() if not re.match(verbs, remedy)] == []


async def test_another_token_is_used_from_the_next_call_on(chat: SlackChat, fake: FakeSlack) -> None:
    await chat.ping()
    fake.bot_token = "xoxb-renewed"
    with pytest.raises(Refused):
        await chat.ping()

    chat.renew("xoxb-renewed")

    await chat.ping()


GOV, USUAL, PROXY = "https://slack-gov.com/api/", "https://slack.com/api/", "https://proxy.example/slack/"


@pytest.mark.parametrize(
    ("api_url", "host", "expected"),
    [
        (GOV, "hooks.slack-gov.com", True),
        (GOV, "slack-gov.com", True),
        (GOV, "hooks.slack.com", False),
        (GOV, "hooks.slack-gov.com.evil.example", False),
        (USUAL, "hooks.slack.com", True),
        (USUAL, "hooks.slack-gov.com", False),
        (PROXY, "hooks.slack.com", True),
        (PROXY, "hooks.slack-gov.com", True),
        (PROXY, "proxy.example", True),
        (PROXY, "hooks.example", False),
    ],
)
def test_commands_are_answered_to_the_slack_that_they_came_from(
    api_url: str, host: str, expected: bool
) -> None:
    assert expected is is_slacks(f"https://{host}/commands/T1/2/3", api_url)


@pytest.mark.parametrize("api_url", [GOV, GOV.rstrip("/")])
async def test_govslack_is_called_at_its_own_address(api_url: str) -> None:
    chat = SlackChat(token="xoxb", api_url=api_url)

    assert chat.web().base_url == GOV

    await chat.close()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 1), ("17", 17), ("2.5", 2.5), ("999999", 3_600), ("9999999", 30), ("soon", 30), ("", 30)],
)
def test_the_wait_is_what_slack_says_within_reason(header: str, seconds: float) -> None:
    assert pause(header) == timedelta(seconds=seconds)
