"""The budgets and borders of the code, held by a machine: sizes, imports, silence at import, mocks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "bot").rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P90 = 30
MOCKS_PER_1000_LINES = 2


def functions(path: Path) -> list[tuple[str, int]]:
    """The functions of a file with their length in lines."""
    tree = ast.parse(path.read_text())
    return [
        (f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_files_are_short_enough_to_read_at_one_sitting() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in MODULES}

    assert {path: n for path, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_functions_do_one_thing() -> None:
    lengths = sorted((n, name) for path in MODULES for name, n in functions(path))

    assert [name for n, name in lengths if n > FUNCTION_LINES_MAX] == []
    assert lengths[int(len(lengths) * 0.9)][0] <= FUNCTION_LINES_P90


def test_scripts_of_the_store_are_short_and_say_what_they_keep_true() -> None:
    for path in (ROOT / "bot" / "store" / "lua").glob("*.lua"):
        text = path.read_text()

        assert len(text.splitlines()) < 60, path.name
        for word in ("KEYS:", "ARGV:", "Invariant:"):
            assert word in text, f"{path.name} does not say its {word}"


def test_every_module_says_what_lives_in_it() -> None:
    silent = [str(p.relative_to(ROOT)) for p in MODULES if not ast.get_docstring(ast.parse(p.read_text()))]

    assert silent == []


def test_every_public_name_has_a_docstring() -> None:
    silent = []
    for path in MODULES:
        silent += [
            f"{path.relative_to(ROOT)}:{node.name}"
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not (node.name.startswith("_") or ast.get_docstring(node))
        ]

    assert silent == []


def test_fakes_come_before_mocks() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    text = "\n".join(p.read_text() for p in files if p != Path(__file__))
    mocks = len(re.findall(r"\bpatch\(|\bMagicMock\b|\bAsyncMock\b", text))

    assert mocks <= MOCKS_PER_1000_LINES * len(text.splitlines()) / 1000


def test_only_two_places_catch_everything() -> None:
    broad = [
        str(p.relative_to(ROOT)) for p in MODULES if re.search(r"except (Base)?Exception\b", p.read_text())
    ]

    assert broad == ["bot/commands/dispatch.py", "bot/pipeline/supervise.py"]


def test_only_the_catalogue_names_metrics() -> None:
    users = [
        str(p.relative_to(ROOT))
        for p in MODULES
        if re.search(r"\b(Counter|Gauge|Histogram)\(\s*\"fogbell_", p.read_text())
    ]

    assert users == ["bot/telemetry.py"]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("bot", ("asyncio", "aiohttp", "redis", "pydantic")),
        ("bot.domain.decide", ("asyncio", "aiohttp", "redis", "pydantic", "structlog")),
        ("bot.wiring", ("slack_bolt", "slack_sdk", "discord")),
    ],
)
def test_importing_is_silent_and_brings_only_what_is_needed(module: str, absent: tuple[str, ...]) -> None:
    """slack-bolt and discord.py cost half a second and 80 MiB: only those who configured them pay."""
    code = f"import sys, {module}; print([m for m in {absent!r} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.slow
def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:]
