"""German, as German status pages speak."""

from __future__ import annotations

from bot.domain.phrases.catalogue import Phrase, Plural, Tongue, only_one
from bot.domain.words import Impact, Status

GERMAN = Tongue(
    is_one=only_one,
    statuses={
        Status.SUSPECTED: "vermutet",
        Status.INVESTIGATING: "wird untersucht",
        Status.IDENTIFIED: "Ursache gefunden",
        Status.MONITORING: "wird beobachtet",
        Status.RESOLVED: "behoben",
        Status.POSTMORTEM: "Abschlussbericht",
        Status.SCHEDULED: "geplant",
        Status.IN_PROGRESS: "in Arbeit",
        Status.VERIFYING: "wird überprüft",
        Status.COMPLETED: "abgeschlossen",
        Status.CANCELLED: "abgesagt",
    },
    impacts={
        Impact.NONE: "keine",
        Impact.MAINTENANCE: "Wartung",
        Impact.MINOR: "gering",
        Impact.MAJOR: "erheblich",
        Impact.CRITICAL: "kritisch",
    },
    phrases={
        Phrase.OUR_SERVICES: "Unsere Dienste",
        Phrase.STATUS: "Status",
        Phrase.SEVERITY: "Schweregrad",
        Phrase.IMPACT: "Auswirkung",
        Phrase.BEGAN: "Beginn",
        Phrase.BEGINS: "Beginn",
        Phrase.ENDED: "Ende",
        Phrase.WHERE: "Wo",
        Phrase.ACKNOWLEDGED: "Übernommen von",
        Phrase.BEFORE: "Zuvor",
        Phrase.FOR_INFORMATION: "Zur Information",
        Phrase.OVER: "Beendet",
        Phrase.TITLE: "{provider}: {title}",
        Phrase.CATCHING_UP: Plural(
            one="{provider}: {count} Meldung nachgereicht",
            other="{provider}: {count} Meldungen nachgereicht",
        ),
        Phrase.IN_ONE_LINE: "{title} ({facts})",
        Phrase.HITS: "betrifft {services}",
        Phrase.IMPACT_STATED: "{impact} (laut Anbieter)",
        Phrase.PERHAPS: "{service} (vielleicht)",
        Phrase.VIA: "{service} über {path}",
        Phrase.COMPONENTS_IN: "{components} in {regions}",
        Phrase.UPDATES_COUNT: Plural(one="{count} Meldung", other="{count} Meldungen"),
        Phrase.NO_TEXT: "(ohne Text)",
        Phrase.COMMA: ", ",
        Phrase.AND_LAST: "{names} und {last}",
        Phrase.AND_MORE: "und {count} weitere",
        Phrase.AND_EARLIER: "und {count} frühere",
        Phrase.UNLISTED: "Nicht mehr in der Liste ({provider}); gilt als beendet.",
        Phrase.LAPSED: "Seit Langem keine neue Meldung ({provider}); gilt als beendet.",
        Phrase.RETROACTIVE: "Erst gemeldet, als es schon vorbei war ({provider}).",
        Phrase.REOPENED: "Wieder offen ({provider}).",
        Phrase.SINCE: "Läuft bereits seit {time}.",
        Phrase.SINCE_UNKNOWN: "Läuft bereits; Beginn unbekannt.",
        Phrase.NOW: "Jetzt: {status}.",
        Phrase.STORM_TITLE: Plural(one="{count} Störung", other="{count} Störungen gleichzeitig"),
        Phrase.STORM_OF_PROVIDER: Plural(
            one="{provider}: {count} Störung", other="{provider}: {count} Störungen"
        ),
        Phrase.DIGEST_TITLE: Plural(one="Überblick: {count} Störung", other="Überblick: {count} Störungen"),
        Phrase.QUIET_TITLE: Plural(
            one="Während der Ruhezeit dieses Kanals: {count} Störung",
            other="Während der Ruhezeit dieses Kanals: {count} Störungen",
        ),
        Phrase.CAP_TITLE: Plural(
            one="{count} Störung zurückgehalten (Höchstzahl der Nachrichten pro Stunde: {limit})",
            other="{count} Störungen zurückgehalten (Höchstzahl der Nachrichten pro Stunde: {limit})",
        ),
        Phrase.OVER_COUNT: "{count} beendet",
        Phrase.MAYBE_DOUBLED: "möglicherweise doppelt",
        Phrase.CHAT_AWAY: "{chat} ist seit {time} nicht erreichbar",
        Phrase.MINUTES: "{minutes} min",
        Phrase.HOURS: "{hours} h {minutes:02} min",
        Phrase.DAYS: "{days} d {hours:02} h",
    },
)
