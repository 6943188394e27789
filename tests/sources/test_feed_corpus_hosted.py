"""Every recorded body of a hosted platform is read as its own format or refused for a reason; no other body changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sources import detect
from tests.corpus import CORPUS, needs_corpus, recorded
from tests.sources.feedkit import body_of, outcome

HOSTED = {  # by folder
    **{
        name: name
        for name in (
            *("alibaba", "apple-system-status", "azure-devops-health", "betterstack", "cachet-v1", "checkly"),
            *("cstate-markdown", "datadog-statuspage", "fedora-status", "flashcat", "instatus", "m365-graph"),
            *("salesforce-trust", "statusio", "statuspage-webhook", "upptime"),
        )
    },
    "datocms-incident-json": "datocms-incident",
    "incidentio-compat-summary": "statuspage",
    "lambstatus-rss": "rss",
    "slack-history-v2": "slack-current",
    "statuspage-history-atom": "rss",
    "statuspage-history-rss": "rss",
    "statuspage-incidents": "statuspage",
    "statuspage-summary": "statuspage",
}
SERIES = {
    "atlassian-": "statuspage",
    "cloudflare-": "statuspage",
    "datocms-": "datocms-incident",
    "digitalocean-": "statuspage",
    "fedora-": "fedora-status",
    "github-history-": "rss",
    "github-summary-": "statuspage",
    "jenkins-": "cstate-markdown",
    "slack-": "slack-current",
}
NOBODYS = (
    "malformed",
    "statuspage-status",
    "webhook-",
)  # feeds that are broken, no incidents, alerts of one's own tools
REFUSED = {  # these are no incidents, or no JSON; docs/sources.md says so
    "component-groups-body-2.json": "component groups, not its incidents",
    "components-body-2.json": "components, not its incidents",
    "metrics-body-2.json": "metrics, not its incidents",
    "fedora-statuses-1.json": "is not valid JSON",
    "gitlab-status-2.json": "is not valid JSON",
    "microsoft365-health-list-serviceHealthResponse-1.json": "services without issues",
    "microsoft365-message-list-jsonOutput-1.json": "message center posts",
    "perplexity-components-1.json": "summary.json has them",
}
QUIET = (  # nothing was wrong when these were taken
    *("apple-customer-no-issues-1.json", "apple-developer-no-issues-1.json", "azure-devops-health-eu-1.json"),
    *("fedora-statuses-6.json", "fedora-statuses-jsonp-1.js", "fedora-statuses-jsonp-2.js"),
    *("deepseek-active-1.json", "cloudflare-summary-1.json"),
    *("atlassian-developer-summary-1.json", "atlassian-support-summary-1.json"),
    *(f"github-summary-2019-{n}.json" for n in range(1, 5)),
)
BODIES = [(path, name) for folder, name in HOSTED.items() for path in recorded(f"all/{folder}")]
FOLDERS = sorted(p for p in (*CORPUS.glob("all/*"), *CORPUS.glob("series/*")) if p.is_dir())

pytestmark = needs_corpus


@pytest.mark.parametrize(("path", "name"), BODIES, ids=[p.name for p, _ in BODIES])
def test_a_hosted_body_is_recognised_and_read_or_refused_for_a_reason(path: Path, name: str) -> None:
    payload = body_of(path.read_bytes())

    observations, error = outcome(name, payload)

    assert REFUSED.get(path.name, "") in (error or "")
    assert (error is not None) == (path.name in REFUSED)
    assert bool(observations) == (path.name not in {*REFUSED, *QUIET})
    assert not [word for o in observations for word in o.unknown_words]
    found = detect(payload)
    assert (found.name if found else None) == (None if "not valid JSON" in (error or "") else name)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_a_hosted_platforms_format_reads_its_own_folders_and_no_others(folder: Path) -> None:
    ours = HOSTED.get(folder.name) or next(
        (n for start, n in SERIES.items() if folder.name.startswith(start)), None
    )
    expected = {ours, None} if ours else set()
    for path in recorded(folder.relative_to(CORPUS).as_posix()):
        found = detect(body_of(path.read_bytes()))
        name = found.name if found else None

        if expected:
            assert name in expected, path.name
        elif folder.name.startswith(NOBODYS):
            assert name in {"rss", None}, path.name
        else:
            assert name not in set(HOSTED.values()) - {"rss", "slack-current"}, path.name


def test_fedoras_board_of_a_bad_day_is_told_in_step() -> None:
    """Recorded on 2018-02-08: one service, two, two recovering, none, a maintenance, none."""
    told = []
    for path in recorded("series/fedora-statuses-2018-02-08-network"):
        observations, error = outcome("fedora-status", body_of(path.read_bytes()))
        assert error is None
        told.append([f"{o.chain} {o.impact.value}" for o in observations])

    assert told == [
        ["pkgs critical"],
        ["bodhi critical", "pkgs critical"],
        ["bodhi minor", "pkgs minor"],
        [],
        ["koschei maintenance"],
        [],
    ]


def test_microsofts_posts_get_their_lines_back() -> None:
    path = CORPUS / "all" / "m365-graph" / "microsoft365-healthissue-list-jsonOutputMicrosoftForms-1.json"

    found = outcome("m365-graph", body_of(path.read_bytes()))[0][0]

    assert len(found.updates) == 6
    assert [text.partition(":")[0] for text in found.updates[0].text.splitlines()] == [
        "Title",
        "User Impact",
        "More info",
        "Current status",
    ]
