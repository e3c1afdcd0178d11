"""A store in dictionaries: runs use cases, tells public events, fires timers and fills read models of one service.

It keeps no gate and no conflict; those belong to the real store and its tests. What it does keep is the truth about one
use case after the other, so that a test can speak in commands and events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import StaticPool

from contracts.envelope import GENESIS, Envelope, IntegrationEvent
from services.seedwork.clock import to_micros
from services.seedwork.composition import Happened, Service
from services.seedwork.model import DomainEvent, Ids, Loaded, StreamRef
from services.seedwork.policies import DEFAULT_JURISDICTION
from services.seedwork.ports import Check, Freshness, Outcome
from services.seedwork.projection import Amend, Operation, Put, Recorded, Remove
from services.seedwork.signing.trust import NOBODY, Trust
from services.seedwork.store import tables as kernel
from services.seedwork.usecase import Actor, Ask, Decision, Find, Load, Moment, UseCase


class RandomIds:
    def new(self) -> UUID:
        return uuid4()


@dataclass
class StoreInMemory:
    """One service with a clock that the test moves. Offers what an api needs of its runtime, too."""

    service: Service
    time: datetime
    streams: dict[UUID, list[DomainEvent]] = field(default_factory=dict)
    refs: dict[UUID, StreamRef[Any]] = field(default_factory=dict)
    told: list[IntegrationEvent] = field(default_factory=list)
    log: list[Recorded] = field(default_factory=list)
    ids: Ids = field(default_factory=RandomIds)
    jurisdiction: str = DEFAULT_JURISDICTION
    trust: Trust = NOBODY
    lists_lag: bool = False
    """Read models stay as they are: what has happened since is not in them."""

    def __post_init__(self) -> None:
        self._projected = 0
        self.engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        if self.service.metadata is not None:
            self.service.metadata.create_all(self.engine)
        asked_for = [kernel.log, kernel.cursor, kernel.webhook_progress, kernel.webhook_delivery]
        kernel.METADATA.create_all(self.engine, tables=asked_for)

    @property
    def log_index(self) -> int:
        """Of the last event."""
        return len(self.log)

    def state(self, ref: StreamRef[Any]) -> Any:
        return self.loaded(ref).state

    def loaded(self, ref: StreamRef[Any]) -> Loaded[Any]:
        events = self.streams.get(ref.stream_id, [])
        return Loaded(ref, len(events), ref.aggregate.fold(events))

    def run(self, use_case: UseCase, actor: Actor | None = None) -> Outcome:
        """Decides once and keeps what was decided."""
        who = actor or Actor.service(self.service.name)
        moment = Moment(self.time, self.ids, who, self.jurisdiction, self.trust)
        loaded = [self.loaded(ref) for ref in (*use_case.streams, *use_case.relaxed)]
        deciding = use_case.decide(moment, *loaded)
        decision = deciding if isinstance(deciding, Decision) else self._grant(deciding)
        changed = [change.loaded.stream_id for change in decision.changes]
        assert len(changed) == len(set(changed)), "a stream stands once in a decision"
        for change in decision.changes:
            self._append(change.loaded, change.events, moment.actor)
        return Outcome(decision.answer.status, decision.answer.body, refusal=decision.refusal)

    def react(self, event: IntegrationEvent, occurred_at: datetime | None = None) -> Outcome:
        """The reaction to a public event of another service."""
        arrived = type(event).model_validate_json(event.model_dump_json())
        return self.run(self.service.react[type(event)](arrived, enveloped(event, occurred_at or self.time)))

    def move_clock(self, by: timedelta) -> None:
        """Moves the clock on and fires the timers that are due by then."""
        self.time += by
        for stream_id, ref in list(self.refs.items()):
            for kind, due in ref.aggregate.next_due(self.state(ref)).items():
                if due <= self.time:
                    self.run(self.service.timers[ref.aggregate.name, kind](stream_id))

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a registered query, with all that has happened in them."""
        statement = next(p.queries[query] for p in self.service.projections if query in p.queries)
        self._project()
        with self.engine.connect() as connection:
            rows = connection.execute(statement, parameters).mappings()
            return [{str(name): value for name, value in row.items()} for row in rows]

    def rebuild(self) -> None:
        """The log is projected again, from its first event."""
        self._projected = 0

    def told_of(self, event: type[IntegrationEvent]) -> list[Any]:
        return [each for each in self.told if isinstance(each, event)]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def load(self, *refs: StreamRef[Any]) -> tuple[Loaded[Any], ...]:
        return tuple(self.loaded(ref) for ref in refs)

    async def find(self, query: str, **parameters: Any) -> Sequence[Mapping[str, Any]]:
        return self.rows(query, **parameters)

    async def now(self) -> datetime:
        return self.time

    async def execute(self, use_case: UseCase, *, actor: Actor, **_trace: Any) -> Outcome:
        return self.run(use_case, actor)

    async def caught_up(self, _query: str, **_asked: Any) -> Freshness:
        return Freshness(self.log_index, 0.0)

    def readiness(self) -> Sequence[Check]:
        return []

    def _grant(self, deciding: Any) -> Decision:
        try:
            wish = next(deciding)
            while True:
                wish = deciding.send(self._granted(wish))
        except StopIteration as stop:
            decision: Decision = stop.value
            return decision

    def _granted(self, wish: Load | Find | Ask) -> Any:
        if isinstance(wish, Ask):
            return wish.call()
        if isinstance(wish, Load):
            return tuple(self.loaded(ref) for ref in wish.refs)
        return self.rows(wish.query, **wish.parameters)

    def _append(self, loaded: Loaded[Any], events: Sequence[DomainEvent], actor: Actor) -> None:
        state, stream_id = loaded.state, loaded.stream_id
        stream = self.streams.setdefault(stream_id, [])
        assert len(stream) == loaded.version, "decided over what is no longer there"
        self.refs[stream_id] = loaded.ref
        for event in events:
            reread = type(event).model_validate_json(event.model_dump_json())
            assert reread == event, "an event must survive being stored"
            after = loaded.ref.aggregate.evolve(state, reread)
            tell = self.service.translate.get(type(event), lambda _happened: ())
            self.told.extend(tell(Happened(reread, state, after, stream_id)))
            stream.append(reread)
            log_index = self.log_index + 1
            self.log.append(Recorded(log_index, stream_id, len(stream), reread, self.time, actor.recorded_as))
            state = after

    def _project(self) -> None:
        if self.lists_lag:
            return
        new, self._projected = self.log[self._projected :], len(self.log)
        with self.engine.begin() as connection:
            sealed_at = to_micros(self.time)
            for recorded in new:
                index = recorded.log_index
                row = {"log_index": index, "position": index, "sealed_at": sealed_at}
                connection.execute(insert(kernel.log).values(row).on_conflict_do_nothing())
                for projection in self.service.projections:
                    for operation in projection.project(recorded):
                        assert operation.table in projection.tables
                        connection.execute(_statement(operation))
            for projection in self.service.projections:
                name = f"projection:{projection.name}:{projection.version}"
                connection.execute(_statement(Put(kernel.cursor, {"name": name, "log_index": len(self.log)})))


def enveloped(event: IntegrationEvent, occurred_at: datetime) -> Envelope:
    """The event as it would arrive."""
    body = {
        "occurred_at": occurred_at,
        "recorded_at": occurred_at,
        "actor": "test",
        "correlation_id": "test",
        "causation_id": "test",
        "data": event.model_dump(mode="json"),
    }
    text = orjson.dumps(body).decode()
    return Envelope("test", event.FAMILY, event.TYPE, UUID(int=1), 1, GENESIS, GENESIS, 1, 1, text)


def _statement(operation: Operation) -> Any:
    table = operation.table
    if isinstance(operation, Put):
        row = dict(operation.row)
        statement = insert(table).values(row)
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=row)
    if isinstance(operation, Amend):
        return sa.update(table).where(*_matching(table, operation.where)).values(dict(operation.values))
    assert isinstance(operation, Remove)
    return sa.delete(table).where(*_matching(table, operation.where))


def _matching(table: sa.Table, where: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in where.items()]
