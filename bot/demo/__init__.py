"""The demo: one real day (AWS us-east-1, 20 October 2025) served on loopback in the providers' own formats.

`day.toml` holds what happened, `script` says what each provider's page held at a given moment, `feeds` serves that over HTTP,
`clock` runs the day fast, and `demo_config` writes the configuration that watches it. Only the command line uses this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFeeds:
    """Where the demo's pages are served; `vendors` maps a vendor's name to its summary.json."""

    aws_currentevents: str
    aws_rss: str
    vendors: Mapping[str, str]
    checkout: str


_OURS = """
[[service]]
name  = "checkout"
tier  = 1
owner = "payments"
needs = ["aws/dynamodb@us-east-1", "service:sessions", "harbor-chat/message delivery?"]

[[service]]
name  = "sessions"
tier  = 1
owner = "platform"
needs = ["aws/dynamodb@us-east-1"]

[[service]]
name  = "search"
tier  = 2
owner = "discovery"
needs = ["aws/lambda@us-east-1", "service:sessions?"]

[[check]]
name       = "checkout-http"
kind       = "http"
url        = "{checkout}"
every      = "30s"
timeout    = "5s"
fail_after = 3
pass_after = 2
service    = "checkout"

[[group]]
name     = "ops"
mode     = "all"
channels = ["console:ops", "terminal:main"]

[[route]]
to = ["ops"]
"""


def demo_config(feeds: DemoFeeds) -> str:
    """The text of the demo's configuration file: the day's feeds, three services of ours, one check, one group."""
    sources = [_source("aws", feeds.aws_currentevents, "aws-currentevents")]
    sources += [_source(name, url, "statuspage") for name, url in feeds.vendors.items()]
    return "".join(sources) + _OURS.format(checkout=feeds.checkout)


def _source(name: str, url: str, format_name: str) -> str:
    title = {"aws": "AWS", "github": "GitHub"}.get(name) or name.replace("-", " ").title()
    return f'[[source]]\nname   = "{name}"\ntitle  = "{title}"\nurl    = "{url}"\nformat = "{format_name}"\nevery  = "60s"\n\n'
