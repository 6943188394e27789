"""Each source fetched and parsed once, each check run once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from bot.config import Config, checks, sources
from bot.doctor.finding import Finding, bad, ok, warn
from bot.domain.checks import Check
from bot.errors import FetchError, ParseError
from bot.probes import PROBES
from bot.sources import FORMATS, detect
from bot.sources.fetching.fetch import Fetcher, Marks
from bot.sources.payload import Payload, SourceSpec, Spec

BODY_MAX_BYTES = 8 * 1024 * 1024  # while the format is not known


async def examine(config: Config, session: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    """What each source and each check of the configuration gives right now."""
    fetcher = Fetcher(session)
    for finding in await asyncio.gather(*(_source(spec, fetcher) for spec in sources(config))):
        yield finding
    for finding in await asyncio.gather(*(_check(check, session) for check in checks(config))):
        yield finding


async def _check(check: Check, session: aiohttp.ClientSession) -> Finding:
    result = await PROBES[check.kind](check, session, datetime.now(UTC))
    if result.is_good:
        return ok(f"check {check.name}: passes")
    return warn(f"check {check.name}: {result.detail}", "mend the service, or the check")


async def _source(spec: SourceSpec, fetcher: Fetcher) -> Finding:
    known = FORMATS[spec.format] if spec.format else None
    cap = known.body_max_bytes if known else BODY_MAX_BYTES
    try:
        found = await fetcher.fetch(replace(spec, body_max_bytes=cap), Marks(), datetime.now(UTC))
    except FetchError as exc:
        return bad(f"source {exc}", "look at the address in a browser; behind a proxy, set HTTPS_PROXY")
    if found is None:
        return warn(f"source {spec.name}: nothing came", "try again")
    return _body(spec, found.payload)


def _body(spec: SourceSpec, payload: Payload) -> Finding:
    seems = detect(payload)
    form = FORMATS[spec.format] if spec.format else seems
    if form is None or (seems is None and not form.recognises(payload)):
        return bad(
            f"source {spec.name}: its body is of no known format",
            "name the address of its feed, not of its page",
        )
    if not form.recognises(payload) and seems is not None:
        return bad(
            f"source {spec.name}: its body is not of the format {form.name}", f'write format = "{seems.name}"'
        )
    try:
        told = form.parse(
            payload, Spec(provider=spec.provider, regions=spec.regions, components=spec.components)
        )
    except ParseError as exc:
        return bad(
            f"source {spec.name}: {exc}", "keep the body and report it: the provider may have changed it"
        )
    if not told and not form.may_be_empty:
        return warn(f"source {spec.name}: it lists nothing, which {form.name} never does", "look at its page")
    still = sum(not observation.is_over for observation in told)
    return ok(f"source {spec.name}: {form.name}, {len(told)} listed, {still} going on or announced")
