"""A thousand pages that do not change, every 30 s over HTTPS: the worker, bare aiohttp and Debian's blackbox exporter at once.

All three run on one core and ask the same server, so that whatever disturbs one disturbs all. FOGBELL_BENCH_SECONDS is how
long they are measured, after a first look at every page.
"""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import scrape
from benchmarks.certificates import DOMAIN
from benchmarks.measure import Row
from benchmarks.stage import WORLD_CORE, Stage, Subject, all_asked, sources, watch

PAGES = 1000
EVERY_S = 30
BLACKBOX = "prometheus-blackbox-exporter"
# A check that would notice an incident has to read the body, as Fogbell does.
_MODULE = """\
modules:
  page:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      fail_if_body_matches_regexp: ['"incidents": *\\[\\{{']
      tls_config: {{ca_file: {authority}, server_name: {domain}}}
"""


def run() -> Iterator[Row | str]:
    """CPU for each poll, memory, handshakes, lateness; and CPU for each check of the exporter, where it is installed."""
    with Stage() as stage:
        urls = [stage.url("fogbell").format(n=n) for n in range(PAGES)]
        worker = stage.worker(sources(urls, f"{EVERY_S}s"))
        bare = _bare(stage, stage.url("bare"))
        peers = {"fogbell": worker, "bare": bare} | _blackbox(stage)
        for who, peer in peers.items():
            all_asked(stage, who, peer, PAGES)
        late = scrape.buckets(worker, scrape.LATENESS)
        seen = watch(stage, peers)
        ours, theirs = seen.cpu_us("fogbell"), seen.cpu_us("bare")
        name = f"{PAGES:,} pages @{EVERY_S} s, unchanged"
        yield Row(
            name=f"{name}: CPU of a poll",
            ours=ours,
            against="bare aiohttp on uvloop",
            theirs=theirs,
            at_most=1.3,
        )
        yield Row(
            name="  its embedded store, CPU of a poll", ours=seen.store_us("fogbell"),
            against="bare aiohttp on uvloop", theirs=theirs,
        )  # fmt: skip
        yield Row(
            name="  resident", ours=worker.rss_mib(), against="allowed", theirs=220, at_most=1, unit="MiB"
        )
        hands = seen.log.handshakes.get("fogbell", 0) / PAGES * 600 / seen.seconds
        yield Row(
            name="  handshakes of a page in 10 min",
            ours=hands,
            against="allowed",
            theirs=1,
            at_most=1,
            unit="",
        )
        yield _lateness(late, scrape.buckets(worker, scrape.LATENESS))
        if "blackbox" in peers:
            checks = seen.cpu_us("blackbox")
            yield Row(
                name="  CPU of a poll",
                ours=ours,
                against="blackbox_exporter's check",
                theirs=checks,
                at_most=0.5,
            )
        else:
            yield f"  blackbox_exporter: not installed: apt install {BLACKBOX}"


def _lateness(before: scrape.Buckets, after: scrape.Buckets) -> Row:
    p99 = scrape.p99_us(before, after)
    return Row(name="  lateness p99, at most", ours=p99, against="allowed", theirs=50_000, at_most=1)


def _bare(stage: Stage, url: str, *, core: int | None = None) -> Subject:
    words = [sys.executable, "-m", "benchmarks.bare", url, "--count", str(PAGES), "--every", str(EVERY_S)]
    return stage.start(words) if core is None else stage.start(words, core=core)


def _blackbox(stage: Stage) -> dict[str, Subject]:
    """The exporter, and on the world's core somebody who asks it to check each page; nothing where it is not installed."""
    if not shutil.which(BLACKBOX):
        return {}
    config = Path(stage.folder / "blackbox.yml")
    config.write_text(_MODULE.format(authority=stage.certificates.authority, domain=DOMAIN))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    exporter = stage.start(words)
    target = stage.url("blackbox", host="127.0.0.1")
    _bare(stage, f"http://127.0.0.1:{port}/probe?module=page&target={target}", core=WORLD_CORE)
    return {"blackbox": exporter}
