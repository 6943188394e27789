"""A vendor's Statuspage as it was at a given moment of the demo's day. Pure.

As on real pages: an incident leaves the list without a word when it is over, its impact may fall to none before, updates are
edited in place, and the page's indicator follows the components, not the incident. `feeds` serves it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.demo.script import Component, Day, Health, Vendor, VendorIncident, VendorMaintenance, VendorUpdate

Json = dict[str, Any]  # what is about to be JSON text, and nothing else

_PAGE: dict[Health, tuple[str, str]] = {  # best first
    "operational": ("none", "All Systems Operational"),
    "degraded_performance": ("minor", "Partially Degraded Service"),
    "partial_outage": ("major", "Partial System Outage"),
    "major_outage": ("critical", "Major System Outage"),
}
_COMPONENTS_SINCE = "2019-01-07T07:51:29.410Z"


def statuspage_summary(day: Day, slug: str, at: datetime) -> bytes:
    """A vendor's /api/v2/summary.json: an incident is listed until it is over, and then simply gone. Raises KeyError."""
    vendor = day.vendor(slug)
    incident, planned = vendor.incident, vendor.maintenance
    updates = [update for update in incident.updates if update.at <= at]
    is_listed = bool(updates) and at < incident.gone_at
    worst = max((_health(vendor, component, at) for component in vendor.components), key=list(_PAGE).index)
    indicator, description = _PAGE[worst]
    body = {
        "page": {
            "id": vendor.page_id,
            "name": vendor.name,
            "url": vendor.url,
            "time_zone": "Etc/UTC",
            "updated_at": _ms(_changed_at(vendor, at) or day.starts_at),
        },
        "components": [_component(vendor, component, at) for component in vendor.components],
        "incidents": [_incident(vendor, incident, updates, at)] if is_listed else [],
        "scheduled_maintenances": [_maintenance(vendor, planned, at)] if planned else [],
        "status": {"indicator": indicator, "description": description},
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _health(vendor: Vendor, component: Component, at: datetime) -> Health:
    """The component's state: what the newest update left it in."""
    update = _last_before(vendor.incident, at)
    return update.leaves if update and component.id in vendor.incident.components else "operational"


def _last_before(incident: VendorIncident, at: datetime) -> VendorUpdate | None:
    return max((u for u in incident.updates if u.at <= at), key=lambda u: u.at, default=None)


def _changed_at(vendor: Vendor, at: datetime) -> datetime | None:
    """When anything on the page changed last, or None before the first change."""
    incident = vendor.incident
    moments = [update.at for update in incident.updates]
    moments += [update.edit.at for update in incident.updates if update.edit]
    moments += [turn.at for turn in incident.turns] + [incident.gone_at]
    return max((moment for moment in moments if moment <= at), default=None)


def _component(vendor: Vendor, component: Component, at: datetime) -> Json:
    update = _last_before(vendor.incident, at) if component.id in vendor.incident.components else None
    return {
        "id": component.id,
        "name": component.name,
        "status": _health(vendor, component, at),
        "created_at": _COMPONENTS_SINCE,
        "updated_at": _ms(update.at) if update else _COMPONENTS_SINCE,
        "position": vendor.components.index(component) + 1,
        "description": component.description,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": vendor.page_id,
        "group": False,
        "only_show_if_degraded": False,
    }


def _components(vendor: Vendor, ids: tuple[str, ...], at: datetime) -> list[Json]:
    return [_component(vendor, component, at) for component in vendor.components if component.id in ids]


def _maintenance(vendor: Vendor, maintenance: VendorMaintenance, at: datetime) -> Json:
    """Announced work, with the one update that announced it."""
    announced_at = _ms(maintenance.created_at)
    update = {
        "id": f"{maintenance.id[:-1]}a",
        "status": "scheduled",
        "body": maintenance.body,
        "incident_id": maintenance.id,
        "created_at": announced_at,
        "updated_at": announced_at,
        "display_at": announced_at,
        "affected_components": _touched(vendor, maintenance.components, "operational", "operational"),
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }
    return {
        "id": maintenance.id,
        "name": maintenance.name,
        "status": "scheduled",
        "created_at": announced_at,
        "updated_at": announced_at,
        "monitoring_at": None,
        "resolved_at": None,
        "impact": "maintenance",
        "shortlink": f"https://stspg.io/{maintenance.id}",
        "started_at": announced_at,
        "page_id": vendor.page_id,
        "incident_updates": [update],
        "components": _components(vendor, maintenance.components, at),
        "scheduled_for": _ms(maintenance.scheduled_for),
        "scheduled_until": _ms(maintenance.scheduled_until),
    }


def _touched(vendor: Vendor, ids: tuple[str, ...], before: Health, after: Health) -> list[Json]:
    return [
        {"code": c.id, "name": c.name, "old_status": before, "new_status": after}
        for c in vendor.components
        if c.id in ids
    ]


def _incident(vendor: Vendor, incident: VendorIncident, updates: list[VendorUpdate], at: datetime) -> Json:
    """The incident as listed: updates newest first, impact as of `at`."""
    impact = next((t.impact for t in reversed(incident.turns) if t.at <= at), incident.impact)
    quieted_at = next((update.at for update in updates if update.status == "monitoring"), None)
    return {
        "id": incident.id,
        "name": incident.name,
        "status": updates[-1].status,
        "created_at": _ms(updates[0].at),
        "updated_at": _ms(_changed_at(vendor, at) or updates[0].at),
        "monitoring_at": _ms(quieted_at) if quieted_at else None,
        "resolved_at": None,
        "impact": impact,
        "shortlink": f"https://stspg.io/{incident.id}",
        "started_at": _ms(updates[0].at),
        "page_id": vendor.page_id,
        "incident_updates": [_update(vendor, n, at) for n in reversed(range(len(updates)))],
        "components": _components(vendor, incident.components, at),
        "reminder_intervals": None,
    }


def _update(vendor: Vendor, position: int, at: datetime) -> Json:
    """One update. An edit replaces the body, moves `updated_at` and takes the milliseconds of `display_at`; the id stays."""
    incident = vendor.incident
    update = incident.updates[position]
    edit = update.edit if update.edit and update.edit.at <= at else None
    before: Health = incident.updates[position - 1].leaves if position else "operational"
    return {
        "id": update.id,
        "status": update.status,
        "body": edit.body if edit else update.body,
        "incident_id": incident.id,
        "created_at": _ms(update.at),
        "updated_at": _ms(edit.at if edit else update.at),
        "display_at": _ms(update.at.replace(microsecond=0) if edit else update.at),
        "affected_components": _touched(vendor, incident.components, before, update.leaves),
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _ms(at: datetime) -> str:
    """ISO 8601 with milliseconds, as Statuspage writes it for a page in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
