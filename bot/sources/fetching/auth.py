"""What opens a private feed: a header with a secret, or an app of Microsoft's cloud. Built by `bot.config`, used by `fetch`."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

MICROSOFT_LOGIN = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header that is sent to the source's own host, and to no other that it redirects to."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Microsoft:
    """An app's own credentials at Microsoft Entra: `tokens` changes them for a token of Microsoft Graph."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    login_url: str = MICROSOFT_LOGIN


Auth = Header | Microsoft


def bearer(token: str) -> Header:
    """The header for a bearer token."""
    return Header(name="Authorization", value=f"Bearer {token}")


def basic(user: str, password: str) -> Header:
    """The header for a user and a password."""
    return Header(name="Authorization", value=f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")
