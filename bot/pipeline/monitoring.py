"""Takes up the sources that people add by commands, on every worker, and lets go of those they remove."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from datetime import timedelta

from bot.pipeline.pool import Pool
from bot.pipeline.watch import Watch
from bot.ports import Clock, Monitor, Monitors
from bot.sources import FORMATS
from bot.sources.payload import SourceSpec

EVERY_SECONDS = 5.0


class Monitoring:
    """Compares what people want watched with what the pool watches. `watch` makes a source's watch.

    `names` is what people call each provider; a page that was added brings its title, unless the operator gave one.
    """

    def __init__(
        self,
        monitors: Monitors,
        pool: Pool,
        clock: Clock,
        watch: Callable[[SourceSpec], Watch],
        names: MutableMapping[str, str],
    ) -> None:
        self._monitors = monitors
        self._pool = pool
        self._clock = clock
        self._watch = watch
        self._names = names
        self._given = frozenset(names)
        self._taken: dict[str, Monitor] = {}

    async def run(self) -> None:
        """Compare at once and every few seconds, until cancelled."""
        while True:
            await self.once()
            await self._clock.sleep(EVERY_SECONDS)

    def configured(self, sources: Collection[str], names: Mapping[str, str]) -> None:
        """The operator now names these sources, and calls providers by these names: both stand above what people added."""
        self._given = frozenset(names)
        for name in self._taken.keys() & set(sources):
            del self._taken[name]

    async def once(self) -> None:
        """One comparison. Raises StoreError."""
        wanted = {monitor.name: monitor for monitor in await self._monitors.all()}
        configured = {spec.name for spec in self._pool.specs} - self._taken.keys()
        for name in self._taken.keys() - wanted.keys():
            self._pool.remove(name)
            del self._taken[name]
        for name, monitor in wanted.items():
            # The operator's word stands above a command's: a configured source of that name stays.
            if name not in configured and self._taken.get(name) != monitor and monitor.format in FORMATS:
                self._pool.add(self._watch(spec_of(monitor)))
                self._taken[name] = monitor
                if monitor.title and monitor.provider not in self._given:
                    self._names[monitor.provider] = monitor.title


def spec_of(monitor: Monitor) -> SourceSpec:
    """The source that a person asked for; it may not lead inside."""
    return SourceSpec(
        name=monitor.name,
        provider=monitor.provider,
        url=monitor.url,
        format=monitor.format,
        every=timedelta(seconds=monitor.every_s),
        is_from_people=True,
    )
