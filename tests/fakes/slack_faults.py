"""How a call to the fake Slack can fail. `tests.fakes.slack` offers all of these as its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a call fails; made by the functions below."""

    kind: str
    seconds: float = 0.0
    status: int = 200
    word: str = ""


def drop_before() -> Fault:
    """The connection is cut before anything is done."""
    return Fault(kind="drop_before")


def drop_after() -> Fault:
    """The call is carried out, and the reply is lost."""
    return Fault(kind="drop_after")


def delay(seconds: float) -> Fault:
    """The call is carried out, but only after `seconds`."""
    return Fault(kind="delay", seconds=seconds)


def hang() -> Fault:
    """Nothing is done and nothing is said for as long as the fake runs."""
    return Fault(kind="hang")


def rate_limited(retry_after: float) -> Fault:
    """HTTP 429; nothing is done."""
    return Fault(kind="reply", status=429, word="ratelimited", seconds=retry_after)


def server_error(status: int = 500) -> Fault:
    """A 5xx page; nothing is done."""
    return Fault(kind="page", status=status)


def refuse(word: str) -> Fault:
    """ok: false with this error; nothing is done."""
    return Fault(kind="reply", word=word)


def bad_json() -> Fault:
    """The call is carried out, and half a reply comes back."""
    return Fault(kind="bad_json")


def cut_mid_body() -> Fault:
    """The call is carried out, and the connection is cut in the middle of the reply."""
    return Fault(kind="cut_mid_body")


def wrong_type() -> Fault:
    """The call is carried out, and plain text comes back."""
    return Fault(kind="wrong_type")
