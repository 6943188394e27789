"""Domain values as JSON and back. Fields that an older Fogbell did not write get their defaults; unknown ones are refused.

The schema number of the whole store is `keys.SCHEMA`.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import TypeAdapter

from bot.domain.delivery import Attempt, Conversation
from bot.domain.incident import Incident

_INCIDENT = TypeAdapter(Incident)
_CONVERSATION = TypeAdapter(Conversation)
_ATTEMPT = TypeAdapter(Attempt)


def incident_json(incident: Incident) -> bytes:
    """An incident, without what has its default value."""
    return _INCIDENT.dump_json(incident, exclude_defaults=True)


def incident_of(text: bytes) -> Incident:
    """The incident that `incident_json` wrote."""
    return _INCIDENT.validate_json(text)


def conversation_json(talk: Conversation) -> bytes:
    """A conversation without its attempt, which has a field of its own in the store."""
    return _CONVERSATION.dump_json(talk, exclude_defaults=True, exclude={"attempt"})


def conversation_of(text: bytes, attempt: bytes | None) -> Conversation:
    """The conversation that `conversation_json` wrote, with the attempt that was under way, if one was."""
    talk = _CONVERSATION.validate_json(text)
    return talk if attempt is None else with_attempt(talk, attempt)


def attempt_json(attempt: Attempt) -> bytes:
    """An intention."""
    return _ATTEMPT.dump_json(attempt, exclude_defaults=True)


def with_attempt(talk: Conversation, attempt: bytes) -> Conversation:
    """The conversation with the attempt that was under way."""
    return replace(talk, attempt=_ATTEMPT.validate_json(attempt))
