"""Drafts of notices: templates are read and checked once, at start; writing a draft then reads nothing and decides nothing.

Templates are Jinja2 in a sandbox; values are data and never template source. Wording is theirs, facts are `domain.notice`'s.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.domain import notice
from bot.domain.incident import Incident
from bot.domain.notice import Draft, Facts, Stage, Wish
from bot.errors import ConfigError

BUILT_IN = Path(__file__).parent / "templates"
_KNOWN = frozenset(field.name for field in fields(Facts))
_PLACEHOLDER = re.compile(
    r"\{\{|\}\}|\{%|%\}|\[(?:insert|time|name|date|service|tbd)[^\]]*\]|\bTBD\b", re.IGNORECASE
)
# All that a mistake in a template can raise when it meets its facts: the sandbox turns everything else into these.
_MISTAKES = (
    *(TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(RecursionError, MemoryError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """Writes drafts. `names_providers` is the user's word that a provider may be named to customers."""

    templates: Mapping[Stage, Template]
    names_providers: bool = False

    def write(self, incident: Incident, wish: Wish) -> Draft:
        """The draft for the stage wished for, else for the incident's own; "investigating" where it has none.

        Raises ConfigError when a user's template fails on these facts.
        """
        stage = wish.stage or notice.stage_of(incident.status) or Stage.INVESTIGATING
        asked = wish if self.names_providers else replace(wish, provider_name=None)
        text = _rendered(self.templates[stage], notice.facts(incident, stage, asked))
        is_last = stage is Stage.RESOLVED
        return Draft(
            text=text,
            stage=stage,
            next_update_at=None if is_last else notice.next_update_at(incident, wish.now),
            warnings=(*_about_text(text, stage), *notice.warnings(incident, stage, wish)),
        )


def load(folder: Path | None = None, *, names_providers: bool = False) -> Drafts:
    """The built-in drafts, each replaced by the file of that name in `folder` where there is one.

    Raises ConfigError naming file and line of every mistake: bad syntax, an unknown name, a failure on example facts.
    """
    problems = [] if folder is None or folder.is_dir() else [f"templates: there is no folder {folder}"]
    found: dict[Stage, Template] = {}
    for stage in Stage:
        path = _path(stage, folder)
        try:
            found[stage] = _compiled(path, _text(path))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Drafts(templates=found, names_providers=names_providers)


def _path(stage: Stage, folder: Path | None) -> Path:
    own = folder / f"{stage}.j2" if folder else None
    return own if own and own.is_file() else BUILT_IN / f"{stage}.j2"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError([f"{path}: cannot be read as text: {exc}"]) from exc


def _compiled(path: Path, source: str) -> Template:
    sandbox = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # a notice is plain text; whoever shows it as HTML escapes it there
    )
    sandbox.globals.clear()  # facts are all that a template needs
    try:
        _check_names(sandbox.parse(source), path)
        template = Template.from_code(sandbox, sandbox.compile(source, filename=str(path)), {})
    except TemplateSyntaxError as exc:
        raise ConfigError([f"{path}:{exc.lineno}: {exc.message}"]) from exc
    for example in _examples():
        _rendered(template, example)
    return template


def _check_names(tree: nodes.Template, path: Path) -> None:
    unknown = meta.find_undeclared_variables(tree) - _KNOWN
    if unknown:
        facts_known = ", ".join(sorted(_KNOWN))
        uses = [name for name in tree.find_all(nodes.Name) if name.name in unknown]
        raise ConfigError(
            [
                f'{path}:{u.lineno}: "{u.name}" is not a fact of a notice; there are {facts_known}'
                for u in uses
            ]
        )


def _rendered(template: Template, facts: Facts) -> str:
    """The text: the lines of a paragraph joined, paragraphs an empty line apart."""
    try:
        raw = template.render(asdict(facts))
    except _MISTAKES as exc:
        raise ConfigError([f"{_where(template, exc)}: {exc}"]) from exc
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n[ \t]*\n", raw))
    return "\n\n".join(part for part in paragraphs if part)


def _where(template: Template, exc: BaseException) -> str:
    """The template's file and the line of it that failed."""
    lines = [f.lineno for f in traceback.extract_tb(exc.__traceback__) if f.filename == template.filename]
    return f"{template.filename}:{lines[-1]}" if lines else str(template.filename)


def _about_text(text: str, stage: Stage) -> list[str]:
    found = []
    if left := _PLACEHOLDER.search(text):
        found.append(f'"{left[0]}" looks like a placeholder that nobody filled in.')
    if len(text) > stage.max_chars:
        found.append(
            f"The text has {len(text)} characters; people read {stage.max_chars} of them at this stage."
        )
    return found


def _examples() -> Iterator[Facts]:
    """Facts of every kind, so that each branch of a template is walked before the first incident does."""
    for is_full, flag in product((True, False), repeat=2):
        yield Facts(
            services="Checkout" if is_full else "",
            since="07:14 UTC",
            ended="09:30 UTC" if is_full else "",
            next_update="07:45 UTC",
            cause="a network fault" if is_full else "",
            provider="A provider that we depend on" if flag else "",
            is_scope_known=is_full,
            is_confirmed=not is_full,
            is_planned=flag,
            apologise=is_full,
        )
