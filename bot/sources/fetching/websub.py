"""WebSub, the parts that are pure: the hub that a feed names, the address that a hub may know, and its signatures.

Asking hubs is in `bot.pipeline.websub`, their calls arrive in `bot.web.hooks`. (Facts: w3.org/TR/websub.)
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from dataclasses import dataclass, replace

from bot.sources.payload import Payload
from bot.sources.reading.text import decode, web_link

HEAD_MAX_BYTES = 64 * 1024  # a feed names its hub before its entries
HEADER_MAX_CHARS = 8_000
_ENTRIES = re.compile(r"<(?:\w{1,20}:)?(?:entry|item)\b")
_LINK = re.compile(r"<(?:\w{1,20}:)?link\b([^<>]{1,4000})>")
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)')""")
_HEADER_LINK = re.compile(r"<([^<>]{1,2000})>([^<]{0,500})")
_HEADER_REL = re.compile(r"""\brel\s{0,9}=\s{0,9}"?([\w\s:/.-]{1,200})""")
_DIGESTS = frozenset({"sha1", "sha256", "sha384", "sha512"})  # those of the recommendation


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Where to subscribe, and what a feed calls itself there."""

    url: str
    topic: str


def hub_of(payload: Payload) -> Hub | None:
    """The hub that a feed names in its Link headers or its head; None unless it names itself there too."""
    found: dict[str, str] = {}
    for rel, address in (*_header_links(payload.headers.get("link", "")), *_body_links(payload)):
        for word in rel.lower().split():
            if word in {"hub", "self"} and web_link(address):
                found.setdefault(word, address)
    return Hub(url=found["hub"], topic=found["self"]) if {"hub", "self"} <= found.keys() else None


def address_token(secret: str, source: str) -> str:
    """The last part of the address that a hub is told: made from the source's push secret, which it does not give away."""
    return hmac.new(secret.encode(), f"websub {source}".encode(), hashlib.sha256).hexdigest()


def is_signed(signature: str, body: bytes, secret: str) -> bool:
    """True when "sha256=<hex>" is the signature of a body; takes equally long however much of it is right."""
    name, _, given = signature.strip().partition("=")
    if name.lower() not in _DIGESTS:
        return False
    wanted = hmac.new(secret.encode(), body, name.lower()).hexdigest()
    return hmac.compare_digest(wanted.encode(), given.strip().lower().encode("utf-8", "surrogateescape"))


def _header_links(text: str) -> list[tuple[str, str]]:
    """Each link of the header with its rel."""
    links = _HEADER_LINK.findall(text[:HEADER_MAX_CHARS])
    return [(rel[1], address.strip()) for address, rest in links if (rel := _HEADER_REL.search(rest))]


def _body_links(payload: Payload) -> list[tuple[str, str]]:
    """Each <link> of the feed itself, not of its entries, with its rel."""
    head = _ENTRIES.split(decode(replace(payload, body=payload.body[:HEAD_MAX_BYTES])), maxsplit=1)[0]
    links = [_attributes(link) for link in _LINK.findall(head)]
    return [(link.get("rel", ""), link.get("href", "")) for link in links]


def _attributes(text: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(text)
    return {name: html.unescape(double or single).strip() for name, double, single in found}
