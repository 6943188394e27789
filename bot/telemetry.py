"""The catalogue of every metric and every log event. Nothing else may name one; labels come from enums, never from feeds.

`docs/operations.md` explains each; a test keeps the two alike.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 5, 15, 60, 300, 1800)

SOURCE_AGE = Gauge(
    "fogbell_source_age_seconds", "Since the last good look at a source", ["source"], registry=REGISTRY
)
POLLS = Counter("fogbell_polls_total", "Looks at a source", ["source", "outcome"], registry=REGISTRY)
UNKNOWN_WORDS = Counter("fogbell_unknown_words_total", "Words we did not know", ["source"], registry=REGISTRY)
SIGHT_TO_RECEIPT = Histogram(
    "fogbell_delivery_delay_seconds", "From our sight of it to the chat's receipt", ["chat"],
    buckets=_SECONDS, registry=REGISTRY,
)  # fmt: skip
DELIVERIES = Counter(
    "fogbell_deliveries_total", "Steps tried", ["chat", "step", "outcome"], registry=REGISTRY
)
CHAT_UP = Gauge("fogbell_chat_up", "1 when the last call to the chat succeeded", ["chat"], registry=REGISTRY)
CONFLICTS = Counter("fogbell_commit_conflicts_total", "Commits that found a newer ledger", registry=REGISTRY)
RESTARTS = Counter(
    "fogbell_loop_restarts_total", "Loops started again after a crash", ["loop"], registry=REGISTRY
)
COMMANDS = Counter("fogbell_commands_total", "Commands", ["command", "front", "outcome"], registry=REGISTRY)
OPEN = Gauge("fogbell_open_incidents", "Incidents that are open", registry=REGISTRY)
CHECK_UP = Gauge("fogbell_check_up", "1 when our own check passes", ["check"], registry=REGISTRY)


class Event(StrEnum):
    """The log events."""

    STARTED = "fogbell.started"
    STOPPING = "fogbell.stopping"
    STORE_RESTARTED = "store.restarted"
    STORE_EMPTY = "store.empty"
    SOURCE_LOST = "source.lost"
    SOURCE_BACK = "source.back"
    SOURCE_BROKEN = "source.unreadable"
    WORD_UNKNOWN = "source.unknown_word"
    INCIDENT_CHANGED = "incident.changed"
    DELIVERED = "delivery.done"
    DELIVERY_LATER = "delivery.later"
    DELIVERY_REFUSED = "delivery.refused"
    LEASE_LOST = "delivery.lease_lost"
    LOOP_CRASHED = "loop.crashed"
    CHECK_FLIPPED = "check.flipped"
    COMMAND_FAILED = "command.failed"
    COMMAND_UNAUDITED = "command.unaudited"
    CHAT_LISTENING = "chat.listening"


def log() -> Any:
    """The logger: `log().info(Event.STARTED, key=value)`."""
    return structlog.get_logger()


def set_up_logging(style: str = "text", level: int = logging.INFO) -> None:
    """Log to stderr, as `text` for people or `json` for machines. Libraries' own warnings come along."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        # Tracebacks without local variables, which the library shows by default: tokens are among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([structlog.processors.format_exc_info] if style == "json" else []),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("fogbell").setLevel(level)
