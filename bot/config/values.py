"""The tables of the configuration as values of the domain: `rules`, `checks`, `sources`. Called by `bot.wiring`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.config.channels import CalendarTable, ChannelTable, RouteTable, SpanTable, When
from bot.config.models import (
    ServiceTable,
    Source,
    SourceAuth,
)
from bot.domain.channels import Manners, Span
from bot.domain.checks import Check
from bot.domain.routing import BUILT_IN, Condition, Group, Mode, Route
from bot.domain.rules import Rules
from bot.domain.services import Need, Service
from bot.domain.words import Kind
from bot.sources import catalogue
from bot.sources.fetching.auth import Auth, Header, Microsoft, basic, bearer
from bot.sources.payload import SourceSpec

if TYPE_CHECKING:
    from bot.config import Config

EVERYWHERE = Group(name="everywhere", channels=("console:main", "terminal:main"))
_EVERY = timedelta(seconds=60)
_LIVE_EVERY = timedelta(seconds=10)
_BOOST_EVERY = timedelta(seconds=5)
_STATUSPAGE_API = "/api/v2/summary.json"  # of Statuspage, and of incident.io, which speaks the same


def rules(config: Config) -> Rules:
    """What `decide` needs to know of the user's wishes."""
    groups = tuple(Group(name=g.name, mode=g.mode, channels=g.channels) for g in config.group) or (
        EVERYWHERE,
    )
    names = tuple(group.name for group in groups)
    operators = Route(to=config.fogbell.operators or names[:1], kinds=(Kind.BLINDNESS,))
    asked = tuple(_route(route) for route in config.route) or (Route(to=names, is_usual=bool(config.group)),)
    return Rules(
        services=tuple(_service(service) for service in config.service),
        routes=(*asked, operators),
        groups=groups,
        reopen_within=config.rules.reopen_within,
        lapse_after=config.rules.lapse_after,
        retroactive_within=config.rules.retroactive_within,
        remember_for=config.rules.remember_for,
        names=_names(config),
        manners={channel.id: _manners(channel, config) for channel in config.channel},
        usual=Manners(zone=ZoneInfo(config.fogbell.time_zone)),
        always=() if config.route or not config.group else _built_in(groups),
        digest_to=names if config.fogbell.digest is None else config.fogbell.digest,
        watched=frozenset(provider_of(source) for source in config.source),
        named=tuple(need for source in config.source for need in _narrowed(source)),
    )


def _built_in(groups: Iterable[Group]) -> tuple[str, ...]:
    """The console's and the terminal's channels: where nobody wrote a route, they hear everything at once."""
    spoken = (g.channels if g.mode is Mode.ALL else g.channels[:1] for g in groups)
    return tuple(dict.fromkeys(c for channels in spoken for c in channels if c.partition(":")[0] in BUILT_IN))


def _narrowed(source: Source) -> Iterable[Need]:
    """What a source's filters name, as needs; nothing where it has no filters."""
    if source.regions or source.components:
        for region, component in product(source.regions or (None,), source.components or (None,)):
            yield Need(provider=provider_of(source), region=region, component=component)


def checks(config: Config) -> tuple[Check, ...]:
    """Our own health checks."""
    return tuple(
        Check(
            name=check.name,
            kind=check.kind,
            target=check.url,
            service=check.service,
            every=check.every,
            timeout=check.timeout,
            fail_after=check.fail_after,
            pass_after=check.pass_after,
            expect_status=check.expect_status,
            expect_text=check.expect_text,
            slower_than=check.slower_than,
        )
        for check in config.check
    )


def sources(config: Config) -> tuple[SourceSpec, ...]:
    """The feeds to watch, with everything that the catalogue knows of them filled in."""
    return tuple(_spec(source) for source in config.source)


def clouds(config: Config) -> dict[str, str]:
    """The cloud that each watched provider runs on, where it is known."""
    found = {}
    for source in config.source:
        entry = catalogue.find(source.provider) if source.provider else None
        if cloud := source.cloud or (entry.cloud if entry else ""):
            found[provider_of(source)] = cloud
    return found


def provider_of(source: Source) -> str:
    """The provider in whose ledger a source's incidents are."""
    entry = catalogue.find(source.provider) if source.provider else None
    return entry.name if entry else source.provider or source.name or ""


def source_name(source: Source) -> str:
    """The name of a source: its own, else the provider's, with the format where that is not the usual one."""
    provider = provider_of(source)
    feed = feed_of(source)
    entry = catalogue.find(provider)
    if source.name or not entry or source.url or feed is None or feed is entry.feeds[0]:
        return source.name or provider
    return feed.format if feed.format.startswith(provider) else f"{provider}-{feed.format}"


def feed_of(source: Source) -> catalogue.Feed | None:
    """The catalogue's feed that a source means, or None where it has an address of its own or means none."""
    entry = catalogue.find(source.provider) if source.provider and not source.url else None
    return entry.feed(source.format) if entry else None


def _spec(source: Source) -> SourceSpec:
    feed = feed_of(source)
    return SourceSpec(
        name=source_name(source),
        provider=provider_of(source),
        url=_feed_url(source.url) if source.url else feed.url if feed else "",
        format=feed.format if feed else source.format,
        every=source.every or (feed.every if feed else _EVERY),
        live_every=source.live_every or _LIVE_EVERY,
        boost_every=source.boost_every or _BOOST_EVERY,
        regions=source.regions,
        components=source.components,
        allow_private=source.allow_private,
        auth=_auth(source.auth) if source.auth else None,
        push_secret=source.push.reveal() if source.push else None,
    )


def _auth(table: SourceAuth) -> Auth:
    """What opens the feed; the model has seen to it that one kind is whole."""
    if table.header and table.value:
        return Header(name=table.header, value=table.value.reveal())
    if table.bearer:
        return bearer(table.bearer.reveal())
    if table.tenant and table.client_id and table.client_secret:
        secret = table.client_secret.reveal()
        return Microsoft(
            tenant=table.tenant, client_id=table.client_id, client_secret=secret, login_url=table.login_url
        )
    return basic(table.user or "", table.password.reveal() if table.password else "")


def _feed_url(url: str) -> str:
    """A status page's bare address stands for its summary, since most pages are made by Statuspage or speak as it does."""
    parts = urlsplit(url)
    is_bare = parts.path in {"", "/"} and not parts.query
    return f"{parts.scheme}://{parts.netloc}{_STATUSPAGE_API}" if is_bare else url


def _service(table: ServiceTable) -> Service:
    return Service(name=table.name, tier=table.tier, owner=table.owner, title=table.title, needs=table.needs)


def _route(table: RouteTable) -> Route:
    return Route(
        to=table.to,
        unless=Condition(**_condition(table.unless)) if table.unless else None,
        is_digest=table.digest,
        is_last=table.stop,
        mentions=tuple(table.mention.items()),
        **_condition(table.when),
    )


def _condition(when: When) -> dict[str, Any]:
    return {
        "worst": when.severity,
        "impact": when.impact,
        "providers": tuple(_slug(provider) for provider in when.provider),
        "components": when.component,
        "regions": when.region,
        "services": when.service,
        "tiers": when.tier,
        "kinds": when.kind,
    }


def _manners(channel: ChannelTable, config: Config) -> Manners:
    return Manners(
        language=channel.language or "en",
        zone=ZoneInfo(channel.time_zone or config.fogbell.time_zone),
        quiet=spans_of(channel, config.calendar),
        speaks_from=channel.speaks_from,
        digest_at=channel.digest_at,
        posts_per_hour=channel.posts_per_hour,
        mentions_per_hour=channel.mentions_per_hour,
        pins=channel.pins,
    )


def spans_of(channel: ChannelTable, calendars: Iterable[CalendarTable]) -> tuple[Span, ...]:
    """A channel's hours of quiet, with those of the calendars that it names."""
    by_name = {calendar.name: calendar.spans for calendar in calendars}
    quiet = channel.quiet
    spans = (span for q in quiet for span in (by_name.get(q.calendar, ()) if q.calendar else (q,)))
    return tuple(_span(span) for span in spans)


def _span(table: SpanTable) -> Span:
    return Span(days=table.days, start=table.start, end=table.end)


def _slug(provider: str) -> str:
    entry = catalogue.find(provider)
    return entry.name if entry else provider


def _names(config: Config) -> tuple[tuple[str, str], ...]:
    """What people call the providers that are watched."""
    found: dict[str, str] = {}
    for source in config.source:
        slug = provider_of(source)
        entry = catalogue.find(slug)
        if title := source.title or found.get(slug) or (entry.title if entry else None):
            found[slug] = title
    return tuple(found.items())
