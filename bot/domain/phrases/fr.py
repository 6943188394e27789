"""French, as French status pages speak. A space that does not break (\\u00a0) stands before each colon and semicolon."""

from __future__ import annotations

from bot.domain.phrases.catalogue import Phrase, Plural, Tongue, none_or_one
from bot.domain.words import Impact, Status

FRENCH = Tongue(
    is_one=none_or_one,
    statuses={
        Status.SUSPECTED: "suspecté",
        Status.INVESTIGATING: "investigation en cours",
        Status.IDENTIFIED: "cause identifiée",
        Status.MONITORING: "sous surveillance",
        Status.RESOLVED: "résolu",
        Status.POSTMORTEM: "bilan publié",
        Status.SCHEDULED: "planifié",
        Status.IN_PROGRESS: "en cours",
        Status.VERIFYING: "vérification en cours",
        Status.COMPLETED: "terminé",
        Status.CANCELLED: "annulé",
    },
    impacts={
        Impact.NONE: "aucun",
        Impact.MAINTENANCE: "maintenance",
        Impact.MINOR: "mineur",
        Impact.MAJOR: "majeur",
        Impact.CRITICAL: "critique",
    },
    phrases={
        Phrase.OUR_SERVICES: "Nos services",
        Phrase.STATUS: "État",
        Phrase.SEVERITY: "Gravité",
        Phrase.IMPACT: "Impact",
        Phrase.BEGAN: "Début",
        Phrase.BEGINS: "Début",
        Phrase.ENDED: "Fin",
        Phrase.WHERE: "Où",
        Phrase.ACKNOWLEDGED: "Pris en charge par",
        Phrase.BEFORE: "Auparavant",
        Phrase.FOR_INFORMATION: "Pour information",
        Phrase.OVER: "Terminé",
        Phrase.TITLE: "{provider}\u00a0: {title}",
        Phrase.CATCHING_UP: Plural(
            one="{provider}\u00a0: rattrapage de {count} mise à jour",
            other="{provider}\u00a0: rattrapage de {count} mises à jour",
        ),
        Phrase.IN_ONE_LINE: "{title} ({facts})",
        Phrase.HITS: "touche {services}",
        Phrase.IMPACT_STATED: "{impact} (selon le fournisseur)",
        Phrase.PERHAPS: "{service} (peut-être)",
        Phrase.VIA: "{service} via {path}",
        Phrase.COMPONENTS_IN: "{components} dans {regions}",
        Phrase.UPDATES_COUNT: Plural(one="{count} mise à jour", other="{count} mises à jour"),
        Phrase.NO_TEXT: "(sans texte)",
        Phrase.COMMA: ", ",
        Phrase.AND_LAST: "{names} et {last}",
        Phrase.AND_MORE: Plural(one="et {count} autre", other="et {count} autres"),
        Phrase.AND_EARLIER: Plural(one="et {count} plus ancienne", other="et {count} plus anciennes"),
        Phrase.UNLISTED: "Absent désormais de la liste ({provider})\u00a0; considéré comme terminé.",
        Phrase.LAPSED: "Plus aucune nouvelle depuis longtemps ({provider})\u00a0; considéré comme terminé.",
        Phrase.RETROACTIVE: "Annoncé alors que c’était déjà terminé ({provider}).",
        Phrase.REOPENED: "Rouvert ({provider}).",
        Phrase.SINCE: "Déjà en cours depuis {time}.",
        Phrase.SINCE_UNKNOWN: "Déjà en cours\u00a0; début inconnu.",
        Phrase.NOW: "À présent\u00a0: {status}.",
        Phrase.STORM_TITLE: Plural(one="{count} incident", other="{count} incidents simultanés"),
        Phrase.STORM_OF_PROVIDER: Plural(
            one="{provider}\u00a0: {count} incident", other="{provider}\u00a0: {count} incidents"
        ),
        Phrase.DIGEST_TITLE: Plural(
            one="Récapitulatif\u00a0: {count} incident", other="Récapitulatif\u00a0: {count} incidents"
        ),
        Phrase.QUIET_TITLE: Plural(
            one="Pendant les heures calmes de ce canal\u00a0: {count} incident",
            other="Pendant les heures calmes de ce canal\u00a0: {count} incidents",
        ),
        Phrase.CAP_TITLE: Plural(
            one="{count} incident retenu (nombre maximal de messages par heure\u00a0: {limit})",
            other="{count} incidents retenus (nombre maximal de messages par heure\u00a0: {limit})",
        ),
        Phrase.OVER_COUNT: Plural(one="{count} terminé", other="{count} terminés"),
        Phrase.MAYBE_DOUBLED: "peut-être en double",
        Phrase.CHAT_AWAY: "{chat} est injoignable depuis {time}",
        Phrase.MINUTES: "{minutes} min",
        Phrase.HOURS: "{hours} h {minutes:02} min",
        Phrase.DAYS: "{days} j {hours:02} h",
    },
)
