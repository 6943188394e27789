"""`fogbell routes`: where an incident is told and why, and where one would be told."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
from datetime import UTC, datetime
from itertools import product

from bot.cli.load import NoSecrets, add_config, config_at
from bot.cli.status import FAILED, OK
from bot.commands.spec import Actor, Front, Reply
from bot.domain.card import Card
from bot.domain.incident import Incident
from bot.domain.rules import Rules
from bot.domain.words import Impact, Kind, Role, Severity, Status
from bot.errors import UsageError

EPILOG = """\
examples:
  fogbell routes explain INC-12
  fogbell routes test --provider aws --impact minor --region us-east-1 --component DynamoDB
  fogbell routes test --provider github --impact major --at 2026-11-23T22:30:00Z

`explain` looks at an incident in the store, as /incident routes does; `test` needs no store: it makes one up.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "routes",
        help="tell which channels hear of an incident, when, and why not",
        description="Explains for each route whether it matches, and for each channel what happens there.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = what.add_parser("explain", help="an incident that there is")
    one.add_argument("incident", metavar="INC-12", help="its id")
    add_config(one)
    one.set_defaults(run=_explain)
    _add_test(what.add_parser("test", help="an incident that there might be"))


def _add_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--provider", required=True, metavar="NAME", help='such as aws, or "self" for a check'
    )
    parser.add_argument("--impact", choices=[i.value for i in Impact], default=Impact.MAJOR.value)
    parser.add_argument("--region", action="append", metavar="NAME", help="may be given several times")
    parser.add_argument("--component", action="append", metavar="NAME", help="may be given several times")
    parser.add_argument(
        "--severity", choices=[s.words for s in Severity], help="else computed from your services"
    )
    parser.add_argument("--kind", choices=[k.value for k in Kind], default=Kind.INCIDENT.value)
    parser.add_argument("--status", choices=[s.value for s in Status], help="else what an open one has")
    parser.add_argument("--at", metavar="TIME", help="when, as 2026-11-23T22:30:00Z; now without it")
    add_config(parser)
    parser.set_defaults(run=_test)


def _explain(args: argparse.Namespace) -> int:
    """Print what the command `routes` answers; 1 when there is no such incident."""
    reply = asyncio.run(_asked(args))
    _show(reply.card)
    return FAILED if reply.is_error else OK


async def _asked(args: argparse.Namespace) -> Reply:
    from bot.wiring import Options, build

    config = config_at(args.config, data=args.data)
    name = getpass.getuser()
    async with build(config, Options(is_beside=True)) as app:
        return await app.dispatcher.run(
            "routes",
            {"incident": args.incident},
            actor=Actor(id=f"cli:{name}", name=name, role=Role.ADMIN),
            front=Front.CLI,
            channel="terminal:cli",
        )


def _show(card: Card) -> None:
    """The card as lines that are never broken: programs may look for words in them."""
    print(card.title)
    for section in card.sections:
        print("\n".join([section.heading, *(f"  {line}" for line in section.text.splitlines())]).lstrip("\n"))


def _test(args: argparse.Namespace) -> int:
    """Print where an incident of this kind would be told."""
    from bot.commands.routes import explained
    from bot.config import rules
    from bot.domain.explain import explain
    from bot.domain.present import provider_name
    from bot.sources import catalogue

    found = rules(config_at(args.config, environ=NoSecrets(os.environ)))
    incident = imagined(args, found)
    lines = explain(incident, found, _time(args.at))
    entry = catalogue.find(incident.provider)
    provider = provider_name(incident.provider, dict(found.names))
    card = explained(incident, lines, entry.title if entry else provider)
    _show(card)
    return OK


def imagined(args: argparse.Namespace, rules: Rules) -> Incident:
    """The incident that the options describe, weighed as a real one would be."""
    from bot.domain.observation import Place
    from bot.domain.services import affected
    from bot.domain.severity import grade
    from bot.sources import catalogue

    entry = catalogue.find(args.provider)
    provider = entry.name if entry else args.provider
    spans = product(args.component or (None,), args.region or (None,))
    places = tuple(
        Place(provider=provider, component=component, region=region) for component, region in spans
    )
    hits, impact, kind = affected(rules.services, places), Impact(args.impact), Kind(args.kind)
    usual = Status.SCHEDULED if kind is Kind.MAINTENANCE else Status.INVESTIGATING
    return Incident(
        id="INC-0",
        provider=provider,
        kind=kind,
        title="what might happen",
        status=Status(args.status) if args.status else usual,
        impact=impact,
        severity=Severity[args.severity] if args.severity else grade(impact, hits),
        opened_at=datetime.now(UTC),
        places=places,
        affected=hits,
    )


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f'"{text}" is no time: write 2026-11-23T22:30:00Z') from exc
    return at if at.tzinfo else at.replace(tzinfo=UTC)
