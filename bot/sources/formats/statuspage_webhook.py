"""Statuspage's outgoing webhook: what it posts to a subscriber when an incident or a component changes.

The incident comes whole, with all its updates, in the words of the page's JSON; so it is told as one of those, and a push and
a poll of one page never make two incidents. A body about a component tells of no incident. Instatus' webhooks imitate this.
(Facts from bodies recorded in 2017; Instatus' from its documentation.)
"""

from __future__ import annotations

from bot.domain.observation import Listing, Observation
from bot.domain.words import Kind
from bot.errors import ParseError
from bot.sources.formats import statuspage
from bot.sources.payload import About, Format, Payload, Spec
from bot.sources.reading.assemble import read_each
from bot.sources.reading.shapes import body_of, object_with
from bot.sources.reading.text import line

NAME = "statuspage-webhook"


def parse(payload: Payload, spec: Spec) -> tuple[Observation, ...]:
    """The incident of a push, or nothing when it is about a component."""
    body = body_of(payload)
    if "incident" in body:
        found = (body["incident"],)
        return read_each(
            found, lambda item: statuspage.event(Kind.INCIDENT, item, None, spec), spec, "record"
        )
    if isinstance(body.get("component_update"), dict):
        return ()
    keys = ", ".join(sorted(line(key, max_chars=40) for key in body)[:8]) or "none"
    raise ParseError(f"the push has neither an incident nor a component_update (its keys: {keys})")


def recognises(payload: Payload) -> bool:
    """True for an object with the page's indicator and one incident, or one change of a component."""
    body = object_with(payload, b'"page"', b'"status_indicator"')
    page, incident = body.get("page"), body.get("incident")
    is_incident = isinstance(incident, dict) and "incident_updates" in incident
    is_push = is_incident or isinstance(body.get("component_update"), dict)
    return is_push and isinstance(page, dict) and "status_indicator" in page


FORMAT = Format(
    name=NAME,
    listing=Listing.PART,  # a push is about one thing: what it leaves out may well go on
    parse=parse,
    recognises=recognises,
    about=About(
        vendors=("Statuspage's webhook subscriptions", "Instatus'"),
        identity="the incident's id, the update's id",
        resolution="the status of the incident",
        lost="what else is open; changes of components alone",
        tested="bodies recorded in 2017",
    ),
)
