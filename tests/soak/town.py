"""The town that is stormed: three workers, a store with replicas and sentinels, two chats and the pages, all on loopback.

The workers reach the chats through doors that can be slammed.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.discord import CHANNEL, FakeDiscord
from tests.fakes.discord import readable as readable_on_discord
from tests.fakes.feeds import FeedServer
from tests.fakes.slack import FakeSlack
from tests.fakes.store_servers import Door, Watched, watched
from tests.scenarios.worker import Worker
from tests.soak.audit import Post
from tests.soak.story import Story

SLACK_CHANNELS = ("C1", "C2")
CONFIG = """\
[fogbell]
data = "./data"
log = "json"

[store]
url = "{store}"

[console]
port = 0

[chat.slack]
bot_token = {{ env = "SOAK_SLACK" }}
api_url = "{slack}"

[chat.discord]
token = {{ env = "SOAK_DISCORD" }}
api_url = "{discord}"
gateway_url = "{gateway}"

[[group]]
name = "all"
channels = [{channels}]

[[route]]
to = ["all"]
{sources}"""
SOURCE = """
[[source]]
name = "{name}"
url = "{url}"
format = "statuspage"
every = "3s"
live_every = "2s"
allow_private = true
"""


@dataclass
class Town:
    """All that runs. `first` holds each Discord message as it was posted."""

    folder: Path
    story: Story
    slack: FakeSlack
    discord: FakeDiscord
    feeds: FeedServer
    store: Watched
    doors: dict[str, Door]
    workers: list[Worker | None] = field(default_factory=list)
    first: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def publish(self, pages: Iterable[str]) -> None:
        """Serve these pages as the story has them now."""
        for page in pages:
            self.feeds.serve(f"/{page}/api/v2/incidents.json", self.story.body(page))

    def start(self, number: int) -> None:
        """Start a worker that does not run."""
        folder = self.folder / f"worker-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fogbell.toml").write_text(self._config())
        words = ("run", "--config", str(folder / "fogbell.toml"))
        secrets = {"SOAK_SLACK": self.slack.bot_token, "SOAK_DISCORD": self.discord.token}
        self.workers[number] = Worker(folder, *words, environ=secrets)

    def kill(self, number: int) -> None:
        """kill -9."""
        worker = self.workers[number]
        if worker is not None:
            worker.__exit__()
        self.workers[number] = None

    def signal(self, number: int, what: int) -> None:
        """Freeze or wake a worker."""
        worker = self.workers[number]
        if worker is not None and worker.process.poll() is None:
            worker.process.send_signal(what)

    def died(self) -> list[int]:
        """The workers that ended by themselves."""
        return [n for n, w in enumerate(self.workers) if w is not None and w.process.poll() is not None]

    async def mend(self) -> None:
        """End whatever trouble was under way: all run, nothing is cut, the store is whole."""
        for chat, url in (("slack", self.slack.api_url), ("discord", self.discord.api_url)):
            self.doors[chat].lead_to(_port(url))
        for server in self.store.data:
            if server.process is None or server.process.poll() is not None:
                await server.start()
        for number, worker in enumerate(self.workers):
            self.signal(number, signal.SIGCONT)
            if worker is None:
                self.start(number)

    def posts(self) -> dict[str, list[Post]]:
        """What each channel holds."""
        found = {f"slack:{name}": self._on_slack(name) for name in SLACK_CHANNELS}
        return found | {f"discord:{CHANNEL}": self._on_discord()}

    def _on_slack(self, name: str) -> list[Post]:
        return [
            Post(
                at=datetime.fromtimestamp(float(m.ts), UTC),
                first=m.was[0] if m.was else m.text,
                text=m.text,
                thread=m.thread_ts,
                key=str(((m.metadata or {}).get("event_payload") or {}).get("key", "")),
            )
            for m in self.slack.channels[name].messages
            if m.subtype is None
        ]

    def _on_discord(self) -> list[Post]:
        found = []
        for room in self.discord.rooms.values():
            for message in room.messages.values():
                at, first = self.first.get(message["id"], (None, ""))
                if at is not None:
                    thread = room.id if room.parent else None
                    found.append(
                        Post(
                            at=at,
                            first=first,
                            text=readable_on_discord(message),
                            thread=thread,
                            key=_ref(first),
                        )
                    )
        return found

    def note(self, message: dict[str, Any]) -> None:
        """Discord took a message."""
        self.first[message["id"]] = (datetime.now(UTC), readable_on_discord(message))

    def _config(self) -> str:
        channels = [f"slack:{name}" for name in SLACK_CHANNELS] + [f"discord:{CHANNEL}"]
        urls = {name: f"http://127.0.0.1:{door.port}" for name, door in self.doors.items()}
        sources = "".join(
            SOURCE.format(name=page, url=self.feeds.url(f"/{page}/api/v2/incidents.json"))
            for page in self.story.pages
        )
        return CONFIG.format(
            store=self.store.url,
            slack=f"{urls['slack']}/api/",
            discord=f"{urls['discord']}{_path(self.discord.api_url)}",
            gateway=f"ws://127.0.0.1:{self.doors['discord'].port}{_path(self.discord.gateway_url)}",
            channels=", ".join(json.dumps(c) for c in channels),
            sources=sources,
        )


@asynccontextmanager
async def town(folder: Path, story: Story, workers: int) -> AsyncIterator[Town]:
    """The town, with its pages served and all workers started; everything is ended when the context ends."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack())
        discord = await stack.enter_async_context(FakeDiscord())
        feeds = await stack.enter_async_context(FeedServer())
        store = await stack.enter_async_context(watched(folder / "store", is_careful=True))
        doors = {
            "slack": await stack.enter_async_context(Door(_port(slack.api_url))),
            "discord": await stack.enter_async_context(Door(_port(discord.api_url))),
        }
        found = Town(folder, story, slack, discord, feeds, store, doors)
        discord.on_post = found.note
        found.publish(story.pages)
        found.workers = [None] * workers
        for number in range(workers):
            found.start(number)
        try:
            yield found
        finally:
            for number in range(workers):
                found.signal(number, signal.SIGCONT)
                found.kill(number)
            await asyncio.sleep(0.1)


def _port(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def _path(url: str) -> str:
    return "/" + "/".join(url.split("/")[3:])


def _ref(text: str) -> str:
    """The ref at the end of a footer."""
    return text.rpartition("ref ")[2].split()[0] if "ref " in text else ""
