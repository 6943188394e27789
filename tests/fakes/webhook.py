"""A receiver written from the specification of Standard Webhooks, sharing nothing with our own half."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from bot.domain.conversation import Receipt
from tests.chats.contract import Fault, Verb
from tests.fakes.sinks import SinkServer, Taken

SECRET = "whsec_" + base64.b64encode(b"fogbell-test-secret-of-32-bytes!").decode()
TOLERANCE_S = 5 * 60
KINDS = {"headline": "post", "update": "post", "edit": "edit", "ping": "ping"}


def is_signed(taken: Taken, secret: str) -> bool:
    """True when one of the signatures is ours and the time stamp is of now."""
    lower = {name.lower(): value for name, value in taken.headers.items()}
    id_, at = lower["webhook-id"], lower["webhook-timestamp"]
    key = base64.b64decode(secret[len("whsec_") :])
    wanted = hmac.new(key, f"{id_}.{at}.".encode() + taken.body, hashlib.sha256).digest()
    given = [base64.b64decode(s[3:]) for s in lower["webhook-signature"].split() if s.startswith("v1,")]
    is_fresh = abs(time.time() - int(at)) <= TOLERANCE_S
    return is_fresh and any(hmac.compare_digest(wanted, one) for one in given)


def kind_of(taken: Taken) -> str:
    """Which verb of the chat sent it."""
    return KINDS[taken.json["kind"]]


class Receiver:
    """A `contract.World`: a receiver that keeps messages as docs/sinks.md advises, by their ids."""

    channel = "bus"

    def __init__(self) -> None:
        self.is_open = True
        self.server = SinkServer(kind_of=kind_of, accepts=self._accepts)

    def fail_next(self, verb: Verb, fault: Fault) -> None:
        self.server.fail_next(verb.value, fault)

    def texts(self, channel: str, thread: Receipt | None = None) -> list[str]:
        under = thread.message if thread else None
        return [m["text"] for m in self.messages().values() if m["thread"] == under]

    def messages(self) -> dict[str, dict[str, Any]]:
        """The messages by id, oldest first, each as it was last."""
        found: dict[str, dict[str, Any]] = {}
        for taken in self.server.taken:
            event = taken.json
            if event["kind"] != "ping":
                found[event["id"]] = event
        return found

    def delete(self, receipt: Receipt) -> None:
        raise AssertionError("what was sent stays")

    def requests(self, verb: Verb) -> int:
        return self.server.count(verb.value)

    def revoke(self) -> None:
        self.is_open = False

    def ids(self) -> list[str]:
        """The Webhook-Ids of what arrived, in order."""
        return [taken.headers["Webhook-Id"] for taken in self.server.arrived]

    def _accepts(self, taken: Taken) -> int:
        return 200 if self.is_open and is_signed(taken, SECRET) else 401
