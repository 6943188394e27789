"""The feed formats: the list of them, and how to tell which one a body is.

A new format is one file here that builds a `Format`, and one line in FORMATS. Fetching is in `fetch`; what an observation
means is in `bot.domain`. Called by the watching loop, by `fogbell parse` and by the reader of the configuration.
"""

from __future__ import annotations

from bot.sources import azure, gcp, rss, slack_status, statuspage
from bot.sources.aws import currentevents, data_json
from bot.sources.aws import rss as aws_rss
from bot.sources.payload import Format, Payload

_IN_ORDER = (
    statuspage.FORMAT,
    currentevents.FORMAT,
    data_json.FORMAT,
    gcp.FORMAT,
    slack_status.FORMAT,
    aws_rss.FORMAT,
    azure.FORMAT,
    rss.FORMAT,
)
FORMATS: dict[str, Format] = {format_.name: format_ for format_ in _IN_ORDER}  # the most specific first


def detect(payload: Payload) -> Format | None:
    """The format that a body is of, judged by the body alone; None when it is none of ours."""
    return next((format_ for format_ in FORMATS.values() if format_.recognises(payload)), None)
