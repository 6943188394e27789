"""What the page shows: the state it is given, how long ago things were in words, and the templates.

The templates escape everything they insert; no HTML is written anywhere else. `wiring` gives a `State`, the console chat is
read through `Board`, and `bot.web.api` sends the same pieces of HTML as live changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.commands.spec import Reply
from bot.domain.card import Card, Field, Section, Tone
from bot.domain.trust import SourceState

HERE = Path(__file__).parent
CHIP_NAMES = ("severity", "status")  # these facts stand beside the title, in this order


class Health(StrEnum):
    """How a service or a check does."""

    GOOD = "good"
    PERHAPS = "perhaps"  # hit softly, or the provider did not say
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A source in the side panel. `age` is since its last good body; None before the first."""

    name: str
    state: SourceState
    age: timedelta | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One of our checks. `detail` says in words what is wrong."""

    name: str
    health: Health
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One of our services. `why` is what hits it: "aws/dynamodb@us-east-1 (INC-1)"."""

    name: str
    tier: int
    health: Health
    why: str = ""
    checks: tuple[CheckLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleState:
    """Everything around the chat, as of `now`. `speed` counts when `is_virtual`; `note` is one sentence for all, or ""."""

    now: datetime
    is_virtual: bool = False
    speed: float = 1.0
    sources: tuple[SourceLine, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    open_incidents: int = 0
    note: str = ""

    @property
    def blind(self) -> tuple[SourceLine, ...]:
        """Sources whose silence says nothing."""
        return tuple(s for s in self.sources if s.state.is_blind)

    @property
    def mood(self) -> str:
        """ "alert" while something is open, "calm" only where everything is seen, else "fog"."""
        if self.open_incidents:
            return "alert"
        return "fog" if self.blind or not self.sources else "calm"


class State(Protocol):
    """Where the page learns what goes on around the chat."""

    async def snapshot(self) -> ConsoleState:
        """The state as it is now."""
        ...


class Message(Protocol):
    """A message of the board; see `bot.chats.console.client.Posted`, which this layer does not import."""

    @property
    def id(self) -> str:
        """The name within its channel; a reply's is "headline/reply"."""
        ...

    @property
    def card(self) -> Card:
        """What it says now."""
        ...

    @property
    def posted_at(self) -> datetime:
        """When it was posted."""
        ...

    @property
    def edited_at(self) -> datetime | None:
        """When it was changed last, or None."""
        ...

    @property
    def edits(self) -> int:
        """How often it was changed."""
        ...

    @property
    def replies(self) -> Sequence[Message]:
        """Its thread, oldest first."""
        ...


class Page(Protocol):
    """A channel's headlines, newest first, as of a revision; only the changed ones unless `is_whole`."""

    @property
    def channel(self) -> str:
        """The channel's id."""
        ...

    @property
    def revision(self) -> int:
        """What to ask `since` next."""
        ...

    @property
    def is_whole(self) -> bool:
        """True when it replaces all that is shown."""
        ...

    @property
    def headlines(self) -> Sequence[Message]:
        """The headlines with their threads."""
        ...


class Board(Protocol):
    """The console chat as the page reads it. Raises ChatError when its store is away."""

    async def revisions(self) -> Mapping[str, int]:
        """Every channel with its newest revision."""
        ...

    async def snapshot(self, channel: str, *, since: int = 0, limit: int = 50) -> Page:
        """A channel's newest headlines, or what changed since a revision."""
        ...

    async def ping(self) -> None:
        """Return when the store answers."""
        ...


class Pages:
    """The templates, ready to fill. `examples` are commands that the input line offers; `has_log`: there is a delivery log."""

    def __init__(self, examples: Sequence[str] = (), *, has_log: bool = False) -> None:
        # Autoescape for every template whatever its name: texts come from feeds and from people.
        self._jinja = Environment(
            autoescape=True,
            loader=FileSystemLoader(HERE / "templates"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters.update(
            age=age_words, when=when, second=second, link=web_link, iso=iso, counted=counted
        )
        self._jinja.globals.update(
            chips=chips, facts=facts, story=story, background=background, Tone=Tone, has_log=has_log
        )
        self._examples = tuple(examples)

    def home(
        self,
        board: Page | None,
        channels: Sequence[str],
        state: ConsoleState,
        *,
        trouble: str,
        can_leave: bool,
        is_cut: bool = False,
    ) -> str:
        """The whole page. `trouble` stands in place of the board when that cannot be had; `is_cut`: there may be more."""
        return self._jinja.get_template("home.html").render(
            board=board,
            channels=channels,
            chosen=board.channel if board else "",
            state=state,
            trouble=trouble,
            is_cut=is_cut,
            examples=self._examples,
            can_leave=can_leave,
        )

    def regions(self, channels: Sequence[str], chosen: str, state: ConsoleState) -> dict[str, str]:
        """The pieces around the chat that change as time goes by, by the id of the element each belongs into."""
        names = {"masthead": "_masthead.html", "channels": "_channels.html", "watch": "_watch.html"}
        words = {"channels": channels, "chosen": chosen, "state": state}
        return {id_: self._jinja.get_template(name).render(**words) for id_, name in names.items()}

    def headline(self, message: Message, now: datetime) -> str:
        """One headline with its thread."""
        return self._jinja.get_template("_headline.html").render(message=message, now=now)

    def answer(self, reply: Reply, asked: str, now: datetime) -> str:
        """The answer to a command, for the person alone."""
        return self._jinja.get_template("_answer.html").render(reply=reply, asked=asked, now=now)

    def deliveries(self, log: object, *, trouble: str, entries_shown: int) -> str:
        """The delivery log: see `bot.web.deliveries.Log`. `trouble` stands in place of what cannot be had."""
        return self._jinja.get_template("deliveries.html").render(
            log=log, trouble=trouble, entries_shown=entries_shown
        )

    def login(self, problem: str = "") -> str:
        """The login form."""
        return self._jinja.get_template("login.html").render(problem=problem)

    def trouble(self, title: str, words: str) -> str:
        """A page for what cannot be shown."""
        return self._jinja.get_template("trouble.html").render(title=title, words=words)


def age_words(age: timedelta | None) -> str:
    """ "12 s", "3 min", "2 h", "5 d"; "never" for None. Rounded down: an age never looks older than it is."""
    if age is None:
        return "never"
    seconds = max(0, int(age.total_seconds()))
    for unit, size, below in (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, 48 * 3600)):
        if seconds < below:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"


def when(at: datetime, now: datetime) -> str:
    """ "07:11 UTC" on the day of `now`, else "20 Oct, 07:11 UTC"."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    clock = f"{at:%H:%M} UTC"
    if at.date() == now.date():
        return clock
    return f"{at.day} {at:%b}{'' if at.year == now.year else f' {at.year}'}, {clock}"


def second(at: datetime, now: datetime) -> str:
    """ "07:11:30 UTC", with the day before it where that is another."""
    words = when(at, now)
    return words.replace(" UTC", f":{at.astimezone(UTC):%S} UTC")


def iso(at: datetime) -> str:
    """The time for machines: "2025-10-20T07:11:00Z"."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def counted(count: int, noun: str) -> str:
    """ "1 reply", "3 replies"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def web_link(url: str | None) -> str:
    """The address when it is an http or https one, else "": nothing else may become a link."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return ""
    return url or "" if parts.scheme in {"http", "https"} and parts.netloc else ""


def chips(card: Card) -> list[Field]:
    """The facts that stand beside the title."""
    found = {field.name.casefold(): field for field in card.fields}
    return [found[name] for name in CHIP_NAMES if name in found]


def facts(card: Card) -> list[Field]:
    """The other facts."""
    return [field for field in card.fields if field.name.casefold() not in CHIP_NAMES]


def story(card: Card) -> list[Section]:
    """The sections that people should read now: all up to the first dated one, and other dated ones."""
    return [section for section in card.sections if section not in background(card)]


def background(card: Card) -> list[Section]:
    """Undated sections after a dated one: they sum up what was before, which the thread tells in full."""
    dated = [index for index, section in enumerate(card.sections) if section.at]
    return [s for s in card.sections[dated[0] + 1 :] if not s.at] if dated else []
