"""The search: every state that can be reached, each judged; a violation is shown with the way that leads to it.

From each state it is also followed what happens when nothing more goes wrong: it must come to rest, with the promise kept.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from bot.domain.digests import headline_digest, updates_digest
from tests.model.steps import Violation, moves
from tests.model.town import FAULTS, IDLE, NOBODY, NOTHING, State, Town

STATES_MAX = 1_500_000
QUIET = (0,) * len(FAULTS)


@dataclass(slots=True)
class Explored:
    """What was seen. `ends` are the states in which nothing is left to do."""

    states: int = 0
    moves: int = 0
    ends: int = 0
    violation: str = ""
    trace: list[str] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = f"{self.states} states, {self.moves} moves, {self.ends} ends"
        return told if not self.violation else "\n  ".join([f"{self.violation}; {told}", *self.trace])


def explore(town: Town, start: State) -> Explored:
    """All that can come of this state, breadth first, so that a violation is shown by a shortest way."""
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    waiting, seen = deque([start]), Explored()
    rests: dict[State, str] = {}
    while waiting:
        state = waiting.popleft()
        try:
            followers = [(name, _canonical(after)) for name, after in moves(town, state)]
            _judge(town, state)
            _calms_down(town, state, rests)
        except Violation as exc:
            seen.violation, seen.trace = str(exc), _way(came_from, state)
            break
        seen.ends += not _goes_on(followers, state)
        seen.moves += len(followers)
        for name, after in followers:
            if after not in came_from:
                came_from[after] = (state, name)
                waiting.append(after)
                seen.happened[_kind(name)] += 1
        if len(came_from) > STATES_MAX:
            raise AssertionError(f"more than {STATES_MAX} states")
    seen.states = len(came_from)
    return seen


def _kind(name: str) -> str:
    """The move without who made it and what it was about."""
    words = name.partition(":")[0].split()
    return " ".join(w for w in words if not w.isdigit())


def _goes_on(followers: list[tuple[str, State]], state: State) -> bool:
    return any(after.left == state.left for _, after in followers)


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    names = []
    while (step := came_from[state]) is not None:
        state, name = step
        names.append(name)
    return names[::-1]


def _canonical(state: State) -> State:
    """The same state with its tokens numbered anew, in their order, and its workers, who are alike, in theirs."""
    conv, backup = state.conv, state.backup
    live = [w.token for w in state.workers]
    settled = conv.settled if conv.settled in (conv.token, *live) else NOBODY
    conv = conv._replace(settled=settled)
    used = {conv.token, settled, *live, state.fence, max(conv.recheck, 0)}
    if backup is not None:
        used |= {backup.conv.token, backup.conv.settled, backup.fence, max(backup.conv.recheck, 0)}
    order = {token: rank for rank, token in enumerate(sorted(used | {NOBODY}))}
    order[-1] = -1
    if backup is not None:
        held = backup.conv
        held = held._replace(
            token=order[held.token], settled=order[held.settled], recheck=order[held.recheck]
        )
        backup = backup._replace(conv=held, fence=order[backup.fence])
    workers = sorted(w._replace(token=order[w.token]) for w in state.workers)
    conv = conv._replace(token=order[conv.token], settled=order[settled], recheck=order[conv.recheck])
    return state._replace(conv=conv, fence=order[state.fence], workers=tuple(workers), backup=backup)


def _judge(town: Town, state: State) -> None:
    """What must hold at all times."""
    doubted = state.doubts
    told = Counter(u for m in state.chat for u in m.first)
    for name, count in told.items():
        if count > 1 + doubted and not _moved(state):
            raise Violation(f"{name} was told {count} times")
    keys = Counter(m.key for m in state.chat)
    if not doubted and any(count > 1 for count in keys.values()):
        raise Violation("one key names two messages")
    order = [u.id for u in town.versions[-1].updates]
    firsts = [order.index(m.first[0]) for m in state.chat if m.first and not m.is_headline]
    if not doubted and firsts != sorted(firsts):
        raise Violation("updates came out of order")


def _moved(state: State) -> bool:
    """After a fail-over that lost a commit, what was told of it is judged at rest: the truth itself went back for a moment."""
    return state.backup is not None and state.backup.truth < 0


def _calms_down(town: Town, state: State, rests: dict[State, str]) -> None:
    """Nothing more goes wrong from here on: the workers come to rest, and the promise is kept."""
    path: list[State] = []
    here = state._replace(left=QUIET)
    while here not in rests:
        if here in path[-200:]:
            raise Violation("it never comes to rest")
        path.append(here)
        following = next(iter(moves(town, here)), None)
        if following is None:
            rests[here] = _wrong(town, here)
            break
        here = _canonical(following[1])
    verdict = rests[here]
    rests.update(dict.fromkeys(path, verdict))
    if verdict:
        raise Violation(f"at rest: {verdict}")


def _wrong(town: Town, state: State) -> str:
    """What of the promise is not kept at rest; empty when all is well."""
    if (
        state.conv.place != IDLE
        or any(w != NOTHING for w in state.workers)
        or state.truth + 1 < len(town.versions)
    ):
        return "it is stuck"
    last, known = town.versions[-1], town.talks[state.conv.talk]
    seen = {u for m in (*state.chat, *state.deleted) for u in (*m.first, *m.shows)}
    headlines = [m for m in state.chat if m.is_headline]
    is_current = any(m.digest == headline_digest(last) for m in headlines)
    was_deleted = any(m.is_headline for m in state.deleted)
    sums_up = is_current or (_moved(state) and was_deleted)
    for one in last.updates:
        if one.id not in seen and not (sums_up and one.id in known.told):
            return f"{one.id} is lost"
    if town.limits.edits and not is_current and not was_deleted:
        return "the headline is stale"
    read = Counter(u for m in state.chat if not m.is_headline for u in m.shows)
    if _moved(state):
        return "an update can be read twice" if any(n > 1 for n in read.values()) else ""
    if state.doubts:
        return ""
    return _stale_replies(town, state)


def _stale_replies(town: Town, state: State) -> str:
    by_id = {u.id: u for u in town.versions[-1].updates}
    for message in state.chat:
        shown = [by_id[u] for u in message.shows if u in by_id]
        if not message.is_headline and message.digest != updates_digest(shown):
            return f"message {message.id} shows an old text"
    return ""
