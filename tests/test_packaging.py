"""The container files hold what they promise; and the worker runs as they want it to: not root, on a read-only root.

There is no container engine in the tests. A mount namespace and setpriv stand in for one where the tests run as root on Linux.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOBODY = "65534"
CONFIG = '[fogbell]\nname = "Fogbell"\n\n[console]\nport = 0\n'


def steps() -> list[tuple[str, str]]:
    """The Dockerfile as (INSTRUCTION, words), with comments dropped and continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    parts = [line.split(maxsplit=1) for line in joined if line.strip()]
    return [(first.upper(), " ".join(rest.split())) for first, rest in parts]


def words_of(instruction: str) -> list[str]:
    """What each of these instructions says, in order."""
    return [words for name, words in steps() if name == instruction]


def services() -> dict[str, str]:
    """compose.yaml's services by name, each with its lines. No YAML parser is among our requirements."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    block = re.search(r"^services:\n(.*?)^\S", text, flags=re.M | re.S)
    assert block is not None
    parts = re.split(r"^  (\w+):\n", block[1], flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_image_installs_hashed_requirements_only() -> None:
    installs = [run for run in words_of("RUN") if "pip install" in run]

    assert ["--require-hashes" in run or "--no-deps --no-build-isolation" in run for run in installs] == [
        True
    ] * 2
    for name in ("build", "run"):
        pinned = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert pinned.count("--hash=sha256:") >= len(re.findall(r"^\S+==", pinned, flags=re.M)) > 0


def test_the_image_does_not_run_as_root() -> None:
    """A number, because Kubernetes cannot tell whether a name is root; set after everything that needs root."""
    names = [name for name, _ in steps()]

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", words_of("USER")[-1])
    assert names.index("USER") > max(n for n, name in enumerate(names) if name == "RUN")


def test_the_image_says_how_it_is_stopped_watched_and_where_it_writes() -> None:
    said = dict(steps())

    assert said["STOPSIGNAL"] == "SIGTERM"
    assert said["VOLUME"] == "/data"
    assert "/healthz" in said["HEALTHCHECK"]
    assert "PYTHONDONTWRITEBYTECODE=1" in said["ENV"]
    assert json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"]) == [
        *("fogbell", "run", "--config", "/etc/fogbell/fogbell.toml", "--data", "/data")
    ]


def test_what_the_image_copies_is_let_through_and_nothing_else_is() -> None:
    """An allow-list: a token in a file beside the checkout never becomes a layer."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    copied = {source for words in words_of("COPY") for source in words.split()[:-1]}

    assert patterns[0] == "*"
    assert {p[1:] for p in patterns if p.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("name", ["worker", "store"])
def test_every_service_of_compose_is_shut_in(name: str) -> None:
    lines = {line.split("  #")[0].strip() for line in services()[name].splitlines()}

    assert {
        "read_only: true",
        "tmpfs: [/tmp]",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "stop_grace_period: 30s",
    } <= lines


def test_compose_publishes_the_console_on_loopback_alone_and_the_store_not_at_all() -> None:
    published = re.findall(r"ports:\n((?:      - .*\n)+)", services()["worker"])

    assert published == ['      - "127.0.0.1:8080:8080"\n']
    assert "ports:" not in services()["store"]
    assert "networks: [inside]" in services()["store"]
    assert re.search(r"^  inside:\n    internal: true", (ROOT / "compose.yaml").read_text(), flags=re.M)


def test_the_store_of_compose_keeps_what_it_is_told() -> None:
    assert "--appendonly yes" in services()["store"]
    assert "--maxmemory-policy noeviction" in services()["store"]
    assert "valkey-cli" in services()["store"].partition("healthcheck:")[2]


def test_no_secret_is_written_into_the_container_files() -> None:
    text = (ROOT / "compose.yaml").read_text() + (ROOT / "Dockerfile").read_text()

    assert "env_file: fogbell.env" in text
    assert not re.search(r"xox[bp]-\w|xapp-\w|(TOKEN|PASSWORD|SECRET)\s*[:=]\s*[\"']?\w", text)


def test_compose_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not among our requirements")

    read = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))

    assert set(read["services"]) == set(services())


def _no_namespace() -> str:
    """Why a read-only root cannot be had here, or an empty string."""
    if sys.platform != "linux":
        return "mount namespaces are Linux's"
    if os.geteuid() != 0:
        return "needs root, to make a mount namespace and to step down from it"
    for tool in ("unshare", "setpriv"):
        if shutil.which(tool) is None:
            return f"needs {tool} (util-linux)"
    tried = subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount -o remount,ro,bind /"],
        capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    return f"no mount namespace may be made here: {tried.stderr.strip()}" if tried.returncode else ""


def _hidden(path: Path) -> Path | None:
    """The topmost directory on the way to `path` that only its owner may pass through, or None."""
    ways = [*reversed(path.parents), path]
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)


def _shut_in(data: Path) -> str:
    """A shell script that makes the root read-only but for `data`, and then runs its arguments as nobody.

    Where the interpreter or the checkout lives in a closed home, as on some machines of developers, an empty directory takes
    that home's place and shows these two alone.
    """
    shown = [
        p for p in dict.fromkeys(Path(p).resolve() for p in (sys.base_prefix, sys.prefix, ROOT)) if _hidden(p)
    ]
    asides = {path: data.parent / f"aside-{n}" for n, path in enumerate(shown)}
    closed = {_hidden(path) for path in shown}
    lines = ["set -e", "mount --make-rprivate /"]
    lines += [f"mkdir '{aside}' && mount --bind '{path}' '{aside}'" for path, aside in asides.items()]
    lines += [f"mount -t tmpfs -o mode=755 tmpfs '{home}'" for home in closed]
    lines += [f"mkdir -p '{path}' && mount --move '{aside}' '{path}'" for path, aside in asides.items()]
    lines += [f"mount -o remount,ro,bind '{path}'" for path in ("/", *closed, *shown)]
    lines += [
        f"mount -t tmpfs -o mode=700,uid={NOBODY},gid={NOBODY} tmpfs '{data}'",
        f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs --inh-caps=-all "
        '--bounding-set=-all -- "$@"',
    ]
    return "\n".join(lines)


@pytest.fixture
def shut_in() -> Iterator[subprocess.Popen[str]]:
    """The worker as the container has it: it may write to its data directory and nowhere else."""
    if reason := _no_namespace():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="fogbell-shut-in-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # nobody has to pass through
        config, data = folder / "fogbell.toml", folder / "data"
        config.write_text(CONFIG)
        data.mkdir()
        fogbell = [sys.executable, "-m", "bot", "run", "--config", str(config), "--data", str(data)]
        worker = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", _shut_in(data), "sh", *fogbell],
            cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        yield worker
        if worker.poll() is None:
            worker.kill()
        worker.communicate()


def _console(worker: subprocess.Popen[str]) -> str:
    """The console's address, from what the worker says first."""
    said = []
    assert worker.stdout is not None
    for line in worker.stdout:
        said.append(line)
        if found := re.search(r"^Console: (\S+)", line):
            return found[1]
    raise AssertionError(f"the worker ended: {''.join(said)}")


@pytest.mark.slow
def test_the_worker_runs_as_nobody_on_a_read_only_root(shut_in: subprocess.Popen[str]) -> None:
    url = _console(shut_in)
    with urllib.request.urlopen(f"{url}healthz", timeout=5) as answer:
        health = json.load(answer)
    proc = Path(f"/proc/{shut_in.pid}")
    about = re.findall(r"^(Uid|CapEff|NoNewPrivs):\s+(\S+)", (proc / "status").read_text(), flags=re.M)
    root = next(m for m in (proc / "mounts").read_text().splitlines() if m.split()[1] == "/")
    shut_in.send_signal(signal.SIGTERM)
    status = shut_in.wait(timeout=20)

    assert health == {"alive": True}
    assert dict(about) == {"Uid": NOBODY, "CapEff": "0" * 16, "NoNewPrivs": "1"}
    assert "ro" in root.split()[3].split(",")
    assert status == 0
