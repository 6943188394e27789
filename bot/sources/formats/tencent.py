"""Tencent Cloud's health dashboard: a board of products for one region, a list of events by date, and a feed for each product.

The board knows no incidents: a product that is not NORMAL is one, known by region, product and our day. The list gives
start and end, in Beijing's time. Region and product stand in the address of each product's RSS.
(Facts from a healthy body of 2026, cut to five products; other states and the list from documentation.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed, product_feed
from bot.sources.reading.assemble import members, places_of, read_each, record
from bot.sources.reading.shapes import body_of, object_with, on_the_day, today
from bot.sources.reading.text import decode, fingerprint, ident, line, plain
from bot.sources.reading.times import stamp, when_there
from bot.sources.reading.vocabulary import folded, note

NAME = "tencent"
HOME = "https://status.cloud.tencent.com/"
_IMPACTS = {
    **dict.fromkeys(("normal", "normally", "正常"), Impact.NONE),
    **dict.fromkeys(("notify", "informational", "提示"), Impact.MINOR),
    **dict.fromkeys(("abnormal", "degradation", "异常"), Impact.MAJOR),
}
_ADDRESS = re.compile(r"/rss/[\w-]+/([\w-]+)/([\w-]+)/?$", re.ASCII)
_PAGE = r"https?://status\.(?:cloud\.tencent|tencentcloud)\.com/"
_THERE = re.compile(f"^{_PAGE}rss/")
_OURS = re.compile(rf"(?:(?!<item\b).)*?<link>\s*{_PAGE}?[^<]{{0,200}}</link>", re.IGNORECASE | re.DOTALL)
_ASKED_FOR = re.compile(r"[?&]RegionId=([\w-]+)")


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The products that are not well, or the events of the list or of a feed."""
    if feed.is_feed(payload):
        return product_feed.events(payload, _feed(payload), spec)
    data = _data(body_of(payload))
    if isinstance(data.get("EventList"), list):
        events = members(data["EventList"])
        return read_each(events, lambda item: _listed(record(item, "it"), spec), spec, "event")
    if not isinstance(data.get("CategoryList"), list):
        raise ParseError("the body has neither categories of products nor a list of events")
    products = list(_products(data["CategoryList"]))
    if not products:
        raise ParseError("the board has no products: its region is not known there")
    return read_each(products, lambda item: _shown(record(item, "it"), payload, spec), spec, "product")


def recognises(payload: Payload) -> bool:
    """True for products by category, or events, in Tencent's envelope, and for feeds that its page made or served."""
    response = object_with(payload, b'"Response"', b'"RequestId"').get("Response")
    data = response.get("Data") if isinstance(response, dict) else None
    if isinstance(data, dict):
        return isinstance(data.get("CategoryList"), list) or isinstance(data.get("EventList"), list)
    is_there = _THERE.match(payload.url) is not None
    return feed.is_feed(payload) and (is_there or _OURS.match(decode(payload)[:4000]) is not None)


def listing_of(payload: Payload) -> Listing:
    """OPEN for the board, WINDOW for the list of events and for feeds."""
    is_board = b'"EventList"' not in payload.body and not feed.is_feed(payload)
    return Listing.OPEN if is_board else Listing.WINDOW


def _feed(payload: Payload) -> product_feed.Feed:
    """Product and region, by the address that it came from."""
    address = _ADDRESS.search(payload.url.partition("?")[0])
    return product_feed.Feed(
        format_name=NAME,
        home=HOME,
        component=address[2] if address else "",
        region=_known(address[1] if address else ""),
    )


def _data(body: Mapping[str, object]) -> Mapping[str, object]:
    """What the envelope holds. Raises ParseError with Tencent's own words when that is an error."""
    response = record(body.get("Response"), "the Response")
    error = response.get("Error")
    if isinstance(error, dict):
        raise ParseError(
            f"Tencent answers {line(error.get('Code'), max_chars=60)}: {line(error.get('Message'), max_chars=200)}"
        )
    return record(response.get("Data"), "the Data")


def _products(categories: object) -> Iterator[object]:
    for category in members(categories):
        if isinstance(category, dict):
            yield from members(category.get("ProductList"))
        else:
            yield category


def _shown(raw: Mapping[str, object], payload: Payload, spec: Spec) -> Observation | None:
    """A product that is not NORMAL; an event's start, where it is given, makes a better key than our day."""
    unknown: list[str] = []
    impact = _impact(raw.get("CurrentStatus"), unknown)
    if impact is Impact.NONE:
        return None
    event = raw.get("CurrentEvent")
    told = event if isinstance(event, dict) else {}
    region = _region(raw, payload.url)
    chain = _chain(region, raw)
    began_at = when_there(told.get("StartTime"), product_feed.BEIJING)
    key = f"{chain}@{stamp(began_at)}" if began_at else on_the_day(chain, payload)
    text = plain(raw.get("ProductEventTitle")) or plain(told.get("Title")) or plain(told.get("Desc"))
    name = _name(raw)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=False,
        title=line(f"{name}: {text}" if text else f"{name}: {ident(raw.get('CurrentStatus'))}"),
        status=Status.INVESTIGATING,
        impact=impact,
        began_at=began_at,
        updated_at=began_at or today(payload),
        url=HOME,
        places=places_of(spec.provider, [name], [region] if region else []),
        updates=(Update(id=f"{key}~{fingerprint(text)}", text=text),) if text else (),
        chain=chain,
        unknown_words=tuple(unknown),
    )


def _listed(raw: Mapping[str, object], spec: Spec) -> Observation:
    """An event of the list: it is over when it has an end."""
    unknown: list[str] = []
    began_at, ended_at = (
        when_there(raw.get("StartTime"), product_feed.BEIJING),
        when_there(raw.get("EndTime"), product_feed.BEIJING),
    )
    if began_at is None or not ident(raw.get("ProductId")):
        raise ParseError(f'"{_name(raw)}" has no product or no readable start')
    region = _region(raw, "")
    chain = _chain(region, raw)
    impact = _impact(raw.get("CurrentStatus"), unknown)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=f"{chain}@{stamp(began_at)}",
        is_native=False,
        title=f"{_name(raw)}: service event",
        status=Status.RESOLVED if ended_at else Status.INVESTIGATING,
        impact=impact,
        began_at=began_at,
        ended_at=ended_at,
        updated_at=ended_at or began_at,
        url=HOME,
        places=places_of(spec.provider, [_name(raw)], [region] if region else []),
        chain=chain,
        unknown_words=tuple(unknown),
    )


def _impact(word: object, unknown: list[str]) -> Impact:
    impact = _IMPACTS.get(folded(word))
    if impact is None:
        note(unknown, "CurrentStatus", word)
    return impact or Impact.CRITICAL


def _name(raw: Mapping[str, object]) -> str:
    return line(raw.get("ProductName"), max_chars=120) or ident(raw.get("ProductId"))[:120] or "A product"


def _chain(region: str | None, raw: Mapping[str, object]) -> str:
    return f"{region or 'somewhere'}/{ident(raw.get('ProductId'))[:80] or fingerprint(_name(raw))}"


def _region(raw: Mapping[str, object], url: str) -> str | None:
    """The region's id; "global" for what Tencent calls non-regional."""
    address = _ADDRESS.search(ident(raw.get("Rss")))
    asked_for = _ASKED_FOR.search(url)
    said = ident(raw.get("RegionId")) or (address[1] if address else asked_for[1] if asked_for else "")
    return _known(said)


def _known(region: str) -> str | None:
    return "global" if region == "non-regional" else region[:60] or None


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    listing_of=listing_of,
    about=About(
        vendors=(
            "Tencent Cloud: the dashboard's `DescribeProductEventForRegionInPeriod`, the API's `DescribeEvents`, and the feeds"
            " `/rss/<language>/<region>/<product>`",
        ),
        identity="none: a board, a product that is not NORMAL in a region, known by its start or our day, and its chain;"
        " feeds as `volcengine`",
        resolution="the product is NORMAL again; in the list of events: `EndTime`; feeds as `volcengine`",
        lost="texts beyond a title; the time of most events; weights beyond three words",
        tested="a healthy capture; other states from documentation",
    ),
)
