"""Mistakes in the configuration as lines: where, what, and the near miss that was probably meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_EXPECTED = {
    "string_type": "must be text in quotation marks",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_pattern_mismatch": "must be one short line of plain letters",
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean "every"?' when a known word is near, else nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def unknown(path: str, known: Iterable[str]) -> str:
    """The line about a setting or table that does not exist."""
    return f"{path}: unknown{did_you_mean(path.rpartition('.')[2], known)}"


def of_syntax(error: tomllib.TOMLDecodeError) -> str:
    """The line about a file that is not TOML, beginning with its place."""
    what, _, where = str(error).rstrip(")").rpartition(" (at ")
    return f"{where or 'the file'}: {what or error}: this is not TOML"


def of_table(path: str, model: type[BaseModel], error: ValidationError) -> list[str]:
    """A line for each mistake in the table at `path`."""
    details = error.errors(include_url=False)
    inside = {detail["loc"][:-1] for detail in details}  # a list is "empty" also when all in it is wrong
    return [_line(path, model, d) for d in details if not (d["type"] == "too_short" and d["loc"] in inside)]


def _line(path: str, model: type[BaseModel], detail: ErrorDetails) -> str:
    where = ".".join((path, *(str(part) for part in detail["loc"] if part != "[key]")))
    if detail["type"] == "extra_forbidden":
        return unknown(where, _model_at(model, detail["loc"][:-1]).model_fields)
    return f"{where}: {_words(detail)}"


def _words(detail: ErrorDetails) -> str:
    """What is wrong. Values are repeated only where no secret can stand."""
    value, about = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(about["error"])
        case "greater_than_equal":
            return f"{value} is less than {about['ge']}"
        case "less_than_equal":
            return f"{value} is more than {about['le']}"
        case "literal_error" | "enum":
            return _not_one_of(value, about["expected"])
        case kind:
            return _EXPECTED.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])


def _not_one_of(value: Any, expected: str) -> str:
    choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return f'"{str(value)[:40]}" is not one of {listed}{did_you_mean(str(value), choices)}'


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table inside `model` at `path`."""
    for step in path:
        field = model.model_fields.get(str(step))
        for kind in (field.annotation, *get_args(field.annotation)) if field else ():
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return model
