"""Short ways to make a body and to parse it, for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.domain.observation import Observation
from bot.errors import ParseError
from bot.sources import FORMATS
from bot.sources.payload import Payload, Spec

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def body_of(body: object, *, content_type: str = "", url: str = "") -> Payload:
    """A payload of bytes, of text, or of anything else as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = {"content-type": content_type} if content_type else {}
    return Payload(body=raw, fetched_at=NOW, headers=headers, url=url)


def parse(
    name: str, body: object, *, regions: Iterable[str] = (), components: Iterable[str] = ()
) -> tuple[Observation, ...]:
    """The observations of a body in a format, for the provider "acme"."""
    spec = Spec(provider="acme", regions=tuple(regions), components=tuple(components))
    payload = body if isinstance(body, Payload) else body_of(body)
    return FORMATS[name].parse(payload, spec)


def outcome(name: str, payload: Payload) -> tuple[tuple[Observation, ...], str | None]:
    """The observations, or those that could be read and the words of the ParseError. Any other exception is a mistake."""
    try:
        return FORMATS[name].parse(payload, Spec(provider="acme")), None
    except ParseError as exc:
        return exc.partial, str(exc)


def page(*incidents: dict[str, object], **more: object) -> dict[str, object]:
    """A Statuspage summary."""
    return {
        "page": {"url": "https://status.acme.example"},
        "status": {},
        "incidents": list(incidents),
        **more,
    }


def incident(*updates: dict[str, object], **more: object) -> dict[str, object]:
    """A Statuspage incident."""
    return {
        "id": "inc1",
        "name": "Trouble",
        "status": "investigating",
        "impact": "minor",
        "created_at": "2026-01-01T00:00:00Z",
        "incident_updates": list(updates),
        **more,
    }


def update(id_: str, at: str, body: str = "words", **more: object) -> dict[str, object]:
    """A Statuspage update."""
    return {"id": id_, "status": "investigating", "body": body, "created_at": at, "display_at": at, **more}


def rss(*items: str, title: str = "A feed", head: str = "") -> str:
    """An RSS document around items."""
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{head}{"".join(items)}</channel></rss>'


def aws_item(service: str, epoch: int, title: str = "Service impact: Errors", text: str = "words") -> str:
    """An item of AWS' RSS feed."""
    return (
        f"<item><title><![CDATA[{title}]]></title><link>https://status.aws.amazon.com/</link>"
        f'<guid isPermaLink="false">https://status.aws.amazon.com/#{service}_{epoch}</guid>'
        f"<description><![CDATA[{text}]]></description></item>"
    )


def aws_data(*current: dict[str, object], archive: Iterable[dict[str, object]] = ()) -> dict[str, object]:
    """A body of AWS' data.json."""
    return {"archive": list(archive), "current": list(current)}


def aws_entry(date: object, *clocks: str, **more: object) -> dict[str, object]:
    """An item of AWS' data.json, with one update for each clock time."""
    text = "".join(
        f'<div><span class="yellowfg">{c}</span>&nbsp;word {n}</div>' for n, c in enumerate(clocks)
    )
    return {
        "service": "ec2-us-east-1",
        "summary": "Errors",
        "date": date,
        "status": "2",
        "description": text,
        **more,
    }
