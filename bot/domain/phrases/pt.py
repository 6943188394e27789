"""Portuguese, as Brazilian status pages speak."""

from __future__ import annotations

from bot.domain.phrases.catalogue import Phrase, Plural, Tongue, only_one
from bot.domain.words import Impact, Status

PORTUGUESE = Tongue(
    is_one=only_one,
    statuses={
        Status.SUSPECTED: "a confirmar",
        Status.INVESTIGATING: "em investigação",
        Status.IDENTIFIED: "causa identificada",
        Status.MONITORING: "em monitoramento",
        Status.RESOLVED: "resolvido",
        Status.POSTMORTEM: "relatório publicado",
        Status.SCHEDULED: "agendado",
        Status.IN_PROGRESS: "em andamento",
        Status.VERIFYING: "em verificação",
        Status.COMPLETED: "concluído",
        Status.CANCELLED: "cancelado",
    },
    impacts={
        Impact.NONE: "nenhum",
        Impact.MAINTENANCE: "manutenção",
        Impact.MINOR: "leve",
        Impact.MAJOR: "grave",
        Impact.CRITICAL: "crítico",
    },
    phrases={
        Phrase.OUR_SERVICES: "Nossos serviços",
        Phrase.STATUS: "Status",
        Phrase.SEVERITY: "Severidade",
        Phrase.IMPACT: "Impacto",
        Phrase.BEGAN: "Início",
        Phrase.BEGINS: "Início",
        Phrase.ENDED: "Fim",
        Phrase.WHERE: "Onde",
        Phrase.ACKNOWLEDGED: "Assumido por",
        Phrase.BEFORE: "Antes",
        Phrase.FOR_INFORMATION: "Para informação",
        Phrase.OVER: "Encerrado",
        Phrase.TITLE: "{provider}: {title}",
        Phrase.CATCHING_UP: Plural(
            one="{provider}: recuperando {count} atualização",
            other="{provider}: recuperando {count} atualizações",
        ),
        Phrase.IN_ONE_LINE: "{title} ({facts})",
        Phrase.HITS: "afeta {services}",
        Phrase.IMPACT_STATED: "{impact} (segundo o provedor)",
        Phrase.PERHAPS: "{service} (talvez)",
        Phrase.VIA: "{service} via {path}",
        Phrase.COMPONENTS_IN: "{components} em {regions}",
        Phrase.UPDATES_COUNT: Plural(one="{count} atualização", other="{count} atualizações"),
        Phrase.NO_TEXT: "(sem texto)",
        Phrase.COMMA: ", ",
        Phrase.AND_LAST: "{names} e {last}",
        Phrase.AND_MORE: "e mais {count}",
        Phrase.AND_EARLIER: Plural(one="e {count} anterior", other="e {count} anteriores"),
        Phrase.UNLISTED: "Não consta mais na lista ({provider}); considerado encerrado.",
        Phrase.LAPSED: "Sem novidades há muito tempo ({provider}); considerado encerrado.",
        Phrase.RETROACTIVE: "Publicado quando já havia terminado ({provider}).",
        Phrase.REOPENED: "Reaberto ({provider}).",
        Phrase.SINCE: "Já em andamento desde {time}.",
        Phrase.SINCE_UNKNOWN: "Já em andamento; início desconhecido.",
        Phrase.NOW: "Agora: {status}.",
        Phrase.STORM_TITLE: Plural(one="{count} incidente", other="{count} incidentes ao mesmo tempo"),
        Phrase.STORM_OF_PROVIDER: Plural(
            one="{provider}: {count} incidente", other="{provider}: {count} incidentes"
        ),
        Phrase.DIGEST_TITLE: Plural(one="Resumo: {count} incidente", other="Resumo: {count} incidentes"),
        Phrase.QUIET_TITLE: Plural(
            one="Durante o horário de silêncio deste canal: {count} incidente",
            other="Durante o horário de silêncio deste canal: {count} incidentes",
        ),
        Phrase.CAP_TITLE: Plural(
            one="{count} incidente retido (máximo de mensagens por hora: {limit})",
            other="{count} incidentes retidos (máximo de mensagens por hora: {limit})",
        ),
        Phrase.OVER_COUNT: Plural(one="{count} encerrado", other="{count} encerrados"),
        Phrase.MAYBE_DOUBLED: "talvez duplicado",
        Phrase.CHAT_AWAY: "{chat} está inacessível desde {time}",
        Phrase.MINUTES: "{minutes} min",
        Phrase.HOURS: "{hours} h {minutes:02} min",
        Phrase.DAYS: "{days} d {hours:02} h",
    },
)
