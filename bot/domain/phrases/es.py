"""Spanish, as Spanish and Latin American status pages speak: words that both use."""

from __future__ import annotations

from bot.domain.phrases.catalogue import Phrase, Plural, Tongue, only_one
from bot.domain.words import Impact, Status

SPANISH = Tongue(
    is_one=only_one,
    statuses={
        Status.SUSPECTED: "por confirmar",
        Status.INVESTIGATING: "en investigación",
        Status.IDENTIFIED: "causa identificada",
        Status.MONITORING: "en observación",
        Status.RESOLVED: "resuelto",
        Status.POSTMORTEM: "informe publicado",
        Status.SCHEDULED: "programado",
        Status.IN_PROGRESS: "en curso",
        Status.VERIFYING: "en verificación",
        Status.COMPLETED: "finalizado",
        Status.CANCELLED: "cancelado",
    },
    impacts={
        Impact.NONE: "ninguno",
        Impact.MAINTENANCE: "mantenimiento",
        Impact.MINOR: "leve",
        Impact.MAJOR: "grave",
        Impact.CRITICAL: "crítico",
    },
    phrases={
        Phrase.OUR_SERVICES: "Nuestros servicios",
        Phrase.STATUS: "Estado",
        Phrase.SEVERITY: "Severidad",
        Phrase.IMPACT: "Impacto",
        Phrase.BEGAN: "Inicio",
        Phrase.BEGINS: "Inicio",
        Phrase.ENDED: "Fin",
        Phrase.WHERE: "Dónde",
        Phrase.ACKNOWLEDGED: "A cargo de",
        Phrase.BEFORE: "Antes",
        Phrase.FOR_INFORMATION: "Para información",
        Phrase.OVER: "Terminado",
        Phrase.TITLE: "{provider}: {title}",
        Phrase.CATCHING_UP: Plural(
            one="{provider}: puesta al día con {count} actualización",
            other="{provider}: puesta al día con {count} actualizaciones",
        ),
        Phrase.IN_ONE_LINE: "{title} ({facts})",
        Phrase.HITS: "afecta a {services}",
        Phrase.IMPACT_STATED: "{impact} (según el proveedor)",
        Phrase.PERHAPS: "{service} (quizás)",
        Phrase.VIA: "{service} a través de {path}",
        Phrase.COMPONENTS_IN: "{components} en {regions}",
        Phrase.UPDATES_COUNT: Plural(one="{count} actualización", other="{count} actualizaciones"),
        Phrase.NO_TEXT: "(sin texto)",
        Phrase.COMMA: ", ",
        Phrase.AND_LAST: "{names} y {last}",
        Phrase.AND_MORE: "y {count} más",
        Phrase.AND_EARLIER: Plural(one="y {count} anterior", other="y {count} anteriores"),
        Phrase.UNLISTED: "Ya no figura en la lista ({provider}); se da por terminado.",
        Phrase.LAPSED: "Sin novedades desde hace mucho ({provider}); se da por terminado.",
        Phrase.RETROACTIVE: "Publicado cuando ya había terminado ({provider}).",
        Phrase.REOPENED: "Reabierto ({provider}).",
        Phrase.SINCE: "Ya en curso desde {time}.",
        Phrase.SINCE_UNKNOWN: "Ya en curso; inicio desconocido.",
        Phrase.NOW: "Ahora: {status}.",
        Phrase.STORM_TITLE: Plural(one="{count} incidente", other="{count} incidentes a la vez"),
        Phrase.STORM_OF_PROVIDER: Plural(
            one="{provider}: {count} incidente", other="{provider}: {count} incidentes"
        ),
        Phrase.DIGEST_TITLE: Plural(one="Resumen: {count} incidente", other="Resumen: {count} incidentes"),
        Phrase.QUIET_TITLE: Plural(
            one="Durante las horas de silencio de este canal: {count} incidente",
            other="Durante las horas de silencio de este canal: {count} incidentes",
        ),
        Phrase.CAP_TITLE: Plural(
            one="{count} incidente retenido (máximo de mensajes por hora: {limit})",
            other="{count} incidentes retenidos (máximo de mensajes por hora: {limit})",
        ),
        Phrase.OVER_COUNT: Plural(one="{count} terminado", other="{count} terminados"),
        Phrase.MAYBE_DOUBLED: "quizás duplicado",
        Phrase.CHAT_AWAY: "{chat} no responde desde {time}",
        Phrase.MINUTES: "{minutes} min",
        Phrase.HOURS: "{hours} h {minutes:02} min",
        Phrase.DAYS: "{days} d {hours:02} h",
    },
)
