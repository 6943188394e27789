"""The script of a day as data: what providers tell and when, and what goes wrong with their pages. Pure.

A line of a table says most of it: a post is "07:05 investigating We look.", a span of the day is "06:10-07:30".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

MIDNIGHT = datetime(2026, 11, 18, tzinfo=UTC)
STEP = timedelta(minutes=20)  # between two looks at a source
OVER = frozenset({"resolved", "completed"})
SEEN_THROUGH = frozenset(
    {"moved", "malformed", "flaky", "left out"}
)  # faults that leave something to believe


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One update; from `edited_at` on it reads `edit`."""

    at: datetime
    stage: str
    text: str
    edited_at: datetime | None = None
    edit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One event of a provider. `spans` say when lists of what is open hold it. An empty `key` makes no sense to anyone."""

    provider: str
    key: str
    title: str
    posts: tuple[Post, ...]
    spans: tuple[tuple[datetime, datetime], ...]

    def told(self, at: datetime) -> tuple[Post, ...]:
        """The posts as they read at that moment, oldest first."""
        seen = (post for post in self.posts if post.at <= at)
        return tuple(replace(p, text=p.edit) if p.edited_at and p.edited_at <= at else p for p in seen)

    def changed_at(self, at: datetime) -> datetime:
        """When a word of it changed last."""
        moments = [post.at for post in self.posts] + [p.edited_at for p in self.posts if p.edited_at]
        return max(moment for moment in moments if moment <= at)

    @property
    def is_planned(self) -> bool:
        return self.posts[0].stage == "scheduled"


def clock(word: str) -> datetime:
    """The moment that "07:05" (of the day), "24:00" or "10-01T09:00" (of its year) means."""
    if "T" in word:
        return datetime.fromisoformat(f"{MIDNIGHT.year}-{word}").replace(tzinfo=UTC)
    hours, minutes = word.split(":")
    return MIDNIGHT + timedelta(hours=int(hours), minutes=int(minutes))


def spans(text: str) -> tuple[tuple[datetime, datetime], ...]:
    """The times from and to that "06:10-07:30 09:15-" means; without an end, to after the day."""
    pairs = (span.rsplit("-", 1) for span in text.split())
    return tuple((clock(begin), clock(end or "48:00")) for begin, end in pairs)


def story(provider: str, key: str, title: str, *posts: str, listed: str = "") -> Story:
    """A story from posts such as "07:05 investigating We look. | 08:00 We looked.", with an edit after the bar.

    Unless told otherwise in `listed`, pages that list what is open hold it from its first post to the one that ends it.
    """
    told = tuple(_post(line) for line in posts)
    end = told[-1].at if told[-1].stage in OVER else clock("48:00")
    times = spans(listed) if listed else ((told[0].at, end),)
    return Story(provider=provider, key=key, title=title, posts=told, spans=times)


def _post(line: str) -> Post:
    said, _, edit = line.partition(" | ")
    at, stage, text = said.split(" ", 2)
    when, _, words = edit.partition(" ")
    return Post(at=clock(at), stage=stage, text=text, edited_at=clock(when) if when else None, edit=words)


def past(provider: str) -> tuple[Story, ...]:
    """What a page of open and closed events holds besides: nine old stories."""
    return tuple(
        story(
            provider,
            f"{provider}old{n}",
            f"Old story {n}",
            f"10-0{n}T08:00 investigating We look into it.",
            f"10-0{n}T09:00 resolved It is over.",
        )
        for n in range(1, 10)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a source ("*": with all) in a span of the day."""

    source: str
    begins_at: datetime
    ends_at: datetime
    kind: str

    def hits(self, source: str, at: datetime) -> bool:
        """True when that source suffers from it at that moment."""
        return self.source in {"*", source} and self.begins_at <= at < self.ends_at

    @property
    def is_blinding(self) -> bool:
        """True when nothing that the source says meanwhile is to be believed, or can be had."""
        return self.kind not in SEEN_THROUGH and not self.kind.startswith("stale")


def fault(source: str, span: str, kind: str) -> Fault:
    """A fault in a span such as "06:10-07:30"; without an end, for the rest of the day."""
    ((begins_at, ends_at),) = spans(span)
    return Fault(source=source, begins_at=begins_at, ends_at=ends_at, kind=kind)


def hour(at: datetime) -> str:
    """ "07:05" for a moment of the day."""
    minutes = int((at - MIDNIGHT) / timedelta(minutes=1))
    return f"{minutes // 60:02}:{minutes % 60:02}"
