"""Judges every body that we send to Discord: against Discord's own OpenAPI description, and against its stricter known limits.

The description is no part of the project: it lies beside the recorded feeds, as `specs/discord-openapi.json`. Where it is
absent, `described` skips the test with a reason; `limits` always judges.

    assert wrong(fake.bodies) == []
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a package of their own
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.corpus import CORPUS
from tests.fakes import discord_rules as rules

Json = dict[str, Any]
DESCRIPTION = CORPUS.parent / "specs" / "discord-openapi.json"
_URI = "urn:discord"

# The routes with bodies, by the fake's names: method and path in the description, and, where it offers a union of things that
# we do not mean, the one that we do.
ROUTES: dict[str, tuple[str, str, str | None]] = {
    "create_message": ("post", "/channels/{channel_id}/messages", None),
    "edit_message": ("patch", "/channels/{channel_id}/messages/{message_id}", None),
    "start_thread": ("post", "/channels/{channel_id}/messages/{message_id}/threads", None),
    "begin_post": ("post", "/channels/{channel_id}/threads", "CreateForumThreadRequest"),
    "edit_channel": ("patch", "/channels/{channel_id}", "UpdateThreadRequestPartial"),
    "put_commands": ("put", "/applications/{application_id}/commands", None),
    "interaction_callback": ("post", "/interactions/{interaction_id}/{interaction_token}/callback", None),
    "edit_original": ("patch", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", None),
    "follow_up": ("post", "/webhooks/{webhook_id}/{webhook_token}", None),
}


def wrong(bodies: Iterable[tuple[str, Any]]) -> list[str]:
    """What is wrong with these bodies, each with its route: by the description where it is here, and by the limits."""
    bodies = list(bodies)
    found = [f"{route}: {problem}" for route, body in bodies for problem in limits(route, body)]
    if DESCRIPTION.is_file():
        found += [f"{route}: {problem}" for route, body in bodies for problem in described(route, body)]
    return found


def described(route: str, body: Any) -> list[str]:
    """Where a body is not what Discord's description says; skips the test when that is not here."""
    if not DESCRIPTION.is_file():
        pytest.skip("no specs/discord-openapi.json beside the recorded feeds: set FOGBELL_CORPUS")
    return [f"{error.json_path}: {error.message:.200}" for error in _validator(route).iter_errors(body)]


def limits(route: str, body: Any) -> list[str]:
    """Where a body is beyond the limits that Discord's prose names, and its description does not, or holds an unknown key."""
    match route:
        case "create_message" | "follow_up":
            problems = rules.message_problems(body)
        case "edit_message" | "edit_original":
            problems = rules.message_problems(body, is_edit=True)
        case "start_thread":
            problems = rules.thread_problems(body)
        case "begin_post":
            problems = rules.post_problems(body, set(body.get("applied_tags") or []))
        case "edit_channel":
            problems = rules.thread_edit_problems(body)
        case "put_commands":
            problems = {
                str(i): found for i, each in enumerate(body) if (found := rules.command_problems(each))
            }
        case _:
            problems = {}
    blank = route in ("create_message", "follow_up") and rules.is_blank(body)
    return [*_flat(problems), *_custom_ids(body), *(["an empty message"] if blank else [])]


def _custom_ids(body: Any) -> Iterator[str]:
    ids = list(_values(body, "custom_id"))
    if len(set(ids)) != len(ids):
        yield "custom ids are not unique"
    yield from (f"a custom id of {len(each)} characters" for each in ids if not 1 <= len(each) <= 100)


def _values(body: Any, key: str) -> Iterator[str]:
    if isinstance(body, dict):
        yield from (str(value) for name, value in body.items() if name == key)
    for part in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from _values(part, key)


def _flat(problems: Json, path: str = "") -> Iterator[str]:
    for key, value in problems.items():
        if key == "_errors":
            yield from (f"{path or 'body'}: {error['message']}" for error in value)
        else:
            yield from _flat(value, f"{path}.{key}".lstrip("."))


@cache
def _validator(route: str) -> Draft202012Validator:
    description = json.loads(DESCRIPTION.read_text())
    method, path, meant = ROUTES[route]
    parts = ["paths", path, method, "requestBody", "content", "application/json", "schema"]
    if meant:
        parts = ["components", "schemas", meant]
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
    registry: Registry[Any] = Registry().with_resource(
        _URI, Resource.from_contents(description, default_specification=DRAFT202012)
    )
    schema = {"$ref": f"{_URI}#/{pointer.replace('{', '%7B').replace('}', '%7D')}"}
    return Draft202012Validator(schema, registry=registry)
