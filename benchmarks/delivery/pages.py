"""Status pages in Statuspage's JSON, made up here. Pure. Every text begins with a mark that is found again in the chats."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_MARK = re.compile(rb"zz-[a-z0-9]+-\d+")
PARTS = 30  # as on the pages of `benchmarks.world`


_ABOUT = {
    "description": "What this part of the service does for those who use it.", "only_show_if_degraded": False,
    "showcase": True, "group_id": None, "start_date": "2024-01-01",
}  # fmt: skip


def mark(tag: str, number: int) -> str:
    """A word that is found again wherever it is shown."""
    return f"zz-{tag}-{number}"


def marks_in(body: bytes) -> list[str]:
    """The marks of a message, each once, in its order."""
    return list(dict.fromkeys(found.decode() for found in _MARK.findall(body)))


def text(tag: str, number: int) -> str:
    """What an update says. Words differ from one to the next, for news in which only figures differ are none."""
    word, left = "", number
    while left or not word:
        word, left = chr(ord("a") + left % 26) + word, left // 26
    return f"{mark(tag, number)} Requests to shelf {word} fail, and we are looking into it."


def stamp() -> str:
    """Now, as Statuspage writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def incident(
    name: str,
    key: str,
    title: str,
    texts: Sequence[tuple[str, str]],
    *,
    impact: str = "major",
    part: str = "",
) -> dict[str, Any]:
    """An open incident of a page; `texts` are its updates as (text, time), oldest first."""
    updates = [
        {
            "id": f"{key}u{k}", "status": "investigating", "body": text, "incident_id": key,
            "created_at": at, "updated_at": at, "display_at": at, "affected_components": None,
        }
        for k, (text, at) in enumerate(texts)
    ]  # fmt: skip
    began, last = texts[0][1], texts[-1][1]
    return {
        "id": key, "name": title, "status": "investigating", "impact": impact, "created_at": began,
        "updated_at": last, "started_at": began, "resolved_at": None, "shortlink": f"http://{name}.localhost/{key}",
        "page_id": name, "incident_updates": updates[::-1], "components": [_part(name, part)] if part else [],
    }  # fmt: skip


def summary(name: str, incidents: Sequence[dict[str, Any]]) -> bytes:
    """A page's summary.json."""
    page = {"id": name, "name": name, "url": f"http://{name}.localhost", "time_zone": "Etc/UTC"}
    parts = [_part(name, f"Part {n}") | _ABOUT for n in range(PARTS)]
    body = {
        "page": page,
        "components": parts,
        "incidents": list(incidents),
        "scheduled_maintenances": [],
        "status": {"indicator": "major" if incidents else "none", "description": "as it is"},
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _part(name: str, title: str) -> dict[str, Any]:
    return {
        "id": f"{name}-{title}".replace(" ", ""), "name": title, "status": "operational", "position": 1, "group": False,
        "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2025-01-01T00:00:00.000Z", "page_id": name,
    }  # fmt: skip
