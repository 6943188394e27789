"""What providers' pages hold at a moment of a scripted day: a small body for each format, true to it. Pure.

`fleet_stage` serves them at the addresses of a `Layout`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from html import escape
from typing import Any

from bot.demo import aws as demo_aws
from bot.demo.script import Aws, Day, load_day
from bot.demo.script import Post as AwsPost
from tests.scenarios.fleet_stories import MIDNIGHT, OVER, Post, Story

Stories = Sequence[Story]


def _open(stories: Stories, at: datetime) -> list[Story]:
    return [each for each in stories if any(begin <= at < end for begin, end in each.spans)]


def _begun(stories: Stories, at: datetime) -> list[Story]:
    return sorted((each for each in stories if each.told(at)), key=lambda s: s.posts[0].at, reverse=True)


def _newest_first(each: Story, at: datetime) -> list[Post]:
    return list(reversed(each.told(at)))


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


_PAGE = {"id": "p1", "name": "Page", "url": "https://status.page.example", "time_zone": "Etc/UTC"}
_PART = {"id": "c1", "name": "API", "status": "operational", "group": False, "page_id": "p1"}


def summary(stories: Stories, at: datetime) -> bytes:
    """Statuspage's summary.json: what is open, and gone when it is over."""
    found = _open(stories, at)
    return _json({
        "page": _PAGE, "components": [_PART], "status": {"indicator": "none", "description": "Fine"},
        "incidents": [_listed(each, at) for each in found if not each.is_planned],
        "scheduled_maintenances": [_listed(each, at) for each in found if each.is_planned],
    })  # fmt: skip


def incidents(stories: Stories, at: datetime) -> bytes:
    """Statuspage's incidents.json: open and closed ones."""
    return _json({"page": _PAGE, "incidents": [_listed(each, at) for each in _begun(stories, at)]})


def _listed(each: Story, at: datetime) -> dict[str, Any]:
    posts = _newest_first(each, at)
    began_at, newest = _iso(each.posts[0].at), posts[0]
    return {
        "id": each.key, "name": each.title, "status": newest.stage, "created_at": began_at, "started_at": began_at,
        "updated_at": _iso(each.changed_at(at)), "resolved_at": _iso(newest.at) if newest.stage in OVER else None,
        "impact": "maintenance" if each.is_planned else "major", "components": [_PART],
        "shortlink": f"https://stspg.io/{each.key}", **({"scheduled_for": began_at} if each.is_planned else {}),
        "incident_updates": [
            {
                "id": f"{each.key}u{len(posts) - n}", "status": post.stage, "body": post.text, "incident_id": each.key,
                "created_at": _iso(post.at), "display_at": _iso(post.at), "updated_at": _iso(post.edited_at or post.at),
            }
            for n, post in enumerate(posts)
        ],
    }  # fmt: skip


def history(stories: Stories, at: datetime) -> bytes:
    """Statuspage's history.atom: one entry for an incident, all updates in its text."""
    entries = "".join(_entry(each, at) for each in _begun(stories, at))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        "<id>tag:status.page.example,2005:/history</id><title>Page Status - Incident History</title>"
        f"<updated>2026-11-18T00:00:00Z</updated>{entries}</feed>"
    ).encode()


def _entry(each: Story, at: datetime) -> str:
    blocks = "".join(
        f"<p><small>{p.at:%b} <var data-var='date'>{p.at.day}</var>, <var data-var='time'>{p.at:%H:%M}</var> UTC</small>"
        f"<br><strong>{p.stage.capitalize()}</strong> - {p.text}</p>"
        for p in _newest_first(each, at)
    )
    return (
        f"<entry><id>tag:status.page.example,2005:Incident/{each.key}</id><published>{_iso(each.posts[0].at)}</published>"
        f"<updated>{_iso(each.changed_at(at))}</updated><title>{each.title}</title>"
        f'<link rel="alternate" type="text/html" href="https://status.page.example/incidents/{each.key}"/>'
        f'<content type="html">{escape(blocks)}</content></entry>'
    )


def items(stories: Stories, at: datetime) -> bytes:
    """RSS of somebody's own making: one item for an event, its text replaced."""
    return _rss("News of Page", "".join(_item(each, at) for each in _begun(stories, at)))


def azure(stories: Stories, at: datetime) -> bytes:
    """Azure's feed: one item for what is open, its text replaced."""
    kinds = "<category>Virtual Machines</category><category>West Europe</category>"
    return _rss("Azure Status", "".join(_item(each, at, kinds) for each in _open(stories, at)))


def _item(each: Story, at: datetime, more: str = "") -> str:
    return (
        f'<item><guid isPermaLink="false">{each.key}</guid><title>{each.title}</title>{more}'
        f"<pubDate>{format_datetime(each.posts[0].at)}</pubDate><description>{each.told(at)[-1].text}</description></item>"
    )


def _rss(title: str, found: str) -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{found}</channel></rss>'.encode()


def gcp(stories: Stories, at: datetime) -> bytes:
    """Google Cloud's incidents.json: a long window; only `end` says that one is over."""
    return _json([_google(each, at) for each in _begun(stories, at)])


def _google(each: Story, at: datetime) -> dict[str, Any]:
    posts, began_at = _newest_first(each, at), _iso(each.posts[0].at)
    is_over = posts[0].stage in OVER
    return {
        "id": each.key, "begin": began_at, "created": began_at, "modified": _iso(each.changed_at(at)),
        "external_desc": each.title, "status_impact": "SERVICE_OUTAGE", "severity": "high", "uri": f"incidents/{each.key}",
        "affected_products": [{"title": "Cloud Run", "id": "k"}],
        "updates": [
            {"when": _iso(p.at), "text": p.text, "status": "AVAILABLE" if p.stage in OVER else "SERVICE_OUTAGE"} for p in posts
        ],
        **({"end": _iso(posts[0].at)} if is_over else {}),
    }  # fmt: skip


def slack(stories: Stories, at: datetime) -> bytes:
    """Slack's `current`."""
    return _json({"status": "ok", "active_incidents": [_of_slack(each, at) for each in _open(stories, at)]})


def slack_history(stories: Stories, at: datetime) -> bytes:
    """Slack's `history`."""
    return _json([_of_slack(each, at) for each in _begun(stories, at)])


def _of_slack(each: Story, at: datetime) -> dict[str, Any]:
    posts = _newest_first(each, at)
    return {
        "id": each.key, "title": each.title, "type": "outage", "services": ["Messaging"],
        "status": "resolved" if posts[0].stage in OVER else "active",
        "date_created": _iso(each.posts[0].at), "date_updated": _iso(posts[0].at),
        "notes": [{"date_created": _iso(p.at), "body": p.text} for p in posts],
    }  # fmt: skip


def instatus(stories: Stories, at: datetime) -> bytes:
    """Instatus' summary.json: no texts, and no list at all where nothing is open."""
    found = [
        {
            "id": each.key, "name": each.title, "started": _iso(each.posts[0].at), "impact": "MAJOROUTAGE",
            "status": each.told(at)[-1].stage.upper(), "updatedAt": _iso(each.changed_at(at)),
            "url": f"https://status.page.example/{each.key}",
        }
        for each in _open(stories, at)
    ]  # fmt: skip
    page = {"name": "Page", "url": "https://status.page.example", "status": "HASISSUES" if found else "UP"}
    return _json({"page": page, **({"activeIncidents": found} if found else {})})


def statusio(stories: Stories, at: datetime) -> bytes:
    """Status.io's status: what is open, its messages in no order."""
    codes = {"investigating": 100, "identified": 200, "monitoring": 300}
    found = [
        {
            "_id": each.key, "name": each.title, "datetime_open": _iso(each.posts[0].at),
            "messages": [
                {"details": p.text, "state": codes[p.stage], "status": 500, "datetime": _iso(p.at)} for p in each.told(at)
            ],
            "components_affected": [{"name": "API", "_id": "c1"}], "containers_affected": [],
        }
        for each in _open(stories, at)
    ]  # fmt: skip
    overall = {"updated": "2026-11-18T00:00:00.000Z", "status": "Operational", "status_code": 100}
    planned: dict[str, list[object]] = {"active": [], "upcoming": []}
    return _json({"result": {"status_overall": overall, "incidents": found, "maintenance": planned}})


def betterstack(stories: Stories, at: datetime) -> bytes:
    """Better Stack's index.json: reports stay, their state says that they are over."""
    included: list[dict[str, Any]] = []
    for each in _begun(stories, at):
        posts = each.told(at)
        state = "resolved" if posts[-1].stage in OVER else "downtime"
        links = [{"id": f"{each.key}u{n}", "type": "status_update"} for n in range(len(posts))]
        said = {"title": each.title, "report_type": "manual", "starts_at": _iso(posts[0].at), "ends_at": None}
        included.append({
            "id": each.key, "type": "status_report", "attributes": {**said, "aggregate_state": state, "affected_resources": []},
            "relationships": {"status_updates": {"data": links}},
        })  # fmt: skip
        included += [
            {**link, "attributes": {"message": p.text, "published_at": _iso(p.at), "affected_resources": []}}
            for link, p in zip(links, posts, strict=True)
        ]
    about = {"company_name": "Page", "aggregate_state": "operational"}
    return _json({"data": {"id": "1", "type": "status_page", "attributes": about}, "included": included})


@cache
def _aws_day(each: Story) -> Day:
    """A story told by AWS, for the demo's builders."""
    posts = tuple(
        AwsPost(at=p.at, level=3, text=p.text, resolves=p.stage in OVER, hits=() if n else ("dynamodb-us-east-1",))
        for n, p in enumerate(each.posts)
    )  # fmt: skip
    event = Aws(
        true_start=posts[0].at, ended_at=posts[-1].at, arn=each.key, service="dynamodb-us-east-1", service_name="DynamoDB",
        region_name="N. Virginia", headline=each.title, names={"dynamodb-us-east-1": "DynamoDB"}, posts=posts,
    )  # fmt: skip
    return replace(_recorded_day(), aws=event, starts_at=MIDNIGHT)


@cache
def _recorded_day() -> Day:
    return load_day()


def aws_events(stories: Stories, at: datetime) -> bytes:
    """AWS' currentevents, of its one story."""
    return demo_aws.aws_currentevents(_aws_day(stories[0]), at)


def aws_posts(stories: Stories, at: datetime) -> bytes:
    """AWS' all.rss, of its one story."""
    return demo_aws.aws_rss(_aws_day(stories[0]), at)
