"""The worker's own figures: its histograms, read from its /metrics between two moments."""

from __future__ import annotations

import math
import re
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.stage import Subject

LATENESS = "fogbell_poll_lateness_seconds"  # from when a look was due to its start
LAG = "fogbell_loop_lag_seconds"  # how late the event loop runs what is due

Buckets = dict[float, float]
"""How many observations were at most so many seconds, by upper bound."""


def buckets(worker: Subject, name: str) -> Buckets:
    """A histogram as it stands now; empty when the worker has none of that name."""
    found = re.search(r"^Console: (\S+)", worker.said(), re.MULTILINE)
    if not found:
        return {}
    with urllib.request.urlopen(f"{found[1]}metrics", timeout=30) as answer:
        text = answer.read().decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {float(s.labels["le"]): s.value for s in samples if s.name == f"{name}_bucket"}


def p99_us(before: Buckets, after: Buckets) -> float:
    """The smallest bound that 99 of 100 observations between the two keep to, in microseconds; nan without any."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    total = counts.get(math.inf, 0.0)
    if not total:
        return math.nan
    return min(bound for bound, count in counts.items() if count >= 0.99 * total) * 1e6
