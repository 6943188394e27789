"""What people are told about a store that is away, as an observation of Fogbell itself: an incident like any other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.observation import WATCHER, Observation, Place, Update
from bot.domain.words import Impact, Kind, Status

SOURCE = "store"  # who says so


def away(since: datetime, back_at: datetime | None = None, left: Sequence[str] = ()) -> Observation:
    """That the store is away since then, or was until `back_at`; of the providers in `left` it refused what was done."""
    key = f"store@{since.isoformat()}"
    gone = Update(
        id=f"{key}#away",
        text="One worker goes on from its own copy: incidents are told as before. What people tell other workers is refused.\n"
        "Bring the store back: what is done meanwhile is carried over by itself.",
        posted_at=since,
    )
    minutes = int((back_at - since).total_seconds() // 60) if back_at else 0
    back = Update(
        id=f"{key}#back",
        text=f"The store is back after {minutes} min, and all that was done meanwhile is in it{_but(left)}.",
        posted_at=back_at,
        status=Status.RESOLVED,
    )
    return Observation(
        provider=WATCHER,
        format="store",
        key=key,
        is_native=True,
        title=f"Fogbell's store is away since {since:%H:%M} UTC",
        status=Status.RESOLVED if back_at else Status.INVESTIGATING,
        impact=Impact.MINOR,
        kind=Kind.BLINDNESS,
        began_at=since,
        ended_at=back_at,
        updated_at=back_at or since,
        places=(Place(provider=WATCHER, component="store"),),
        updates=(gone, back) if back_at else (gone,),
    )


def _but(left: Sequence[str]) -> str:
    """ ", but for acme": what it says of them is older now, or told again."""
    return f", but for what it refused to take: {', '.join(left)}. The log says why" if left else ""
