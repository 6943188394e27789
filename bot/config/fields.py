"""The kinds of values in the configuration: durations, web addresses, names, channels. Each says what to write instead."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from bot.config.secrets import Secret, resolve, surroundings
from bot.domain.services import Need, parse_need
from bot.domain.words import Severity

CHATS = ("slack", "discord", "console", "terminal")
STORE_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")

LONGEST = timedelta(days=3_650)

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PARTS = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_NAME = re.compile(r"\w[\w .-]{0,59}")
_CHANNEL_IDS = {
    "slack": (re.compile(r"[CGD][A-Z0-9_]+"), 'a channel\'s id, such as "slack:C0123ABCD", not its name'),
    "discord": (re.compile(r"\d{1,20}"), 'a channel\'s id, such as "discord:998877665544332211"'),
    "console": (re.compile(r"[\w-]{1,40}"), 'a plain word, such as "console:main"'),
    "terminal": (re.compile(r"[\w-]{1,40}"), 'a plain word, such as "terminal:main"'),
}


def parse_duration(text: str) -> timedelta:
    """The time span that "60s", "5m", "2h30m" or "1d" means. Raises ValueError with an example."""
    parts = _PARTS.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f'"{text[:40]}" is not a time span: write "60s", "5m" or "2h30m"')
    total_ms = sum(int(count) * _UNITS_MS[unit] for count, unit in parts)
    if total_ms > LONGEST // timedelta(milliseconds=1):
        raise ValueError(f'"{text[:40]}" is more than {duration_words(LONGEST)}')
    return timedelta(milliseconds=total_ms)


def duration_words(span: timedelta) -> str:
    """A time span as it is written in the configuration: "2h30m"."""
    left, words = round(span / timedelta(milliseconds=1)), ""
    for unit, size in reversed(_UNITS_MS.items()):
        count, left = divmod(left, size)
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('write a time span in quotation marks, as "60s" or "5m"')
    return parse_duration(value.strip())


def _at_least(least: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value < parse_duration(least):
            raise ValueError(f"{duration_words(value)} is less than {least}")
        return value

    return AfterValidator(check)


def _listed(value: Any) -> Any:
    """One word may stand for a list of one."""
    return (value,) if isinstance(value, str | int) else value


def web_address(value: str) -> str:
    """The value, when it is an http or https address. Raises ValueError."""
    try:
        parts = urlsplit(value)
        is_fine = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_fine = False
    if not is_fine or any(letter.isspace() for letter in value):
        raise ValueError("is not a web address: write https://... or http://...")
    return value


def _public_address(value: str) -> str:
    """Where others reach us. Hooks' addresses hold secrets, so that only this machine may do without TLS."""
    parts = urlsplit(web_address(value))
    is_here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not is_here:
        raise ValueError("must begin with https://: what is sent there holds secrets")
    if parts.query or parts.fragment or parts.username:
        raise ValueError('is more than an address: write "https://fogbell.example"')
    return value.rstrip("/")


def _push_secret(value: Secret) -> Secret:
    """A secret that can be the last part of an address."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", value.reveal()):
        raise ValueError("must be 16 to 128 letters, digits, - and _: it becomes part of an address")
    return value


def _network(value: Any) -> Any:
    try:
        return ip_network(value) if isinstance(value, str) else value
    except ValueError as exc:
        raise ValueError(f'"{value[:60]}" is not a network: write one as "10.0.0.0/8" or "fd00::/8"') from exc


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", value):
        # What was given is not shown: it may be the whole header, with its secret.
        raise ValueError('is not the name of a header: write one as "Authorization" or "X-Api-Key"')
    return value


def _header_secret(value: Secret) -> Secret:
    if not value.reveal().isprintable():
        raise ValueError("holds a line break or another character that no header can carry")
    return value


def _socket_address(value: str) -> str:
    if urlsplit(value).scheme not in {"ws", "wss"}:
        raise ValueError("is not a gateway's address: write wss://...")
    return value


def _store_address(value: Any, info: ValidationInfo) -> Secret:
    """A store's address may hold a password, so it is kept as a secret, written in the file or not."""
    secret = Secret(value) if isinstance(value, str) else resolve(value, info)
    if urlsplit(secret.reveal()).scheme not in STORE_SCHEMES:
        raise ValueError(
            "is not a store's address: write one of " + ", ".join(f"{s}://" for s in STORE_SCHEMES)
        )
    return secret


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError(f'"{value[:60]}" may hold small letters, digits, dots and dashes')
    return value


def plain_name(value: str) -> str:
    """The value, when people can call something by it. Raises ValueError."""
    if not _NAME.fullmatch(value):
        raise ValueError(f'"{value[:60]}" may hold letters, digits, blanks, dots and dashes, at most 60')
    return value


def channel(value: str) -> str:
    """The value, when it is "chat:id" with an id of that chat's kind. Raises ValueError with an example."""
    chat, _, in_chat = value.partition(":")
    if chat not in CHATS or not in_chat:
        raise ValueError(f'"{value[:60]}" is not a channel: write "slack:C0123ABCD" or "console:main"')
    pattern, example = _CHANNEL_IDS[chat]
    if not pattern.fullmatch(in_chat):
        raise ValueError(f'"{value[:60]}" does not name a channel: write {example}')
    return value


def _need(value: Any) -> Need:
    if isinstance(value, Need):
        return value
    if not isinstance(value, str):
        raise ValueError('write a need in quotation marks, as "aws/dynamodb@us-east-1"')
    return parse_need(value)


def _severity(value: Any) -> Severity:
    """The least severity that a route speaks of."""
    if isinstance(value, Severity):
        return value
    found = re.fullmatch(r"SEV([1-4])\+?", value) if isinstance(value, str) else None
    if not found or (value.endswith("+") is False and value != "SEV1"):
        raise ValueError('write "SEV1", "SEV2+", "SEV3+" or "SEV4+": that severity or worse')
    return Severity(int(found[1]))


def _at_least_impact(value: Any) -> Any:
    return value.removesuffix("+") if isinstance(value, str) else value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValueError(f'"{value[:40]}" is not a time zone: write one as "UTC" or "Europe/Berlin"') from exc
    return value


def _slash_command(value: str) -> str:
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError('write a slash and small letters, as "/incident"')
    return value


def _path(value: Any, info: ValidationInfo) -> Any:
    if value == "":
        raise ValueError("is empty")
    return surroundings(info).path(str(value)) if isinstance(value, str | Path) else value


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", value):
        raise ValueError('write an address or a name, as "127.0.0.1" or "0.0.0.0"')
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Pace = Annotated[Duration, _at_least("1s")]
Positive = Annotated[Duration, _at_least("1ms")]
CheckPace = Annotated[Duration, _at_least("1s")]
Url = Annotated[str, AfterValidator(web_address)]
PublicUrl = Annotated[str, AfterValidator(_public_address)]
PushSecret = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_push_secret)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderSecret = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_header_secret)]
GatewayUrl = Annotated[str, AfterValidator(_socket_address)]
StoreUrl = Annotated[Secret, BeforeValidator(_store_address)]
Slug = Annotated[str, AfterValidator(_slug)]
Name = Annotated[str, AfterValidator(plain_name)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
NetworkField = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Networks = Annotated[tuple[NetworkField, ...], BeforeValidator(_listed)]
Channel = Annotated[str, AfterValidator(channel)]
NeedField = Annotated[Need, BeforeValidator(_need)]
LeastSeverity = Annotated[Severity, BeforeValidator(_severity)]
LeastImpact = BeforeValidator(_at_least_impact)
Listed = BeforeValidator(_listed)
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SlashCommand = Annotated[str, AfterValidator(_slash_command)]
Host = Annotated[str, AfterValidator(_host)]
FilePath = Annotated[Path, BeforeValidator(_path)]
