"""Azure's status feed (RSS). One item is one open event; it is removed when it is over.

The guid is a slug of the first title and stays; text and categories are replaced in place, so an item is one update that is
edited. Categories mix products and regions; a region is never taken from the prose. Geo-routed front ends have served an
empty list during an outage of theirs: use https://rssfeed.azure.status.microsoft/en-us/status/feed/
(Facts from recorded bodies of July 2026.)
"""

from __future__ import annotations

import re
import sys

from bot.domain.observation import Listing, Observation, Update
from bot.domain.words import Impact, Kind, Status
from bot.errors import ParseError
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading import feed
from bot.sources.reading.assemble import places_of, read_each
from bot.sources.reading.memo import Memo, size_of
from bot.sources.reading.text import decode, plain
from bot.sources.reading.times import stamp
from bot.sources.reading.vocabulary import kind_of, stated_status, without_label

NAME = "azure-rss"
HOME = "https://azure.status.microsoft/en-us/status"
_CHANNEL = re.compile(r"<title>\s*(?:<!\[CDATA\[)?\s*Azure Status\s*(?:\]\]>)?\s*</title>", re.IGNORECASE)
_FRONT_END = re.compile(r"^https?://[^/]*azurewebsites\.net", re.IGNORECASE)

# The public regions by their display names, as far as known when this was written. A category that is missing here counts
# as a component, which loses the region but no event.
REGIONS = (
    *(
        "Global",
        "Non-Regional",
        "Central US",
        "East US",
        "East US 2",
        "East US 3",
        "North Central US",
        "South Central US",
    ),
    *(
        "West Central US",
        "West US",
        "West US 2",
        "West US 3",
        "Canada Central",
        "Canada East",
        "Mexico Central",
    ),
    *(
        "Brazil South",
        "Brazil Southeast",
        "Chile Central",
        "North Europe",
        "West Europe",
        "UK South",
        "UK West",
    ),
    *(
        "France Central",
        "France South",
        "Germany North",
        "Germany West Central",
        "Italy North",
        "Spain Central",
    ),
    *("Poland Central", "Norway East", "Norway West", "Sweden Central", "Sweden South", "Switzerland North"),
    *(
        "Switzerland West",
        "Austria East",
        "Belgium Central",
        "Denmark East",
        "Israel Central",
        "Qatar Central",
    ),
    *("UAE Central", "UAE North", "South Africa North", "South Africa West", "East Asia", "Southeast Asia"),
    *(
        "Japan East",
        "Japan West",
        "Korea Central",
        "Korea South",
        "Central India",
        "South India",
        "West India",
    ),
    *("Jio India Central", "Jio India West", "Indonesia Central", "Malaysia West", "New Zealand North"),
    *("Australia Central", "Australia Central 2", "Australia East", "Australia Southeast", "Taiwan North"),
    *("China East", "China East 2", "China East 3", "China North", "China North 2", "China North 3"),
    *(
        "US Gov Arizona",
        "US Gov Texas",
        "US Gov Virginia",
        "US DoD Central",
        "US DoD East",
        "US Sec East",
        "US Sec West",
    ),
)
_SPELLED = {re.sub(r"\W", "", name.casefold()): name for name in REGIONS}
# Longest first, so that "West US 2" is not "West US". Without "Global", which begins the names of products too.
_IN_TITLE = re.compile(r"\b(" + "|".join(sorted(map(re.escape, REGIONS[2:]), key=len, reverse=True)) + r")\b")
MEMO: Memo[Observation] = Memo(1024 * 1024)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The open events of the feed; an empty feed is what health looks like."""
    found = feed.read(payload)
    observations = read_each(found.entries, lambda entry: _recalled(entry, spec), spec, "item")
    if found.is_cut:
        raise ParseError("the document ends before it is closed", partial=observations)
    return observations


def recognises(payload: Payload) -> bool:
    """True for a feed whose channel is called "Azure Status"."""
    return feed.is_feed(payload) and _CHANNEL.search(decode(payload)[:4000]) is not None


def _recalled(entry: feed.Entry, spec: Spec) -> Observation:
    """What an entry means, read once. Raises ParseError for one without a guid, each time."""
    key = (entry, spec.provider)
    known = MEMO.find(key)
    if known:
        return known
    found = _observation(entry, spec)
    return MEMO.keep(key, found, size_of(found) + sys.getsizeof(entry.html))


def _observation(entry: feed.Entry, spec: Spec) -> Observation:
    if not entry.id:
        raise ParseError(f'"{entry.title[:60]}" has no guid')
    text = plain(entry.html)
    # Listed means open, unless the item itself carries a label. Its prose is full of "not yet resolved".
    status = stated_status(entry.title, text) or Status.INVESTIGATING
    kind = kind_of(status)
    components, regions = _split(entry)
    return Observation(
        provider=spec.provider,
        format=NAME,
        key=entry.id,
        is_native=True,
        title=without_label(entry.title) or "Untitled",
        status=status,
        # The feed grades nothing, and only what is widespread gets into it.
        impact=Impact.MAINTENANCE if kind is Kind.MAINTENANCE else Impact.MAJOR,
        is_graded=False,
        kind=kind,
        began_at=entry.published_at,
        updated_at=entry.updated_at or entry.published_at,
        url=HOME if not entry.link or _FRONT_END.match(entry.link) else entry.link,
        places=places_of(spec.provider, components, regions),
        updates=(
            Update(
                id=f"{entry.id}@{stamp(entry.published_at, entry.published_text)}",
                text=text,
                posted_at=entry.published_at,
            ),
        ),
    )


def _split(entry: feed.Entry) -> tuple[list[str], list[str]]:
    """Products and regions: a category with a region's name is a region, and so is one that the title names."""
    components: list[str] = []
    regions: list[str] = []
    for category in entry.categories:
        region = _SPELLED.get(re.sub(r"\W", "", category.casefold()))
        (regions if region else components).append(region or category)
    regions += _IN_TITLE.findall(entry.title)
    return components, [_plain(region) for region in dict.fromkeys(regions)]


def _plain(region: str) -> str:
    return "global" if region in ("Global", "Non-Regional") else region


FORMAT = Format(
    name=NAME,
    listing=Listing.OPEN,
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Microsoft Azure's status feed",),
        identity="the guid, a slug of the first title. The item is one update, which is edited",
        resolution="the item is removed",
        lost="earlier texts, which are replaced; weights; and all of it at a front end in a failing region",
        tested="captures of 2026, one of them quiet",
    ),
)
