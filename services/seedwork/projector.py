"""Keeps the projections of a service up to date: one batch of the sealed log and its cursor in one transaction.

The name of a projection's cursor holds the version its tables are of. Where that is an older one, the projection is
rebuilt into shadow tables with a cursor of their own; readers see the rows of before until the last batch, in whose
transaction the shadows take the tables' place. A rebuild that is interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.seedwork.clock import from_micros
from services.seedwork.projection import Amend, Operation, Projection, Put, Recorded, Remove
from services.seedwork.shadow import Shadow
from services.seedwork.store import reading
from services.seedwork.store.batch import EventRow, Statement
from services.seedwork.store.drivers import Database, Driver
from services.seedwork.store.errors import Conflict
from services.seedwork.store.executor import StoreCore, stored
from services.seedwork.store.rendering import Rendered, render
from services.seedwork.store.tables import cursor
from services.seedwork.turns import in_turns

BATCH = 500
OLDEST = 0
"""Older than the version of any projection."""


class Projector:
    """Runs all projections of a service, each at its own cursor. Only the leader runs it."""

    def __init__(self, core: StoreCore, driver: Driver, projections: Iterable[Projection]) -> None:
        self._core = core
        self._driver = driver
        self._projections = tuple(projections)
        self._rendered: dict[Any, Rendered] = {}
        self._opened: dict[int, Recorded] = {}
        """The events of this step, by log index: most projections stand at the same place and read the same ones."""

    def step(self) -> bool:
        """One batch of each; whether there may be more. One that fails does not hold up the others."""
        more, failures = False, []
        for projection in self._projections:
            try:
                more = self._advance(projection) or more
            except Exception as error:  # noqa: BLE001 - raised below, once the others have had their turn
                failures.append(error)
        self._opened.clear()
        if failures:
            raise failures[0]
        return more

    def lag(self) -> int:
        """How many events the slowest projection is behind."""
        database = self._driver.database
        tail = reading.tail(database)
        shown = [max((index for _, index in self._live(p)), default=0) for p in self._projections]
        return tail - min(shown, default=tail)

    def _advance(self, projection: Projection) -> bool:
        database = self._driver.database
        try:
            following = reading.next_events(database, cursor_name(projection), BATCH)
            if following is None:
                return self._renew(projection)
            piece, rows = following
            if piece.empty:
                return False
            operations = [self._statement(operation) for operation in self._operations(projection, rows)]
            database.write([reading.advance(database, cursor_name(projection), piece), *operations])
        except Conflict:  # another leader overlapped: its batch counts
            return True
        return True

    def _renew(self, projection: Projection) -> bool:
        """Tables of this version do not stand yet: the first of all are filled where they are, others are replaced."""
        database = self._driver.database
        live = self._live(projection)
        if not live:
            reading.cursor_of(database, cursor_name(projection))
            return self._advance(projection)
        newest = max(version for version, _ in live)
        if newest > projection.version:
            raise NewerTables(f"{projection.name} is of version {newest} and this code knows {projection.version}")
        following = reading.next_events(database, _shadow_cursor(projection), BATCH)
        if following is None:
            self._begin(projection)
        else:
            self._rebuild(projection, *following)
        return True

    def _begin(self, projection: Projection) -> None:
        name = _shadow_cursor(projection)
        opened = sa.insert(cursor).values(name=name, log_index=0)
        others = sa.delete(cursor).where(_rebuilding(projection), cursor.c.name != name)
        # the cursor before the tables: of two leaders one makes them, the other fails on its uniqueness
        cursors = [self._render(each).bind() for each in (others, opened)]
        self._driver.database.write([*cursors, *self._shadow(projection).create()])

    def _rebuild(self, projection: Projection, piece: reading.Range, rows: Iterable[tuple[int, EventRow]]) -> None:
        database, shadow = self._driver.database, self._shadow(projection)
        operations = [self._statement(shadow.redirect(each)) for each in self._operations(projection, rows)]
        statements = [reading.advance(database, _shadow_cursor(projection), piece), *operations]
        if piece.upto - piece.after < BATCH:  # it has reached the end of the log
            gone = sa.delete(cursor).where(sa.or_(_of(projection.name), _rebuilding(projection)))
            live = sa.insert(cursor).values(name=cursor_name(projection), log_index=piece.upto)
            statements += [*shadow.take_place(), self._render(gone).bind(), self._render(live).bind()]
        database.write(statements)

    def _operations(self, projection: Projection, rows: Iterable[tuple[int, EventRow]]) -> Iterator[Operation]:
        for recorded in in_turns(self._recorded(rows)):
            yield from projection.project(recorded)

    def _live(self, projection: Projection) -> list[tuple[int, int]]:
        """The version the tables are of and the log index they show; empty before the first batch."""
        rows = self._driver.database.rows(self._render(sa.select(cursor).where(_of(projection.name))).bind())
        return [(int(name.rpartition(":")[2]), index) for name, index in rows]

    def _shadow(self, projection: Projection) -> Shadow:
        return Shadow(projection, is_postgresql=self._driver.database.is_postgresql)

    def _recorded(self, rows: Iterable[tuple[int, EventRow]]) -> list[Recorded]:
        wanted = dict(rows)
        self._open([(index, row) for index, row in wanted.items() if index not in self._opened])
        return [self._opened[index] for index in wanted]

    def _open(self, rows: Iterable[tuple[int, EventRow]]) -> None:
        mapper = self._core.mapper
        parsed = [(index, row, mapper.parsed(stored(row))) for index, row in in_turns(rows)]
        names = {name for _, _, sealed in parsed for name in sealed.keys_wanted()}
        keys = self._driver.run(self._core.keyring.fetch(names)) if names else {}
        for log_index, row, sealed in in_turns(parsed):
            fact = sealed.opened(keys)
            moment = from_micros(row.recorded_at)
            actor, digest = fact.meta.actor, bytes(row.hash)
            recorded = Recorded(log_index, row.stream_id, row.version, fact.event, moment, actor, digest)
            self._opened[log_index] = recorded

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


class NewerTables(RuntimeError):  # noqa: N818
    """Newer code has rebuilt the tables: in a rolling update the older one leaves them alone."""


def ask_for_rebuild(database: Database, projection: Projection) -> None:
    """From event one, by the leader, who finds the tables called older than any version."""
    outdated = sa.update(cursor).values(name=f"projection:{projection.name}:{OLDEST}").where(_of(projection.name))
    anew = sa.delete(cursor).where(_rebuilding(projection))
    statements = (render(each, is_postgresql=database.is_postgresql) for each in (outdated, anew))
    database.write([each.bind() for each in statements])


def cursor_name(projection: Projection) -> str:
    """Of the rows that readers see, once they are of this version."""
    return f"projection:{projection.name}:{projection.version}"


def _shadow_cursor(projection: Projection) -> str:
    return f"rebuild:{projection.name}:{projection.version}"


def _rebuilding(projection: Projection) -> sa.ColumnElement[bool]:
    return cursor.c.name.startswith(f"rebuild:{projection.name}:", autoescape=True)


def live_index(projection: str) -> sa.ScalarSelect[Any]:
    """The log index that the rows of a projection show, whichever its version."""
    return sa.select(sa.func.max(cursor.c.log_index)).where(_of(projection)).scalar_subquery()


def _of(projection: str) -> sa.ColumnElement[bool]:
    return cursor.c.name.startswith(f"projection:{projection}:", autoescape=True)


def _matching(table: sa.Table, where: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == sa.bindparam(f"w_{name}", type_=table.c[name].type) for name in where]
