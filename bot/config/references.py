"""What the tables say about each other: names that must exist, be unique, or be reachable. Yields problems and warnings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.config.channels import CalendarTable, ChannelTable, RouteTable
from bot.config.models import (
    About,
    Chats,
    CheckTable,
    Console,
    GroupTable,
    ServiceTable,
    Source,
)
from bot.config.problems import did_you_mean
from bot.config.table import Table
from bot.config.values import feed_of, provider_of, source_name, spans_of
from bot.domain.channels import is_always_quiet
from bot.domain.observation import SELF, WATCHER
from bot.sources import catalogue

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # where the console needs no token
TOKEN_MIN_CHARS = 16
SINKS = ("apprise", "webhook")  # chats with a table for each of their channels

At = tuple[str, Table]  # "source.0" and what was read there


@dataclass(kw_only=True)
class Reading:
    """What could be read of a file. Tables with mistakes are absent from `tables`, but their names are in `names`."""

    raw: dict[str, Any]
    tables: list[At]
    formats: Collection[str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def names(self, key: str) -> list[str]:
        """The names that [[key]] tables declare, right or wrong otherwise."""
        items = self.raw.get(key, [])
        found = (
            [item.get("name") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        )
        return [name for name in found if isinstance(name, str)]

    def chats(self) -> set[str]:
        """The chats that have a table; those without one need none. Each of Slack's workspaces is a chat."""
        chat = self.raw.get("chat")
        found = {"console", "terminal"} | (set(chat) if isinstance(chat, dict) else set())
        if workspaces := self.workspaces():
            found |= {f"slack-{name}" for name in workspaces}
            found -= set() if "bot_token" in self.raw["chat"]["slack"] else {"slack"}
        return found

    def workspaces(self) -> list[str]:
        """The names that [[chat.slack.workspace]] tables declare."""
        chat = self.raw.get("chat")
        slack = chat.get("slack") if isinstance(chat, dict) else None
        items = slack.get("workspace") if isinstance(slack, dict) else None
        return [str(item.get("name")) for item in items or () if isinstance(item, dict)]

    def needs(self, chat: str) -> str:
        """What is missing for a chat, in words."""
        if chat.startswith("slack-"):
            near = did_you_mean(chat, self.chats())
            return f'needs a table [[chat.slack.workspace]] with name = "{chat.removeprefix("slack-")}"{near}'
        if chat == "slack" and self.workspaces():
            return "needs a bot_token in [chat.slack], or the name of a workspace, as slack-acme"
        return f"needs a table [chat.{chat}]"

    def sinks(self, chat: str) -> list[str]:
        """The names of a chat's tables, for a chat that has one for each of its channels."""
        tables = self.raw.get("chat")
        inner = tables.get(chat) if isinstance(tables, dict) else None
        items = inner if isinstance(inner, list) else [inner]
        return [str(item.get("name")) for item in items if isinstance(item, dict)]


def check(reading: Reading) -> None:
    """Add to `reading` every mistake that only shows when tables are seen together."""
    for path, table in reading.tables:
        reading.problems += _problems(path, table, reading)
        match table:
            case ChannelTable():
                reading.warnings += _unheard(path, table, reading)
            case Console():
                reading.warnings += _weak_token(path, table)
            case Chats():
                reading.problems += _twice(path, table)
                reading.warnings += _unused_chats(table, reading)
    reading.problems += _doubles(reading)
    reading.warnings += _unwatched(reading)


def _problems(path: str, table: Table, reading: Reading) -> Iterator[str]:
    match table:
        case About():
            for name in table.digest or ():
                yield from _named(f"{path}.digest", "group", name, reading.names("group"))
        case Source():
            yield from _source(path, table, reading)
        case ServiceTable():
            yield from _service(path, table, reading)
        case CheckTable() if table.service is not None:
            yield from _named(f"{path}.service", "service", table.service, reading.names("service"))
        case GroupTable():
            yield from _group(path, table, reading)
        case RouteTable():
            yield from _route(path, table, reading)
        case ChannelTable():
            yield from _channel(path, table, reading)
        case Console():
            yield from _console(path, table, reading)


def _source(path: str, source: Source, reading: Reading) -> Iterator[str]:
    if source.format is not None and source.format not in reading.formats:
        listed = ", ".join(f'"{name}"' for name in sorted(reading.formats))
        near = did_you_mean(source.format, reading.formats)
        yield f'{path}.format: "{source.format[:40]}" is not one of {listed}{near}'
        return
    for taken, what in ((SELF, "your own checks"), (WATCHER, "Fogbell itself")):
        if taken in {source.name if source.provider is None else None, source.provider}:
            yield f'{path}: "{taken}" stands for {what}; give the provider another name'
            return
    if source.url is not None:
        if source.name is None and source.provider is None:
            yield f'{path}.name: is missing: say who this is, as name = "acme"'
        return
    if source.provider is None:
        yield f'{path}: needs provider = "..." of the catalogue, or name and url'
    elif (entry := catalogue.find(source.provider)) is None:
        near = did_you_mean(source.provider, (e.name for e in catalogue.entries()))
        yield f'{path}.provider: "{source.provider}" is not in the catalogue{near or "; give its url"}'
    elif not entry.feeds:
        yield (
            f"{path}.provider: the catalogue knows {entry.title}'s page but not its feed;"
            f" find it with `fogbell providers detect {entry.homepage}`, and give it as url"
        )
    elif feed_of(source) is None:
        known = ", ".join(f'"{feed.format}"' for feed in entry.feeds)
        yield f'{path}.format: the catalogue knows {entry.name} as {known}; for "{source.format}" give a url'


def _service(path: str, service: ServiceTable, reading: Reading) -> Iterator[str]:
    for n, need in enumerate(service.needs):
        if need.service == service.name:
            yield f"{path}.needs.{n}: {service.name} needs itself"
        elif need.service is not None:
            yield from _named(f"{path}.needs.{n}", "service", need.service, reading.names("service"))


def _group(path: str, group: GroupTable, reading: Reading) -> Iterator[str]:
    for n, channel in enumerate(group.channels):
        chat, _, name = channel.partition(":")
        if chat in SINKS:
            yield from _named(f"{path}.channels.{n}", f"[[chat.{chat}]]", name, reading.sinks(chat))
        elif chat not in reading.chats():
            yield f"{path}.channels.{n}: {channel} {reading.needs(chat)}"


def _route(path: str, route: RouteTable, reading: Reading) -> Iterator[str]:
    for group in route.to:
        yield from _named(f"{path}.to", "group", group, reading.names("group"))
    for where, condition in (("when", route.when), ("unless", route.unless)):
        for service in condition.service if condition else ():
            yield from _named(f"{path}.{where}.service", "service", service, reading.names("service"))
    if route.unless is not None and not route.unless.model_fields_set:
        yield f"{path}.unless: is empty, so that the route would never speak"
    for severity, names in route.mention.items():
        for name in names:
            if (chat := name.partition(":")[0]) not in reading.chats():
                yield f"{path}.mention.{severity.words}: {name} {reading.needs(chat)}"


def _channel(path: str, channel: ChannelTable, reading: Reading) -> Iterator[str]:
    for n, quiet in enumerate(channel.quiet):
        if quiet.calendar is not None:
            yield from _named(f"{path}.quiet.{n}", "calendar", quiet.calendar, reading.names("calendar"))
    calendars = [t for _, t in reading.tables if isinstance(t, CalendarTable)]
    if is_always_quiet(spans_of(channel, calendars)):
        yield f"{path}.quiet: leaves no minute of the week, so that nothing would ever be said there"


def _unheard(path: str, channel: ChannelTable, reading: Reading) -> Iterator[str]:
    used = {c for _, t in reading.tables if isinstance(t, GroupTable) for c in t.channels}
    if channel.id not in used:
        yield f"{path}.id: no group holds {channel.id}{did_you_mean(channel.id, used)}"


def _console(path: str, console: Console, reading: Reading) -> Iterator[str]:
    has_token = isinstance(reading.raw.get("console"), dict) and "token" in reading.raw["console"]
    if not has_token and console.host not in LOOPBACK:
        yield f'{path}.token: is needed where host is not of this machine: token = {{ env = "FOGBELL_TOKEN" }}'


def _weak_token(path: str, console: Console) -> Iterator[str]:
    if console.token is not None and len(console.token.reveal()) < TOKEN_MIN_CHARS:
        make = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        yield f"{path}.token: is shorter than {TOKEN_MIN_CHARS} characters and can be guessed; make one with {make}"


def _named(path: str, what: str, name: str, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield f'{path}: no {what} is called "{name[:60]}"{did_you_mean(name, known)}'


def _doubles(reading: Reading) -> Iterator[str]:
    """Names that are taken twice: of sources, services, checks, groups, calendars, channels."""
    kinds: dict[type[Table], str] = {
        Source: "source",
        ServiceTable: "service",
        CheckTable: "check",
        GroupTable: "group",
        CalendarTable: "calendar",
        ChannelTable: "channel",
    }
    taken: dict[tuple[str, str], str] = {}
    for path, table in reading.tables:
        what = kinds.get(type(table))
        if what is None:
            continue
        name = source_name(table) if isinstance(table, Source) else _name_of(table)
        first = taken.setdefault((what, name.casefold()), path)  # commands do not tell "A" from "a"
        if first != path:
            yield (
                f"{path}.id: {name} has a table already, {first}"
                if isinstance(table, ChannelTable)
                else f'{path}.name: "{name}" is the name of {first} already; give each {what} a name of its own'
            )


def _twice(path: str, chats: Chats) -> Iterator[str]:
    several = {chat: [sink.name for sink in getattr(chats, chat)] for chat in SINKS}
    several["slack.workspace"] = [table.name for table in chats.slack.workspace] if chats.slack else []
    for chat, names in several.items():
        for n, name in enumerate(names):
            if (first := names.index(name)) < n:
                where = f"{path}.{chat}"
                yield f'{where}.{n}.name: "{name}" is the name of {where}.{first} already; give each a name of its own'


def _name_of(table: Table) -> str:
    return table.id if isinstance(table, ChannelTable) else str(getattr(table, "name", ""))


def _unwatched(reading: Reading) -> Iterator[str]:
    """Needs and routes that name a provider which no source watches: allowed, but they will never speak."""
    watched = {SELF} | {provider_of(t) for _, t in reading.tables if isinstance(t, Source)}
    for path, table in reading.tables:
        for where, provider in _mentions(path, table):
            if provider not in watched:
                near = did_you_mean(provider, watched)
                yield f'{where}: no source watches "{provider}"{near or "; add one to [[source]]"}'


def _mentions(path: str, table: Table) -> Iterator[tuple[str, str]]:
    if isinstance(table, ServiceTable):
        yield from (
            (f"{path}.needs.{n}", need.provider) for n, need in enumerate(table.needs) if need.provider
        )
    elif isinstance(table, RouteTable):
        yield from ((f"{path}.when.provider", provider) for provider in table.when.provider)
        unless = table.unless.provider if table.unless else ()
        yield from ((f"{path}.unless.provider", provider) for provider in unless)


def _unused_chats(chats: Chats, reading: Reading) -> Iterator[str]:
    used = {c.partition(":")[0] for _, t in reading.tables if isinstance(t, GroupTable) for c in t.channels}
    for where, example in _examples(chats):
        if example.partition(":")[0] not in used:
            yield f'chat.{where}: no group holds a channel of it; add one, as channels = ["{example}"]'
    spoken = {c for _, t in reading.tables if isinstance(t, GroupTable) for c in t.channels}
    for chat in SINKS:
        for n, sink in enumerate(getattr(chats, chat)):
            if f"{chat}:{sink.name}" not in spoken:
                yield f'chat.{chat}.{n}: no group holds "{chat}:{sink.name}"; add it to the channels of one'


def _examples(chats: Chats) -> Iterator[tuple[str, str]]:
    """Each chat's place in the file, and one of its channels as it is written."""
    if chats.slack and chats.slack.bot_token:
        yield "slack", "slack:C0123ABCD"
    for n, space in enumerate(chats.slack.workspace if chats.slack else ()):
        yield f"slack.workspace.{n}", f"slack-{space.name}:C0123ABCD"
    if chats.discord:
        yield "discord", "discord:998877665544332211"
