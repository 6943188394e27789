"""English: the language of Fogbell's own records, and what is spoken where no other was asked for."""

from __future__ import annotations

from bot.domain.phrases.catalogue import Phrase, Plural, Tongue, only_one
from bot.domain.words import Impact, Status

ENGLISH = Tongue(
    is_one=only_one,
    statuses={status: status.words for status in Status},
    impacts={impact: impact.value for impact in Impact},
    phrases={
        Phrase.OUR_SERVICES: "Our services",
        Phrase.STATUS: "Status",
        Phrase.SEVERITY: "Severity",
        Phrase.IMPACT: "Impact",
        Phrase.BEGAN: "Began",
        Phrase.BEGINS: "Begins",
        Phrase.ENDED: "Ended",
        Phrase.WHERE: "Where",
        Phrase.ACKNOWLEDGED: "Acknowledged",
        Phrase.BEFORE: "Before",
        Phrase.FOR_INFORMATION: "For information",
        Phrase.OVER: "Over",
        Phrase.TITLE: "{provider}: {title}",
        Phrase.CATCHING_UP: Plural(
            one="{provider}: catching up on {count} update",
            other="{provider}: catching up on {count} updates",
        ),
        Phrase.IN_ONE_LINE: "{title} ({facts})",
        Phrase.HITS: "hits {services}",
        Phrase.IMPACT_STATED: "{impact} (provider's word)",
        Phrase.PERHAPS: "{service} (perhaps)",
        Phrase.VIA: "{service} via {path}",
        Phrase.COMPONENTS_IN: "{components} in {regions}",
        Phrase.UPDATES_COUNT: Plural(one="{count} update", other="{count} updates"),
        Phrase.NO_TEXT: "(no text)",
        Phrase.COMMA: ", ",
        Phrase.AND_LAST: "{names} and {last}",
        Phrase.AND_MORE: "and {count} more",
        Phrase.AND_EARLIER: "and {count} earlier",
        Phrase.UNLISTED: "No longer listed by {provider}; taken as over.",
        Phrase.LAPSED: "{provider} has said nothing more for long; taken as over.",
        Phrase.RETROACTIVE: "{provider} posted this when it was already over.",
        Phrase.REOPENED: "Reopened by {provider}.",
        Phrase.SINCE: "Already in progress since {time}.",
        Phrase.SINCE_UNKNOWN: "Already in progress since an unknown time.",
        Phrase.NOW: "Now {status}.",
        Phrase.STORM_TITLE: Plural(one="{count} incident", other="{count} incidents at once"),
        Phrase.STORM_OF_PROVIDER: Plural(
            one="{provider}: {count} incident", other="{provider}: {count} incidents"
        ),
        Phrase.DIGEST_TITLE: Plural(one="Digest: {count} incident", other="Digest: {count} incidents"),
        Phrase.QUIET_TITLE: Plural(
            one="While this channel was quiet: {count} incident",
            other="While this channel was quiet: {count} incidents",
        ),
        Phrase.CAP_TITLE: Plural(
            one="{count} incident held back (limit of messages an hour: {limit})",
            other="{count} incidents held back (limit of messages an hour: {limit})",
        ),
        Phrase.OVER_COUNT: "{count} over",
        Phrase.MAYBE_DOUBLED: "maybe doubled",
        Phrase.CHAT_AWAY: "{chat} is unreachable since {time}",
        Phrase.MINUTES: "{minutes} min",
        Phrase.HOURS: "{hours} h {minutes:02} min",
        Phrase.DAYS: "{days} d {hours:02} h",
    },
)
