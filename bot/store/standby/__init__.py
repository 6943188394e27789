"""What happens while a store of your own is down: the last leader goes on with a small store beside it, and brings it back.

`standby` decides when, `mirror` keeps the copy, `switch` turns every part of the worker to it and back, `carry` brings home
what happened meanwhile by the rules of `merging`, and `ports` holds the two ports that must know. Wired by `bot.wiring`.
"""

from bot.store.standby.ports import StandbyLeases, StandbyOutbox
from bot.store.standby.standby import Patience, Standby, Word

__all__ = ["Patience", "Standby", "StandbyLeases", "StandbyOutbox", "Word"]
