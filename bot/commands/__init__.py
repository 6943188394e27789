"""The commands, listed by hand: each is one function, and every front end offers all of them from this tuple."""

from __future__ import annotations

from bot.commands.help import help_
from bot.commands.incidents import ack, list_, show, silence
from bot.commands.monitors import monitor
from bot.commands.notices import draft
from bot.commands.outbox import outbox
from bot.commands.routes import routes
from bot.commands.services import status
from bot.commands.spec import Command

COMMANDS: tuple[Command, ...] = (status, list_, show, ack, silence, routes, outbox, draft, monitor, help_)
