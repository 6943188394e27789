"""Every recorded real body of our formats is read; every malformed one is read or refused, by every format."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.errors import ParseError
from bot.sources import FORMATS, detect
from bot.sources.payload import Spec
from scripts import sources_page
from tests.corpus import CORPUS, needs_corpus, recorded
from tests.sources.feedkit import body_of, outcome

FOLDERS = {
    "aws-currentevents": "aws-currentevents",
    "aws-data-json": "aws-data-json",
    "aws-eventbridge-health": "aws-eventbridge",
    "aws-rss": "aws-rss",
    "azure-rss": "azure-rss",
    "cstate-markdown": "cstate-markdown",
    "datocms-incident-json": "datocms-incident",
    "flashcat": "flashcat",
    "gcp-incidents-json": "gcp",
    "gcp-incidents-json-legacy": "gcp",
    "ibm-estado-html": "ibm-estado",
    "incidentio-compat-summary": "statuspage",
    "lambstatus-rss": "rss",
    "slack-current-v2": "slack-current",
    "slack-history-v2": "slack-current",
    "statuspage-history-atom": "rss",
    "statuspage-history-rss": "rss",
    "statuspage-incidents": "statuspage",
    "statuspage-summary": "statuspage",
    "statuspage-webhook": "statuspage-webhook",
    "tencent": "tencent",
    "volcengine-rss": "volcengine",
    "xai-rss": "xai",
}
HOSTED = (  # folders that are named as their format; test_feed_corpus_hosted reads them
    *("alibaba", "apple-system-status", "azure-devops-health", "betterstack", "cachet-v1", "checkly"),
    *(
        "datadog-statuspage",
        "fedora-status",
        "instatus",
        "m365-graph",
        "salesforce-trust",
        "statusio",
        "upptime",
    ),
)
# Folders of no feeds: docs/sources.md says why. What a format's folder holds beside feeds is refused by file.
REFUSED = {
    "statuspage-status": "a page's indicator alone",
    **dict.fromkeys(
        (
            *(
                "webhook-alertmanager",
                "webhook-elastalert",
                "webhook-grafana",
                "webhook-graylog",
                "webhook-kapacitor",
            ),
            *(
                "webhook-newrelic",
                "webhook-opsgenie",
                "webhook-pagerduty",
                "webhook-pingdom",
                "webhook-riemann",
            ),
            *("webhook-sentry", "webhook-sns-cloudwatch", "webhook-stackdriver", "webhook-uptimerobot"),
            "webhook-zabbix",
        ),
        "Alerts of monitoring systems",
    ),
    "malformed": "",  # broken on purpose, and read as far as can be: see below
}
SERIES = {
    "atlassian-": "statuspage",
    "aws-datajson-": "aws-data-json",
    "azure-rss-": "azure-rss",
    "cloudflare-": "statuspage",
    "digitalocean-": "statuspage",
    "gcp-": "gcp",
    "github-history-": "rss",
    "github-summary-": "statuspage",
    "slack-": "slack-current",
}
QUIET = (  # nothing was open when these were taken
    *(
        "azure-healthy-empty-1.xml",
        "slack-ok-1.json",
        "volcengine-modelark-shanghai-1.rss",
        "cloudflare-summary-1.json",
    ),
    *("tencent-cloud-nonregional-1.json", "deepseek-active-1.json"),
    *("atlassian-developer-summary-1.json", "atlassian-support-summary-1.json"),
    *(f"github-summary-2019-{n}.json" for n in range(1, 5)),
)
UNKNOWN = {"aws-health-test-event-1.json": {"eventTypeCategory: category"}}  # a sample's placeholder
BODIES = [
    (path, name)
    for folder, name in FOLDERS.items()
    for path in recorded(f"all/{folder}")
    if path.stat().st_size > 1
]
EMPTY = [path for folder in FOLDERS for path in recorded(f"all/{folder}") if path.stat().st_size <= 1]
NO_FEEDS = [path for folder in REFUSED for path in recorded(f"all/{folder}") if folder != "malformed"]
SERIES_BODIES = [
    (path, name)
    for prefix, name in SERIES.items()
    for folder in sorted((CORPUS / "series").glob(f"{prefix}*"))
    for path in recorded(f"series/{folder.name}")
]

pytestmark = needs_corpus


@pytest.mark.parametrize(("path", "name"), BODIES, ids=[p.name for p, _ in BODIES])
def test_a_recorded_body_is_recognised_and_read(path: Path, name: str) -> None:
    payload = body_of(path.read_bytes())

    observations = FORMATS[name].parse(payload, Spec(provider="acme"))

    assert bool(observations) == (path.name not in QUIET)
    assert {word for o in observations for word in o.unknown_words} == UNKNOWN.get(path.name, set())
    assert all(u.posted_at for o in observations for u in o.updates)
    found = detect(payload)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("series", sorted({p.parent.name for p, _ in SERIES_BODIES}))
def test_every_body_of_a_series_is_read(series: str) -> None:
    for path, name in SERIES_BODIES:
        if path.parent.name == series:
            observations = FORMATS[name].parse(body_of(path.read_bytes()), Spec(provider="acme"))
            assert len({o.key for o in observations}) == len(observations), path.name


@pytest.mark.parametrize("prefix", ["gcp-", "slack-", "github-history-", "cloudflare-", "atlassian-"])
def test_no_update_of_a_series_changes_its_id(prefix: str) -> None:
    """An id that is there stays there while its incident is listed, whatever is edited around it."""
    before: dict[str, set[str]] = {}
    for path, name in SERIES_BODIES:
        if not path.parent.name.startswith(prefix):
            continue
        observations = FORMATS[name].parse(body_of(path.read_bytes()), Spec(provider="acme"))
        now = {f"{path.parent.name}/{o.key}": {u.id for u in o.updates} for o in observations}
        assert not [gone for key in before.keys() & now.keys() for gone in before[key] - now[key]], path.name
        before = now


@pytest.mark.parametrize("path", recorded("all/malformed"), ids=lambda p: p.name)
def test_a_malformed_body_is_read_or_refused_by_every_format(path: Path) -> None:
    payload = body_of(path.read_bytes())
    began = time.monotonic()

    for format_ in FORMATS.values():
        _, error = outcome(format_.name, payload)
        assert error != ""

    assert time.monotonic() - began < 5


def test_every_folder_is_read_by_a_format_or_refused_with_a_reason_on_the_page() -> None:
    """A folder of a format that this machine has got and nobody reads would be a hole that no other test sees."""
    reasons = " ".join(what + why for what, why in sources_page.NOT_READ)
    folders = {path.name for path in (CORPUS / "all").iterdir() if path.is_dir()}

    assert sorted(folders - {*FOLDERS, *HOSTED, *REFUSED}) == []
    assert {*FOLDERS.values(), *HOSTED} <= set(FORMATS)
    assert [reason for reason in REFUSED.values() if reason not in reasons] == []


@pytest.mark.parametrize("path", EMPTY, ids=lambda p: p.name)
def test_an_empty_body_is_refused_as_such(path: Path) -> None:
    with pytest.raises(ParseError, match="empty body"):
        FORMATS[FOLDERS[path.parent.name]].parse(body_of(path.read_bytes()), Spec(provider="acme"))


@pytest.mark.parametrize("path", NO_FEEDS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_what_is_no_feed_is_nobodys(path: Path) -> None:
    """No alert may pass for a provider's incident, whichever format is asked."""
    payload = body_of(path.read_bytes())

    assert detect(payload) is None
    for format_ in FORMATS.values():
        assert outcome(format_.name, payload)[0] == (), format_.name


@pytest.mark.parametrize("path", recorded("all/statuspage-status"), ids=lambda p: p.name)
def test_a_page_without_incidents_is_refused_by_name(path: Path) -> None:
    with pytest.raises(ParseError, match="has no incidents list"):
        FORMATS["statuspage"].parse(body_of(path.read_bytes()), Spec(provider="acme"))


def test_googles_large_body_is_parsed_fast() -> None:
    """1.3 MB take some 45 ms; the best of five counts, because machines are shared."""
    largest = max(recorded("all/gcp-incidents-json"), key=lambda p: p.stat().st_size)
    payload = body_of(largest.read_bytes())
    took = []
    for _ in range(5):
        began = time.perf_counter()
        FORMATS["gcp"].parse(payload, Spec(provider="acme"))
        took.append(time.perf_counter() - began)

    assert min(took) < 0.25
