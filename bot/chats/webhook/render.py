"""A card as the JSON of a webhook, version 1, and the signature that proves it. Pure; called by `client` alone.

The fields are promised in docs/sinks.md: within a version they are only ever added to. Headers and signature are those of
Standard Webhooks (standardwebhooks.com), so that receivers find libraries for them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.card import Card, Section, cut

VERSION = 1
SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks writes it before the base64 of a secret

Event = Mapping[str, Any]

# What makes two deliveries of a message differ. The footer and its like only count and remark.
_SAID = ("thread", "title", "tone", "url", "fields", "sections")


class EventKind(StrEnum):
    """What an event asks of its receiver."""

    HEADLINE = "headline"  # a new message
    UPDATE = "update"  # a message in the thread of a headline
    EDIT = "edit"  # an earlier message, as it is now
    PING = "ping"  # nothing: answer, so that we know that you are there


def said(card: Card, *, channel: str, key: str, thread: str | None) -> Event:
    """The event of a new message: a headline, or with `thread` an update below that headline."""
    kind = EventKind.UPDATE if thread else EventKind.HEADLINE
    return _event(kind, key, channel=channel, thread=thread, edits=None, **_words(card))


def corrected(card: Card, *, channel: str, message: str, thread: str | None) -> Event:
    """The event of a message that changed."""
    return _event(EventKind.EDIT, message, channel=channel, thread=thread, edits=message, **_words(card))


def ping(channel: str) -> Event:
    """The event that only asks for an answer."""
    return _event(EventKind.PING, "ping", channel=channel, thread=None, edits=None)


def delivery_id(event: Event, at: datetime) -> str:
    """The Webhook-Id. A message repeated word for word keeps it; one whose words changed meanwhile is another delivery.

    Edits and pings never share one: a text may go from A to B and back to A, and doing an edit twice is harmless.
    """
    if event["kind"] in {EventKind.EDIT, EventKind.PING}:
        return f"{event['id']}-{at:%Y%m%dT%H%M%S%f}"
    said = encode({name: event[name] for name in _SAID})
    return f"{event['id']}-{hashlib.sha256(said).hexdigest()[:12]}"


def encode(event: Event) -> bytes:
    """The event as it is sent, and signed. Halves of letters, which JSON feeds can hold and UTF-8 cannot, become "?"."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def headers(delivery: str, body: bytes, secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """The headers of a delivery, with one signature for each secret: the receiver takes it when one of them fits."""
    seconds = str(int(at.timestamp()))
    signed = b".".join((delivery.encode(), seconds.encode(), body))
    return {
        "Content-Type": "application/json",
        "Webhook-Id": delivery,
        "Webhook-Timestamp": seconds,
        "Webhook-Signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _event(kind: EventKind, id_: str, **rest: Any) -> Event:
    return {"version": VERSION, "id": id_, "kind": kind.value, **rest}


def _words(card: Card) -> dict[str, Any]:
    card = cut(card)  # below 512 KiB in all, whatever the letters
    return {
        "title": card.title,
        "tone": card.tone.value,
        "text": card.plain,
        "fallback": card.fallback,
        "url": card.url,
        "fields": [{"name": field.name, "value": field.value} for field in card.fields],
        "sections": [_section(section) for section in card.sections],
        "footer": card.footer,
        "is_quiet": card.is_quiet,
    }


def _section(section: Section) -> dict[str, str | None]:
    at = section.at.isoformat() if section.at else None
    return {"heading": section.heading, "text": section.text, "at": at}
