"""The feed formats: the list of them, and how to tell which one a body is.

A new format is one file here that builds a `Format`, and one line in FORMATS. Fetching is in `fetch`; what an observation
means is in `bot.domain`. Called by the watching loop, by `fogbell parse` and by the reader of the configuration.
"""

from __future__ import annotations

from bot.sources.formats import (
    alibaba,
    apple,
    azure,
    azure_devops,
    betterstack,
    cachet,
    cachet3,
    checkly,
    cstate,
    cstate_markdown,
    datadog_page,
    datocms,
    estado,
    fedora,
    flashcat,
    gcp,
    google_workspace,
    heroku,
    ibm,
    incidentio,
    instatus,
    json_feed,
    m365,
    oracle,
    rss,
    salesforce,
    slack_status,
    statusio,
    statuspage,
    statuspage_webhook,
    tencent,
    upptime,
    uptime_kuma,
    uptimerobot,
    volcengine,
    xai,
)
from bot.sources.formats.aws import currentevents, data_json, eventbridge, health_api
from bot.sources.formats.aws import rss as aws_rss
from bot.sources.payload import Format, Payload

_IN_ORDER = (
    statuspage.FORMAT,
    statuspage_webhook.FORMAT,
    incidentio.FORMAT,
    currentevents.FORMAT,
    data_json.FORMAT,
    eventbridge.FORMAT,
    health_api.FORMAT,
    google_workspace.FORMAT,  # before the one that it is written like
    gcp.FORMAT,
    slack_status.FORMAT,
    aws_rss.FORMAT,
    azure.FORMAT,
    xai.FORMAT,
    volcengine.FORMAT,
    tencent.FORMAT,
    oracle.FORMAT,
    ibm.FORMAT,
    rss.FORMAT,
    json_feed.FORMAT,
    statusio.FORMAT,
    instatus.FORMAT,
    betterstack.FORMAT,
    checkly.FORMAT,
    datadog_page.FORMAT,
    cachet.FORMAT,
    cachet3.FORMAT,
    salesforce.FORMAT,
    m365.FORMAT,
    apple.FORMAT,
    azure_devops.FORMAT,
    alibaba.FORMAT,
    heroku.FORMAT,
    estado.FORMAT,
    fedora.FORMAT,
    upptime.FORMAT,
    uptime_kuma.FORMAT,
    uptimerobot.FORMAT,
    cstate.FORMAT,
    cstate_markdown.FORMAT,
    datocms.FORMAT,
    flashcat.FORMAT,
)
FORMATS: dict[str, Format] = {format_.name: format_ for format_ in _IN_ORDER}  # the most specific first


def detect(payload: Payload) -> Format | None:
    """The format that a body is of, judged by the body alone; None when it is none of ours."""
    return next((format_ for format_ in FORMATS.values() if format_.recognises(payload)), None)
