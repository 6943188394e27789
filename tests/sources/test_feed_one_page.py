"""All the feeds of one Statuspage page, watched as sources of one provider: one incident for each event, no doubles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import permutations

import pytest

from bot.domain.incident import Incident
from bot.domain.observation import Sighting
from bot.domain.words import Impact, Kind, Status
from bot.sources import detect
from bot.sources.payload import Payload, Spec
from tests.build import World

START = datetime(2026, 8, 21, tzinfo=UTC)
FEEDS = ("summary", "incidents", "scheduled-maintenances", "atom", "rss")
TROUBLE = ("abc123def456", "API trouble")
MOVE = ("mnt123def456", "Database move")
Post = tuple[str, float, str, str]
POSTS: tuple[Post, ...] = (
    ("u1", 0.2, "investigating", "We see errors & more."),
    ("u2", 30.9, "identified", "We found a full disk."),
    ("u3", 30.95, "identified", "The API is read-only."),
    ("u4", 60.5, "resolved", "It works."),
    ("u5", 6000, "postmortem", "A disk was full, because nobody looked."),
)
PLAN: tuple[Post, ...] = (
    ("m1", -30000, "scheduled", "We will move."),
    ("m2", 10, "in_progress", "Scheduled maintenance is currently in progress."),
    ("m3", 50, "completed", "The scheduled maintenance has been completed."),
)
LOOKS = (-60, 1, 11, 31.5, 55, 61, 120, 6001)  # minutes


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def iso(minutes: float) -> str:
    return at(minutes).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(name: tuple[str, str], posts: Sequence[Post], **more: object) -> dict[str, object]:
    """An incident or a maintenance as the JSON lists have it."""
    return {
        "id": name[0],
        "name": name[1],
        "status": posts[-1][2],
        "created_at": iso(posts[0][1]),
        "updated_at": iso(posts[-1][1]),
        "shortlink": "https://stspg.io/x",
        "incident_updates": [
            {
                "id": id_,
                "status": status,
                "body": escape(text),
                "created_at": iso(when),
                "display_at": iso(when),
            }
            for id_, when, status, text in reversed(posts)
        ],
        **more,
    }


def entry(name: tuple[str, str], posts: Sequence[Post], feed: str) -> str:
    """The same as an entry of a history feed."""
    blocks = "".join(
        f"<p><small>{at(when):%b} <var data-var='date'>{at(when).day}</var>, <var data-var='time'>{at(when):%H:%M}</var> UTC"
        f"</small><br><strong>{status.replace('_', ' ').capitalize()}</strong> - {escape(text)}</p>"
        for _, when, status, text in reversed(posts)
    )
    if posts[-1][2] == "scheduled":
        blocks = f"<p><strong>THIS IS A SCHEDULED EVENT Aug 21, 00:10 - 01:10 UTC</strong></p>{blocks}"
    link, date = f"https://status.acme.example/incidents/{name[0]}", at(posts[-1][1])
    if feed == "rss":
        head = f"<link>{link}</link><guid>{link}</guid><pubDate>{date:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
        return f"<item><title>{name[1]}</title>{head}<description>{escape(blocks)}</description></item>"
    head = f'<id>tag:acme,2005:Incident/{len(name[1])}</id><link href="{link}"/><published>{date:%FT%TZ}</published>'
    return f'<entry><title>{name[1]}</title>{head}<content type="html">{escape(blocks)}</content></entry>'


def body(feed: str, now: float) -> str:
    """What a feed of the page says at a minute."""
    posts, plan = [[post for post in told if post[1] <= now] for told in (POSTS, PLAN)]
    trouble = (
        [event(TROUBLE, posts, impact="major", components=[{"id": "c", "name": "API"}])] if posts else []
    )
    move = [event(MOVE, plan, impact="maintenance", scheduled_for=iso(10), scheduled_until=iso(70))]
    over = {"resolved", "postmortem", "completed"}
    if feed in {"atom", "rss"}:
        told = [(TROUBLE, posts)] * bool(posts) + [(MOVE, plan)]
        inner = "".join(entry(name, said, feed) for name, said in told)
        head = (
            '<rss version="2.0"><channel>' if feed == "rss" else '<feed xmlns="http://www.w3.org/2005/Atom">'
        )
        return head + inner + ("</channel></rss>" if feed == "rss" else "</feed>")
    page: dict[str, object] = {"page": {"id": "p", "url": "https://status.acme.example"}}
    if feed == "summary":
        held = [[e for e in events if e["status"] not in over] for events in (trouble, move)]
        return json.dumps(page | {"components": [], "incidents": held[0], "scheduled_maintenances": held[1]})
    return json.dumps(
        page | ({"incidents": trouble} if feed == "incidents" else {"scheduled_maintenances": move})
    )


def watched(feeds: Sequence[str]) -> World:
    """The ledger after everything, its feeds looked at in this order, seconds apart."""
    world = World()
    for now in LOOKS:
        for nth, feed in enumerate(feeds):
            seen_at = at(now) + timedelta(seconds=nth)
            payload = Payload(body=body(feed, now).encode(), fetched_at=seen_at)
            format_ = detect(payload)
            assert format_ is not None
            world.see(
                Sighting(
                    provider="acme",
                    source=feed,
                    seen_at=seen_at,
                    observations=format_.parse(payload, Spec(provider="acme")),
                    listing=format_.listed(payload),
                )
            )
    return world


def told(world: World) -> dict[str, Incident]:
    return {incident.title: incident for incident in world.incidents}


@pytest.mark.parametrize("feeds", [*permutations(FEEDS)][::7], ids="+".join)
def test_every_feed_of_a_page_in_any_order_tells_one_story(feeds: tuple[str, ...]) -> None:
    world = watched(feeds)
    trouble, move = told(world)["API trouble"], told(world)["Database move"]

    assert len(world.incidents) == 2
    assert [post[3] for post in POSTS] == [post.text for post in trouble.updates]
    assert [post[3] for post in PLAN] == [post.text for post in move.updates]
    assert (Kind.INCIDENT, Status.POSTMORTEM, Impact.MAJOR, 0) == (
        trouble.kind,
        trouble.status,
        trouble.impact,
        trouble.reopened,
    )
    assert (Kind.MAINTENANCE, Status.COMPLETED, at(10), 0) == (
        move.kind,
        move.status,
        move.began_at,
        move.reopened,
    )


@pytest.mark.parametrize(
    "feeds", [("summary", "atom"), ("rss", "summary"), ("atom", "rss"), ("atom",)], ids="+".join
)
def test_two_feeds_of_a_page_are_enough_for_the_whole_story(feeds: tuple[str, ...]) -> None:
    """A plan of weeks ago does not lapse in a history feed, and what left `summary.json` gets its last words from there."""
    world = watched(feeds)
    trouble, move = told(world)["API trouble"], told(world)["Database move"]

    assert [len(POSTS), len(PLAN)] == [len(trouble.updates), len(move.updates)]
    assert [0, 0] == [trouble.reopened, move.reopened]
    assert not trouble.is_open
    assert not move.is_open
