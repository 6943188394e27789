"""All together: `build` makes the parts from the configuration, in one straight line, and `run` keeps their loops alive.

Nothing else chooses an implementation. Chats' libraries are imported only where the configuration names the chat.
"""

from bot.wiring.app import App, Options
from bot.wiring.build import build
from bot.wiring.run import run

__all__ = ["App", "Options", "build", "run"]
