"""The feed of one product in one region, as the Chinese clouds write it: an item is an event, over once its title says so.

"(已恢复)" at a title's end means recovered. Bare times, and "CST", are Beijing's. Called by `volcengine` and `tencent`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.observation import Observation, Update
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import Payload, Spec
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each
from bot.sources.reading.text import fingerprint, ident, plain
from bot.sources.reading.times import stamp, when_there
from bot.sources.reading.vocabulary import stated_status, without_label

BEIJING = timedelta(hours=8)
_CHINESE = re.compile(r"(?<!\d{4})\s+CST$")  # elsewhere it is America's
_OVER = re.compile(
    r"\s*[(\uff08\[\u3010]?\s*(?:已恢复|已解决|已修复|已结束|恢复正常|recovered|resolved)\s*[)\uff09\]\u3011]?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Whose feed it is: the format's name, the page that people read, and the product's place."""

    format_name: str
    home: str
    component: str = ""
    region: str | None = None


def events(payload: Payload, of: Feed, spec: Spec) -> tuple[Observation, ...]:
    """The events of a feed, open and closed. Raises ParseError as `feed.read` does, and for a feed that was cut."""
    found = feed.read(payload)
    links = Counter(entry.link for entry in found.entries)
    observations = read_each(
        found.entries, lambda entry: _observation(entry, links[entry.link] == 1, of, spec), spec, "item"
    )
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def _observation(entry: feed.Entry, is_alone: bool, of: Feed, spec: Spec) -> Observation | None:
    if not (entry.id or entry.title or entry.html.strip()):
        return None
    title = without_label(_OVER.sub("", entry.title)).strip() or "Untitled"
    own = entry.id or (ident(entry.link) if is_alone and entry.link and not _is_home(entry.link, of) else "")
    key = own or fingerprint(title, entry.published_text or entry.html[:2000])
    at = when_there(_CHINESE.sub(" +0800", entry.published_text), BEIJING) or entry.published_at
    text = plain(entry.html) or title
    is_over = _OVER.search(entry.title) is not None or stated_status(entry.title, "") is Status.RESOLVED
    return Observation(
        provider=spec.provider,
        format=of.format_name,
        key=key,
        is_native=bool(own),
        title=title,
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=Impact.MAJOR,  # it grades nothing
        is_graded=False,
        began_at=at,
        updated_at=entry.updated_at or at,
        url=entry.link or of.home,
        places=places_of(
            spec.provider, [of.component] if of.component else [], [of.region] if of.region else []
        ),
        updates=(Update(id=f"{key}@{stamp(at, entry.published_text)}", text=text, posted_at=at),),
    )


def _is_home(link: str, of: Feed) -> bool:
    return link.rstrip("/") == of.home.rstrip("/")
