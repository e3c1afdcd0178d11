"""The executor's logic: look up, load, decide, save in one statement, and decide again after a lost race.

It is a generator of requests (`services.seedwork.store.requests`), so the async api, the green worker and the
simulation run the very same lines; `services.seedwork.store.drivers` answers the requests.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.seedwork.failures import KeyReused, OutcomeUnknown, Overloaded, PersistentConflict
from services.seedwork.model import Loaded, StreamRef
from services.seedwork.store.batch import IdempotencyKey, KeptAnswer, Wanted
from services.seedwork.store.desk import Desk, find
from services.seedwork.store.errors import Conflict, ConnectionLost, Unavailable
from services.seedwork.store.mapper import stored
from services.seedwork.store.requests import Enter, LoadStreams, Pause, Request, Save
from services.seedwork.store.work import Context, Gate, Incoming, Member, Outcome, StoreCore, Work
from services.seedwork.usecase import UseCase

__all__ = [
    "Context",
    "Gate",
    "Incoming",
    "Member",
    "Outcome",
    "StoreCore",
    "Work",
    "find",
    "load",
    "perform",
    "perform_all",
    "stored",
]

TRIES_MAX = 8
PAUSE_SECONDS = 0.01
PAUSE_SECONDS_MAX = 0.5


def perform(core: StoreCore, work: Work) -> Generator[Request, Any, Outcome]:
    """One use case to its end."""
    outcomes = yield from perform_all(core, (work,))
    return outcomes[0]


def perform_all(core: StoreCore, works: Sequence[Work | Member]) -> Generator[Request, Any, Sequence[Outcome]]:
    """Several use cases in one save, and those that members of it make together: all of them take effect or none.

    Raises the failures of `services.seedwork.failures`; whatever a decide function raises passes through.
    """
    yield Enter(_contended(works))
    lost = False
    for attempt in range(TRIES_MAX):
        if attempt:
            yield Pause(core.random.uniform(0, min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * 2**attempt)))
        try:
            return (yield from _attempt(core, works))
        except Conflict:
            lost = False
        except ConnectionLost:
            lost = True  # the next look-up tells what became of it: the key or the inbox
        except Unavailable as error:
            if lost:
                raise OutcomeUnknown(str(error)) from error
            raise Overloaded(str(error)) from error
    raise OutcomeUnknown("the connection kept breaking") if lost else PersistentConflict("lost every race")


def load(core: StoreCore, refs: Sequence[StreamRef[Any]]) -> Generator[Request, Any, Sequence[Loaded[Any]]]:
    """Aggregates as they are now, for a query."""
    desk = Desk(core, 1)
    yield from desk.look(refs)
    return [desk.tracked[ref.stream_id].loaded() for ref in refs]


def _contended(works: Sequence[Work | Member]) -> tuple[UUID, ...]:
    use_cases = [work.use_case for work in works if isinstance(work, Work)]
    return tuple(
        sorted({ref.stream_id for use_case in use_cases for ref in use_case.streams if not ref.aggregate.cached})
    )


def _attempt(core: StoreCore, works: Sequence[Work | Member]) -> Generator[Request, Any, Sequence[Outcome]]:
    desk = Desk(core, len(works))
    lots = _lots(works)
    use_cases = [work.use_case for work in works if isinstance(work, Work)]
    refs = [ref for use_case in use_cases for ref in (*use_case.streams, *use_case.relaxed)]
    refs += [ref for lot in lots for ref in lot.streams()]
    key = works[0].context.idempotency if len(works) == 1 and isinstance(works[0], Work) else None
    yield from desk.look(refs, key, [work.incoming for work in works if work.incoming])
    if key and desk.kept:
        return [(yield from _replay(core, key, desk.kept))]
    # all gates first: what is decided together may stand between others of the same streams
    gates = [desk.passed(work.incoming) for work in works]
    outcomes = [Outcome(status=200, gate=gate) for gate in gates]
    for number, work in enumerate(works):
        if gates[number] is not Gate.NEXT or not isinstance(work, Work):
            continue
        if number:
            yield Pause(0)  # a batch is long: the others of the process have a turn
        outcomes[number] = yield from desk.settle(work)
    for lot in lots:
        passed = [number for number in lot.members if gates[number] is Gate.NEXT]
        if passed:
            outcome = yield from desk.settle(lot.work(passed))
            for number in passed:
                outcomes[number] = outcome
    if key and outcomes[0].refusal:
        # somebody else's twin may have succeeded since: a repeat must get the first answer, not "already held"
        kept = (yield LoadStreams(Wanted(idempotency=key))).kept
        if kept:
            return [(yield from _replay(core, key, kept))]
    batch = desk.batch()
    if batch.events or batch.gates or batch.idempotency or batch.timers:
        try:
            positions = yield Save(batch)
        except ConnectionLost as error:
            if not _looked_up(works):
                raise OutcomeUnknown(
                    "the connection broke while saving, and nothing tells what became of it"
                ) from error
            raise
        if len(outcomes) == 1 and positions:
            outcomes = [replace(outcomes[0], position=max(positions))]
        for tracked in desk.changed():
            core.cache.keep(tracked)
    return outcomes


def _looked_up(works: Sequence[Work | Member]) -> bool:
    """Whether the next attempt learns what became of this one: by a key or the inbox. The clock has neither: its
    deadline stands or does not, and tried again at once it might take the step after the one that it has taken."""
    return all(work.incoming or (isinstance(work, Work) and work.context.idempotency) for work in works)


class Lot:
    """The members of a batch that are decided together, by their numbers in it."""

    def __init__(self, together: Callable[[Sequence[Any]], UseCase], members: dict[int, Member]) -> None:
        self._together, self.members = together, members
        self._whole: UseCase | None = None
        with suppress(Exception):  # raised in its turn, behind the gates: an early one is not to blame yet
            self._whole = together([member.told for member in members.values()])

    def streams(self) -> Sequence[StreamRef[Any]]:
        """Those that are most probably needed."""
        return (*self._whole.streams, *self._whole.relaxed) if self._whole else ()

    def work(self, passed: Sequence[int]) -> Work:
        """Of those that have passed their gates, in the name of the first one."""
        whole = self._whole if len(passed) == len(self.members) else None
        use_case = whole or self._together([self.members[number].told for number in passed])
        return Work(use_case, self.members[passed[0]].context())


def _lots(works: Sequence[Work | Member]) -> list[Lot]:
    found: dict[Callable[[Sequence[Any]], UseCase], dict[int, Member]] = {}
    for number, work in enumerate(works):
        if isinstance(work, Member):
            found.setdefault(work.together, {})[number] = work
    return [Lot(together, members) for together, members in found.items()]


def _replay(core: StoreCore, key: IdempotencyKey, kept: KeptAnswer) -> Generator[Request, Any, Outcome]:
    if bytes(kept.body_sha256) != key.body_sha256:
        raise KeyReused(key.key)
    return (yield from core.open_answer(key, kept))
