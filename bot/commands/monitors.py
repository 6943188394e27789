"""`monitor`: watch one more status page, without a restart. The pool takes new ones up within seconds.

What the catalogue knows is added as it stands there; any other address is looked at first, to find its feed. Addresses come
from people here, so that they never lead into our own network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Annotated
from urllib.parse import urlsplit

from bot import net
from bot.commands.context import Context
from bot.commands.lines import LINES_SHOWN, plain, section
from bot.commands.parse import did_you_mean, shown
from bot.commands.spec import OneOf, Reply, Rest, command
from bot.domain.card import Card
from bot.domain.observation import SELF, WATCHER
from bot.domain.present import clock_words
from bot.domain.words import Role
from bot.errors import FetchError, Inside, NotFound, NotPossible, SourceError, UsageError
from bot.ports import Monitor
from bot.sources import FORMATS, catalogue
from bot.sources.catalogue import CatalogueEntry, Verified
from bot.sources.finding import detecting
from bot.sources.finding.detecting import Found

MONITORS_MAX = (
    200  # each costs requests for ever; more belong in the configuration, which says who wanted them
)
TARGET_SHOWN_CHARS = 80
_ADDRESS = re.compile(r"(https?://\S+|[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?)", re.IGNORECASE)


class Action(StrEnum):
    """What is done with monitors."""

    ADD = "add"
    LIST = "list"
    REMOVE = "remove"


@command(role=Role.RESPONDER, example="monitor add status.acme.example")
async def monitor(
    ctx: Context,
    action: Annotated[str, "What to do", OneOf(Action)] = Action.LIST,
    target: Annotated[str, "A provider's name, or the address of its status page or feed", Rest] = "",
) -> Reply:
    """Watch one more status page, by its address or its provider's name."""
    match Action(action):
        case Action.ADD:
            return Reply(card=await _added(ctx, _needed(target, "add")))
        case Action.REMOVE:
            return Reply(card=await _removed(ctx, _needed(target, "remove")))
        case Action.LIST:
            return Reply(card=await _listed(ctx))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to be watched, before it has a name of its own. `doubt` says why it may not work."""

    found: Found
    entry: CatalogueEntry | None
    asked_url: str
    doubt: str = ""


async def _added(ctx: Context, target: str) -> Card:
    held = await ctx.watched.all()
    entry = _entry_of(target)
    if entry is not None and (card := await _already(ctx, entry.name, entry.title, held)):
        return card
    if len(held) >= MONITORS_MAX:
        raise NotPossible(
            f"{MONITORS_MAX} pages are watched by command, which is the most. Remove one, or use the configuration."
        )
    wish = await _wish(ctx, target)
    if same := next((m for m in held if m.url == wish.found.feed_url), None):
        return _known(ctx, same)
    if reader := ctx.sources.reader_of(wish.found.feed_url):
        return plain(
            f"{wish.found.title} is watched already",
            f'The source "{reader}" reads this feed; "status" says how well it is seen.',
        )
    name = await _name(ctx, wish, held)
    if card := await _already(ctx, name, wish.found.title, held):
        return card
    new = Monitor(
        name=name,
        provider=name,
        url=wish.found.feed_url,
        format=wish.found.format,
        every_s=round(wish.found.every.total_seconds()),
        by=ctx.actor.name,
        added_at=ctx.now,
        title=wish.found.title,
    )
    await ctx.watched.add(new)
    return _welcome(new, wish)


def _entry_of(target: str) -> CatalogueEntry | None:
    """The provider of that name, or whose page or feed it is."""
    known = catalogue.at(target) if _ADDRESS.fullmatch(target) else None
    return catalogue.find(target) or (known[0] if known else None)


async def _wish(ctx: Context, target: str) -> _Wish:
    """What the words mean: an entry's feed as it stands in the catalogue, or what is found at an address."""
    entry = catalogue.find(target)
    if entry is not None and entry.feeds:
        return _of_entry(entry)
    if entry is None and not _ADDRESS.fullmatch(target):
        names = (name for e in catalogue.entries() for name in (e.title, *e.names))
        raise NotFound(
            f'The catalogue knows no "{shown(target)}".{did_you_mean(target, names)} Give the address of its status page:'
            ' "monitor add status.acme.example".'
        )
    url = detecting.address(entry.homepage if entry else target)
    entry = entry or _entry_of(url)
    try:
        return _Wish(found=await ctx.look(url), entry=entry, asked_url=url)
    except Inside as exc:
        raise NotPossible(
            f"{exc}. A page inside your own network is for the configuration: add a [[source]] there."
        ) from exc
    except SourceError as exc:
        if isinstance(exc, FetchError) and entry is not None and entry.feeds:
            return _of_entry(entry, f"It could not be looked at just now: {exc}")
        raise NotPossible(str(exc)) from exc


def _of_entry(entry: CatalogueEntry, doubt: str = "") -> _Wish:
    feed = entry.feeds[0]
    about = FORMATS[feed.format].about
    found = Found(
        format=feed.format,
        feed_url=feed.url,
        title=entry.title,
        why=("the catalogue knows its feed",),
        lost=about.lost if about else "",
        provider=entry.name,
        every=feed.every,
    )
    if entry.verified is Verified.DOUBTFUL and not doubt:
        doubt = 'The catalogue is not sure of this address: see in "status" whether it answers.'
    return _Wish(found=found, entry=entry, asked_url=entry.homepage, doubt=doubt)


async def _name(ctx: Context, wish: _Wish, held: tuple[Monitor, ...]) -> str:
    """A name for the source and its ledger. A stranger's page never gets the name of a provider that is known already."""
    if wish.entry is not None:
        return wish.entry.name
    short = re.sub(r"[^a-z0-9.-]", "", wish.found.provider.casefold()).strip(".-")
    reports = await ctx.sources.lines()
    taken = {SELF, WATCHER, *(m.name for m in held), *(n for r in reports for n in (r.name, r.provider))}
    return next(name for name in _names(short, wish) if name not in taken and catalogue.find(name) is None)


def _names(short: str, wish: _Wish) -> Iterator[str]:
    if short:
        yield short
    host = urlsplit(wish.asked_url).hostname or "page"
    yield host
    yield from (f"{host}-{n}" for n in count(2))


async def _already(ctx: Context, name: str, title: str, held: tuple[Monitor, ...]) -> Card | None:
    """What to say of a name that is watched, or None."""
    if same := next((m for m in held if m.name == name), None):
        return _known(ctx, same)
    if any(name in {report.name, report.provider} for report in await ctx.sources.lines()):
        return plain(
            f"{title} is watched already",
            f'The configuration has a source for it; "status {name}" says how well it is seen.',
        )
    return None


def _known(ctx: Context, held: Monitor) -> Card:
    text = f"{_line(ctx, held)}\nTo have its feed looked for again: monitor remove {held.name}, then add it anew."
    return plain(f"{held.title or held.name} is watched already", text)


def _welcome(new: Monitor, wish: _Wish) -> Card:
    text = (
        f"{_called(new)} is read as {new.format}, every {new.every_s} s, from {net.shown(new.url)}."
        " The first look follows within seconds."
    )
    lost = (*section("What it cannot tell", [wish.found.lost] if wish.found.lost else []),)
    doubt = section("Mind", [wish.doubt] if wish.doubt else [])
    why = section("How it was found", list(wish.found.why))
    undo = section("To stop", [f"monitor remove {new.name}"])
    return plain(f"Watching {new.title or new.name}", text, sections=(*why, *lost, *doubt, *undo))


async def _removed(ctx: Context, target: str) -> Card:
    held = {m.name: m for m in await ctx.watched.all()}
    entry = _entry_of(target)
    wanted = {target.casefold(), entry.name if entry else ""}
    meant = _meant(target, wanted, held.values())
    if meant is not None and await ctx.watched.remove(meant.name):
        text = "Nobody looks any more. What it alone kept open ends quietly, because nobody can tell."
        return plain(f"{meant.title or meant.name} is no longer watched", text)
    if any(wanted & {report.name, report.provider} for report in await ctx.sources.lines()):
        raise NotPossible(
            f'"{shown(target)}" is a source of the configuration: take its [[source]] out there.'
        )
    listed = f" Watched by command: {', '.join(held)}." if held else " None was added by command."
    raise NotFound(f'No monitor is called "{shown(target)}".{did_you_mean(target, held)}{listed}')


def _called(one: Monitor) -> str:
    return f"{one.title} ({one.name})" if one.title and one.title != one.name else one.name


def _meant(target: str, wanted: set[str], held: Iterable[Monitor]) -> Monitor | None:
    """The one that is called so, or whose feed is at that address, or the only one below it."""
    url, place = detecting.address(target), f"{catalogue.place_of(target)}/"
    near = []
    for one in held:
        if one.name in wanted or one.url == url or (one.title or "").casefold() == target.casefold():
            return one
        if _ADDRESS.fullmatch(target) and f"{catalogue.place_of(one.url)}/".startswith(place):
            near.append(one)
    return near[0] if len(near) == 1 else None


async def _listed(ctx: Context) -> Card:
    held = await ctx.watched.all()
    names = {m.name for m in held}
    others = sum(report.name not in names for report in await ctx.sources.lines())
    beside = f"Besides {others} of the configuration. " if others else ""
    tail = f'{beside}"status" says how well all of them are seen.'
    if not held:
        return plain("No page was added by command", f'{tail} To add one: "monitor add status.acme.example".')
    lines = section("Watched by command", [_line(ctx, m) for m in held[:LINES_SHOWN]])
    more = section("And", [", ".join(m.name for m in held[LINES_SHOWN:])] if held[LINES_SHOWN:] else [])
    return plain(
        f"{len(held)} page{'s' if len(held) > 1 else ''} added by command", tail, sections=(*lines, *more)
    )


def _line(ctx: Context, held: Monitor) -> str:
    """ "acme · statuspage · every 60 s · https://status.acme.example · by Ann, 2025-10-20 09:00 UTC"."""
    added = f"by {shown(held.by)}, {clock_words(held.added_at, ctx.zone)}"
    where = shown(net.shown(held.url), TARGET_SHOWN_CHARS)
    return " · ".join((held.name, held.format, f"every {held.every_s} s", where, added))


def _needed(target: str, action: str) -> str:
    if not target:
        example = "status.acme.example" if action == "add" else "acme"
        raise UsageError(
            f'"monitor {action}" needs a name or an address. Example: "monitor {action} {example}"'
        )
    return target.strip("<>")  # as chats mark an address that is to have no preview
