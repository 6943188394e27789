"""What can be said on a card, by name, and the form in which each language says it. No words live here.

`bot.domain.phrases` speaks with these; each language is a file of its own beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.words import Impact, Status


class Phrase(StrEnum):
    """One thing that Fogbell says. In braces: the values that `say` needs for it, the same in every language."""

    # Names of fields and headings
    OUR_SERVICES = "our_services"
    STATUS = "status"
    SEVERITY = "severity"
    IMPACT = "impact"
    BEGAN = "began"
    BEGINS = "begins"  # of what is only announced
    ENDED = "ended"
    WHERE = "where"
    ACKNOWLEDGED = "acknowledged"  # who took it on: stands before a name
    BEFORE = "before"  # above earlier updates
    FOR_INFORMATION = "for_information"  # what is no trouble: stands at the top of a card
    OVER = "over"  # so does this

    # Titles, lines and parts of them
    TITLE = "title"  # {provider} {title}
    CATCHING_UP = "catching_up"  # {provider} {count}
    IN_ONE_LINE = "in_one_line"  # {title} {facts}
    HITS = "hits"  # {services}
    IMPACT_STATED = "impact_stated"  # {impact}: the provider's word for it
    PERHAPS = "perhaps"  # {service}: we are not certain that it is hit
    VIA = "via"  # {service} {path}
    COMPONENTS_IN = "components_in"  # {components} {regions}
    UPDATES_COUNT = "updates_count"  # {count}
    NO_TEXT = "no_text"
    COMMA = "comma"
    AND_LAST = "and_last"  # {names} {last}
    AND_MORE = "and_more"  # {count}
    AND_EARLIER = "and_earlier"  # {count}

    # Notes: what happened to the incident, in a sentence
    UNLISTED = "unlisted"  # {provider}
    LAPSED = "lapsed"  # {provider}
    UNWATCHED = "unwatched"  # {provider}
    RETROACTIVE = "retroactive"  # {provider}
    REOPENED = "reopened"  # {provider}
    SINCE = "since"  # {time}
    SINCE_UNKNOWN = "since_unknown"
    NOW = "now"  # {status}

    # Many at once, and what was held back
    INCIDENTS_COUNT = "incidents_count"  # {count}
    WORKS_COUNT = "works_count"  # {count}: maintenance that was announced or is done
    STORM_TITLE = "storm_title"  # {what}: the counts of both
    STORM_OF_PROVIDER = "storm_of_provider"  # {provider} {what}
    DIGEST_TITLE = "digest_title"  # {what}
    QUIET_TITLE = "quiet_title"  # {what}
    CAP_TITLE = "cap_title"  # {what} {limit}
    OVER_COUNT = "over_count"  # {count}

    # Fogbell about its own delivery
    MAYBE_DOUBLED = "maybe_doubled"
    CHAT_AWAY = "chat_away"  # {chat} {time}

    # Durations
    MINUTES = "minutes"  # {minutes}
    HOURS = "hours"  # {hours} {minutes}
    DAYS = "days"  # {days} {hours}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plural:
    """A phrase with two forms; the language's `is_one` chooses by {count}."""

    one: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A whole language. Statuses and impacts are written as they stand within a line; `capital` begins a line with them."""

    phrases: Mapping[Phrase, str | Plural]
    statuses: Mapping[Status, str]
    impacts: Mapping[Impact, str]
    is_one: Callable[[int], bool]


def only_one(count: int) -> bool:
    """The singular of English, German, Spanish and Portuguese."""
    return count == 1


def none_or_one(count: int) -> bool:
    """The singular of French: "0 incident"."""
    return count in {0, 1}


def never(_count: int) -> bool:
    """For languages without plurals."""
    return False
