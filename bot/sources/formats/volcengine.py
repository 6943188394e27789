"""Volcengine's feeds, one for each product and region, in Chinese: an item is an event, over once its title says so.

"(已恢复)" at a title's end means recovered. The channel's title names product and region; a region that does not exist gives an
empty channel with empty brackets, which is refused, for it would look like good health for ever. Bare times are Beijing's.
(Facts from a body without items of 2026; items from documentation.)
"""

from __future__ import annotations

import re

from bot.domain.observation import Listing, Observation
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed, product_feed
from bot.sources.reading.text import decode, line, plain

NAME = "volcengine"
HOME = "https://status.volcengine.com/"
_LINK = re.compile(
    r"(?:(?!<item\b).)*?<link>\s*https?://status\.volcengine\.com/?[^<]{0,200}</link>",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(r"^https?://status\.volcengine\.com/rss/[\w-]+/([\w-]+)/([\w-]+)", re.ASCII)
_CHANNEL = re.compile(r"<channel>(?:(?!<item\b).)*?<title>\s*(?:<!\[CDATA\[)?([^<\]]{0,300})", re.DOTALL)
_NAMED = re.compile(r"^(?:火山引擎)?(.*?)\((.*)\)\s*服务状态\s*$")
_REGIONS = {
    "北京": "cn-beijing",
    "上海": "cn-shanghai",
    "广州": "cn-guangzhou",
    "香港": "cn-hongkong",
    "柔佛": "ap-southeast-1",
    "雅加达": "ap-southeast-3",
}


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The events of the feed, open and closed. Raises ParseError for a channel that names no region."""
    product, region = _place(payload)
    of = product_feed.Feed(format_name=NAME, home=HOME, component=product, region=region)
    return product_feed.events(payload, of, spec)


def recognises(payload: Payload) -> bool:
    """True for a feed whose maker is Volcengine's status page, or that was fetched there."""
    is_there = _ADDRESS.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _LINK.match(decode(payload)[:4000]) is not None)


def _place(payload: Payload) -> tuple[str, str | None]:
    """Product and region, by the channel's title and the address. A region unknown to us keeps its own name."""
    address = _ADDRESS.match(payload.url)
    channel = _CHANNEL.search(decode(payload)[:4000])
    title = plain(channel[1]) if channel else ""
    named = _NAMED.match(title.replace("\uff08", "(").replace("\uff09", ")"))
    if named and not named[2].strip():
        raise ParseError("the feed names no region: its address asks for one that does not exist")
    product = line(named[1] if named else title, max_chars=120) or (address[2] if address else "")
    if address:
        return product, address[1]
    place = named[2] if named else ""
    known = next((region for town, region in _REGIONS.items() if town in place), None)
    return product, known or line(place, max_chars=60) or None


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Volcengine (ModelArk and others), `status.volcengine.com/rss/zh/<region>/<product>`",),
        identity="the guid or link, else title and date; the item is one update, which is edited",
        resolution="`(已恢复)` at the title's end",
        lost="updates before the newest text; when it ended; weights",
        tested="a capture without items; items from documentation",
    ),
)
