"""The pages are true: links resolve, commands exist, and nothing that people may meet is missing from its page.

Settings are compared with docs/configuration.md in tests/config/test_documented.py.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from bot import __version__, telemetry
from bot.chats.discord.listen import invite_link
from bot.cli import _parser
from bot.commands import COMMANDS, parse
from bot.errors import CommandError
from bot.sources import FORMATS
from bot.telemetry import Event

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = [*PAGES, *(ROOT / name for name in ("Dockerfile", "compose.yaml", "config.example.toml", "Makefile"))]
README = ROOT / "README.md"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

# What a reader has no use for: where packages come from, where the authors keep things, who wrote what.
FORBIDDEN = re.compile(
    r"py[p]i\.org|python[h]osted|npm[j]s\.|docker\.io|ghcr\.io|quay\.io|/w[o]rk/|/root/|\.\./shared|/opt/py|shared/(?:design|domain)",
    re.IGNORECASE,
)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of one language."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [body for _, marked, body in found if marked == language]


def anchors(page: Path) -> set[str]:
    """The names under which GitHub links to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines(page: Path) -> list[str]:
    """Every `make ...` and `fogbell ...` that a page shows, in shell blocks and in the text."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose(page))
    bare = (re.sub(r"\s+#.*", "", line).strip() for line in lines)
    shown = [re.sub(r"^(?:\.venv/bin/|/opt/\S+/|docker compose exec worker )", "", line) for line in bare]
    return [line for line in shown if re.match(r"(?:make|fogbell)( [^=]|$)", line)]


SHOWN_COMMANDS = sorted({line for page in PAGES for line in command_lines(page)})


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"https?:", path):
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("line", [c for c in SHOWN_COMMANDS if c.startswith("make")])
def test_every_make_command_shown_is_a_target(line: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)

    assert set(line.split()[1:]) <= set(targets)


@pytest.mark.parametrize("line", [c for c in SHOWN_COMMANDS if c.startswith("fogbell")])
def test_every_fogbell_command_shown_is_understood(line: str) -> None:
    """By the real parser; "..." and a bare name of a command stand for their help."""
    words = [word for word in shlex.split(line)[1:] if word != "..."]
    status, said, complaint = parsed(words if len(words) > 1 else [*words, "--help"])

    assert (0, "") == (status, complaint)
    if said and words[0] == "say":
        parse.from_words(said.words, COMMANDS)


def parsed(words: list[str]) -> tuple[object, argparse.Namespace | None, str]:
    """The exit status that the parser would end with, what it understood, and its complaint."""
    complaint = io.StringIO()
    with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(io.StringIO()):
        try:
            return 0, _parser().parse_args(words), complaint.getvalue()
        except SystemExit as end:
            return end.code, None, complaint.getvalue()


def test_the_first_commands_of_the_readme_are_the_two() -> None:
    first = blocks(README, "sh")[0].splitlines()

    assert [line.split("#")[0].strip() for line in first] == ["make run", "make test"]


def test_the_readme_shows_every_command_that_people_type_as_it_is_parsed() -> None:
    section = README.read_text(encoding="utf-8").partition("## What people type")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w.*?)` \|", section, flags=re.M)

    assert {command.name for command in COMMANDS} == {row.split()[0] for row in rows}
    for row in rows:
        line = re.sub(r"\s*\[.*?\]", "", row)
        try:
            request = parse.from_words(parse.split(line), COMMANDS)
        except CommandError as exc:
            raise AssertionError(f"{row}: {exc}") from exc
        assert request.missing == ()


def test_every_log_event_is_in_operations() -> None:
    section = OPERATIONS.partition("\n## Logs\n")[2].partition("\n## ")[0]

    assert {event.value for event in Event} == set(re.findall(r"^\| `([\w.]+)` \|", section, flags=re.M))


def test_every_metric_is_in_operations_with_its_labels() -> None:
    declared = [m for m in vars(telemetry).values() if isinstance(m, Counter | Gauge | Histogram)]
    section = OPERATIONS.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(fogbell_\w+(?:\{[\w,]+\})?)` \|", section, flags=re.M))

    assert {shown(metric) for metric in declared} == documented


def shown(metric: Counter | Gauge | Histogram) -> str:
    """A metric as the page writes it: its name on the wire, its labels in braces."""
    name = next(iter(metric.describe())).name + ("_total" if isinstance(metric, Counter) else "")
    labels = ",".join(metric._labelnames)  # the library shows labels of samples alone, and there are none yet
    return f"{name}{{{labels}}}" if labels else name


def test_every_format_is_in_sources_and_no_other() -> None:
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (yes|no) \|$", text, flags=re.M)

    assert {name: "yes" if f.may_be_empty else "no" for name, f in FORMATS.items()} == dict(rows)


def test_the_invite_link_asks_for_exactly_what_is_used() -> None:
    ours = invite_link("42").partition("?")[2]
    wanted = dict(pair.split("=") for pair in ours.split("&"))

    for text in (README.read_text(encoding="utf-8"), OPERATIONS):
        link = re.search(r"https://discord\.com/oauth2/authorize\?(\S+?)`", text)
        assert link is not None
        assert dict(pair.split("=") for pair in link[1].split("&")) == wanted | {
            "client_id": "APPLICATION_ID"
        }


def test_the_slack_scopes_of_operations_are_those_of_the_manifest() -> None:
    manifest = (ROOT / "docs" / "slack-manifest.yaml").read_text(encoding="utf-8")
    asked = set(
        re.findall(
            r"^      - (\w[\w:]+) #",
            manifest.partition("    bot:\n")[2].partition("\nsettings")[0],
            flags=re.M,
        )
    )
    table = OPERATIONS.partition("   | scope | for |\n")[2].partition("\n\n")[0]

    assert asked == set(
        re.findall(r"`(\w+(?:_\w+)*:?\w*)`", "\n".join(r.split("|")[1] for r in table.splitlines()))
    )


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_no_page_names_a_registry_or_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert FORBIDDEN.findall(text) == []


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_decision_has_its_page_and_is_listed() -> None:
    decisions = sorted(p.name for p in (ROOT / "docs" / "adr").glob("*.md"))
    listed = re.findall(
        r"^\d+\. \[.+?\]\(adr/(.+?)\)$", (ROOT / "docs" / "architecture.md").read_text(), flags=re.M
    )

    assert decisions == listed
    for name in decisions:
        headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "adr" / name).read_text(), flags=re.M)
        assert headings == ["Context", "Choice", "Others weighed", "Cost"]
