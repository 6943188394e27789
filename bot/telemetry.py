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
SOURCE_BLIND = Gauge(
    "fogbell_source_blind", "1 while a source's silence says nothing", ["source"], registry=REGISTRY
)
SOURCE_DOUBTS = Gauge(
    "fogbell_source_doubts", "What speaks against a source that is seen", ["source"], registry=REGISTRY
)
POLL_LATENESS = Histogram(
    "fogbell_poll_lateness_seconds", "From when a look was due to its start",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 15), registry=REGISTRY,
)  # fmt: skip
LOOP_LAG = Histogram(
    "fogbell_loop_lag_seconds", "How late the event loop runs what is due",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5), registry=REGISTRY,
)  # fmt: skip
PUSHES = Counter("fogbell_pushes_total", "Bodies that came unasked", ["source", "outcome"], registry=REGISTRY)
TEXTS_MISSING = Gauge(
    "fogbell_source_texts_missing",
    "Updates without a text in a source's newest body",
    ["source"],
    registry=REGISTRY,
)
POLLS = Counter("fogbell_polls_total", "Looks at a source", ["source", "outcome"], registry=REGISTRY)
UNKNOWN_WORDS = Counter("fogbell_unknown_words_total", "Words we did not know", ["source"], registry=REGISTRY)
SIGHT_TO_RECEIPT = Histogram(
    "fogbell_delivery_delay_seconds", "From our sight of it to the chat's receipt", ["chat"],
    buckets=_SECONDS, registry=REGISTRY,
)  # fmt: skip
POST_TO_RECEIPT = Histogram(
    "fogbell_update_delay_seconds", "From the provider's own time of an update to the chat's receipt", ["chat"],
    buckets=(*_SECONDS, 7200), registry=REGISTRY,
)  # fmt: skip
UPDATES = Counter("fogbell_updates_total", "Updates that incidents gained", registry=REGISTRY)
OUTBOX_DUE = Gauge(
    "fogbell_outbox_due", "Conversations that should have been heard by now", registry=REGISTRY
)
OUTBOX_OLDEST = Gauge(
    "fogbell_outbox_oldest_seconds", "Since the oldest of what they miss was said", registry=REGISTRY
)
OUTBOX_PARKED = Gauge("fogbell_outbox_parked", "Conversations that a chat refused", registry=REGISTRY)
OUTBOX_HELD = Gauge(
    "fogbell_outbox_held", "Conversations that were asked to wait, or that a person parked", registry=REGISTRY
)
DELIVERIES = Counter(
    "fogbell_deliveries_total", "Steps tried", ["chat", "step", "outcome"], registry=REGISTRY
)
CHAT_UP = Gauge("fogbell_chat_up", "1 when the last call to the chat succeeded", ["chat"], registry=REGISTRY)
CHAT_LEFT = Gauge("fogbell_chat_away", "1 while no worker can rely on the chat", ["chat"], registry=REGISTRY)
CHAT_HEARS = Gauge(
    "fogbell_chat_hears", "1 while commands come in from the chat", ["chat"], registry=REGISTRY
)
CONFLICTS = Counter("fogbell_commit_conflicts_total", "Commits that found a newer ledger", registry=REGISTRY)
RESTARTS = Counter(
    "fogbell_loop_restarts_total", "Loops started again after a crash", ["loop"], registry=REGISTRY
)
COMMANDS = Counter("fogbell_commands_total", "Commands", ["command", "front", "outcome"], registry=REGISTRY)
OPEN = Gauge("fogbell_open_incidents", "Incidents that are open", registry=REGISTRY)
STANDBY = Gauge("fogbell_standby", "1 while this worker goes on without the store", registry=REGISTRY)
UNREPLICATED = Counter(
    "fogbell_store_unreplicated_total", "Writes that too few replicas had in time", registry=REGISTRY
)
CHECK_UP = Gauge("fogbell_check_up", "1 when our own check passes", ["check"], registry=REGISTRY)


class Event(StrEnum):
    """The log events."""

    STARTED = "fogbell.started"
    STOPPING = "fogbell.stopping"
    STORE_RESTARTED = "store.restarted"
    STORE_EMPTY = "store.empty"
    STORE_AWAY = "store.away"
    STORE_BACK = "store.back"
    STANDBY_MISSING = "standby.missing"
    STANDBY_BEGAN = "standby.began"
    STANDBY_ENDED = "standby.ended"
    STANDBY_STAYS = "standby.stays"
    STANDBY_LEFT = "standby.left"
    STORE_UNREPLICATED = "store.unreplicated"
    STORE_MOVED = "store.moved"
    STORE_AWAITED = "store.awaited"
    STORE_UNREADABLE = "store.unreadable"
    STORE_NEWER = "store.newer"
    RELOADED = "config.reloaded"
    RELOAD_REFUSED = "config.refused"
    CHAT_RENEWED = "chat.renewed"
    SOURCE_LOST = "source.lost"
    SOURCE_BACK = "source.back"
    SOURCE_BROKEN = "source.unreadable"
    SOURCE_UNWATCHED = "source.unwatched"
    SOURCE_MOVED = "source.moved"
    SOURCE_UNCONFIRMED = "source.unconfirmed"
    SOURCES_TAKEN = "sources.taken"
    WORD_UNKNOWN = "source.unknown_word"
    PUSH_CONFIRMED = "push.confirmed"
    PUSH_UNCONFIRMED = "push.unconfirmed"
    PUSH_REFUSED = "push.refused"
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
    CHAT_EVENT_UNREADABLE = "chat.event_unreadable"
    EXTRA_REFUSED = "chat.extra_refused"
    COMMANDS_NOT_OFFERED = "chat.commands_not_offered"
    PIN_REFUSED = "chat.pin_refused"
    CHAT_AWAY = "chat.away"
    CHAT_DEAF = "chat.deaf"
    CHAT_BACK = "chat.back"
    PULSE_FAILED = "pulse.failed"
    PULSE_WITHHELD = "pulse.withheld"
    PULSE_BACK = "pulse.back"


def forget_source(name: str) -> None:
    """Take a source's numbers out of the metrics: nobody watches it any more, and alerts on them would never end."""
    for metric in (SOURCE_AGE, SOURCE_BLIND, SOURCE_DOUBTS, TEXTS_MISSING, UNKNOWN_WORDS, POLLS, PUSHES):
        metric.remove_by_labels({"source": name})


def forget_check(name: str) -> None:
    """Take a check's number out of the metrics, likewise."""
    CHECK_UP.remove_by_labels({"check": name})


def log() -> Any:
    """The logger: `log().info(Event.STARTED, key=value)`."""
    return structlog.get_logger("fogbell")


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
