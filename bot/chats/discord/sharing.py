"""Questions that many ask at the same time, put to Discord once: after a fail-over of the store every conversation looks back.

Each for itself they would use up the channel's limit, and none would come to an end. Used by `threads` to find messages.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from bot.chats.discord.call import Call
from bot.chats.discord.render import Body


@dataclass(slots=True)
class _Question:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    asked_at: float = float("-inf")
    answer: Any = None


class Shared:
    """Answers to those who wait for them; nothing is kept for later."""

    def __init__(self) -> None:
        self._questions: dict[object, _Question] = {}

    async def read(self, call: Call, path: str, query: Body | None = None, **ids: str) -> Any:
        """What Discord answers to a GET that was sent no earlier than now. Raises ChatError as any request does."""
        began = asyncio.get_running_loop().time()
        key = (path, *sorted((query or {}).items()), *sorted(ids.items()))
        question = self._questions.setdefault(key, _Question())
        question.waiting += 1
        try:
            async with question.turn:
                if question.asked_at < began:
                    asked_at = asyncio.get_running_loop().time()
                    question.answer = await call("GET", path, None, query=query, creates=False, **ids)
                    question.asked_at = asked_at
                return question.answer
        finally:
            question.waiting -= 1
            if not question.waiting:
                self._questions.pop(key, None)
