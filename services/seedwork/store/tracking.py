"""Aggregates while a use case works on them: folded state, version and the tails of both chains."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.seedwork.model import Loaded, StreamRef
from services.seedwork.store.batch import EventRow
from services.seedwork.store.mapper import GENESIS, Fact

CACHED_STATES_MAX = 20_000
"""Of ordinary size; a large one counts as several."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One aggregate at its version, with the last hash of its event chain and the tail of its public chain."""

    ref: StreamRef[Any]
    version: int
    state: Any
    hash: bytes
    public_seq: int
    public_hash: bytes

    @classmethod
    def empty(cls, ref: StreamRef[Any]) -> Tracked:
        return cls(ref, 0, ref.aggregate.initial, GENESIS, 0, GENESIS)

    def loaded(self) -> Loaded[Any]:
        return Loaded(self.ref, self.version, self.state)

    def following(self, facts: Iterable[tuple[EventRow, Fact]]) -> Tracked:
        """The aggregate after these stored events."""
        version, state, digest = self.version, self.state, self.hash
        public_seq, public_hash = self.public_seq, self.public_hash
        evolve = self.ref.aggregate.evolve
        for row, fact in facts:
            version, state, digest = row.version, evolve(state, fact.event), row.hash
            if fact.meta.public:
                public_seq, public_hash = fact.meta.public_seq, bytes.fromhex(fact.meta.public_hash)
        return Tracked(self.ref, version, state, digest, public_seq, public_hash)


class StateCache:
    """Folded states of aggregates marked `cached`: a load then reads only what is new, so it is never stale."""

    def __init__(self) -> None:
        self._states: OrderedDict[UUID, Tracked] = OrderedDict()
        self._weight = 0

    def start(self, ref: StreamRef[Any]) -> Tracked:
        if not ref.aggregate.cached:
            return Tracked.empty(ref)
        kept = self._states.get(ref.stream_id)
        if kept is None:
            return Tracked.empty(ref)
        self._states.move_to_end(ref.stream_id)
        return kept

    def keep(self, tracked: Tracked) -> None:
        if tracked.ref.aggregate.cached and tracked.version:
            self._weight += _weight(tracked) - _weight(self._states.get(tracked.ref.stream_id))
            self._states[tracked.ref.stream_id] = tracked
            self._states.move_to_end(tracked.ref.stream_id)
            while self._weight > CACHED_STATES_MAX:
                _, oldest = self._states.popitem(last=False)
                self._weight -= _weight(oldest)


def _weight(tracked: Tracked | None) -> int:
    return tracked.ref.aggregate.weight(tracked.state) if tracked else 0
