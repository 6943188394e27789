"""A recorded day, again: snapshots go through ingest, decide, commit, claim, plan and settle in virtual time.

The rules, the scripts and the delivery are those of the worker; only the clock and the chats are replaced. `fogbell replay`
prints what would have been said.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.card import Card
from bot.domain.conversation import Limits, Receipt, StepKind
from bot.domain.incident import Incident
from bot.domain.routing import BUILT_IN, Group
from bot.domain.rules import EVERYTHING, Rules
from bot.domain.silences import Silence
from bot.errors import ParseError, UsageError
from bot.pipeline.ingest import Ingest
from bot.pipeline.outbox import Courier, Delivered, Voice
from bot.pipeline.wake import Wake
from bot.pipeline.watch import sighting_of
from bot.sources import FORMATS, detect
from bot.sources.payload import Format, Payload, SourceSpec
from bot.sources.reading.text import decode, load_json, refuse_strangers, size
from bot.sources.reading.times import iso
from bot.store.embedded import EmbeddedStore
from bot.store.redis import Functions, RedisIncidents, connect
from bot.tally import NotingOutbox, Tally, VirtualLimiter

CHANNEL = "console:replay"
EVERYTHING_HERE = Rules(routes=(EVERYTHING,), groups=(Group(name=EVERYTHING.to[0], channels=(CHANNEL,)),))
_NAME = re.compile(r"^\d+-(\d{8}T\d{6}Z)\.\w+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One recorded body: `source` is its directory's name, `provider` that name's first word unless told otherwise."""

    at: datetime
    path: Path
    provider: str
    source: str


@dataclass(slots=True)
class Summary:
    """What a replay did, for stderr."""

    tally: Tally
    snapshots: int = 0
    skipped: list[str] = field(default_factory=list)
    incidents: set[str] = field(default_factory=set)
    steps: int = 0

    def take(self, done: Delivered) -> None:
        """Count one step."""
        self.steps += 1
        self.incidents.add(done.incident.id)
        self.tally.take(done)


class VirtualClock:
    """A `ports.Clock` that stands still until it is told the time; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The present of the recording."""
        return self._now

    def set(self, at: datetime) -> None:
        """Move on to `at`; never back."""
        self._now = max(self._now, at)

    async def sleep(self, seconds: float) -> None:
        """Move on by `seconds` at once."""
        self._now += timedelta(seconds=seconds)


class RecordingChat:
    """A chat that is always there and forgets everything: what matters is which steps it is asked for."""

    def __init__(self, name: str, limits: Limits | None = None) -> None:
        self.name = name
        self.limits = limits or Limits()
        self._count = 0

    async def post(self, channel: str, card: Card, *, key: str, thread: Receipt | None = None) -> Receipt:
        """A receipt, numbered."""
        self._count += 1
        return Receipt(channel=channel, message=str(self._count))

    async def edit(self, receipt: Receipt, card: Card, *, thread: Receipt | None = None) -> None:
        """Nothing: the step itself was recorded."""

    async def find(
        self, channel: str, *, key: str, since: datetime, thread: Receipt | None = None
    ) -> Receipt | None:
        """None: no call here is ever uncertain."""
        return None

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to let go of."""


class _NoSilences:
    async def add(self, silence: Silence) -> None:
        """Replays have no people in them."""

    async def active(self, now: datetime) -> tuple[Silence, ...]:
        """None at all."""
        return ()


def snapshots_in(folders: Iterable[Path], provider: str | None = None) -> list[Snapshot]:
    """The snapshots of all folders, by time. Raises UsageError naming a folder that has none."""
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such directory")
        name = os.fsencode(folder.resolve().name).decode(errors="replace")
        here = [
            Snapshot(at=at, path=path, provider=provider or name.split("-")[0], source=name)
            for path in sorted(folder.iterdir())
            if (at := _taken_at(path))
        ]
        if not here:
            raise UsageError(f"{folder}: holds no snapshots; their names look like 001-20251020T071100Z.json")
        found.extend(here)
    return sorted(found, key=lambda s: (s.at, s.source, s.path.name))


def _taken_at(path: Path) -> datetime | None:
    """The time in a snapshot's name; None for what is no snapshot."""
    match = _NAME.match(path.name)
    with suppress(ValueError):  # there is no 31st of June
        if match and path.is_file():
            return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return None


async def replay(
    snapshots: Sequence[Snapshot],
    on_delivered: Callable[[Delivered], None],
    *,
    rules: Rules = EVERYTHING_HERE,
    voice: Voice | None = None,
    form: Format | None = None,
    may_gather: bool = False,
    on_progress: Callable[[], None] = lambda: None,
) -> Summary:
    """Run the snapshots through the worker's own path; `on_delivered` gets each step in order.

    With `may_gather` chats that people read are told of many incidents in one message, as they would be; without it each
    incident is told for itself, so that its steps can be followed.
    """
    clock = VirtualClock(snapshots[0].at)
    summary = Summary(tally=Tally(rules=rules))
    forms = dict.fromkeys((s.source for s in snapshots), form) if form else {}
    done: list[Delivered] = []

    async with _throwaway() as functions:
        incidents, outbox = RedisIncidents(functions), NotingOutbox(functions)
        courier = Courier(
            outbox,
            incidents,
            _NoSilences(),
            _chats(rules, may_gather=may_gather),
            clock,
            voice=voice or Voice(names={}),
            limiter=VirtualLimiter(clock),
            on_delivered=done.append,
        )
        ingest = Ingest(incidents, rules, clock, Wake())
        for snapshot in snapshots:
            await _until(snapshot.at, clock, outbox, courier)
            clock.set(snapshot.at)
            changed = await _play(snapshot, forms, ingest, summary)
            summary.tally.saw(changed, snapshot.at)
            while await courier.drain():
                pass
            # Only now, and not from within the courier's tasks: whoever listens may have enough (`fogbell replay | head`).
            for delivered in done:
                summary.take(delivered)
                on_delivered(delivered)
            done.clear()
            on_progress()
        summary.tally.held = outbox.held
    return summary


def _chats(rules: Rules, *, may_gather: bool) -> dict[str, RecordingChat]:
    """A stand-in for each chat of the groups; those that are for programs, or call nobody, are told of each incident."""
    names = {c.partition(":")[0] for group in rules.groups for c in group.channels}
    each = {*BUILT_IN, "webhook"}
    return {name: RecordingChat(name, Limits(gathers=may_gather and name not in each)) for name in names}


async def _until(at: datetime, clock: VirtualClock, outbox: NotingOutbox, courier: Courier) -> None:
    """Let what comes due between two snapshots be said in its time: digests, and what quiet hours held back."""
    while (due := await outbox.next_due()) is not None and due < at:
        clock.set(due)
        if not await courier.drain():
            return


async def _play(
    snapshot: Snapshot, forms: dict[str, Format], ingest: Ingest, summary: Summary
) -> tuple[Incident, ...]:
    """The incidents that one snapshot changed. What cannot be read is what a failed look is to the worker: it changes nothing.

    Like the worker, a replay finds out a source's format once: an empty list alone does not show whose it is.
    """
    summary.snapshots += 1
    try:
        payload = Payload(body=snapshot.path.read_bytes(), fetched_at=snapshot.at, url=snapshot.path.name)
        chosen = forms.get(snapshot.source) or format_found(payload)
        forms[snapshot.source] = chosen
        source = SourceSpec(name=snapshot.source, provider=snapshot.provider, url="")
        seen, problem = sighting_of(payload, source, chosen)
    except (OSError, ParseError) as exc:
        summary.skipped.append(f"{snapshot.path.name}: {exc}")
        return ()
    if problem is not None:
        summary.skipped.append(f"{snapshot.path.name}: read in part: {problem}")
    return await ingest.sighting(seen)


@asynccontextmanager
async def _throwaway() -> AsyncIterator[Functions]:
    """The scripts of a store that is gone with the block."""
    with tempfile.TemporaryDirectory(prefix="fogbell-replay-") as folder:
        store = EmbeddedStore(Path(folder), is_throwaway=True)
        await store.start()
        client = connect(store.url)
        try:
            functions = Functions(client)
            await functions.load()
            yield functions
        finally:
            await client.aclose()
            await store.stop()


def line_of(done: Delivered) -> dict[str, object]:
    """A delivered step as `fogbell replay` prints it."""
    incident, step = done.incident, done.step
    return {
        "at": iso(done.at.replace(microsecond=0)),
        "channel": done.talk.channel,
        "step": _kind(done).value,
        "incident": incident.id,
        "provider": incident.provider,
        "provider_ids": list(incident.keys),
        "updates": list(step.updates),
        "revision": step.revision,
        "status": incident.status.value,
        "impact": incident.impact.value,
        "severity": incident.severity.words if incident.severity else None,
        "title": incident.title,
        "text": done.card.plain,
    }


def _kind(done: Delivered) -> StepKind:
    """What the step is to the incident: a message for many, such as a digest, is its first word or one more."""
    if done.step.kind is not StepKind.GATHERED:
        return done.step.kind
    return StepKind.UPDATE if done.talk.messages else StepKind.HEADLINE


def format_found(payload: Payload) -> Format:
    """The format that a body shows. Raises ParseError saying why it is of none."""
    found = detect(payload)
    if found is None:
        text = decode(payload)
        refuse_strangers(text, payload, due="JSON or a feed")
        if text.lstrip()[:1] in ("{", "["):
            load_json(payload)  # says where it stops making sense
        raise ParseError(f"the body of {size(payload)} fits no known format")
    return found


def format_named(name: str) -> Format:
    """The format of that name. Raises UsageError naming the known ones."""
    if name.casefold() not in FORMATS:
        raise UsageError(f'no format is called "{name}"; there are {", ".join(sorted(FORMATS))}')
    return FORMATS[name.casefold()]
