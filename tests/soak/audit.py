"""What the chats hold against what the pages said: nothing lost, nothing twice, nothing out of order, no stale headline.

A message for many incidents tells an update when it shows the incident after the update was posted: its line has no room for
every word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.soak.story import Event, Story

WORD = re.compile(r"wev[a-z]+w[a-z]z")


@dataclass(slots=True, kw_only=True)
class Post:
    """A message as a channel got it (`first`) and as it is shown now (`text`)."""

    at: datetime
    first: str
    text: str
    thread: str | None
    key: str

    @property
    def is_gathered(self) -> bool:
        """True for a message about many incidents."""
        return len(set(re.findall(r"Trouble ([a-z]+) with", self.first))) > 1


@dataclass(slots=True)
class Verdict:
    """What is wrong with one channel, each fault by name."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "wrong_order": len(self.disordered),
            "stale_headlines": len(self.stale),
        }


def audit(story: Story, channel: str, posts: Sequence[Post]) -> Verdict:
    """The verdict on one channel that must have heard everything."""
    verdict = Verdict()
    about: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        for title in set(re.findall(r"Trouble [a-z]+ with widgets", post.first)):
            about[title].append(post)
    for event in story.events:
        _judge(event, about.get(event.title, []), f"{channel} {event.id}", verdict)
    for key, count in Counter(p.key for p in posts if p.key).items():
        if count > 1:
            verdict.doubled.append(f"{channel} key {key} x {count}")
    return verdict


def _judge(event: Event, posts: Sequence[Post], where: str, verdict: Verdict) -> None:
    singles = [p for p in posts if not p.is_gathered]
    headlines = [p for p in singles if p.thread is None]
    replies = [p for p in singles if p.thread is not None]
    _lost(event, posts, where, verdict)
    if len(headlines) > 1:
        verdict.doubled.append(f"{where}: {len(headlines)} headlines")
    told = Counter(w for p in replies for w in set(WORD.findall(p.first)))
    verdict.doubled += [f"{where}: {word} x {count}" for word, count in told.items() if count > 1]
    order = [u.word for u in event.updates]
    words = _words(replies, order)
    if words != sorted(words, key=order.index):
        verdict.disordered.append(f"{where}: {words}")
    _stale(event, headlines, [p for p in posts if p.is_gathered], where, verdict)


def _lost(event: Event, posts: Sequence[Post], where: str, verdict: Verdict) -> None:
    seen = " ".join(f"{p.first} {p.text}" for p in posts)
    for update in event.updates:
        gathered_later = any(p.is_gathered and p.at >= update.at for p in posts)
        if update.word not in seen and not gathered_later:
            verdict.lost.append(f"{where}: {update.word} of {update.at:%H:%M:%S}")


def _stale(
    event: Event, headlines: Sequence[Post], gathered: Sequence[Post], where: str, verdict: Verdict
) -> None:
    if event.is_over:
        stale = [p for p in headlines if "Resolved" not in p.text]
        shown = [p.text.partition("\n")[2] for p in gathered]  # the first line is for notifications
        lines = [line for text in shown for line in _lines(text, event.title) if "Resolved" not in line]
    else:
        stale, lines = [p for p in headlines if event.updates[-1].word not in p.text], []
    verdict.stale += [f"{where}: headline {p.text[:90]!r}" for p in stale]
    verdict.stale += [f"{where}: line {line!r}" for line in lines]


def _lines(text: str, title: str) -> Iterable[str]:
    """What a gathered message says of one incident: its status stands right before its title."""
    for found in re.finditer(re.escape(title), text):
        yield text[max(0, found.start() - 32) : found.end()]


def _words(posts: Sequence[Post], order: Sequence[str]) -> list[str]:
    return [w for p in sorted(posts, key=lambda p: p.at) for w in WORD.findall(p.first) if w in order]
