"""The kinds of values in the configuration: durations, web addresses, names, channels. Each says what to write instead."""

from __future__ import annotations

import base64
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
from bot.errors import ConfigError
from bot.store.address import address_of

CHATS = ("slack", "discord", "apprise", "webhook", "console", "terminal")

LONGEST = timedelta(days=3_650)

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PARTS = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_NAME = re.compile(r"\w[\w .-]{0,59}")
_CHANNEL_IDS = {
    "slack": (re.compile(r"[CGD][A-Z0-9_]+"), 'a channel\'s id, such as "slack:C0123ABCD", not its name'),
    "discord": (re.compile(r"\d{1,20}"), 'a channel\'s id, such as "discord:998877665544332211"'),
    "apprise": (_SLUG, 'the name of a [[chat.apprise]] table, such as "apprise:teams"'),
    "webhook": (_SLUG, 'the name of a [[chat.webhook]] table, such as "webhook:bus"'),
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


def listed(value: Any) -> Any:
    """One word may stand for a list of one."""
    return (value,) if isinstance(value, str | int) else value


def something(value: Any) -> Any:
    """The words of a condition, as written: one that names nothing would match everything. Raises ValueError."""
    words = value if isinstance(value, list) else [value]
    if not words or any(isinstance(word, str) and not word.strip() for word in words):
        raise ValueError("names nothing: leave it out, or name something")
    return value


def needed_alone(value: Any, info: ValidationInfo) -> Any:
    """The token of Slack's one workspace, which may only be left out where there are others."""
    if value is None and info.data.get("workspace", "wrong") == ():
        raise ValueError("is missing")
    return value


def _tables(value: Any) -> Any:
    """One table, written with single brackets, may stand for a list of one."""
    return (value,) if isinstance(value, dict) else value


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


def _service_address(value: Secret) -> Secret:
    """An address of Apprise's, for the library to understand: it holds tokens and passwords, and is never shown."""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", value.reveal()):
        raise ValueError(
            'must be an address of Apprise\'s, as "ntfys://topic" or "mailtos://user:password@host"'
        )
    return value


def _hook_address(value: Any, info: ValidationInfo) -> Secret:
    """A webhook's address may hold a token, so it is kept as a secret, written in the file or not."""
    secret = Secret(value) if isinstance(value, str) else resolve(value, info)
    web_address(secret.reveal())
    return secret


def _pulse_address(value: Secret) -> Secret:
    web_address(value.reveal())
    return value


def _hook_secret(value: Secret) -> Secret:
    """A secret as Standard Webhooks writes it: "whsec_" and the base64 of 24 to 64 bytes."""
    text = value.reveal()
    try:
        length = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        length = 0
    if not text.startswith("whsec_") or not 24 <= length <= 64:
        make = "python3 -c 'import base64, os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'"
        raise ValueError(f'must be "whsec_" and 24 to 64 bytes in base64; make one with {make}')
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
    try:
        address_of(secret.reveal())
    except ConfigError as exc:
        raise ValueError(exc.problems[0].removeprefix("store.url: ")) from None
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
    kind = "slack" if chat.startswith("slack-") else chat  # one of several workspaces
    if kind not in CHATS or not in_chat:
        raise ValueError(f'"{value[:60]}" is not a channel: write "slack:C0123ABCD" or "console:main"')
    pattern, example = _CHANNEL_IDS[kind]
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
ServiceUrl = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_service_address)]
HookUrl = Annotated[Secret, BeforeValidator(_hook_address)]
PulseUrl = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_pulse_address)]
PulsePace = Annotated[Duration, _at_least("10s")]
HookSecret = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_hook_secret)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderSecret = Annotated[Secret, BeforeValidator(resolve), AfterValidator(_header_secret)]
GatewayUrl = Annotated[str, AfterValidator(_socket_address)]
StoreUrl = Annotated[Secret, BeforeValidator(_store_address)]
Slug = Annotated[str, AfterValidator(_slug)]
Name = Annotated[str, AfterValidator(plain_name)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
NetworkField = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Networks = Annotated[tuple[NetworkField, ...], BeforeValidator(listed)]
Channel = Annotated[str, AfterValidator(channel)]
NeedField = Annotated[Need, BeforeValidator(_need)]
LeastSeverity = Annotated[Severity, BeforeValidator(_severity)]
LeastImpact = BeforeValidator(_at_least_impact)
Listed = BeforeValidator(listed)
Something = BeforeValidator(something)
Tables = BeforeValidator(_tables)
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SlashCommand = Annotated[str, AfterValidator(_slash_command)]
Host = Annotated[str, AfterValidator(_host)]
FilePath = Annotated[Path, BeforeValidator(_path)]
