"""The delivery log: what was sent where and how it went, what waits and why, and how each chat does. Page and JSON.

Read from the audit and the outbox at each request; `wiring` gives a `Deliveries`, and without one the page is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from aiohttp import web

from bot.commands.parse import incident_id
from bot.domain.failover import ChatHealth
from bot.domain.standing import Entry
from bot.ports import Audit, Clock
from bot.web.api import DESK, STORE_AWAY, json_answer

SHOWN = 200
LOOKED_THROUGH = (
    1_000,
    5_000,
)  # lines of the audit, which holds what people typed as well; more only where needed
ENTRIES_SHOWN = 100
INCIDENT_MAX_CHARS = 20
GOOD = frozenset({"sent", "found"})
MIND = frozenset({"refused", "maybe_doubled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One delivery. `at` is None where the line cannot be read any more; `actor` is who did it by hand."""

    at: datetime | None
    incident: str
    channel: str
    step: str
    outcome: str
    reason: str
    actor: str = ""

    @property
    def mood(self) -> str:
        """ "good", "mind" for what an operator should look at, else "wait"."""
        return "good" if self.outcome in GOOD else "mind" if self.outcome in MIND else "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """How one chat does."""

    name: str
    is_away: bool = False
    since: datetime | None = None

    @property
    def word(self) -> str:
        """ "away", "failing" or "works"."""
        return "away" if self.is_away else "failing" if self.since else "works"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """All that the page shows, as of `now`; of `incident` alone where it is not empty."""

    now: datetime
    incident: str
    lines: Sequence[Line]
    entries: Sequence[Entry]
    chats: Sequence[ChatLine]


class Deliveries:
    """Reads the ports at each question."""

    def __init__(
        self,
        audit: Audit,
        entries: Callable[[], Awaitable[Sequence[Entry]]],
        health: Callable[[], Mapping[str, ChatHealth]],
        chats: Collection[str],
        clock: Clock,
    ) -> None:
        self._audit = audit
        self._entries = entries
        self._health = health
        self._chats = chats
        self._clock = clock

    async def log(self, incident: str = "") -> Log:
        """The newest deliveries and all that waits. Raises StoreError."""
        return Log(
            now=self._clock.now(),
            incident=incident,
            lines=await self.lines(incident),
            entries=await self.entries(incident),
            chats=self.chats(),
        )

    async def lines(self, incident: str = "", limit: int = SHOWN) -> tuple[Line, ...]:
        """The newest deliveries, newest first, as far as the audit is looked through. Raises StoreError."""
        found: tuple[Line, ...] = ()
        for depth in LOOKED_THROUGH:
            tail = await self._audit.tail(depth)
            told = (raw for raw in tail if raw.get("what") == "delivery")
            found = tuple(_line(raw) for raw in told if incident in {"", raw.get("incident")})
            if len(found) >= limit or len(tail) < depth:
                break
        return found[:limit]

    async def entries(self, incident: str = "") -> tuple[Entry, ...]:
        """What waits. Raises StoreError."""
        return tuple(e for e in await self._entries() if incident in {"", e.incident})

    def chats(self) -> tuple[ChatLine, ...]:
        """Every chat, those in trouble first."""
        known = self._health()
        lines = [_chat(name, known.get(name, ChatHealth())) for name in self._chats]
        return tuple(sorted(lines, key=lambda line: (line.since is None, line.name)))


DELIVERIES: web.AppKey[Deliveries] = web.AppKey("deliveries", Deliveries)


def add_deliveries(app: web.Application, deliveries: Deliveries) -> None:
    """Add the page and its data."""
    app[DELIVERIES] = deliveries
    app.add_routes(
        [
            web.get("/deliveries", show_page),
            web.get("/api/deliveries", show_deliveries),
            web.get("/api/outbox", show_outbox),
        ]
    )


async def show_page(request: web.Request) -> web.Response:
    """GET /deliveries?incident=INC-12."""
    desk, wanted = request.app[DESK], _incident(request)
    trouble = ""
    log = Log(now=desk.clock.now(), incident=wanted, lines=(), entries=(), chats=())
    try:
        log = await request.app[DELIVERIES].log(wanted)
    except STORE_AWAY:
        trouble = "The store does not answer. The log will be here as soon as it does."
    html = desk.pages.deliveries(log, trouble=trouble, entries_shown=ENTRIES_SHOWN)
    return web.Response(text=html, content_type="text/html", status=503 if trouble else 200)


async def show_deliveries(request: web.Request) -> web.Response:
    """GET /api/deliveries?incident=INC-12: the newest 200, newest first."""
    found = await request.app[DELIVERIES].lines(_incident(request))
    return json_answer({"deliveries": [asdict(line) for line in found]})


async def show_outbox(request: web.Request) -> web.Response:
    """GET /api/outbox?incident=INC-12: what waits, and every chat."""
    deliveries = request.app[DELIVERIES]
    entries = await deliveries.entries(_incident(request))
    return json_answer(
        {
            "outbox": [{**asdict(entry), "missing": entry.missing} for entry in entries],
            "chats": [{**asdict(chat), "state": chat.word} for chat in deliveries.chats()],
        }
    )


def _incident(request: web.Request) -> str:
    """The incident that is asked for, in its one spelling; what is none finds nothing."""
    typed = request.query.get("incident", "").strip()[:INCIDENT_MAX_CHARS]
    return incident_id(typed) or typed


def _line(raw: Mapping[str, str]) -> Line:
    return Line(
        at=_time(raw.get("at", "")),
        **{name: raw.get(name, "") for name in ("incident", "channel", "step", "outcome", "reason", "actor")},
    )


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _chat(name: str, health: ChatHealth) -> ChatLine:
    since = health.away_since if health.is_away else health.failing_since
    return ChatLine(name=name, is_away=health.is_away, since=since)
