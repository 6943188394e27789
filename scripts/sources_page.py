"""Writes `docs/sources.md` from what the formats say of themselves: run `python -m scripts.sources_page`.

The words around its tables are in `sources_page.template.md`. `--check` writes nothing and shows what would change;
`tests/sources/test_sources_page.py` does the same.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.sources import FORMATS
from bot.sources.payload import Format

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "sources.md"
TEMPLATE = Path(__file__).with_name("sources_page.template.md")
UNTESTED = "from documentation, not tested against a capture"
_HEADINGS = (
    *("format", "who uses it", "what identifies an incident", "how its end shows"),
    *("what is lost", "tested against", "may a valid body be empty?"),
)

# What is refused, and why. The reason is what `fogbell parse` says, or that nobody recognises the body.
NOT_READ = (
    (
        "Statuspage's `/api/v2/status.json`, and Oracle's and incident.io's likewise",
        "a page's indicator alone: it names no incident, and is not the incident's impact. Ask for `summary.json`",
    ),
    (
        "Cachet's components, component groups and metrics",
        "they hold no incidents. Ask for `/api/v1/incidents`",
    ),
    ("Instatus' components", "they hold no incidents. Ask for `/summary.json`"),
    (
        "Microsoft 365's message center posts and bare services",
        "they announce changes, or name no issue. Ask for `/admin/serviceAnnouncement/issues`",
    ),
    (
        "Tencent's board of a region that does not exist",
        "its lists are empty, which would look like good health",
    ),
    (
        "Volcengine's feed of a region that does not exist",
        "it is empty for ever, which would look like good health",
    ),
    (
        "Alerts of monitoring systems: Alertmanager, Grafana, PagerDuty, Opsgenie, Pingdom, UptimeRobot, Sentry, New Relic,"
        " Stackdriver, CloudWatch by SNS, Zabbix, Kapacitor, Graylog, Riemann, ElastAlert",
        "they tell of one's own services, not of a provider's, and are no feeds",
    ),
    (
        "A body that is no JSON where JSON is due: one of Fedora's of 2012 and one of GitLab's that somebody broke by hand were"
        " recorded",
        "it cannot be told from a fault of the page",
    ),
)


def page(formats: Iterable[Format] = FORMATS.values()) -> str:
    """The whole page."""
    listed = list(formats)
    return TEMPLATE.read_text(encoding="utf-8").format(
        count=len(listed),
        formats=_table(_HEADINGS, [_row(each) for each in listed]),
        not_read=_table(("what", "why"), NOT_READ),
    )


def _row(format_: Format) -> tuple[str, ...]:
    about = format_.about
    return (
        f"`{format_.name}`",
        "; ".join(about.vendors),
        about.identity,
        about.resolution,
        about.lost,
        about.tested or UNTESTED,
        "yes" if format_.may_be_empty else "no",
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def difference(old: str, new: str) -> str:
    """The lines that differ, as a patch writes them; nothing when none do."""
    return "\n".join(
        difflib.unified_diff(
            old.splitlines(), new.splitlines(), "docs/sources.md", "as it should be", n=0, lineterm=""
        )
    )


def main(arguments: Sequence[str]) -> int:
    """Writes the page, or with `--check` only looks; 1 when it was not current and was only looked at."""
    old, new = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "", page()
    if old == new:
        sys.stdout.write("docs/sources.md is current\n")
        return 0
    sys.stdout.write(f"{difference(old, new)}\n")
    if "--check" in arguments:
        sys.stdout.write("docs/sources.md is not current: run python -m scripts.sources_page\n")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    sys.stdout.write("docs/sources.md is written: git diff shows the same\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
