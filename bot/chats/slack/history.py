"""How Slack gives what was written in a channel or thread, and how our messages are told from others there.

Kept by `client` alone, which asks Slack; what is remembered of it is `bot.chats.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chats.reading import Page, Stretch, Told
from bot.domain.roll import read

EVENT_TYPE = "fogbell_message"
FIND_PAGE = 200  # messages; Slack's advice. Apps under the limits of 2025 get 15, whatever they ask for
READ_MAX = 2_000

Query = Mapping[str, Any]


def query(stretch: Stretch) -> Query:
    """What to ask Slack for; times are seconds with six digits after the point."""
    asked: dict[str, Any] = {"limit": FIND_PAGE, "include_all_metadata": True}
    asked["oldest"] = f"{stretch.after:.6f}"
    if stretch.until is not None:
        asked["latest"] = (
            f"{stretch.until + 1:.6f}"  # a second more: what bears the very time must not be missed
        )
    return asked | ({"cursor": stretch.cursor} if stretch.cursor else {})


def page(reply: AsyncSlackResponse) -> Page:
    """What Slack answered."""
    messages = reply["messages"]
    times = [float(each["ts"]) for each in messages]
    return Page(
        ours=[told for each in messages if (told := _told(each))],
        count=len(messages),
        newest=max(times, default=0.0),
        oldest=min(times, default=0.0),
        cursor=str(reply["response_metadata"]["next_cursor"]) if reply["has_more"] else "",
    )


def _told(message: Mapping[str, Any]) -> Told | None:
    """By what we wrote beside our message; None where it is not ours."""
    metadata = message.get("metadata") or {}
    payload = (metadata.get("event_payload") or {}) if metadata.get("event_type") == EVENT_TYPE else {}
    key, ts = str(payload.get("key") or ""), str(message["ts"])
    if not key:
        return None
    return Told(message=ts, key=key, at=float(ts), roll=read(str(payload.get("roll") or "")))
