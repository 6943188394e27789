"""A changed configuration is taken up while the worker runs; a wrong one changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.config import Config, load
from bot.domain.incident import Closure, Incident
from bot.domain.observation import Place
from bot.ports import Monitor
from bot.tasks import end
from bot.wiring import App, Options, build
from bot.wiring.crew import Crew
from bot.wiring.reload import Reloader
from tests.build import at, said, sighting

BASE = """
[console]
port = 0
[[source]]
name = "acme"
title = "Acme Cloud"
url = "http://127.0.0.1:9/acme"
format = "statuspage"
[[service]]
name = "shop"
needs = ["acme/db"]
[[check]]
name = "front"
url = "http://127.0.0.1:9/front"
[[group]]
name = "ops"
channels = ["terminal:main"]
[[route]]
to = ["ops"]
"""


@dataclass
class Stage:
    """A built worker whose file can be rewritten; its loops do not run, but for checks that came."""

    app: App
    folder: Path
    store: str
    reloader: Reloader
    asked: asyncio.Event

    def write(self, text: str) -> None:
        (self.folder / "fogbell.toml").write_text(text)

    async def reload(self, text: str) -> tuple[bool, dict[str, Any]]:
        """Whether it was taken up, and the line of the log that says so."""
        self.write(text)
        with structlog.testing.capture_logs() as lines:
            ok = await self.reloader.once()
        (line,) = (dict(li) for li in lines if li["event"] in {"config.reloaded", "config.refused"})
        return ok, line

    @property
    def watched(self) -> list[str]:
        return sorted(spec.name for spec in self.app.pool.specs)


@asynccontextmanager
async def stage(folder: Path, redis_url: str, text: str = BASE, every: float = 60.0) -> AsyncIterator[Stage]:
    def reread() -> Config:
        now = (folder / "fogbell.toml").read_text()
        return load(f'{now}\n[store]\nurl = "{redis_url}"\n', {}, base=folder)

    (folder / "fogbell.toml").write_text(text)
    asked = asyncio.Event()
    async with build(reread(), Options(terminal=StringIO(), paces={})) as app, asyncio.TaskGroup() as tasks:
        crew = Crew(tasks)
        try:
            yield Stage(app, folder, redis_url, Reloader(app, crew, reread, asked, every=every), asked)
        finally:
            await crew.end(*crew.others(()))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_file_with_mistakes_changes_nothing_and_they_are_named(
    tmp_path: Path, redis_url: str
) -> None:
    async with stage(tmp_path, redis_url) as worker:
        before = worker.app.config

        ok, line = await worker.reload(BASE.replace('to = ["ops"]', 'to = ["nobody"]'))

        assert not ok
        assert "nobody" in str(line["mistakes"])
        assert worker.app.config is before
        assert worker.app.ingest.rules is worker.app.rules


async def test_sources_checks_services_and_names_come_go_and_change(tmp_path: Path, redis_url: str) -> None:
    changed = (
        BASE.replace('title = "Acme Cloud"', 'title = "Acme"')
        .replace('name = "shop"', 'name = "till"')
        .replace('name = "front"', 'name = "back"')
        + '\n[[source]]\nname = "second"\nurl = "http://127.0.0.1:9/second"\nformat = "statuspage"\n'
    )
    async with stage(tmp_path, redis_url) as worker:
        app = worker.app
        kept = app.pool.watches[0]

        ok, line = await worker.reload(changed)
        both, is_kept = worker.watched, app.pool.watches[0] is kept
        state = await app.overview.snapshot()
        checks, names = [probe.check.name for probe in app.probes], dict(app.names)
        services = [service.name for service in app.dispatcher.rules.services]
        await worker.reload(BASE.replace('name = "acme"', 'name = "other"'))

        assert ok
        assert both == ["acme", "second"]
        assert is_kept, "what did not change goes on as it was"
        assert (line["sources"], line["checks"], line["waiting_for_a_restart"]) == (1, 2, [])
        assert checks == ["back"]
        assert names["acme"] == "Acme"
        assert [s.name for s in state.services] == services == ["till"]
        assert worker.watched == ["other"]
        assert "acme" not in app.names


async def test_open_incidents_are_seen_by_the_new_rules_at_once(tmp_path: Path, redis_url: str) -> None:
    """A second channel hears of what goes on, and severity follows the services."""
    async with stage(tmp_path, redis_url) as worker:
        app = worker.app
        place = Place(provider="acme", component="db")
        await app.ingest.sighting(sighting(0, said("e1", places=(place,), began_at=datetime.now(UTC))))
        before = (await app.incidents.read("acme")).incidents["INC-1"]

        await worker.reload(BASE.replace('["terminal:main"]', '["terminal:main", "console:board"]'))

        after = (await app.incidents.read("acme")).incidents["INC-1"]
        assert before.channels == ("terminal:main",)
        assert after.channels == ("terminal:main", "console:board")


async def test_what_a_source_said_that_is_gone_ends_once_nobody_saw_it_for_a_day(
    tmp_path: Path, redis_url: str
) -> None:
    now = datetime.now(UTC)
    async with stage(tmp_path, redis_url) as worker:
        for provider, age in (("acme", timedelta(days=2)), ("other", timedelta(hours=2))):
            seen = replace(
                sighting(0, said(provider=provider), source=provider), provider=provider, seen_at=now - age
            )
            await worker.app.ingest.sighting(seen)
        assert (await worker.reload(BASE))[0]
        assert [i.closure for i in await every_incident(worker)] == [
            None,
            None,
        ]  # one is known, one was just seen

        await worker.reload(
            BASE.replace('name = "acme"', 'name = "acme-2"').replace("title", 'provider = "x"\ntitle')
        )

        assert [i.closure for i in await every_incident(worker)] == [Closure.UNWATCHED, None]


async def every_incident(worker: Stage) -> list[Incident]:
    ledgers = [await worker.app.incidents.read(p) for p in sorted(await worker.app.incidents.providers())]
    return [i for ledger in ledgers for i in ledger.incidents.values()]


async def test_pages_that_people_added_stay_but_give_way_to_the_file(tmp_path: Path, redis_url: str) -> None:
    async with stage(tmp_path, redis_url) as worker:
        monitor = Monitor(
            name="mine", provider="mine", url="https://mine.example/rss", format="rss", every_s=60, by="Ada", added_at=at(0)
        )  # fmt: skip
        await worker.app.sources.monitors.add(monitor)
        await worker.app.sources.monitoring.once()

        await worker.reload(BASE + "\n")
        stayed = worker.watched
        await worker.reload(
            BASE + '\n[[source]]\nname = "mine"\nurl = "http://127.0.0.1:9/m"\nformat = "statuspage"\n'
        )
        await worker.app.sources.monitors.remove("mine")
        await worker.app.sources.monitoring.once()

        assert stayed == ["acme", "mine"]
        assert worker.watched == ["acme", "mine"], "the file's own is not the people's to remove"
        assert not next(s for s in worker.app.pool.specs if s.name == "mine").is_from_people


async def test_what_needs_a_restart_is_named(tmp_path: Path, redis_url: str) -> None:
    async with stage(tmp_path, redis_url) as worker:
        text = BASE.replace("port = 0", "port = 8099").replace(
            "[console]", '[fogbell]\nlog = "json"\n[console]'
        )

        ok, line = await worker.reload(text + '\n[chat.discord]\ntoken = { file = "t" }\n')
        (tmp_path / "t").write_text("abc")
        ok_now, line = await worker.reload(text + '\n[chat.discord]\ntoken = { file = "t" }\n')

        assert (ok, ok_now) == (False, True), "a secret that cannot be read is a mistake"
        assert line["waiting_for_a_restart"] == ["fogbell.log", "console.port", "chat.discord"]


def test_every_table_is_taken_up_or_said_to_wait() -> None:
    """A new table has to be put on one side: else a reload would quietly leave it."""
    alive = {
        "source",
        "service",
        "check",
        "group",
        "route",
        "calendar",
        "channel",
        "rules",
        "notices",
        "pulse",
    }
    compared = {"fogbell", "store", "console", "chat"}

    assert {f.name for f in fields(Config)} - {"warnings", "secret_files"} == alive | compared


SLACK = '\n[chat.slack]\nbot_token = { file = "bot" }\napp_token = { file = "app" }\napi_url = "http://127.0.0.1:9/"\n'
DISCORD = '\n[chat.discord]\ntoken = { file = "discord" }\napi_url = "http://127.0.0.1:9/"\n'


async def test_a_token_in_a_file_is_renewed_when_the_file_changes(tmp_path: Path, redis_url: str) -> None:
    """As Kubernetes does it: a link to another folder is put in the place of the old one."""
    for day, word in (("one", "old"), ("two", "new")):
        (tmp_path / day).mkdir()
        for name in ("bot", "app", "discord"):
            (tmp_path / day / name).write_text(f"{word}-{name}")
    (tmp_path / "data").symlink_to("one")
    for name in ("bot", "app", "discord"):
        (tmp_path / name).symlink_to(f"data/{name}")
    async with stage(tmp_path, redis_url, BASE + SLACK + DISCORD, every=0.02) as worker:
        slack, discord = (Recorder(worker.app.chats[n]) for n in ("slack", "discord"))
        watching = asyncio.create_task(worker.reloader.run())
        await asyncio.sleep(0.1)
        before = [*slack.renewed, *discord.renewed]

        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "data")
        await until(lambda: bool(slack.renewed and discord.renewed))

        await end([watching])
        assert before == []
        assert (slack.renewed, discord.renewed) == (["new-bot"], ["new-discord"])


class Recorder:
    """Writes down the tokens that a chat is given."""

    def __init__(self, chat: Any) -> None:
        self.renewed: list[str] = []
        self._renew = chat.renew
        chat.renew = self

    def __call__(self, token: str) -> None:
        self.renewed.append(token)
        self._renew(token)


async def test_a_workspace_that_came_waits_and_all_else_is_taken_up(tmp_path: Path, redis_url: str) -> None:
    for name in ("bot", "app"):
        (tmp_path / name).write_text(name)
    async with stage(tmp_path, redis_url) as worker:
        ok, line = await worker.reload(BASE.replace("Acme Cloud", "Acme") + SLACK)

        assert ok
        assert line["waiting_for_a_restart"] == ["chat.slack"]
        assert worker.app.names["acme"] == "Acme"


async def test_a_new_token_of_the_console_ends_the_old_one(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "t").write_text("first-token")
    text = BASE.replace("port = 0", 'port = 0\ntoken = { file = "t" }')
    async with stage(tmp_path, redis_url, text) as worker:
        used: list[str | None] = []
        worker.app.use_console_token = used.append
        (tmp_path / "t").write_text("second-token")

        _, line = await worker.reload(text)

        assert used == ["second-token"]
        assert line["tokens"] == ["console"]


async def test_nothing_secret_is_in_the_log(tmp_path: Path, redis_url: str) -> None:
    for name in ("bot", "app", "discord"):
        (tmp_path / name).write_text(f"secret-{name}")
    async with stage(tmp_path, redis_url, BASE + SLACK + DISCORD) as worker:
        (tmp_path / "bot").write_text("secret-changed")

        _, line = await worker.reload(BASE + SLACK + DISCORD)

        assert line["tokens"] == ["slack"]
        assert "secret-" not in repr(line)


@pytest.mark.slow
async def test_a_worker_hears_of_it_by_the_command(tmp_path: Path) -> None:
    """As processes: the worker takes the change up on `fogbell reload`, and lives on with a mistake in the file."""
    from tests.scenarios.worker import FOGBELL, Worker

    def written(text: str) -> None:
        (tmp_path / "fogbell.toml").write_text(text)

    async def asked() -> int:
        done = await asyncio.create_subprocess_exec(FOGBELL, "reload", cwd=tmp_path, env=dict(os.environ))
        return await done.wait()

    written(BASE)
    with Worker(tmp_path, "run") as worker:
        await worker.console()
        written(BASE.replace('name = "acme"', 'name = "other"'))
        statuses = [await asked()]
        await until(lambda: "config.reloaded" in worker.err.read_text())
        written("[nonsense]")
        statuses.append(await asked())
        worker.process.send_signal(1)  # SIGHUP, as systemd would send it
        await until(lambda: "config.refused" in worker.err.read_text())
        code = await worker.ends(15)
    written(BASE)
    statuses.append(await asked())

    assert statuses == [0, 2, 1]
    assert code == 0
