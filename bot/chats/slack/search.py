"""Looking for one message among many, page by page: a search that was interrupted goes on where it stopped.

Slack may give 15 messages a page and one page a minute, whatever is asked for. Kept and begun by `client` alone, which asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

EVENT_TYPE = "fogbell_message"
FIND_PAGE = 200  # messages; Slack's advice. Apps under the limits of 2025 get 15, whatever they ask for
READ_MAX = 2_000

Query = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Search:
    """How far back we have read. `oldest` and `newest` are times as Slack writes them; an empty cursor means the beginning."""

    oldest: str
    newest: str = "0"
    cursor: str = ""
    read: int = 0

    @property
    def is_spent(self) -> bool:
        """True when more was written since than is ever read."""
        return self.read >= READ_MAX

    async def go_on(self, ask: Callable[[Query], Awaitable[AsyncSlackResponse]], key: str) -> str | None:
        """The time of the message with this key; None when it is not there, or when the search is spent."""
        is_resumed = bool(self.cursor)
        while not self.is_spent:
            page = await ask(self._query())
            messages = page["messages"]
            self.read += len(messages) or 1
            self.newest = max((self.newest, *(str(m["ts"]) for m in messages)), key=float)
            if found := [str(m["ts"]) for m in messages if _key(m) == key]:
                return found[0]
            if page["has_more"]:
                self.cursor = str(page["response_metadata"]["next_cursor"])
                continue
            if not is_resumed:
                return None
            # What was written since the first page was read is not in any of these.
            self.oldest, self.cursor, is_resumed = self.newest, "", False
        return None

    def _query(self) -> Query:
        query = {"oldest": self.oldest, "limit": FIND_PAGE, "include_all_metadata": True}
        return query | ({"cursor": self.cursor} if self.cursor else {})


def _key(message: Mapping[str, Any]) -> object:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    return (metadata.get("event_payload") or {}).get("key")
