"""Google Workspace's `incidents.json`, which is written as Google Cloud's: see `gcp` for what it says and how.

Told apart from that by its address, or by products that only Workspace has.
https://www.google.com/appsstatus/dashboard/incidents.json (from documentation, not tested against a capture)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.observation import Listing, Observation
from bot.errors import ParseError
from bot.sources.formats import gcp
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import names
from bot.sources.reading.shapes import first_of, value_with
from bot.sources.reading.text import line

NAME = "google-workspace"
HOME = "https://www.google.com/appsstatus/dashboard/"
PRODUCTS = frozenset(
    {
        *("Gmail", "Google Calendar", "Google Chat", "Google Docs", "Google Drive", "Google Forms"),
        *("Google Groups", "Google Keep", "Google Meet", "Google Sheets", "Google Sites", "Google Slides"),
        *("Google Tasks", "Google Vault", "Google Voice", "Google Workspace Support", "Google Cloud Search"),
        *("Admin Console", "AppSheet", "Apps Script", "Classroom", "Currents", "Gemini", "Google Vids"),
    }
)


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incidents of a list, open and closed."""
    at_home = payload if payload.url else replace(payload, url=HOME)
    try:
        return _ours(gcp.parse(at_home, spec))
    except ParseError as exc:
        raise ParseError(str(exc), partial=_ours(exc.partial)) from exc


def recognises(payload: Payload) -> bool:
    """True for a list as Google writes it, from Workspace's dashboard or about its products alone."""
    first = first_of(value_with(payload, b'"external_desc"', b'"begin"'))
    if not {"external_desc", "begin"} <= first.keys():
        return False
    if "/appsstatus/" in payload.url:
        return True
    products = names(first.get("affected_products"), "title") or [line(first.get("service_name"))]
    return set(products) <= PRODUCTS


def _ours(observations: Sequence[object]) -> tuple[Observation, ...]:
    return tuple(replace(o, format=NAME) for o in observations if isinstance(o, Observation))


FORMAT = Format(
    name=NAME,
    listing=Listing.WINDOW,
    parse=parse,
    recognises=recognises,
    may_be_empty=False,
    body_max_bytes=gcp.FORMAT.body_max_bytes,
    about=About(
        vendors=("Google Workspace, `www.google.com/appsstatus/dashboard/incidents.json`, written as `gcp`",),
        identity="as `gcp`",
        resolution="as `gcp`",
        lost="as `gcp`, and regions",
    ),
)
