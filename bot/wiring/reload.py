"""A changed configuration, taken up while the worker runs: on SIGHUP, and when the file of a secret changes.

With a mistake in it the old one stays, whole. Rules are swapped between two steps of the event loop, so that nobody sees half
of them; what is bound to connections (the store, the page's address, the set of chats) is named as waiting for a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from bot import config as settings
from bot import telemetry
from bot.config import Config, Secret
from bot.errors import ConfigError, StoreError
from bot.notices.draft import Drafts
from bot.pipeline.pool import sisters_of
from bot.telemetry import Event, log
from bot.wiring.app import App
from bot.wiring.build import drafts_of
from bot.wiring.chats import listeners, workspaces
from bot.wiring.crew import Crew

LOOK_SECONDS = 60.0  # at the files of secrets


class Reloader:
    """`reread` gives the configuration as it is on disk now; `asked` is set when somebody wants that."""

    def __init__(
        self, app: App, crew: Crew, reread: Callable[[], Config], asked: asyncio.Event, *, every: float = LOOK_SECONDS
    ) -> None:  # fmt: skip
        self._app = app
        self._crew = crew
        self._reread = reread
        self._asked = asked
        self._every = every
        self._seen = _stamps(app.config.secret_files)

    async def run(self) -> None:
        """Wait to be asked, or for a secret to change, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._asked.wait()
            except TimeoutError:
                if _stamps(self._app.config.secret_files) == self._seen:
                    continue
            self._asked.clear()
            await self.once()

    async def once(self) -> bool:
        """Read it again and take it up; False when it has mistakes, which are logged."""
        # Before the reading: what changes while we read is seen the next time.
        stamps = _stamps(self._app.config.secret_files)
        try:
            config = await asyncio.to_thread(self._reread)
            drafts = drafts_of(config)
        except ConfigError as exc:
            log().error(Event.RELOAD_REFUSED, mistakes=exc.problems)
            return False
        same_files = config.secret_files == self._app.config.secret_files
        self._seen = stamps if same_files else _stamps(config.secret_files)
        await self._take_up(config, drafts)
        return True

    async def _take_up(self, config: Config, drafts: Drafts) -> None:
        app, before = self._app, self._app.config
        waiting = waiting_for_restart(before, config)
        self._swap_rules(config, drafts)
        sources = self._swap_sources(config)
        checks = await self._swap_checks(config)
        tokens = await self._renew(before, config)
        app.config = config
        log().warning(
            Event.RELOADED, sources=sources, checks=checks, tokens=tokens, waiting_for_a_restart=waiting, notes=config.warnings
        )  # fmt: skip
        app.changed.set()
        try:
            await app.sweep.once()  # open incidents are seen by the new rules at once
        except StoreError as exc:
            log().warning(
                Event.LOOP_CRASHED, loop="sweep", error=repr(exc)
            )  # its own turn comes within minutes

    def _swap_rules(self, config: Config, drafts: Drafts) -> None:
        """No await in here: whoever reads sees the old rules or the new ones."""
        app, rules = self._app, settings.rules(config)
        for slug in dict(app.rules.names).keys() - dict(rules.names).keys():
            app.names.pop(slug, None)
        app.names.update(rules.names)
        app.rules = app.ingest.rules = app.dispatcher.rules = rules
        app.dispatcher.drafts = drafts
        app.tempo.take_up(rules.services, sisters_of(settings.clouds(config)))
        app.overview.take_up(rules.services, settings.checks(config))

    def _swap_sources(self, config: Config) -> int:
        """Gives how many came, went or changed. Pages that people added stay, but where the file names one of that name."""
        sources, pool = self._app.sources, self._app.pool
        wanted = {spec.name: spec for spec in settings.sources(config)}
        held = {spec.name: spec for spec in pool.specs if not spec.is_from_people}
        gone = held.keys() - wanted.keys()
        fresh = [spec for name, spec in wanted.items() if held.get(name) != spec]
        for name in gone:
            pool.remove(name)
        for spec in fresh:
            pool.add(sources.watch(spec))
        sources.monitoring.configured(wanted.keys(), dict(settings.rules(config).names))
        return len(gone) + len(fresh)

    async def _swap_checks(self, config: Config) -> int:
        app = self._app
        held = {probe.check.name: probe for probe in app.probes}
        wanted = {check.name: check for check in settings.checks(config)}
        changed = {
            n
            for n in held.keys() | wanted.keys()
            if n not in wanted or n not in held or held[n].check != wanted[n]
        }
        await self._crew.end(*(f"check:{name}" for name in changed))
        for name in held.keys() - wanted.keys():
            telemetry.forget_check(name)
        fresh = {name: app.probe_of(wanted[name]) for name in wanted.keys() & changed}
        app.probes = tuple(fresh.get(name) or held[name] for name in wanted)
        for name, probe in fresh.items():
            self._crew.begin(f"check:{name}", probe.run)
        return len(changed)

    async def _renew(self, before: Config, config: Config) -> list[str]:
        """Give the chats their new tokens, and let those listen anew that hear with them; gives whose changed."""
        app, renewed = self._app, []
        bots, ears = _tokens(before), _ears(before)
        for name, token in _tokens(config).items():
            chat = app.chats.get(name)
            if name in bots and chat is not None and bots[name] != token:
                chat.renew(token.reveal())  # type: ignore[attr-defined]  # of those that have tokens, not of the port
                renewed.append(name)
        loops = listeners(config, app.chats, app.dispatcher, app.leases) if app.hears else {}
        for name in {n for n, ear in _ears(config).items() if n in ears and ears[n] != ear} & loops.keys():
            await self._crew.end(name)
            self._crew.begin(name, loops[name])
            renewed.append(f"{name} (listening)")
        if config.console.token != before.console.token:
            app.use_console_token(config.console.token.reveal() if config.console.token else None)
            renewed.append("console")
        for name in renewed:
            log().warning(Event.CHAT_RENEWED, chat=name)
        return renewed


def waiting_for_restart(before: Config, after: Config) -> list[str]:
    """The tables and settings that changed and cannot be taken up while we run."""
    found = ["store"] if before.store != after.store else []
    for table, alive in (("fogbell", {"operators"}), ("console", {"token"})):
        old, new = getattr(before, table), getattr(after, table)
        names = type(old).model_fields.keys() - alive
        found += [f"{table}.{name}" for name in sorted(names) if getattr(old, name) != getattr(new, name)]
    return found + _chats_waiting(before, after)


def _chats_waiting(before: Config, after: Config) -> list[str]:
    """Chats that came, went, or changed in more than a token."""
    old, new = _connections(before), _connections(after)
    return [f"chat.{name}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]


def _connections(config: Config) -> dict[str, object]:
    """What each chat is connected with, but for what can be renewed."""
    kept: dict[str, object] = {
        name: space.model_copy(update={"bot_token": None, "app_token": space.app_token is not None})
        for name, space in workspaces(config).items()
    }
    if discord := config.chat.discord:
        kept["discord"] = discord.model_copy(update={"token": None})
    return kept | {"apprise": config.chat.apprise, "webhook": config.chat.webhook}


def _tokens(config: Config) -> Mapping[str, Secret]:
    """What each chat speaks with."""
    found = {name: space.bot_token for name, space in workspaces(config).items()}
    return {**found, **({"discord": config.chat.discord.token} if config.chat.discord else {})}


def _ears(config: Config) -> Mapping[str, Secret | None]:
    """What each chat listens with."""
    found: dict[str, Secret | None] = {name: space.app_token for name, space in workspaces(config).items()}
    return {**found, **({"discord": config.chat.discord.token} if config.chat.discord else {})}


def _stamps(files: Collection[Path]) -> dict[Path, tuple[int, int, int] | None]:
    """What tells one state of a file from the next. Kubernetes swaps a link: the file behind it is another one then."""
    found: dict[Path, tuple[int, int, int] | None] = {}
    for path in files:
        try:
            about = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (about.st_mtime_ns, about.st_ino, about.st_size)
    return found
