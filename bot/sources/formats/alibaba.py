"""Alibaba Cloud's events: a short window of incidents, open and closed.

Ids are numbers, times milliseconds. An incident without `endTime` is open; a closed one also says so in its title, in several
spellings. Products and regions are null, so regions are read from the title. Updates were never seen filled.
(Facts from a body recorded in 2026, with closed incidents only.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain.observation import Listing, Observation
from bot.domain.words import Impact, Status
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import names, places_of, read_each, record
from bot.sources.reading.shapes import body_of, first_of, list_of, object_with, own_id
from bot.sources.reading.text import line
from bot.sources.reading.times import when
from bot.sources.reading.vocabulary import stated_status

NAME = "alibaba"
HOME = "https://status.alibabacloud.com/"
REGIONS = {
    "Hangzhou": "cn-hangzhou",
    "Shanghai": "cn-shanghai",
    "Beijing": "cn-beijing",
    "Shenzhen": "cn-shenzhen",
    "Qingdao": "cn-qingdao",
    "Zhangjiakou": "cn-zhangjiakou",
    "Hohhot": "cn-huhehaote",
    "Ulanqab": "cn-wulanchabu",
    "Heyuan": "cn-heyuan",
    "Guangzhou": "cn-guangzhou",
    "Chengdu": "cn-chengdu",
    "Hong Kong": "cn-hongkong",
    "Singapore": "ap-southeast-1",
    "Kuala Lumpur": "ap-southeast-3",
    "Jakarta": "ap-southeast-5",
    "Manila": "ap-southeast-6",
    "Bangkok": "ap-southeast-7",
    "Tokyo": "ap-northeast-1",
    "Seoul": "ap-northeast-2",
    "Frankfurt": "eu-central-1",
    "London": "eu-west-1",
    "Silicon Valley": "us-west-1",
    "Virginia": "us-east-1",
    "Dubai": "me-east-1",
    "Riyadh": "me-central-1",
}
_TOWN = re.compile(rf"\b({'|'.join(map(re.escape, REGIONS))})\b")
_LABEL = re.compile(r"^\s*\[incident[^\]]*\]\s*", re.IGNORECASE)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of the window."""
    items = list_of(body_of(payload), "data")
    return read_each(items, lambda item: _observation(record(item, "it"), spec), spec, "event")


def recognises(payload: Payload) -> bool:
    """True for a list of events in Alibaba's envelope; an empty one has the envelope alone."""
    body = object_with(payload, b'"data"', b'"httpCode"')
    first = first_of(body.get("data"))
    return body.get("data") == [] and "success" in body if not first else "eventUpdates" in first


def _observation(raw: Mapping[str, object], spec: Spec) -> Observation:
    key = own_id(raw, title="title")
    said = line(raw.get("title"))
    is_over = bool(raw.get("endTime")) or stated_status(said, "") is Status.RESOLVED
    title = _LABEL.sub("", said) or "Untitled"
    ended_at = when(raw.get("endTime"))
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=key,
        is_native=True,
        title=title,
        status=Status.RESOLVED if is_over else Status.INVESTIGATING,
        impact=Impact.MAJOR,  # it grades nothing, and tells of broad events only
        is_graded=False,
        began_at=when(raw.get("startTime")),
        ended_at=ended_at,
        updated_at=when(raw.get("lastUpdateTime")),
        url=HOME,
        places=places_of(
            spec.provider, names(raw.get("products"), "productName", "name"), _regions(raw, title)
        ),
    )


def _regions(raw: Mapping[str, object], title: str) -> list[str]:
    named = names(raw.get("regions"), "regionId", "id", "name")
    return named or list(dict.fromkeys(REGIONS[town] for town in _TOWN.findall(title)))


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Alibaba Cloud's events",),
        identity="Alibaba's number",
        resolution="`endTime` is set, or the title says recovered",
        lost="texts; products and weights are not given",
        tested="a capture of 2026 with closed incidents",
    ),
)
