"""Internal health checks: a kind of check is one file here and one line in PROBES. Run by `bot.pipeline.probe`.

When results in a row become an incident is `bot.domain.checks`; a probe only says whether one run was good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import aiohttp

from bot.domain.checks import Check, CheckResult
from bot.probes import http

Run = Callable[[Check, aiohttp.ClientSession, datetime], Awaitable[CheckResult]]

PROBES: Mapping[str, Run] = {"http": http.run}
