"""Keeps the projections of a service up to date: one batch of the sealed log and its cursor in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.seedwork.clock import from_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from services.seedwork.store import reading
from services.seedwork.store.batch import Statement
from services.seedwork.store.drivers import Driver
from services.seedwork.store.errors import Conflict
from services.seedwork.store.executor import StoreCore, stored
from services.seedwork.store.rendering import Rendered, render
from services.seedwork.store.tables import cursor

BATCH = 500


class Projector:
    """Runs all projections of a service, each at its own cursor. Only the leader runs it."""

    def __init__(self, core: StoreCore, driver: Driver, projections: Iterable[Projection]) -> None:
        self._core = core
        self._driver = driver
        self._projections = tuple(projections)
        self._rendered: dict[Any, Rendered] = {}

    def step(self) -> bool:
        """One batch of each; whether there may be more. One that fails does not hold up the others."""
        more, failures = False, []
        for projection in self._projections:
            try:
                more = self._advance(projection) or more
            except Exception as error:  # noqa: BLE001 - raised below, once the others have had their turn
                failures.append(error)
        if failures:
            raise failures[0]
        return more

    def lag(self) -> int:
        """How many events the slowest projection is behind."""
        database = self._driver.database
        tail = reading.tail(database)
        return max((tail - reading.cursor_of(database, cursor_name(p)) for p in self._projections), default=0)

    def _advance(self, projection: Projection) -> bool:
        database = self._driver.database
        piece = reading.next_range(database, cursor_name(projection), BATCH)
        if piece.empty:
            return False
        statements = [
            self._statement(operation)
            for recorded in self._recorded(piece)
            for operation in projection.project(recorded)
        ]
        if piece.after == 0:  # a new projection, or a raised version: nothing of before may stand
            statements = [*self._emptied(projection), *statements]
        try:
            database.write([*statements, reading.advance(database, cursor_name(projection), piece)])
        except Conflict:  # another leader overlapped: its batch counts
            return True
        return True

    def _recorded(self, piece: reading.Range) -> list[Recorded]:
        mapper = self._core.mapper
        rows = [
            (index, row, mapper.parsed(stored(row))) for index, row in reading.events_in(self._driver.database, piece)
        ]
        names = {name for _, _, sealed in rows for name in sealed.keys_wanted()}
        keys = self._driver.run(self._core.keyring.fetch(names)) if names else {}
        recorded = []
        for log_index, row, sealed in rows:
            fact = sealed.opened(keys)
            moment = from_micros(row.recorded_at)
            actor, digest = fact.meta.actor, bytes(row.hash)
            recorded.append(Recorded(log_index, row.stream_id, row.version, fact.event, moment, actor, digest))
        return recorded

    def _statement(self, operation: Operation) -> Statement:
        match operation:
            case Put(table, row):
                key, values = ("put", table.name, *row), row
            case Amend(table, where, values):
                return self._amend(operation)
            case Remove(table, where):
                key, values = ("remove", table.name, *where), {f"w_{name}": value for name, value in where.items()}
        rendered = self._once(key, lambda: self._build(operation))
        return rendered.bind(values)

    def _amend(self, operation: Amend) -> Statement:
        table = operation.table
        plain = {n: v for n, v in operation.values.items() if not isinstance(v, sa.ClauseElement)}
        computed = {n: v for n, v in operation.values.items() if isinstance(v, sa.ClauseElement)}

        def build() -> sa.ClauseElement:
            values = {n: sa.bindparam(f"v_{n}", type_=table.c[n].type) for n in plain}
            return sa.update(table).values({**values, **computed}).where(*_matching(table, operation.where))

        parameters = {f"v_{n}": v for n, v in plain.items()} | {f"w_{n}": v for n, v in operation.where.items()}
        if computed:
            return self._render(build()).bind(parameters)
        key = ("amend", table.name, *plain, "where", *operation.where)
        return self._once(key, build).bind(parameters)

    def _build(self, operation: Put | Amend | Remove) -> sa.ClauseElement:
        if isinstance(operation, Remove):
            return sa.delete(operation.table).where(*_matching(operation.table, operation.where))
        assert isinstance(operation, Put)  # noqa: S101 - amendments are built where their values are told apart
        table, row = operation.table, operation.row
        insert: Any = (postgresql if self._driver.database.is_postgresql else sqlite).insert(table)
        insert = insert.values({name: sa.bindparam(name, type_=table.c[name].type) for name in row})
        changed = {name: insert.excluded[name] for name in row if not table.c[name].primary_key}
        primary = list(table.primary_key.columns)
        built: sa.ClauseElement = (
            insert.on_conflict_do_update(index_elements=primary, set_=changed)
            if changed
            else insert.on_conflict_do_nothing(index_elements=primary)
        )
        return built

    def _once(self, key: Any, build: Callable[[], sa.ClauseElement]) -> Rendered:
        if key not in self._rendered:
            self._rendered[key] = self._render(build())
        return self._rendered[key]

    def _render(self, statement: sa.ClauseElement) -> Rendered:
        return render(statement, is_postgresql=self._driver.database.is_postgresql)

    def rebuild(self, projection: Projection) -> None:
        """From event one: empties the tables and goes back to the start, in one transaction; steps do the rest."""
        name = cursor_name(projection)
        reading.cursor_of(self._driver.database, name)
        back = sa.update(cursor).values(log_index=0).where(cursor.c.name == name)
        self._driver.database.write([*self._emptied(projection), self._render(back).bind()])

    def _emptied(self, projection: Projection) -> list[Statement]:
        return [self._render(sa.delete(table)).bind() for table in reversed(projection.tables)]


def cursor_name(projection: Projection) -> str:
    """A raised version has a cursor of its own, so it starts at event one."""
    return f"projection:{projection.name}:{projection.version}"


def live_index(projection: str) -> sa.ScalarSelect[Any]:
    """The log index that the rows of a projection show, whichever its version."""
    return sa.select(sa.func.max(cursor.c.log_index)).where(_of(projection)).scalar_subquery()


def _of(projection: str) -> sa.ColumnElement[bool]:
    return cursor.c.name.startswith(f"projection:{projection}:", autoescape=True)


def _matching(table: sa.Table, where: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == sa.bindparam(f"w_{name}", type_=table.c[name].type) for name in where]
