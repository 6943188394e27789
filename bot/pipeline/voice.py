"""How we speak in each channel: names of providers, language and zone, which roles are called, whom a chat stands in for.

Asked by the outbox and by what sends for it; the words themselves are in `bot.domain.present` and `bot.domain.gather`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, tzinfo

from bot.domain import gather
from bot.domain.card import Card, Section
from bot.domain.channels import Manners
from bot.domain.conversation import Conversation, Step
from bot.domain.failover import ChatHealth, stands_in_for
from bot.domain.gather import Waiting
from bot.domain.incident import Incident
from bot.domain.phrases import Phrase, say
from bot.domain.present import clock_words, present
from bot.domain.routing import mentions_for
from bot.domain.rules import Rules
from bot.ports import Limiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """`rules` and `health` are asked anew each time: both change while we speak. `zone` serves channels that name none."""

    names: Mapping[str, str]
    zone: tzinfo = UTC
    rules: Callable[[], Rules] = Rules
    health: Callable[[], Mapping[str, ChatHealth]] = dict
    limiter: Limiter | None = None

    def manners(self, channel: str) -> Manners:
        """How the channel ("chat:id") wants to be spoken to."""
        rules = self.rules()
        usual = rules.usual if rules.usual.zone == self.zone else replace(rules.usual, zone=self.zone)
        return rules.manners.get(channel, usual)

    def card(self, step: Step, incident: Incident, talk: Conversation) -> Card:
        """The card of a step for one incident."""
        manners = self.manners(talk.channel)
        card = present(step, incident, names=self.names, zone=manners.zone, language=manners.language)
        if card.pin and not manners.pins:
            card = replace(card, pin=None)
        if step.key == talk.repeats:
            words = (card.footer, say(manners.language, Phrase.MAYBE_DOUBLED))
            card = replace(card, footer=" · ".join(filter(None, words)))
        note = self._note(talk.channel, manners) if step.is_headline else ""
        return replace(card, sections=(Section(text=note), *card.sections)) if note else card

    def stands_in(self, channel: str) -> str:
        """The chat that is away and in whose place the channel speaks, or nothing."""
        away = stands_in_for(channel, self.rules().groups, self.health())
        return away[0] if away else ""

    def many(self, incidents: Sequence[Incident], step: Step, talk: Conversation) -> Card:
        """The card of a message for many incidents."""
        manners = self.manners(talk.channel)
        return gather.card(
            incidents,
            step.why,
            names=self.names,
            language=manners.language,
            limit=manners.posts_per_hour,
            is_quiet=step.is_quiet,
        )

    async def roles(self, chosen: Sequence[Waiting]) -> tuple[str, ...]:
        """Whom the message calls: the roles of the routes that were not called before, as often as the channel bears."""
        channel, rules = chosen[0].talk.channel, self.rules()
        wanted = [
            role
            for waiting in chosen
            if waiting.step.rings
            for role in mentions_for(waiting.incident, channel, rules)
            if role not in waiting.talk.called
        ]
        if not wanted or self.limiter is None:
            return tuple(dict.fromkeys(wanted))
        most = self.manners(channel).mentions_per_hour
        wait = await self.limiter.take(f"mentions:{channel}", most / 3_600, most) if most else timedelta(1)
        return () if wait else tuple(dict.fromkeys(wanted))

    def _note(self, channel: str, manners: Manners) -> str:
        away = stands_in_for(channel, self.rules().groups, self.health())
        if away is None:
            return ""
        chat, since = away
        at = clock_words(since, manners.zone)
        kind, _, workspace = chat.partition("-")
        name = kind.capitalize() + (f" ({workspace})" if workspace else "")
        return say(manners.language, Phrase.CHAT_AWAY, chat=name, time=at)
