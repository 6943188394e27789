"""`status`: are we hit, and can we see at all? What nobody can see is never called fine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from bot.commands.context import Context
from bot.commands.lines import incident_line, plain, section, silence_line, source_line
from bot.commands.parse import did_you_mean, shown
from bot.commands.spec import Reply, Rest, command
from bot.domain.card import Section, Tone
from bot.domain.incident import Incident
from bot.domain.observation import SELF
from bot.domain.services import Service, providers_of
from bot.domain.silences import Silence
from bot.domain.trust import Doubt, SourceReport, SourceState
from bot.domain.words import Impact, Kind, Role, Status
from bot.errors import NotFound

NAMES_SHOWN = 4
KNOWN_SHOWN = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What `status` looks at: everything, or what one provider or one service has to do with."""

    reports: tuple[SourceReport, ...]
    incidents: tuple[Incident, ...]
    silences: tuple[Silence, ...] = ()
    service: str | None = None
    about: str = ""

    @property
    def going_on(self) -> tuple[Incident, ...]:
        """Open incidents, without work that is only announced."""
        told = (i for i in self.incidents if i.kind is not Kind.BLINDNESS)  # said under "Sources"
        return tuple(i for i in told if i.status is not Status.SCHEDULED)

    @property
    def blind(self) -> tuple[SourceReport, ...]:
        """Sources whose silence says nothing."""
        return tuple(r for r in self.reports if r.is_blind)

    def hit(self, *, is_certain: bool) -> tuple[str, ...]:
        """Services that are hit; those that only may be, where `is_certain` is False."""
        found = [a for i in self.going_on for a in i.affected if self.service in {None, a.service}]
        sure = dict.fromkeys(a.service for a in found if a.is_certain)
        return (
            tuple(sure)
            if is_certain
            else tuple(dict.fromkeys(a.service for a in found if a.service not in sure))
        )


@command(role=Role.VIEWER, example="status checkout")
async def status(
    ctx: Context, target: Annotated[str, "A provider or one of your services", Rest] = ""
) -> Reply:
    """Tell whether we are hit, by what, and what cannot be seen."""
    everything = Picture(
        reports=await ctx.sources.lines(),
        incidents=await ctx.open_incidents(),
        silences=await ctx.silences.active(ctx.now),
    )
    picture = _narrowed(ctx, everything, target) if target else everything
    title, tone = answer(ctx, picture)
    sections = (*_sight(ctx, picture), *_story(ctx, picture))
    return Reply(card=plain(title, tone=tone, sections=sections))


def answer(ctx: Context, picture: Picture) -> tuple[str, Tone]:
    """The one line that people came for, and how it looks; calm only where everything was seen."""
    about = f"{picture.about}: " if picture.about else ""
    if sure := picture.hit(is_certain=True):
        who = "it is hit" if picture.service else f"hit: {_few(sure)}"
        return f"{about}Yes, {who}", _tone(picture.going_on)
    if perhaps := picture.hit(is_certain=False):
        who = "it" if picture.service else _few(perhaps)
        return f"{about}Perhaps: {who} may be hit", _tone(picture.going_on)
    if not picture.reports:
        return f"{about}Cannot say: nothing is watched", Tone.MINOR
    if picture.blind:
        blind = tuple(dict.fromkeys(ctx.provider(r.provider) for r in picture.blind))
        return f"{about}Cannot say: {_few(blind)} cannot be seen", Tone.MINOR
    if picture.going_on and not ctx.rules.services:
        return f"{about}{_count(picture)}; none of your services is configured, so you may be hit", Tone.MINOR
    if picture.going_on:
        return f"{about}Not known to be hit, but {_count(picture)}", Tone.INFO
    if any(r.state is SourceState.LATE or _is_doubtful(r) for r in picture.reports):
        return f"{about}No sign of it, but not all sources are up to date", Tone.INFO
    nothing = "nothing open hits it" if picture.service else "nothing is open"
    return f"{about}No: {nothing}, every source is fresh", Tone.OVER


def _is_doubtful(report: SourceReport) -> bool:
    """True where being quiet may not mean that all is well. A zombie or a moved page is a blemish, no more."""
    return any(doubt not in {Doubt.ZOMBIE, Doubt.MOVED} for doubt, _ in report.doubts)


def blind_lines(ctx: Context, reports: Iterable[SourceReport]) -> list[str]:
    """A line for each source that is not fresh or cannot be fully believed, the worst first."""
    order = list(SourceState)
    bad = sorted(
        (r for r in reports if r.state is not SourceState.FRESH or r.doubts),
        key=lambda r: -order.index(r.state),
    )
    return [source_line(ctx, report) for report in bad]


def _sight(ctx: Context, picture: Picture) -> tuple[Section, ...]:
    fresh = [r for r in picture.reports if r.state is SourceState.FRESH and not r.doubts]
    lines = blind_lines(ctx, picture.reports)
    if fresh and len(fresh) <= NAMES_SHOWN:
        lines += [source_line(ctx, report) for report in fresh]
    elif fresh:
        lines.append(f"{len(fresh)} of {len(picture.reports)} sources are fresh")
    return section("Sources", lines or ["no source is configured for this"])


def _story(ctx: Context, picture: Picture) -> tuple[Section, ...]:
    return (
        *section("Open incidents", [incident_line(ctx, i) for i in picture.incidents]),
        *section("Services hit", _why(picture)),
        *section("Silenced", [silence_line(ctx, s) for s in picture.silences]),
    )


def _why(picture: Picture) -> list[str]:
    """ "checkout because of aws/dynamodb@us-east-1 (INC-12, INC-14)", as the worst incident has them first."""
    found: dict[str, list[str]] = {}
    for incident in picture.going_on:
        for hit in incident.affected:
            if picture.service in {None, hit.service}:
                doubt = "" if hit.is_certain else "perhaps "
                path = " → ".join(hit.path[1:]) or _own_word(incident)
                found.setdefault(f"{doubt}{hit.service} because of {path}", []).append(incident.id)
    return [f"{why} ({_few(tuple(ids))})" for why, ids in found.items()]


def _own_word(incident: Incident) -> str:
    return "its own checks" if incident.provider == SELF else incident.provider


def _narrowed(ctx: Context, everything: Picture, target: str) -> Picture:
    providers, services = _known(ctx, everything.reports, everything.incidents)
    wanted = target.casefold()
    if slug := providers.get(wanted):
        return replace(
            everything,
            about=ctx.provider(slug),
            reports=tuple(r for r in everything.reports if r.provider == slug),
            incidents=tuple(i for i in everything.incidents if i.provider == slug),
        )
    if service := services.get(wanted):
        needed = {SELF, *providers_of(service, ctx.rules.services)}
        return replace(
            everything,
            about=service.name,
            service=service.name,
            reports=tuple(r for r in everything.reports if r.provider in needed),
            incidents=tuple(
                i for i in everything.incidents if service.name in {a.service for a in i.affected}
            ),
        )
    raise unknown(target, [*providers.values(), *(s.name for s in services.values())])


def unknown(target: str, known: Iterable[str]) -> NotFound:
    """The error for a name that nobody knows, with the near ones and the known ones."""
    names = list(dict.fromkeys(known))
    listed = ", ".join(names[:KNOWN_SHOWN]) or "none is configured"
    return NotFound(
        f'I know no provider or service "{shown(target)}".{did_you_mean(target, names)}\nKnown: {listed}'
    )


async def known_names(ctx: Context) -> dict[str, str]:
    """Every name, in lower case, that people use for a provider or a service, and the one name that Fogbell uses."""
    providers, services = _known(ctx, await ctx.sources.lines(), await ctx.open_incidents())
    return {name: service.name for name, service in services.items()} | providers


def _known(
    ctx: Context, reports: Iterable[SourceReport], incidents: Iterable[Incident]
) -> tuple[dict[str, str], dict[str, Service]]:
    """Providers and services by every name that people use for them, in lower case."""
    slugs = {*(r.provider for r in reports), *(i.provider for i in incidents), *ctx.names}
    providers = {name.casefold(): slug for slug in sorted(slugs) for name in (ctx.provider(slug), slug)}
    services = {name.casefold(): s for s in ctx.rules.services for name in (s.label, s.name)}
    return providers, services


def _tone(incidents: Iterable[Incident]) -> Tone:
    worst = max(
        (i.impact for i in incidents if i.affected), key=lambda impact: impact.rank, default=Impact.NONE
    )
    return {Impact.CRITICAL: Tone.CRITICAL, Impact.MAJOR: Tone.MAJOR}.get(worst, Tone.MINOR)


def _count(picture: Picture) -> str:
    many = len(picture.going_on)
    return f"{many} incident{'s are' if many > 1 else ' is'} open"


def _few(names: tuple[str, ...]) -> str:
    shown_names = ", ".join(names[:NAMES_SHOWN])
    return f"{shown_names} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown_names
