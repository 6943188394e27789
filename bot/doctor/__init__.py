"""`fogbell doctor`: tries everything that a configuration names, and says what does not work and what to do about it.

Each part is a file here and yields findings; nothing is changed, posted or stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot import net
from bot.config import Config
from bot.doctor import chats, feeds, ground
from bot.doctor.finding import Finding, Level, warn

__all__ = ["Finding", "Level", "diagnose"]


async def diagnose(config: Config, *, probe_network: bool = True) -> AsyncIterator[Finding]:
    """Findings, as they come: the data folder, templates and the store; with `probe_network` also feeds and chats."""
    for warning in config.warnings:
        yield warn(warning, "see docs/configuration.md")
    yield ground.data_folder(config.fogbell.data)
    yield ground.templates(config.notices)
    async for finding in ground.store(config):
        yield finding
    if not probe_network:
        return
    async with net.open_session(contact=config.fogbell.contact) as session:
        async for finding in feeds.examine(config, session):
            yield finding
        async for finding in chats.examine(config, session):
            yield finding
