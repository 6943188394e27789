"""AWS's two public pages as they were at a given moment of the demo's day. Pure.

Nothing posted later shows, and nothing depends on the moment itself: the same posts give the same bytes, so that conditional
requests work. `feeds` serves them.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.demo.script import Aws, Day, Post

Json = dict[str, Any]  # what is about to be JSON text, and nothing else

_PDT = timezone(timedelta(hours=-7))
_RSS_STATE = {1: "Service impact", 2: "Service impact", 3: "Service disruption"}


def aws_currentevents(day: Day, at: datetime) -> bytes:
    """health.aws.amazon.com/public/currentevents: a JSON array in UTF-16BE with its mark; empty before the first post."""
    posts = _posted(day.aws, at)
    events = [_aws_event(day.aws, posts)] if posts else []
    return b"\xfe\xff" + json.dumps(events, separators=(",", ":")).encode("utf-16-be")


def _aws_event(aws: Aws, posts: list[Post]) -> Json:
    """One event: the arn and the date stay, the log is appended to, services come and recover."""
    is_over = posts[-1].resolves
    changes = _service_changes(aws, posts)
    event = {
        "date": _epoch(posts[0].at),
        "arn": aws.arn,
        "region_name": aws.region_name,
        "status": "0" if is_over else str(posts[-1].level),
        "service": aws.service,
        "service_name": aws.service_name,
        "summary": ("[RESOLVED] " if is_over else "") + aws.headline,
        "event_log": [
            {
                "summary": aws.headline,
                "message": p.text,
                "status": p.level,
                "timestamp": int(p.at.timestamp()),
            }
            for p in posts
        ],
        "impacted_services": _impacted(changes),
        "impacted_service_status_changes": changes,
    }
    return event | ({"end_time": _epoch(aws.ended_at)} if is_over else {})


def _service_changes(aws: Aws, posts: list[Post]) -> list[Json]:
    """Each rise and fall of a service's level, in the order of the posts."""
    levels = dict.fromkeys(aws.names, 0)
    changes: list[Json] = []
    for post in posts:
        recovered = [slug for slug, level in levels.items() if level] if post.resolves else post.recovers
        for slug, level in (dict.fromkeys(post.hits, post.level) | dict.fromkeys(recovered, 0)).items():
            change = {
                "service": slug,
                "service_name": aws.names[slug],
                "previous_status": str(levels[slug]),
                "current_status": str(level),
                "timestamp": int(post.at.timestamp()) * 1000,  # the only milliseconds in this feed
            }
            changes.append(change)
            levels[slug] = level
    return changes


def _impacted(changes: list[Json]) -> Json:
    """Every service named so far, with its level now and its worst."""
    services: Json = {}
    for change in changes:
        level = change["current_status"]
        worst = services.get(change["service"], {}).get("max", "0")
        services[change["service"]] = {
            "service_name": change["service_name"],
            "current": level,
            "max": max(worst, level),
        }
    return services


def aws_rss(day: Day, at: datetime) -> bytes:
    """status.aws.amazon.com/rss/all.rss: one item for each post, newest first, each with a guid of its own."""
    posts = _posted(day.aws, at)
    built_at = posts[-1].at if posts else day.starts_at
    items = "".join(_rss_item(day.aws, post) for post in reversed(posts))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0">
  <channel>
    <title><![CDATA[Amazon Web Services Service Status]]></title>
    <link>https://status.aws.amazon.com/</link>
    <language>en-us</language>
    <lastBuildDate>{_pdt(built_at)}</lastBuildDate>
    <description><![CDATA[Served by Fogbell's demo.]]></description>
    <ttl>5</ttl>
{items}  </channel>
</rss>
""".encode()


def _rss_item(aws: Aws, post: Post) -> str:
    """One post. That it is over stands in the title alone."""
    state = "Service is operating normally: [RESOLVED]" if post.resolves else f"{_RSS_STATE[post.level]}:"
    return f"""    <item>
      <title><![CDATA[{state} {aws.headline}]]></title>
      <link>https://status.aws.amazon.com/</link>
      <pubDate>{_pdt(post.at)}</pubDate>
      <guid isPermaLink="false">https://status.aws.amazon.com/#{aws.service}_{_epoch(post.at)}</guid>
      <description><![CDATA[{post.text}]]></description>
    </item>
"""


def _posted(aws: Aws, at: datetime) -> list[Post]:
    return [post for post in aws.posts if post.at <= at]


def _epoch(at: datetime) -> str:
    return str(int(at.timestamp()))


def _pdt(at: datetime) -> str:
    """RFC 822 with a zone name, as AWS writes it."""
    return at.astimezone(_PDT).strftime("%a, %d %b %Y %H:%M:%S PDT")
