"""What can happen next in the model: the store's scripts, the worker's steps, the chat's answers, and the faults.

Each function gives (what happened, state after it) for one kind of event. The store's scripts are those of `bot/store/lua`,
each one atomic step; the worker's are those of `bot.pipeline.sending`; the rules are the real ones, asked through `town`.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.conversation import StepKind
from tests.model.town import DUE, FAULTS, IDLE, LEASED, NEW, NOTHING, Backup, Guard, State, Town, Worker

Move = tuple[str, State]


class Violation(Exception):
    """Something happened that must never happen."""


def moves(town: Town, state: State) -> Iterator[Move]:
    """All that can happen next, what goes well first."""
    yield from _arrivals(state)
    yield from _commit(town, state)
    for n in range(len(state.workers)):
        yield from _worker(town, state, n)
    yield from _lease(state)
    yield from _people(state)
    yield from _store(town, state)


def has(state: State, fault: str) -> bool:
    """Whether this fault may still happen."""
    return state.left[FAULTS.index(fault)] > 0


def spent(state: State, fault: str) -> State:
    """With one fault of this kind less to come."""
    at = FAULTS.index(fault)
    return state._replace(left=(*state.left[:at], state.left[at] - 1, *state.left[at + 1 :]))


# ---- the store ----------------------------------------------------------------------------------------------------------


def written(state: State, token: int = 0) -> State:
    """The state after a write that a replica, which stopped to follow, has not got."""
    if state.backup is None:
        return state
    return state._replace(backup=state.backup._replace(writes=state.backup.writes + 1))


def _commit(town: Town, state: State) -> Iterator[Move]:
    """The ledger's next revision, and `wake`."""
    if state.truth + 1 >= len(town.versions):
        return
    conv = state.conv
    is_in_work = conv.place == LEASED
    conv = conv._replace(again=Guard.AGAIN in town.guards) if is_in_work else conv._replace(place=DUE)
    yield f"commit of revision {state.truth + 2}", written(state)._replace(truth=state.truth + 1, conv=conv)


def _claim(town: Town, state: State, n: int) -> Iterator[Move]:
    if state.conv.place != DUE:
        return
    token = state.fence + 1
    conv = state.conv._replace(place=LEASED, token=token)
    must = conv.recheck != 0
    if must:
        conv = conv._replace(recheck=token)
    looks = must and Guard.MUST_LOOK in town.guards
    worker = Worker("look", token, state.truth, conv.talk, conv.attempt, looks)
    yield f"worker {n} claims", placed(written(state)._replace(conv=conv, fence=token), n, worker)


def owns(town: Town, state: State, worker: Worker) -> bool:
    """Whether the store takes a write with this token."""
    return state.conv.token == worker.token or Guard.FENCING not in town.guards


def begun(state: State, worker: Worker, step: int) -> State:
    """The intention is written."""
    return written(state)._replace(conv=state.conv._replace(attempt=step))


def _settle(town: Town, state: State, n: int) -> Iterator[Move]:
    worker, conv = state.workers[n], state.conv
    if not owns(town, state, worker):
        yield f"worker {n} is refused: another owns it", placed(state, n, NOTHING)
        return
    if conv.token != worker.token:
        raise Violation(f"worker {n} wrote with a stale token")
    talk, attempt, is_due = worker.out
    is_due = is_due or (conv.place == DUE and Guard.STAYS_DUE in town.guards)
    after = conv._replace(
        talk=talk,
        attempt=attempt,
        settled=worker.token,
        again=False,
        recheck=0 if conv.recheck == worker.token and not worker.must else conv.recheck,
        place=DUE if is_due or conv.again else IDLE,
    )
    yield f"worker {n} settles", placed(written(state)._replace(conv=after), n, NOTHING)


def _lease(state: State) -> Iterator[Move]:
    """The lease runs out: of a dead holder it surely does, of a living one (frozen, slow) it may."""
    if state.conv.place != LEASED:
        return
    holders = [n for n, w in enumerate(state.workers) if w.token == state.conv.token]
    if holders and not has(state, "expire"):
        return
    after = spent(state, "expire") if holders else state
    for n in holders:
        after = placed(after, n, after.workers[n]._replace(fresh=False))
    yield "the lease runs out", after._replace(conv=state.conv._replace(place=DUE))


def _store(town: Town, state: State) -> Iterator[Move]:
    """A replica stops to follow, and some writes later becomes the master: then everything is marked."""
    if has(state, "failover") and state.backup is None:
        held = Backup(state.truth, state.conv, state.fence)
        yield "a replica stops to follow", spent(state, "failover")._replace(backup=held)
    backup = state.backup
    if backup is None or not 0 < backup.writes <= town.writes_lost or _is_under_way(state, backup):
        return
    conv = backup.conv._replace(recheck=NEW)
    conv = conv._replace(again=True) if conv.place == LEASED else conv._replace(place=DUE)
    fence = state.fence if Guard.FRESH in town.guards else backup.fence
    after = state._replace(truth=backup.truth, conv=conv, fence=fence, backup=Backup(-1, conv, 0, 10**6))
    yield f"fail-over, {backup.writes} writes are lost", after


def _is_under_way(state: State, backup: Backup) -> bool:
    """A call is being made whose claim would be forgotten: WAIT 1 before the call rules that out."""
    holders = [w.token for w in state.workers if w.phase == "call" and w.fresh]
    is_held = backup.conv.place == LEASED and holders == [backup.conv.token]
    return bool(state.late) or bool(holders and not is_held)


# ---- a worker -----------------------------------------------------------------------------------------------------------


def _worker(town: Town, state: State, n: int) -> Iterator[Move]:
    match state.workers[n].phase:
        case "idle":
            yield from _claim(town, state, n)
            return
        case "look":
            yield from _look(town, state, n)
        case "begin":
            yield from _begin(town, state, n)
        case "call":
            yield from _call(town, state, n)
        case "settle":
            yield from _settle(town, state, n)
    if has(state, "crash"):
        yield f"worker {n} dies", placed(spent(state, "crash"), n, NOTHING)


def placed(state: State, n: int, worker: Worker) -> State:
    """The state with that worker there."""
    return state._replace(workers=(*state.workers[:n], worker, *state.workers[n + 1 :]))


def _look(town: Town, state: State, n: int) -> Iterator[Move]:
    """What a claim needs before the next step is planned, and that step."""
    worker = state.workers[n]
    if worker.attempt >= 0 and town.steps[worker.attempt].kind is StepKind.EDIT:
        worker = worker._replace(attempt=-1, talk=town.doubtful(worker.talk))
    if worker.attempt >= 0:
        yield from _look_up(town, state, n, worker.attempt, worker)
    elif worker.must:
        yield from _look_ahead(town, state, n, worker)
    else:
        yield f"worker {n} plans", placed(state, n, _planned(town, state, worker))


def _planned(town: Town, state: State, worker: Worker) -> Worker:
    if Guard.LOOK_ON not in town.guards:
        worker = worker._replace(must=False)
    step, is_doubtful = town.plan(worker.version, worker.talk), town.is_doubtful(worker.talk)
    if step < 0 and is_doubtful and not state.late and Guard.REASSERT in town.guards:
        step = town.reassertion(worker.version, worker.talk)
    if step < 0:
        return worker._replace(phase="settle", out=(worker.talk, -1, is_doubtful and bool(state.late)))
    return worker._replace(phase="begin", step=step)


def _look_ahead(town: Town, state: State, n: int, worker: Worker) -> Iterator[Move]:
    step = town.plan(worker.version, worker.talk)
    if step < 0 or town.steps[step].kind is StepKind.EDIT:
        yield f"worker {n} need not look ahead", placed(state, n, _planned(town, state, worker))
        return
    if not owns(town, state, worker):
        yield f"worker {n} is refused: another owns it", placed(state, n, NOTHING)
        return
    step = town.unknown(step) if Guard.UNKNOWN in town.guards else step
    yield from _look_up(town, begun(state, worker, step), n, step, worker)


def _look_up(town: Town, state: State, n: int, step: int, worker: Worker) -> Iterator[Move]:
    """Ask the chat whether this step arrived."""
    is_attempt = worker.attempt >= 0
    free = worker._replace(attempt=-1)
    if has(state, "blind") or not town.limits.find:
        after = state if not town.limits.find else spent(state, "blind")
        doubted = free._replace(talk=town.doubted(worker.talk), must=False)
        after = after._replace(doubts=after.doubts + 1)
        yield f"worker {n} cannot look it up, ever", placed(after, n, _planned(town, state, doubted))
    if not town.limits.find:
        return
    if has(state, "down"):
        kept = worker._replace(phase="settle", out=(worker.talk, step, True))
        yield f"worker {n} cannot look it up now", placed(spent(state, "down"), n, kept)
    key = town.steps[step].key
    found = next((m for m in state.chat if m.key == key), None)
    if is_attempt and Guard.FIND not in town.guards:
        found = None
    if found is not None:
        yield f"worker {n} finds it", placed(state, n, _found(town, state, free, step, found.id, is_attempt))
    elif Guard.PATIENCE in town.guards and any(m.key == key for m in state.late):
        kept = worker._replace(phase="settle", out=(worker.talk, step, True))
        yield f"worker {n} does not find it yet", placed(state, n, kept)
    elif is_attempt and worker.must:
        yield f"worker {n} does not find it", placed(state, n, free)
    else:
        yield (
            f"worker {n} does not find it",
            placed(state, n, _planned(town, state, free._replace(must=False))),
        )


def _found(town: Town, state: State, worker: Worker, step: int, message: int, is_attempt: bool) -> Worker:
    """What is found is written before anything else is begun, and the mark stays: there may be more."""
    if is_attempt and Guard.ATTEMPT not in town.guards:
        step = max(town.plan(worker.version, worker.talk), 0)
    talk = town.settled(worker.talk, step, message)
    must = worker.must and Guard.LOOK_ON in town.guards
    if Guard.SAVED not in town.guards:
        return _planned(town, state, worker._replace(talk=talk, must=False))
    return worker._replace(phase="settle", must=must, out=(talk, -1, True))


def _begin(town: Town, state: State, n: int) -> Iterator[Move]:
    worker = state.workers[n]
    if not owns(town, state, worker):
        yield f"worker {n} is refused: another owns it", placed(state, n, NOTHING)
        return
    if state.conv.token != worker.token:
        raise Violation(f"worker {n} began with a stale token")
    what = town.steps[worker.step].reason
    after = placed(begun(state, worker, worker.step), n, worker._replace(phase="call"))
    yield f"worker {n} begins: {what}", after


# ---- the chat -----------------------------------------------------------------------------------------------------------


def _call(town: Town, state: State, n: int) -> Iterator[Move]:
    worker = state.workers[n]
    if not worker.fresh and Guard.STALENESS in town.guards:
        yield f"worker {n} is too late to send", placed(state, n, NOTHING)
        return
    if has(state, "down"):
        later = worker._replace(phase="settle", out=(worker.talk, -1, True))
        yield f"the chat is away from worker {n}", placed(spent(state, "down"), n, later)
    if town.steps[worker.step].kind is StepKind.EDIT:
        yield from _edit(town, state, n)
    else:
        yield from _post(town, state, n)


def _post(town: Town, state: State, n: int) -> Iterator[Move]:
    worker = state.workers[n]
    message = town.message(state, worker.talk, worker.step)
    if message.thread >= 0 and not any(m.id == message.thread for m in state.chat):
        yield f"worker {n} meets a headline that is gone", placed(state, n, _gone(town, worker))
        return
    numbered = state._replace(posted=state.posted + 1)
    shown = numbered._replace(chat=(*state.chat, message))
    talk = town.settled(worker.talk, worker.step, message.id)
    yield f"worker {n} posts", placed(shown, n, worker._replace(phase="settle", out=(talk, -1, True)))
    doubt = worker._replace(phase="settle", out=(worker.talk, worker.step, True))
    if has(state, "lost"):
        yield f"worker {n} posts, and the reply is lost", placed(spent(shown, "lost"), n, doubt)
    if has(state, "late"):
        under_way = spent(numbered, "late")._replace(late=(*state.late, message))
        yield f"worker {n} posts, gives up, and it is still under way", placed(under_way, n, doubt)
    if has(state, "crash"):
        yield f"worker {n} posts and dies", placed(spent(shown, "crash"), n, NOTHING)


def _edit(town: Town, state: State, n: int) -> Iterator[Move]:
    worker = state.workers[n]
    target, step = town.target(worker.talk, worker.step), town.steps[worker.step]
    message = next((m for m in state.chat if m.id == target), None)
    if message is None:
        yield f"worker {n} meets a message that is gone", placed(state, n, _gone(town, worker))
        return
    newer = message._replace(digest=step.digest, shows=step.shows or (*message.shows, *step.updates))
    shown = state._replace(chat=tuple(newer if m.id == target else m for m in state.chat))
    talk = town.settled(worker.talk, worker.step, target)
    talk = talk if state.late or not message.is_headline else town.certain(talk)
    yield f"worker {n} edits", placed(shown, n, worker._replace(phase="settle", out=(talk, -1, True)))
    again = worker._replace(phase="settle", out=(worker.talk, -1, True))
    if has(state, "lost"):
        yield f"worker {n} edits, and the reply is lost", placed(spent(shown, "lost"), n, again)
    if has(state, "late_edit"):
        under_way = spent(state, "late_edit")._replace(late=(*state.late, newer))
        doubt = again._replace(out=(town.doubtful(worker.talk), -1, True))
        yield f"worker {n} edits, gives up, and it is still under way", placed(under_way, n, doubt)
    if has(state, "crash"):
        yield f"worker {n} edits and dies", placed(spent(shown, "crash"), n, NOTHING)


def _gone(town: Town, worker: Worker) -> Worker:
    healed = town.healed(worker.talk, worker.step)
    if healed < 0 and town.steps[worker.step].kind is StepKind.EDIT:
        healed = town.settled(worker.talk, worker.step, -1)
        healed = town.certain(healed) if town.steps[worker.step].is_headline else healed
    return worker._replace(phase="settle", out=(healed if healed >= 0 else worker.talk, -1, True))


def _arrivals(state: State) -> Iterator[Move]:
    """What was under way arrives."""
    for at, message in enumerate(state.late):
        rest = (*state.late[:at], *state.late[at + 1 :])
        changed = tuple(message if m.id == message.id else m for m in state.chat)
        is_edit = any(m.id == message.id for m in state.chat)
        chat = changed if is_edit else (*state.chat, message)
        yield "what was under way arrives", state._replace(chat=chat, late=rest)


def _people(state: State) -> Iterator[Move]:
    """Somebody deletes a message."""
    if has(state, "delete"):
        for message in state.chat:
            chat = tuple(m for m in state.chat if m is not message)
            after = spent(state, "delete")._replace(chat=chat, deleted=(*state.deleted, message))
            yield f"somebody deletes message {message.id}", after
