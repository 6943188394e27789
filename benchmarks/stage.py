"""The stage of the polling benchmarks: the world on one core, the subjects on the other, and what the kernel says of them.

`with Stage() as stage` starts the world; `stage.worker(...)` starts Fogbell against it, `stage.start(...)` anything else. All
that was started ends with the block. CPU is user and system time of the subject's process, from /proc: Linux only.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from benchmarks import certificates
from benchmarks.certificates import DOMAIN, Certificates

WINDOW_S = float(os.environ.get("FOGBELL_BENCH_SECONDS", "45"))
# On a busy machine (needs root): times of the wall are then those of an idle one, and whoever else works has to wait.
_IS_FIRST = os.environ.get("FOGBELL_BENCH_FIRST") == "1"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
WORLD_CORE, SUBJECT_CORE = _CORES[0], _CORES[-1]


class NotHereError(Exception):
    """This machine cannot run the benchmark; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the world saw since it was told to forget: requests by subject as (page, time), handshakes, posts to the chat."""

    asked: dict[str, list[tuple[int, float]]]
    handshakes: dict[str, int]
    posts: list[tuple[str, float]]


@dataclass(slots=True, kw_only=True)
class Subject:
    """A process that is measured."""

    process: subprocess.Popen[bytes]
    folder: Path
    started_at: float

    def cpu_s(self) -> float:
        """CPU seconds used so far, in user and kernel."""
        return _cpu_s(self.process.pid)

    def children_cpu_s(self) -> float:
        """The same of what it started: the worker's embedded store."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sum(_cpu_s(int(pid)) for pid in children.split())

    def rss_mib(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def said(self, name: str = "stdout") -> str:
        """What it has printed so far."""
        return (self.folder / name).read_text(errors="replace")

    def is_well(self) -> bool:
        """True while it runs. Raises RuntimeError with its last words when it has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args!r} ended: {self.said('stderr')[-2000:]}")
        return True

    def stop(self) -> None:
        """End it, kindly first."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stage:
    """A world and its subjects, for one benchmark. A world that `is_plain` needs no certificates."""

    def __init__(self, world: str = "benchmarks.world", *, is_plain: bool = False) -> None:
        self._stack = ExitStack()
        self._module, self._is_plain = world, is_plain
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Raises NotHereError where there is no Linux or no openssl."""
        if sys.platform != "linux":
            raise NotHereError("needs Linux: CPU time is read from /proc")
        if not self._is_plain and not shutil.which("openssl"):
            raise NotHereError("openssl: not installed: apt install openssl")
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fogbell-bench-")))
        self._certificates = None if self._is_plain else certificates.make(self.folder)
        words = [] if self._is_plain else [str(self.certificates.chain), str(self.certificates.key)]
        self._world = subprocess.Popen(
            [sys.executable, "-m", self._module, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=_on(WORLD_CORE),
        )  # fmt: skip
        self._stack.callback(self._end_world)
        self.ports = json.loads(self._line())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def certificates(self) -> Certificates:
        """What the world shows and the subjects trust."""
        if self._certificates is None:
            raise AssertionError("a plain world has none")
        return self._certificates

    def url(self, who: str, *, host: str = "s{n}." + DOMAIN, port: str = "https") -> str:
        """The address of a subject's pages, with {n} for the page's number; `port` is one of the world's."""
        return f"https://{host}:{self.ports[port]}/{who}/{{n}}/api/v2/summary.json"

    def tell(self, order: str) -> Any:
        """Give the world an order: forget, change or log."""
        self._pipe(self._world.stdin).write(order.encode() + b"\n")
        self._pipe(self._world.stdin).flush()
        return json.loads(self._line())

    def log(self) -> Log:
        """What the world saw since it was last told to forget."""
        return Log(**self.tell("log"))

    def start(
        self, words: list[str], *, core: int = SUBJECT_CORE, env: Mapping[str, str] | None = None
    ) -> Subject:
        """Start a process that trusts the world's authority, its output in files of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        trust = {} if self._is_plain else {"SSL_CERT_FILE": str(self.certificates.authority)}
        started_at = time.monotonic()
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=_on(core),
                env={**os.environ, **trust, **(env or {})},
            )  # fmt: skip
        subject = Subject(process=process, folder=folder, started_at=started_at)
        self._stack.callback(subject.stop)
        return subject

    def worker(
        self, config: str, *, about: str = "", data: Path | None = None, is_without_dns: bool = False,
        env: Mapping[str, str] | None = None, port: int = 0, module: str = "bot",
    ) -> Subject:  # fmt: skip
        """Start Fogbell with this configuration, `about` within [fogbell]; its data in `data` or in a folder of its own.

        `is_without_dns`: it asks a name server that never answers. Names below localhost need none. `port` is its console's;
        `module` is what to run in place of `bot`, with the same words.
        """
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        head = f'[fogbell]\ndata = "{data or folder / "data"}"\n{about}\n[console]\nport = {port}\n'
        (folder / "fogbell.toml").write_text(head + config)
        words = [sys.executable, "-m", module, "run", "--config", str(folder / "fogbell.toml")]
        if is_without_dns:
            (folder / "resolv.conf").write_text(f"nameserver 127.0.0.1:{self.ports['mute']}\n")
            mount = f'mount --bind {folder / "resolv.conf"} /etc/resolv.conf && exec "$@"'
            words = ["unshare", "--mount", "sh", "-c", mount, "sh", *words]
        return self.start(words, env=env)

    def _line(self) -> bytes:
        return self._pipe(self._world.stdout).readline()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise AssertionError("the world was started with pipes")
        return pipe

    def _end_world(self) -> None:
        self._pipe(self._world.stdin).close()
        self._world.wait(10)


def sources(urls: Iterable[str], every: str) -> str:
    """The configuration's tables for pages at these addresses, each a provider of its own."""
    return "".join(
        f'[[source]]\nname = "s{n}"\nurl = "{url}"\nformat = "statuspage"\nevery = "{every}"\n'
        for n, url in enumerate(urls)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What subjects used while the world kept its log: CPU seconds by subject, and of what they started."""

    log: Log
    seconds: float
    cpu_s: dict[str, float]
    store_s: dict[str, float]

    def cpu_us(self, who: str) -> float:
        """Microseconds of CPU for each of a subject's requests."""
        return self.cpu_s[who] / len(self.log.asked[who]) * 1e6

    def store_us(self, who: str) -> float:
        """The same for the processes that it started."""
        return self.store_s[who] / len(self.log.asked[who]) * 1e6


def watch(stage: Stage, subjects: dict[str, Subject], seconds: float = WINDOW_S) -> Seen:
    """What the subjects use within the next seconds."""
    stage.tell("forget")
    before = {who: (subject.cpu_s(), subject.children_cpu_s()) for who, subject in subjects.items()}
    began = time.monotonic()
    time.sleep(seconds)
    cpu_s = {who: subject.cpu_s() - before[who][0] for who, subject in subjects.items()}
    store_s = {who: subject.children_cpu_s() - before[who][1] for who, subject in subjects.items()}
    return Seen(log=stage.log(), seconds=time.monotonic() - began, cpu_s=cpu_s, store_s=store_s)


def all_asked(stage: Stage, who: str, subject: Subject, pages: int, within_s: float = 120) -> None:
    """Return when a subject has asked for so many pages at least once, and all it began then is done."""

    def ready() -> bool:
        return subject.is_well() and len({page for page, _ in stage.log().asked.get(who, [])}) >= pages

    wait_for(ready, within_s, f"request of {who} for each of {pages:,} pages", look_s=0.5)
    time.sleep(1)


def wait_for(ready: Callable[[], bool], within_s: float, what: str, *, look_s: float = 0.05) -> None:
    """Return when `ready`. Raises TimeoutError saying what did not come."""
    end = time.monotonic() + within_s
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {within_s:.0f} s")
        time.sleep(look_s)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of them do not exceed; nan of none."""
    found = sorted(values)
    return found[min(len(found) - 1, int(len(found) * share))] if found else float("nan")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _on(core: int) -> Callable[[], None]:
    """What a new process does first: stay on one core, and go before everything else where that is wished."""

    def settle() -> None:
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each page
        if _IS_FIRST:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    return settle
