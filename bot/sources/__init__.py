"""The feed formats: the list of them, and how to tell which one a body is.

A new format is one file here that builds a `Format`, and one line in FORMATS. Fetching is in `fetch`; what an observation
means is in `bot.domain`. Called by the watching loop, by `fogbell parse` and by the reader of the configuration.
"""

from __future__ import annotations

from bot.sources import (
    alibaba,
    apple,
    azure,
    azure_devops,
    betterstack,
    cachet,
    checkly,
    datadog_page,
    fedora,
    gcp,
    google_workspace,
    instatus,
    m365,
    rss,
    salesforce,
    slack_status,
    statusio,
    statuspage,
    upptime,
)
from bot.sources.aws import currentevents, data_json
from bot.sources.aws import rss as aws_rss
from bot.sources.payload import Format, Payload

_IN_ORDER = (
    statuspage.FORMAT,
    currentevents.FORMAT,
    data_json.FORMAT,
    google_workspace.FORMAT,  # before the one that it is written like
    gcp.FORMAT,
    slack_status.FORMAT,
    aws_rss.FORMAT,
    azure.FORMAT,
    rss.FORMAT,
    statusio.FORMAT,
    instatus.FORMAT,
    betterstack.FORMAT,
    checkly.FORMAT,
    datadog_page.FORMAT,
    cachet.FORMAT,
    salesforce.FORMAT,
    m365.FORMAT,
    apple.FORMAT,
    azure_devops.FORMAT,
    alibaba.FORMAT,
    fedora.FORMAT,
    upptime.FORMAT,
)
FORMATS: dict[str, Format] = {format_.name: format_ for format_ in _IN_ORDER}  # the most specific first


def detect(payload: Payload) -> Format | None:
    """The format that a body is of, judged by the body alone; None when it is none of ours."""
    return next((format_ for format_ in FORMATS.values() if format_.recognises(payload)), None)
