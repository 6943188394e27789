"""What goes wrong in the town, by a seed: one trouble after the other, each with its own end. All of it is logged."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.fakes import slack
from tests.fakes.feeds import status
from tests.soak.town import Town

EVERY_S = (4.0, 14.0)


class Chaos:
    """Makes trouble until it is cancelled. `done` counts the troubles by name."""

    def __init__(self, town: Town, seed: int, say: Callable[[str], None]) -> None:
        self.done: Counter[str] = Counter()
        self._town = town
        self._dice = random.Random(seed + 1)
        self._say = say
        self._troubles: list[tuple[float, str, Callable[[], Awaitable[None]]]] = [
            (5, "kill -9 a worker", self._kill),
            (3, "freeze a worker", self._freeze),
            (4, "cut the connections to Slack", lambda: self._cut("slack")),
            (4, "cut the connections to Discord", lambda: self._cut("discord")),
            (3, "429s of Slack", lambda: self._fail_slack(slack.rate_limited(2), 4)),
            (3, "lost replies of Slack", lambda: self._fail_slack(slack.drop_after(), 2)),
            (2, "half replies of Slack", lambda: self._fail_slack(slack.cut_mid_body(), 2)),
            (2, "500s of Slack", lambda: self._fail_slack(slack.server_error(), 5)),
            (1, "a hanging Slack", lambda: self._fail_slack(slack.delay(20), 2)),
            (3, "lost replies of Discord", lambda: self._fail_discord("drop_after", 2)),
            (2, "500s of Discord", lambda: self._fail_discord("500", 4)),
            (2, "429s of Discord", lambda: self._fail_discord("429", 3)),
            (2, "feeds that fail", self._feeds),
            (2, "kill -9 the store's master", self._master),
            (0.7, "restart everything", self._everything),
        ]

    async def run(self) -> None:
        """One trouble after the other."""
        while True:
            await asyncio.sleep(self._dice.uniform(*EVERY_S))
            weights = [weight for weight, _, _ in self._troubles]
            ((_, name, trouble),) = self._dice.choices(self._troubles, weights)
            self.done[name] += 1
            self._say(name)
            await trouble()

    def _one(self) -> int:
        return self._dice.randrange(len(self._town.workers))

    async def _kill(self) -> None:
        number = self._one()
        self._town.kill(number)
        await asyncio.sleep(self._dice.uniform(0, 8))
        self._town.start(number)

    async def _freeze(self) -> None:
        """Longer than a lease, half of the time: it must not write when it wakes."""
        number = self._one()
        self._town.signal(number, signal.SIGSTOP)
        await asyncio.sleep(self._dice.choice((5, 15, 35, 50)))
        self._town.signal(number, signal.SIGCONT)

    async def _cut(self, chat: str) -> None:
        door = self._town.doors[chat]
        target = door.leads_to
        door.lead_to(0)  # nobody listens there
        await asyncio.sleep(self._dice.choice((0, 0, 3, 20)))
        door.lead_to(target)

    async def _fail_slack(self, fault: slack.Fault, times: int) -> None:
        for _ in range(times):
            method = self._dice.choice(("chat.postMessage", "chat.postMessage", "chat.update"))
            self._town.slack.fail_next(method, fault)

    async def _fail_discord(self, kind: str, times: int) -> None:
        for _ in range(times):
            route = self._dice.choice(("create_message", "create_message", "edit_message"))
            self._town.discord.fail_next(route, kind)

    async def _feeds(self) -> None:
        for page in self._town.story.pages:
            self._town.feeds.fail(f"/{page}/api/v2/incidents.json", status(503), times=3)

    async def _master(self) -> None:
        """The dead one comes back as a replica."""
        store = self._town.store
        master = await store.master()
        master.die()
        await asyncio.sleep(self._dice.uniform(3, 8))
        await master.start()
        await asyncio.sleep(4)

    async def _everything(self) -> None:
        for number in range(len(self._town.workers)):
            self._town.kill(number)
        await asyncio.sleep(self._dice.uniform(0, 5))
        for number in range(len(self._town.workers)):
            self._town.start(number)
