"""One attempt at one or more use cases: what was read, what was decided, and the rows of it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import CATALOGUE
from services.seedwork.clock import from_micros
from services.seedwork.failures import StoreRestored
from services.seedwork.model import StreamRef
from services.seedwork.store.batch import (
    Batch,
    Found,
    IdempotencyGate,
    IdempotencyKey,
    InboxGate,
    KeptAnswer,
    Wanted,
)
from services.seedwork.store.mapper import stored
from services.seedwork.store.requests import Call, LoadStreams, Request, Rows
from services.seedwork.store.sealing import KeyName
from services.seedwork.store.tracking import Tracked
from services.seedwork.store.work import Context, Gate, Incoming, Outcome, StoreCore, Work
from services.seedwork.store.writing import Rows as NewRows
from services.seedwork.store.writing import keys_wanted, tell
from services.seedwork.usecase import STREAMS_PER_USE_CASE_MAX, Answer, Ask, Decision, Find, Load, Moment

ANSWER_KEPT_MICROS = timedelta(days=3) // timedelta(microseconds=1)

Logic = Generator[Request, Any, Any]


class Desk:
    """One attempt: what was read, and the rows of what was decided."""

    def __init__(self, core: StoreCore, works: int) -> None:
        self.core = core
        self.streams_max = STREAMS_PER_USE_CASE_MAX * works
        self.tracked: dict[UUID, Tracked] = {}
        self.read: dict[UUID, int] = {}
        self.kept: KeptAnswer | None = None
        self.now = 0
        self._inbox: dict[tuple[str, UUID], tuple[int, bytes]] = {}
        self._waiting: set[tuple[str, UUID]] = set()
        self._epochs: dict[str, int] = {}
        self._gates: dict[tuple[str, UUID], InboxGate] = {}
        self._rows = NewRows()
        self._changed: dict[UUID, None] = {}
        self._asserted: dict[UUID, int] = {}
        self._idempotency: IdempotencyGate | None = None
        self._about: dict[UUID, tuple[KeyName, AESGCM]] = {}
        """Whose personal data was read or written, with one key of each."""

    def look(
        self,
        refs: Sequence[StreamRef[Any]],
        key: IdempotencyKey | None = None,
        incoming: Sequence[Incoming] = (),
    ) -> Logic:
        """Reads these streams and gates; streams read before stay as they were."""
        starts = {ref.stream_id: self.core.cache.start(ref) for ref in refs if ref.stream_id not in self.tracked}
        if len(starts) + len(self.tracked) > self.streams_max:
            raise ValueError("a use case touches too many streams: make it a job stream")
        wanted = Wanted(
            {stream_id: start.version for stream_id, start in starts.items()},
            key,
            tuple(dict.fromkeys((each.upstream, each.stream_id) for each in incoming)),
        )
        found: Found = yield LoadStreams(wanted)
        if found.restoring:
            raise StoreRestored
        self.now = self.now or found.now
        self.kept = found.kept
        self._inbox.update(found.inbox)
        self._waiting |= found.waiting
        self._epochs.update(found.epochs)
        mapper = self.core.mapper
        new = {
            stream_id: [(row, mapper.parsed(stored(row))) for row in rows] for stream_id, rows in found.events.items()
        }
        names = {name for rows in new.values() for _, sealed in rows for name in sealed.keys_wanted()}
        keys = yield from self._keys(names)
        for stream_id, start in starts.items():
            tracked = start
            if stream_id in new:
                tracked = start.following([(row, sealed.opened(keys)) for row, sealed in new[stream_id]])
                self.core.cache.keep(tracked)
            self.tracked[stream_id] = tracked
            self.read[stream_id] = tracked.version

    def settle(self, work: Work) -> Generator[Request, Any, Outcome]:
        """Decides one use case, whose gate has let it pass, and gathers its rows."""
        context = work.context
        decision = yield from self._decide(work)
        outcome = _outcome(decision)
        if decision.refusal is None or context.incoming:
            yield from self._gather(decision, context)
            self._note_asserted(work)
        if context.idempotency and (decision.refusal is None or CATALOGUE[decision.refusal.code].final):
            key = context.idempotency
            expires_at = self.now + ANSWER_KEPT_MICROS
            answer = self.core.seal_answer(key, outcome, dict(self._about.values()))
            self._idempotency = IdempotencyGate(key, outcome.status, answer, self.now, expires_at)
        return outcome

    def passed(self, incoming: Incoming | None) -> Gate:
        """What the gate says, once for each; only what comes next passes it."""
        if incoming is None:
            return Gate.NEXT
        place = (incoming.upstream, incoming.stream_id)
        if place in self._waiting:
            return Gate.WAITING
        gate = incoming.gate(self._inbox.get(place), self._epochs.get(incoming.upstream, 0))
        if gate is Gate.NEXT:
            first = self._gates.get(place)
            before = first.before if first else incoming.public_seq - 1
            oldest = min(first.store_epoch, incoming.store_epoch) if first else incoming.store_epoch
            self._gates[place] = InboxGate(*place, before, incoming.public_seq, incoming.hash, oldest)
            self._inbox[place] = (incoming.public_seq, incoming.hash)
        return gate

    def _decide(self, work: Work) -> Generator[Request, Any, Decision]:
        core = self.core
        moment = Moment(from_micros(self.now), core.ids, work.context.actor, core.jurisdiction, core.trust)
        use_case = work.use_case
        refs = (*use_case.streams, *use_case.relaxed)
        yield from self._look_missing(refs)
        loaded = [self.tracked[ref.stream_id].loaded() for ref in refs]
        deciding = use_case.decide(moment, *loaded)
        if isinstance(deciding, Decision):
            return deciding
        try:
            wish = next(deciding)
            while True:
                wish = deciding.send((yield from self._grant(wish)))
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision

    def _grant(self, wish: Load | Find | Ask) -> Logic:
        if isinstance(wish, Ask):
            return (yield Call(wish.call))
        if isinstance(wish, Load):
            yield from self._look_missing(wish.refs)
            return tuple(self.tracked[ref.stream_id].loaded() for ref in wish.refs)
        return (yield from find(self.core, wish.query, wish.parameters))

    def _look_missing(self, refs: Sequence[StreamRef[Any]]) -> Logic:
        missing = [ref for ref in refs if ref.stream_id not in self.tracked]
        if missing:
            yield from self.look(missing)

    def _gather(self, decision: Decision, context: Context) -> Logic:
        for change in decision.changes:
            if not change.events:
                continue
            stream_id = change.loaded.stream_id
            tracked = self.tracked[stream_id]
            told = tell(self.core.service, tracked, change.events)
            names = keys_wanted(told)
            keys = yield from self._keys(names, create=True)
            self.tracked[stream_id] = self.core.writer.write(
                self._rows, tracked, told, from_micros(self.now), context.cause(), keys
            )
            self._changed[stream_id] = None

    def _keys(self, names: set[KeyName], *, create: bool = False) -> Logic:
        keys = (yield from self.core.keyring.fetch(names, create=create)) if names else {}
        self._about.update({name[0]: (name, key) for name, key in keys.items() if key is not None})
        return keys

    def _note_asserted(self, work: Work) -> None:
        relaxed = {ref.stream_id for ref in work.use_case.relaxed}
        for stream_id, version in self.read.items():
            if stream_id not in relaxed and not self.tracked[stream_id].ref.aggregate.cached:
                self._asserted[stream_id] = version

    def changed(self) -> list[Tracked]:
        """The aggregates as they are after the save."""
        return [self.tracked[stream_id] for stream_id in self._changed]

    def batch(self) -> Batch:
        asserted = {stream: version for stream, version in self._asserted.items() if stream not in self._changed}
        return Batch(
            events=self._rows.events,
            public=self._rows.public,
            timers=list(self._rows.timers.values()),
            gates=list(self._gates.values()),
            idempotency=self._idempotency,
            asserted=asserted if self._rows.events else {},
        )


def find(core: StoreCore, query: str, parameters: Mapping[str, Any]) -> Generator[Request, Any, list[dict[str, Any]]]:
    """The rows of a query that the service's projections registered."""
    rendered = core.queries[query]
    return rendered.read((yield Rows(rendered.bind(parameters))))


def _outcome(decision: Decision) -> Outcome:
    if decision.refusal:
        return Outcome(CATALOGUE[decision.refusal.code].status, refusal=decision.refusal)
    answer: Answer = decision.answer
    return Outcome(answer.status, answer.body)
