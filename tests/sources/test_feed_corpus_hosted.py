"""Every recorded body of a hosted platform is read as its own format or refused for a reason; no other body changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sources import FORMATS, detect
from tests.corpus import CORPUS, needs_corpus, recorded
from tests.sources.feedkit import body_of, outcome

HOSTED = (
    "alibaba",
    "apple-system-status",
    "azure-devops-health",
    "betterstack",
    "cachet-v1",
    "checkly",
    "datadog-statuspage",
    "fedora-status",
    "instatus",
    "m365-graph",
    "salesforce-trust",
    "statusio",
    "upptime",
)
OURS = (*HOSTED, "google-workspace")
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
)
BODIES = [(path, name) for name in HOSTED for path in recorded(f"all/{name}")]
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
def test_detection_gives_a_body_to_no_stranger(folder: Path) -> None:
    """What an older format knew before, it still gets; what nobody knew goes to no newer one either."""
    older = [format_ for format_ in FORMATS.values() if format_.name not in OURS]
    for path in recorded(folder.relative_to(CORPUS).as_posix()):
        payload = body_of(path.read_bytes())
        expected = next((format_.name for format_ in older if format_.recognises(payload)), None)
        found = detect(payload)
        name = found.name if found else None

        if folder.name in OURS or folder.name.startswith("fedora-"):
            assert name in {folder.name, "fedora-status", None}, path.name
            assert expected is None, path.name
        else:
            assert name == expected, path.name


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
